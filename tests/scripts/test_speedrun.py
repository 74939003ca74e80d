"""What `speedrun.py` measures, when it reads the test set, and the table made of its files."""

import dataclasses
import os

import numpy as np
import pytest
import torch

from task3_MNIST.datasets.splits import load_test
from task3_MNIST.errors import UserError
from task3_MNIST.experiments.speed import files
from task3_MNIST.experiments.speed.dataloader_baseline import train_dataloader_epochs
from task3_MNIST.experiments.speed.text import speedrun_text
from task3_MNIST.experiments.speed.timing import in_fresh_process
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


def test_runs_are_timed_next_to_the_dataloader_baseline(few_steps, mnist_dir, tmp_path):
    recipe, speedrun = few_steps
    printed = succeeded(speedrun("--dataloader-baseline", "--data", mnist_dir))
    [found] = files.read_speed_files(tmp_path / "speed", files.Speedrun)
    assert (found.model, found.recipe) == ("linear", "few")
    assert found.recipe_file == readable_path(recipe)
    first, second = found.runs
    assert first.test_accuracy != second.test_accuracy  # the seeds differ
    for run in found.runs:
        assert 0 < run.seconds < min(found.dataloader_epoch_seconds)
        assert 0.88 < run.val_accuracy < 0.95
        assert 0.88 < run.test_accuracy < 0.95

    before, after = found.dataloader_epoch_seconds
    ratio = f"{np.mean([first.seconds, second.seconds]) / np.mean([before, after]):.2f}"
    epoch = f"{np.mean([before, after]):.2f} s"
    assert f"DataLoader baseline with linear: {epoch}; ratio {ratio}" in printed
    table = TABLES["speed"](tmp_path)
    assert f"| {epoch} of `linear` ({before:.2f}, {after:.2f}) | {ratio} |" in table
    assert f"| CPU: {found.provenance.cpu}, 1 thread |" in table


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


def test_an_epoch_of_the_dataloader_baseline_trains_the_model(mnist_dir):
    torch.manual_seed(0)
    model = registry.build("linear")
    train_dataloader_epochs(model, mnist_dir)
    test = load_test("mnist", mnist_dir).normalized()
    _, accuracy = loss_and_accuracy(predict(model, test.images), test.labels)
    assert 0.88 < accuracy < 0.94


def test_published_runs_have_a_ratio_where_the_baseline_was_measured():
    found = list(files.read_speed_files(PUBLISHED / "speed", files.Speedrun))
    assert {run.dataloader_model is None for run in found} == {True, False}
    for run in found:
        assert ("ratio" in speedrun_text(run)) == (run.dataloader_model is not None)
    assert "| NVIDIA H100 80GB HBM3 | 98.47 % " in TABLES["speed"](PUBLISHED)


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
