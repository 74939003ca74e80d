"""tools/to_tensorboard.py: logs that TensorBoard opens, of finished and of running trainings."""

import json
import re
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request

import pytest

from task3_MNIST.runs.folder import Run
from tests.helpers.scripts import REPOSITORY, call, call_ok, refusal, wait_until

TOOL = "tools/to_tensorboard.py"
FINISHED, RUNNING = "digits/mlp/finished", "digits/mlp/running"


class Board:
    """A TensorBoard on this machine, asked over HTTP."""

    def __init__(self, logs):
        command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logs)]
        # 0: a port that is free; seconds between two looks for new logs
        options = ["--host", "127.0.0.1", "--port", "0", "--reload_interval", "1"]
        self.process = subprocess.Popen(
            [*command, *options], stderr=subprocess.PIPE, encoding="utf-8"
        )
        said = next(line for line in self.process.stderr if "http://127.0.0.1:" in line)
        self.url = re.search(r"http://\S+/", said)[0] + "data/plugin/"

    def ask(self, path, body=None, **query):
        """Return the answer to a GET, or to a POST of a body."""
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.url}{path}?{urllib.parse.urlencode(query)}"
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def curve(self, run, tag):
        """Return the (step, value) of a curve; none while TensorBoard has not read it."""
        if tag not in self.ask("scalars/tags").get(run, {}):
            return []
        return [(step, value) for _, step, value in self.ask("scalars/scalars", run=run, tag=tag)]


@pytest.fixture(scope="module")
def runs(digits_results, tmp_path_factory):
    """Return the folders of a finished run, and of one that has trained one epoch so far."""
    source = next(digits_results.glob("digits/mlp/*/seed0"))
    results = tmp_path_factory.mktemp("runs")
    for name in (FINISHED, RUNNING):
        folder = results / name / "seed0"
        shutil.copytree(source, folder)
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        config["name"] = folder.parent.name
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    for name in ("summary.json", "test.json"):
        (folder / name).unlink()
    run = Run(folder)
    run.write_metrics(run.metrics()[:1])
    return results / FINISHED / "seed0", folder


@pytest.fixture(scope="module")
def logs(runs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    printed = call_ok(TOOL, *runs, "--out", folder)
    assert printed.count("written: ") == 2
    assert f"tensorboard.main --logdir {folder}" in printed
    return folder


@pytest.fixture(scope="module")
def board(logs):
    board = Board(logs)
    yield board
    board.process.terminate()
    board.process.communicate()


def test_tensorboard_shows_the_curves_of_a_finished_run(board, runs):
    name, run = f"{FINISHED}/seed0", Run(runs[0])
    wait_until(lambda: board.curve(name, "final/test accuracy"), board.process)
    for tag, key in (
        ("accuracy/validation", "val_accuracy"),
        ("loss/training", "train_loss"),
        ("learning rate", "lr"),
    ):
        expected = [(row.epoch, pytest.approx(getattr(row, key))) for row in run.metrics()]
        assert board.curve(name, tag) == expected
    kept = [(row.epoch, pytest.approx(row.test_accuracy)) for row in run.test().epochs]
    assert board.curve(name, "accuracy/test, kept epochs") == kept
    assert "confusion matrix" in board.ask("images/tags")[name]


def test_tensorboard_shows_hyperparameters_with_the_final_figures(board, runs):
    name = f"{FINISHED}/seed0"
    wait_until(lambda: board.curve(name, "final/test accuracy"), board.process)
    experiment = board.ask("hparams/experiment", {"experimentName": ""})
    columns = {info["name"] for info in experiment["hparamInfos"]}
    assert {"model", "name", "seed", "lr", "epochs", "batch_size"} <= columns
    statuses = ["STATUS_SUCCESS", "STATUS_UNKNOWN", "STATUS_RUNNING"]
    metrics = [{"metric": info["name"]} for info in experiment["metricInfos"]]
    wanted = {"allowedStatuses": statuses, "colParams": metrics, "startIndex": 0, "sliceSize": 9}
    rows = board.ask("hparams/session_groups", {"experimentName": "", **wanted})["sessionGroups"]
    by_name = {row["name"]: row for row in rows}
    assert set(by_name) == {name, f"{RUNNING}/seed0"}
    row, run = by_name[name], Run(runs[0])
    assert row["hparams"]["model"] == "mlp"
    assert row["hparams"]["lr"] == pytest.approx(run.config().hyperparameters["lr"])
    [final] = [
        value["value"]
        for value in row["metricValues"]
        if value["name"]["tag"] == "final/test accuracy"
    ]
    assert final == pytest.approx(run.test().test_accuracy)


def test_the_curve_of_a_running_training_grows_when_the_command_is_given_again(board, runs, logs):
    name, running = f"{RUNNING}/seed0", Run(runs[1])
    tag = "accuracy/validation"
    wait_until(lambda: [step for step, _ in board.curve(name, tag)] == [1], board.process)
    assert not board.curve(name, "final/test accuracy")
    running.write_metrics(Run(runs[0]).metrics())
    call_ok(TOOL, runs[1], "--out", logs)
    wait_until(lambda: [step for step, _ in board.curve(name, tag)] == [1, 2, 3], board.process)
    assert len(list((logs / name).iterdir())) == 1


def test_a_broken_run_does_not_keep_the_others_waiting(runs, tmp_path):
    broken = tmp_path / "runs" / "broken" / "seed0"
    shutil.copytree(runs[0], broken)
    (broken / "metrics.jsonl").write_text("garbage\n", encoding="utf-8")
    done = call(TOOL, broken, runs[0], "--out", tmp_path / "logs")
    line = refusal(done, 1)
    assert "metrics.jsonl" in line
    assert "--overwrite" in line
    assert done.stdout.count("written: ") == 1


def test_a_wrong_call_is_one_line_that_says_what_to_do(runs, tmp_path, monkeypatch):
    assert "config.json" in refusal(call(TOOL, tmp_path), 2)
    assert "train_mlp.py" in refusal(call(TOOL, "--results", tmp_path), 2)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    assert "pip install -r requirements-export.txt" in refusal(call(TOOL, runs[0]), 1)


def test_nothing_but_the_log_and_the_tool_knows_of_tensorboard():
    knows = {
        path.name
        for folder in ("task1_MLP", "task2_CNN", "task3_MNIST", "tools")
        for path in (REPOSITORY / folder).rglob("*.py")
        if "tensorboard" in path.read_text(encoding="utf-8")
    }
    assert knows == {"tensorboard_log.py", "to_tensorboard.py"}
