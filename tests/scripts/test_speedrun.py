"""What `speedrun.py` measures, when it reads the test set, and the table made of its files."""

import dataclasses
import os
import subprocess
import sys

import pytest
import torch

from task3_MNIST.errors import UserError
from task3_MNIST.experiments.speed import files
from task3_MNIST.experiments.speed.rivals import RIVALS, train_epochs
from task3_MNIST.experiments.speed.text import ratio_text, reached_text
from task3_MNIST.experiments.speed.timing import in_fresh_process
from task3_MNIST.experiments.train import load_splits
from task3_MNIST.files import readable_path
from task3_MNIST.models import registry
from task3_MNIST.models.inference import loss_and_accuracy, predict
from task3_MNIST.report.reference.tables import TABLES
from task3_MNIST.runs.files import Provenance
from task3_MNIST.training.recipes import RecipeFile, write_recipe
from tests.helpers.scripts import REPOSITORY, call, refusal, succeeded

PUBLISHED = REPOSITORY / "results" / "reference"


@pytest.fixture
def few_steps(tmp_path):
    """Return the file of a recipe of 55 steps, and what times two runs with it."""
    recipe = tmp_path / "few.json"
    content = RecipeFile("few", "mlp", {"lr": 0.01, "batch_size": 1000, "epochs": 1})
    write_recipe(recipe, content)
    out = tmp_path / "speed" / "linear-few.json"
    given = ("--model", "linear", "--recipe", recipe, "--runs", 2, "--threads", 1, "--out", out)
    return recipe, lambda *more: call("task3_MNIST/speedrun.py", *given, "--device", "cpu", *more)


def test_runs_are_timed_in_turn_with_rivals(few_steps, mnist_dir, tmp_path):
    recipe, speedrun = few_steps
    more = ("--rivals", "dataloader", "in-memory", "--to-accuracy", 0.9, "--first-seed", 10)
    printed = succeeded(speedrun("--data", mnist_dir, *more))
    [found] = files.read_speed_files(tmp_path / "speed", files.Speedrun)
    assert (found.model, found.recipe, found.target, found.first_seed) == ("linear", "few", 0.9, 10)
    assert found.recipe_file == readable_path(recipe)
    assert found.parameters == found.trained_parameters == 7850
    first, second = found.runs
    assert first.test_accuracy != second.test_accuracy  # the seeds differ
    dataloader, in_memory = found.rivals
    for place, run in enumerate(found.runs):
        assert 0 < run.seconds < dataloader.seconds[place]
        assert in_memory.seconds[place] < dataloader.seconds[place]
        assert run.reached == (run.seconds if run.val_accuracy >= 0.9 else None)
        assert 0.88 < run.val_accuracy < 0.95
        assert 0.88 < run.test_accuracy < 0.95
    assert f"pair by pair: {ratio_text(found, in_memory)}" in printed
    assert reached_text("dataloader", dataloader.reached, 0.9) in printed
    # with a target it is in the table of peers
    files.write_speed_file(dataclasses.replace(found, target=None), tmp_path / "speed" / "a.json")
    table = TABLES["speed"](tmp_path)
    assert f"| {ratio_text(found, dataloader)}: `linear`, dataloader; " in table
    assert f"| CPU: {found.provenance.cpu}, 1 thread |" in table


def test_another_checkout_is_a_rival(few_steps, mnist_dir, tmp_path):
    _, speedrun = few_steps
    other = tmp_path / "other"
    subprocess.run(["git", "clone", "-q", REPOSITORY, other], check=True)
    given = ("--data", mnist_dir, "--checkout", other, "--runs", 1)
    assert "has no environment: clone" in refusal(speedrun(*given), 1)
    (other / ".venv" / "bin").mkdir(parents=True)
    python = other / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    printed = succeeded(speedrun(*given))
    [found] = files.read_speed_files(tmp_path / "speed", files.Speedrun)
    [rival] = found.rivals
    assert f"{rival.name} (with its own environment, all epochs), linear: median" in printed
    assert rival.seconds[0] > 0 and rival.reached == [None]
    (other / "task3_MNIST" / "speedrun.py").write_text("import absent", encoding="utf-8")
    assert "speedrun.py failed: ModuleNotFoundError" in refusal(speedrun(*given), 1)


def test_the_test_set_is_read_after_the_last_run(few_steps, mnist_dir, tmp_path):
    _, speedrun = few_steps
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file in (mnist_dir / "MNIST" / "raw").iterdir():
        readable = file.name.startswith("train-")
        (raw / file.name).write_bytes(file.read_bytes() if readable else b"sealed")
    done = speedrun("--data", tmp_path / "data")
    assert "run 2/2: " in done.stdout
    assert "test" not in done.stdout
    assert "t10k" in refusal(done, 1)


def test_a_fresh_process_is_another_one_with_as_many_threads():
    assert in_fresh_process(os.getpid) != os.getpid()
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        assert in_fresh_process(torch.get_num_threads) == threads + 1
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("name", RIVALS)
def test_rivals_train_on_the_same_images_as_we_do(name, mnist_dir):
    train, val = load_splits("mnist", mnist_dir, torch.device("cpu"))
    make_batches, _ = RIVALS[name]
    batches = make_batches(train, mnist_dir)
    images, labels = next(iter(batches))
    seen = (train.images.flatten(1)[:, None] == images.flatten(1)[0]).all(2).nonzero()[0, 0]
    assert train.labels[seen] == labels[0]
    if name != "in-memory":  # its epochs take seconds
        assert len(batches.dataset) == len(train)
        return
    assert sum(len(part) for _, part in batches) == len(train)
    torch.manual_seed(0)
    model = registry.build("linear")
    assert next(train_epochs(model, batches)) > 0
    _, accuracy = loss_and_accuracy(predict(model, val.images), val.labels)
    assert 0.88 < accuracy < 0.94


def test_the_ratio_is_the_median_of_pairs():
    runs = [files.TimedRun(float(n), None, 0.98, 0.98) for n in (1, 2, 3, 4, 5, 60)]
    rival = files.RivalTimes("in-memory", "", "mlp", [2.0, 4, 6, 8, 10, 60], [None] * 6)
    [speedrun, *_] = files.read_speed_files(PUBLISHED / "speed", files.Speedrun)
    measured = dataclasses.replace(speedrun, runs=runs, rivals=[rival])
    assert ratio_text(measured, rival) == "0.50 [0.50, 1.00], n=6"
    assert reached_text("ours", [None, None], 0.99) == "  ours: 99.00% on validation not reached"
    assert reached_text("ours", [3.0, None], 0.99) == (
        "  ours: 99.00% on validation reached in 1 of 2 runs, median 3.00 s"
    )


@pytest.mark.parametrize("kind", [files.Speedrun, files.Profile])
def test_the_documents_describe_every_key(kind):
    text = (REPOSITORY / "docs" / "run_folder.md").read_text(encoding="utf-8")
    keys = [field.name for of in (kind, Provenance) for field in dataclasses.fields(of)]
    assert [key for key in keys if f"`{key}`" not in text] == []


@pytest.mark.parametrize("kind", [files.Speedrun, files.Profile])
@pytest.mark.parametrize("content", [b'{"model": "mlp"', b'{"model": "mlp"}', b'{"model": "\xff'])
def test_a_damaged_or_older_file_is_named_in_one_line(kind, content, tmp_path):
    path = tmp_path / f"{kind.PREFIX}mlp-fast.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"^.*{path.name} is damaged.*measure again, or delete it$"):
        list(files.read_speed_files(tmp_path, kind))
