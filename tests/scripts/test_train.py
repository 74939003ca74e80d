"""The training scripts, called as users call them: files, names, repetition, interruption."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch

from task3_MNIST import profile_step
from task3_MNIST.cli import train as cli
from task3_MNIST.cli.arguments import folder
from task3_MNIST.cli.baselines import baselines_parser
from task3_MNIST.cli.benchmark import benchmark_parser
from task3_MNIST.cli.speedrun import speedrun_parser
from task3_MNIST.cli.train import train_parser
from task3_MNIST.datasets import splits
from task3_MNIST.files import readable_path
from task3_MNIST.runs.provenance import PATH_OPTIONS, typed_at_root
from task3_MNIST.training.recipes import RECIPES, RecipeFile, write_recipe
from tests.helpers.scripts import (
    REPOSITORY,
    SMALL,
    call,
    call_ok,
    command,
    refusal,
    run,
    run_ok,
    start,
)

MLP = "task3_MNIST/train_mlp.py"
CNN = "task3_MNIST/train_cnn.py"


def metrics(folder):
    """Return the lines of a run's metrics without the seconds, which no two runs share."""
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]


def weights(folder):
    """Return the selected weights of a run."""
    return torch.load(folder / "model.pt", weights_only=True)["state_dict"]


def same_weights(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return a results folder with one finished run, and what training it printed."""
    results = tmp_path_factory.mktemp("finished")
    return results, run_ok(MLP, *SMALL, "--epochs", 4, "--keep-epochs", "--results", results)


RUN = "digits/mlp/fast+epochs=4+batch-size=64/seed0"


def test_a_run_folder_holds_every_file_of_the_schema(finished):
    folder = finished[0] / RUN
    for name in (
        *("config.json", "metrics.jsonl", "model.pt", "summary.json", "test.json"),
        *("predictions.npz", "epochs/epoch_0001.pt", "epochs/epoch_0004.pt"),
        *("plots/curves.png", "plots/confusion_matrix.png"),
        *("plots/curves.pdf", "plots/confusion_matrix.pdf"),
    ):
        assert (folder / name).stat().st_size > 0, name
    assert not (folder / "checkpoint.pt").exists()


@pytest.mark.parametrize("name", ["config.json", "summary.json", "test.json"])
def test_the_readme_of_results_names_every_key(finished, name):
    written = json.loads((finished[0] / RUN / name).read_text(encoding="utf-8"))
    text = (REPOSITORY / "docs" / "run_folder.md").read_text(encoding="utf-8")
    section = text.split(f"### `{name}`")[1].split("###")[0]
    assert [key for key in written if f"`{key}`" not in section] == []


def test_metrics_have_a_line_an_epoch_with_the_stated_keys(finished):
    lines = (finished[0] / RUN / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    keys = "epoch lr train_loss train_loss_unsmoothed train_accuracy val_loss val_accuracy seconds"
    assert all(list(row) == keys.split() for row in rows)


def test_the_output_says_accuracy_speed_and_where(finished):
    results, output = finished
    assert "images/s" in output
    assert "test accuracy" in output
    assert "n=1 seed" in output
    assert str(results / RUN) in output


def test_the_test_curve_ends_at_the_test_accuracy(finished):
    test = json.loads((finished[0] / RUN / "test.json").read_text(encoding="utf-8"))
    summary = json.loads((finished[0] / RUN / "summary.json").read_text(encoding="utf-8"))
    kept = {row["epoch"]: row["test_accuracy"] for row in test["epochs"]}
    assert sorted(kept) == [1, 2, 3, 4]
    assert kept[summary["selected_epoch"]] == test["test_accuracy"]


def test_a_complete_run_is_not_trained_again(finished):
    results, _ = finished
    before = (results / RUN / "summary.json").stat().st_mtime_ns
    output = call_ok(MLP, *SMALL, "--epochs", 4, "--results", results)
    assert "complete" in output
    assert "--overwrite" in output
    assert (results / RUN / "summary.json").stat().st_mtime_ns == before


def test_the_same_command_gives_the_same_bits(finished, tmp_path):
    # in this process, after many other tests: nothing may hang on what a process starts with
    call_ok(MLP, *SMALL, "--epochs", 4, "--results", tmp_path)
    assert metrics(tmp_path / RUN) == metrics(finished[0] / RUN)
    assert same_weights(weights(tmp_path / RUN), weights(finished[0] / RUN))


def test_overwrite_trains_again_from_scratch(tmp_path):
    given = (MLP, *SMALL, "--epochs", 2, "--results", tmp_path, "--no-evaluate")
    call_ok(*given)
    folder = next(tmp_path.rglob("summary.json")).parent
    before, written = metrics(folder), (folder / "summary.json").stat().st_mtime_ns
    (folder / "metrics.jsonl").write_text("", encoding="utf-8")
    call_ok(*given, "--overwrite")
    assert metrics(folder) == before
    assert (folder / "summary.json").stat().st_mtime_ns > written


def test_seeds_train_one_run_each_and_differ(tmp_path):
    call_ok(CNN, *SMALL, "--epochs", 1, "--seeds", 3, "--results", tmp_path)
    folders = sorted(path.parent for path in tmp_path.rglob("test.json"))
    assert [folder.name for folder in folders] == ["seed0", "seed1", "seed2"]
    assert len({json.dumps(metrics(folder)) for folder in folders}) == 3
    # others by their numbers; what is complete is not trained again
    printed = call_ok(CNN, *SMALL, "--epochs", 1, "--seeds", "2-3", "--results", tmp_path)
    assert printed.count("complete, nothing to train") == 1
    names = {path.parent.name for path in tmp_path.rglob("test.json")}
    assert names == {"seed0", "seed1", "seed2", "seed3"}


@pytest.mark.parametrize("script", [MLP, "task3_MNIST/train_baselines.py"])
def test_a_data_set_is_read_once_for_its_checksum_however_many_seeds(script, tmp_path, monkeypatch):
    asked, checksum = [], splits.dataset_checksum
    for module in (cli, splits):  # one script's module is imported already, the other's is not
        counted = lambda *given: asked.append(given) or checksum(*given)  # noqa: E731
        monkeypatch.setattr(module, "dataset_checksum", counted)
    given = SMALL if script == MLP else ("--models", "random_forest", *SMALL[:4])
    given += ("--no-evaluate", "--results", tmp_path, "--seeds", 3)
    for _ in range(2):  # trained, then complete
        call_ok(script, *given, *(("--epochs", 1) if script == MLP else ()))
    assert len(asked) == 2


def test_another_hyperparameter_is_another_run_with_its_own_name(tmp_path):
    call_ok(MLP, *SMALL, "--epochs", 1, "--lr", "0.02", "--results", tmp_path, "--no-evaluate")
    assert (tmp_path / "digits/mlp/fast+epochs=1+batch-size=64+lr=0.02/seed0/model.pt").exists()


def test_no_evaluate_leaves_the_test_set_sealed(tmp_path):
    call_ok(MLP, *SMALL, "--epochs", 1, "--results", tmp_path, "--no-evaluate")
    names = {path.name for path in tmp_path.rglob("*")}
    assert "summary.json" in names
    assert not names & {"test.json", "predictions.npz", "confusion_matrix.png"}
    # evaluate.py finds the run that waits for it, and then nothing more to do
    assert "1 evaluated" in call_ok("task3_MNIST/evaluate.py", "--results", tmp_path)
    assert next(tmp_path.rglob("test.json"))
    assert "are evaluated" in call_ok("task3_MNIST/evaluate.py", "--results", tmp_path)


def test_a_run_whose_drawing_was_interrupted_gets_its_pictures(tmp_path):
    given = (*SMALL, "--epochs", 1, "--results", tmp_path, "--no-evaluate")
    call_ok(MLP, *given)
    [curves] = tmp_path.rglob("curves.png")
    curves.unlink()
    call_ok(MLP, *given)
    assert curves.is_file()


LONG = ("--epochs", 12, "--model", "advanced_mlp", "--rotation", 10, "--no-evaluate")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """Return the run folder of the long run that nobody interrupted."""
    results = tmp_path_factory.mktemp("uninterrupted")
    call_ok(MLP, *SMALL, *LONG, "--results", results)
    return next(results.rglob("summary.json")).parent


@pytest.mark.parametrize("kills", [(1,), (0, 3, 7, 12)])
def test_a_run_killed_at_any_moment_ends_like_one_never_killed(kills, uninterrupted, tmp_path):
    """Kill it with SIGKILL once so many epochs are written, then give the same command again."""
    for epochs in kills:
        process = start(MLP, *SMALL, *LONG, "--results", tmp_path)
        wait_for_epochs(process, tmp_path, epochs)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    run_ok(MLP, *SMALL, *LONG, "--results", tmp_path)
    folder = next(tmp_path.rglob("summary.json")).parent
    assert metrics(folder) == metrics(uninterrupted)
    assert same_weights(weights(folder), weights(uninterrupted))
    assert not list(tmp_path.rglob(".*.tmp")), "a kill left temporary files that nobody removes"


def wait_for_epochs(process, results, epochs):
    """Wait until the run has written so many epochs, or is over."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        written = list(results.rglob("metrics.jsonl"))
        if epochs == 0 and list(results.rglob("config.json")):
            return
        if written and len(written[0].read_text(encoding="utf-8").splitlines()) >= epochs > 0:
            return
        time.sleep(0.005)
    assert process.poll() is not None, "the run wrote nothing in five minutes"


def test_ctrl_c_saves_says_how_to_go_on_and_exits_130(uninterrupted, tmp_path):
    process = start(MLP, *SMALL, *LONG, "--results", tmp_path)
    wait_for_epochs(process, tmp_path, 2)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in errors
    line = next(line for line in output.splitlines() if line.startswith("interrupted"))
    # the printed command is typed as it stands
    resume = line.split("to go on: ")[1].replace("python ", command("")[0] + " ", 1)
    subprocess.run(resume, shell=True, cwd="/", check=True, capture_output=True)
    folder = next(tmp_path.rglob("summary.json")).parent
    assert metrics(folder) == metrics(uninterrupted)


@pytest.mark.parametrize(
    "module",
    [
        "task3_MNIST.cli.train",
        "numpy",  # imported by compiled code of torch, which goes on without it
        "tqdm",
        "torch._dynamo",  # when the optimizer is made, long after the script's own imports
    ],
)
def test_ctrl_c_before_anything_is_trained_is_quiet(module, tmp_path):
    """Pressed at the import of a module: the process sends itself the signal, see its file."""
    sent = {
        "PYTHONPATH": str(REPOSITORY / "tests" / "helpers" / "ctrl_c"),
        "CTRL_C_AT_IMPORT_OF": module,
    }
    given = (*SMALL, "--epochs", 1, "--results", tmp_path)
    done = run(MLP, *given, env={**os.environ, **sent})
    assert (done.returncode, done.stderr) == (130, "")
    assert not list(tmp_path.rglob("summary.json"))


def test_the_recorded_command_gives_the_same_run_from_the_repositorys_root(tmp_path):
    """Type it in another folder, with paths that only that folder makes sense of."""
    write_recipe(tmp_path / "mine.json", RecipeFile("mine", "mlp_50_50", {"epochs": 1, "lr": 0.01}))
    run_ok(MLP, *SMALL, "--recipe", "mine.json", "--results=runs", cwd=tmp_path)
    [first] = (tmp_path / "runs").rglob("config.json")
    command = json.loads(first.read_text(encoding="utf-8"))["command"]
    expected = metrics(first.parent)
    shutil.rmtree(tmp_path / "runs")
    _, script, *arguments = shlex.split(command)
    run_ok(script, *arguments, cwd=REPOSITORY)
    assert metrics(first.parent) == expected
    assert json.loads(first.read_text(encoding="utf-8"))["command"] == command


def test_recorded_paths_are_those_that_were_meant(tmp_path, monkeypatch):
    for name in ("digits", "fast", "mine", "a,b"):  # folders that are called as other things are
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    typed = "train.py --model mine --recipes fast,my.json --dataset digits --datasets mine,digits"
    typed += " --datasets a,b --results mine --resume"
    there = readable_path(tmp_path)
    assert " ".join(typed_at_root(typed.split())) == (
        f"{there}/train.py --model mine --recipes fast,{there}/my.json --dataset digits "
        f"--datasets {there}/mine,digits --datasets {there}/a,b --results {there}/mine --resume"
    )


def test_every_option_for_a_path_is_recorded_as_one():
    parsers = (
        *(train_parser("mlp"), benchmark_parser(), baselines_parser()),
        *(speedrun_parser(), profile_step.parser()),
    )
    options = {
        option
        for parser in parsers
        for action in parser._actions
        for option in action.option_strings
        if action.type in (Path, folder) or action.dest.rstrip("s") in ("recipe", "dataset")
    }
    assert options == set(PATH_OPTIONS)


def test_an_abbreviated_option_is_refused(tmp_path):
    """`--over` would stay in the printed command to go on, and delete what was saved."""
    line = refusal(call(MLP, *SMALL, "--over", "--results", tmp_path), 2)
    assert "unrecognized arguments: --over" in line


def test_the_second_script_on_one_run_says_so_and_stops(tmp_path):
    given = (*SMALL, "--epochs", 500, "--results", tmp_path, "--no-evaluate")
    first = start(MLP, *given)
    wait_for_epochs(first, tmp_path, 1)
    second = call(MLP, *given)
    still_running = first.poll() is None
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert still_running
    assert "another script is writing" in refusal(second, 1)


def test_list_prints_models_and_recipes():
    output = call_ok(CNN, "--list")
    assert "lenet5" in output
    assert "61,706" in output
    assert "classic" in output


def test_help_gives_every_hyperparameter_with_its_default():
    output = " ".join(call_ok(MLP, "--help").split())
    rates = ", ".join(f"{RECIPES[name].config('mlp').lr} in {name}" for name in RECIPES)
    assert f"peak learning rate (default: {rates})" in output
    assert "--label-smoothing" in output


@pytest.mark.parametrize(("family", "floor"), [("mlp", 0.981), ("cnn", 0.9883)])
def test_default_training_on_mnist_is_accurate_and_small(family, floor, default_training):
    """Hold the default commands to their accuracy, and to 1.6 GB of memory at the peak."""
    results, peak = default_training
    test = json.loads(next((results / family).rglob("test.json")).read_text(encoding="utf-8"))
    assert test["n"] == 10_000
    assert test["test_accuracy"] >= floor
    assert peak[family] < 1.6e9
