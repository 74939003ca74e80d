"""What `speedrun.py` times, prints and writes, and what the README makes of its file."""

import json
import os
import sys

import pytest
import torch

from task3_MNIST import speedrun
from task3_MNIST.datasets.splits import load_test
from task3_MNIST.errors import UserError
from task3_MNIST.experiments.speed.dataloader_baseline import train_usual_epochs
from task3_MNIST.experiments.speed.files import PROFILE, SPEEDRUN, chosen_training, read_speed_files
from task3_MNIST.models import registry
from task3_MNIST.models.inference import loss_and_accuracy, predict
from task3_MNIST.report.reference.tables import TABLES
from task3_MNIST.training.config import TrainConfig
from task3_MNIST.training.recipes import write_recipe
from tests.helpers.scripts import REPOSITORY


def test_an_epoch_of_the_usual_pipeline_trains_the_model(mnist_dir):
    torch.manual_seed(0)
    model = registry.build("linear")
    [seconds] = train_usual_epochs(model, mnist_dir)
    assert seconds > 0
    test = load_test("mnist", mnist_dir)
    _, accuracy = loss_and_accuracy(predict(model, test.images), test.labels)
    assert 0.88 < accuracy < 0.94


def test_a_fresh_process_is_another_one():
    assert speedrun.in_fresh_process(os.getpid) != os.getpid()


@pytest.fixture
def here(monkeypatch, mnist_dir, tmp_path):
    """Return what runs the script in this process, and the list of what it did in others."""
    done = []

    def in_this_process(function, *arguments):
        done.append(function.__name__)
        return function(*arguments)

    def usual(model, data_dir, epochs):
        return [99.0, 2.0 + len(done)][:epochs]  # the first is the warm-up

    monkeypatch.setattr(speedrun, "in_fresh_process", in_this_process)
    monkeypatch.setattr(speedrun, "train_usual_epochs", usual)
    out = tmp_path / "speed" / "linear-fast.json"

    def run(*arguments):
        given = ("--model", "linear", "--threads", 1, "--device", "cpu", "--data", mnist_dir)
        words = map(str, ("speedrun.py", *given, "--out", out, *arguments))
        monkeypatch.setattr(sys, "argv", list(words))
        speedrun.main()
        return json.loads(out.read_text(encoding="utf-8"))

    return run, done


def test_runs_differ_by_their_seed_and_stand_beside_the_usual_epoch(here, capsys, tmp_path):
    run, done = here
    report = run("--runs", 2, "--against")
    # the usual epoch before and after
    assert done == ["usual_epoch", "timed_run", "timed_run", "usual_epoch"]
    assert report["usual_epoch_seconds"] == [3.0, 6.0]
    assert report["usual_model"] == "linear"
    first, second = report["runs"]
    assert first["test_accuracy"] != second["test_accuracy"]
    for one in report["runs"]:
        assert one["seconds"] > 0
        assert 0.88 < one["val_accuracy"] < 0.95
        assert 0.88 < one["test_accuracy"] < 0.95
    ratio = (first["seconds"] + second["seconds"]) / 2 / 4.5
    assert f"one epoch of the usual linear: 4.50 s; ratio {ratio:.2f}" in capsys.readouterr().out
    text = (REPOSITORY / "docs" / "run_folder.md").read_text(encoding="utf-8")
    assert [key for key in report if f"`{key}`" not in text] == []
    assert f"4.50 s of `linear` (3.00, 6.00) | {ratio:.2f} |" in TABLES["speed"](tmp_path)


def test_a_recipe_file_is_timed_under_its_name(here, tmp_path):
    run, _ = here
    path = tmp_path / "mine.json"
    write_recipe(path, "mine", "mlp", {"lr": 0.01, "epochs": 2, "batch_size": 500}, {})
    report = run("--runs", 1, "--recipe", path)
    named = {"model": "linear", "recipe": "mine", "recipe_file": str(path)}
    assert report.items() >= named.items()


def test_a_recipe_file_brings_its_model(tmp_path):
    path = tmp_path / "mine.json"
    write_recipe(path, "mine", "mlp_50_50", {"lr": 0.01}, {})
    options = speedrun.parser().parse_args(["--recipe", str(path)])
    named, config = chosen_training(options, torch.device("cpu"))
    assert (named["model"], config) == ("mlp_50_50", TrainConfig(lr=0.01))


def test_without_against_there_is_no_ratio(here, capsys, tmp_path):
    run, done = here
    report = run("--runs", 1)
    assert done == ["timed_run"]
    assert report["usual_epoch_seconds"] == []
    assert "ratio" not in capsys.readouterr().out
    assert "| 1 | – | – |" in TABLES["speed"](tmp_path)


@pytest.mark.parametrize("kind", [SPEEDRUN, PROFILE])
@pytest.mark.parametrize(
    ("content", "fault"),
    [('{"model": "mlp"', "cannot be read"), ('{"model": "mlp"}', "lacks"), ("7", "cannot be read")],
)
def test_a_damaged_speed_file_is_named_in_one_line(kind, content, fault, tmp_path):
    path = tmp_path / f"{kind}mlp-fast.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=f"{path.name} {fault}.*measure again, or delete it"):
        list(read_speed_files(tmp_path, kind))
