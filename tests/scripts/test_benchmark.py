"""The benchmark: a whole grid, whatever interrupts it, and one table of it."""

import concurrent.futures
import contextlib
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import time

import psutil
import pytest
import torch
from joblib import delayed

from task3_MNIST.experiments import parallel as workers
from task3_MNIST.experiments.grid import Grid, estimate, model_names, split_names
from task3_MNIST.models import registry
from task3_MNIST.plots import CONFUSION
from task3_MNIST.runs.folder import Run
from task3_MNIST.runs.groups import read_record
from task3_MNIST.runs.tables import RUN_COLUMNS, SUMMARY, run_row
from tests.helpers.letters import draw_letters
from tests.helpers.pages import data_of_file
from tests.helpers.scripts import call, call_ok, command, refusal, start, wait_until

SCRIPT = "task3_MNIST/benchmark.py"
GRID = ("--models", "linear,mlp_50_50", "--recipes", "fast", "--datasets", "digits")
SEEDS = ("--seeds", 2, "--no-pages")
RUNS = [f"digits/{model}/fast/seed{s}" for model in ("linear", "mlp_50_50") for s in range(2)]
# what the clock decides, and no two runs share
CLOCKED = {
    *("train_seconds", "images_per_second", "throughput"),
    *("latency_seconds", "latency_seconds_p95"),
}


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """Return the results of the grid, one run at a time, in this process."""
    results = tmp_path_factory.mktemp("complete")
    call_ok(SCRIPT, *GRID, *SEEDS, "--jobs", 1, "--results", results)
    return results


@pytest.fixture
def results(complete, tmp_path):
    """Return a copy of them that a test may damage."""
    return shutil.copytree(complete, tmp_path / "runs")


def again(results, *arguments):
    """Give the command again in this process and return what it did."""
    return call(SCRIPT, *GRID, *SEEDS, "--jobs", 1, "--results", results, *arguments)


def rows(results):
    """Return the summary as text, without what the clock decides."""
    with (results / SUMMARY).open(newline="", encoding="utf-8") as stream:
        return [
            {k: v for k, v in row.items() if k not in {*CLOCKED, "command"}}
            for row in csv.DictReader(stream)
        ]


def finished_runs(results):
    return {path.parents[1] for path in results.rglob(str(CONFUSION))}


def test_the_grid_is_complete_and_has_a_row_for_each_run(complete):
    assert sorted(path.parent for path in complete.rglob("test.json")) == sorted(
        complete / name for name in RUNS
    )
    found = rows(complete)
    assert [row["model"] for row in found] == ["linear", "linear", "mlp_50_50", "mlp_50_50"]
    expected = [run_row(read_record(Run(complete / name), complete)[0]) for name in RUNS]
    for row, figures in zip(found, expected, strict=True):
        assert list(figures) and set(figures) <= set(RUN_COLUMNS)
        texts = {key: "" if value is None else str(value) for key, value in figures.items()}
        assert row == {key: texts.get(key, "") for key in row}
        assert row["threads"] == "1"
    assert (complete / "digits/linear/fast/ensemble.json").exists()


def test_a_second_call_trains_nothing_and_makes_the_same_summary_from_the_runs(results):
    written = {name: (results / name / "summary.json").stat().st_mtime_ns for name in RUNS}
    before = (results / SUMMARY).read_bytes()
    (results / SUMMARY).unlink()
    done = again(results)
    assert (done.returncode, done.stderr) == (0, "")
    assert "4 runs, 4 of them finished" in done.stdout
    assert {name: (results / name / "summary.json").stat().st_mtime_ns for name in RUNS} == written
    assert (results / SUMMARY).read_bytes() == before


def test_what_a_kill_after_the_evaluation_left_out_is_made_up_for(results):
    trained = (results / RUNS[0] / "model.pt").stat().st_mtime_ns
    missing = [results / RUNS[0] / "plots" / name for name in ("curves.png", CONFUSION.name)]
    missing.append(results / RUNS[0] / "../ensemble.json")
    for path in missing:
        path.unlink()
    done = again(results)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(path.exists() for path in missing)
    assert (results / RUNS[0] / "model.pt").stat().st_mtime_ns == trained


def test_killed_and_given_again_it_loses_the_runs_in_flight_only(complete, tmp_path):
    given = (*GRID, *SEEDS, "--jobs", 2, "--results", tmp_path)
    process = start(SCRIPT, *given)
    wait_until(lambda: len(finished_runs(tmp_path)) >= 1, process)
    workers = children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = {
        folder: (folder / "summary.json").stat().st_mtime_ns for folder in finished_runs(tmp_path)
    }
    assert still_alive(workers) == [], "workers outlive the script and hold its runs"

    done = again(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert {folder: (folder / "summary.json").stat().st_mtime_ns for folder in kept} == kept
    # two at a time and killed in between: the same bits as one at a time
    assert rows(tmp_path) == rows(complete)
    assert not list(tmp_path.rglob(".*.tmp"))


def test_ctrl_c_ends_the_workers_and_says_how_to_go_on(complete, tmp_path):
    # as a terminal does it: the signal reaches the workers too
    process = start(
        SCRIPT, *GRID, *SEEDS, "--jobs", 2, "--results", tmp_path, start_new_session=True
    )
    wait_until(lambda: list(tmp_path.rglob("config.json")), process)
    workers = children(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate()
    assert (process.returncode, errors) == (130, "")
    assert workers
    assert still_alive(workers) == []
    line = next(line for line in output.splitlines() if line.startswith("interrupted"))
    resume = line.split("to go on: ")[1].replace("python ", command("")[0] + " ", 1)
    subprocess.run(resume, shell=True, cwd="/", check=True, capture_output=True)
    assert rows(tmp_path) == rows(complete)


def test_ctrl_c_while_the_workers_start_is_quiet_and_ends_them(tmp_path):
    process = start(
        SCRIPT, *GRID, *SEEDS, "--jobs", 2, "--results", tmp_path, start_new_session=True
    )

    def a_worker_imports_torch():
        maps = [part.path for worker in children(process.pid) for part in worker.memory_maps()]
        return any("libtorch" in path for path in maps)

    wait_until(a_worker_imports_torch, process)
    workers = children(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate()
    assert (process.returncode, errors) == (130, "")
    assert "0 of 4 runs are finished; to go on: " in output
    assert still_alive(workers) == []


@pytest.mark.parametrize("mask", [True, False])
def test_ctrl_c_at_the_start_of_workers_is_kept_until_they_can_be_ended(mask, monkeypatch):
    if not mask:  # as on Windows
        monkeypatch.delattr(signal, "pthread_sigmask")
    begun = []

    def tasks():
        for number in range(2):
            signal.raise_signal(signal.SIGINT)
            begun.append(number)
            yield delayed(time.sleep)(60)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        next(workers.side_by_side(tasks(), 2))
    assert begun == [0, 1]
    assert signal.getsignal(signal.SIGINT) is before
    assert children(os.getpid()) == []


def test_a_killed_worker_costs_a_line_and_the_time_left_is_shown(complete, tmp_path):
    import pty  # POSIX has it, and other systems can import this file
    import termios

    ours, theirs = pty.openpty()  # a terminal, so that there is a bar
    termios.tcsetwinsize(theirs, (25, 80))
    given = (*GRID, *SEEDS, "--jobs", 2, "--results", tmp_path)
    process = start(SCRIPT, *given, stderr=theirs)
    os.close(theirs)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        reading = pool.submit(read_terminal, ours)
        wait_until(lambda: list(tmp_path.rglob("config.json")), process)
        children(process.pid)[-1].kill()
        output, _ = process.communicate()
        shown = reading.result()
    assert process.returncode == 0, output + shown
    assert sum("a worker was killed" in line for line in output.splitlines()) == 1
    assert re.search(r"\d% \|.*\| \d\d:\d\d gone, about \d\d:\d\d left", shown), shown
    assert "Traceback" not in shown + output
    assert rows(tmp_path) == rows(complete)


def read_terminal(ours):
    """Return what a terminal showed until its last writer ended."""
    shown = b""
    with contextlib.suppress(OSError):
        while part := os.read(ours, 4096):
            shown += part
    os.close(ours)
    return shown.decode()


def children(parent):
    """Return a script's workers, in the order in which they were started."""
    found = []
    for process in psutil.Process(parent).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            if any("popen_loky" in word for word in process.cmdline()):
                found.append(process)
    return sorted(found, key=lambda process: process.create_time())


def still_alive(workers):
    """Return the workers that have not ended after a minute."""
    return psutil.wait_procs(workers, timeout=60)[1]


def test_failing_runs_are_named_at_the_end_and_the_others_are_there(results):
    corrupt, changed, held = (results / name for name in RUNS[:3])
    blocked = (results / RUNS[3]).with_name("seed2")
    blocked.write_text("in the way", encoding="utf-8")
    for folder in (corrupt, held):
        for name in ("summary.json", "test.json"):
            (folder / name).unlink()
    (corrupt / "checkpoint.pt").write_bytes(b"garbage")
    config = json.loads((changed / "config.json").read_text(encoding="utf-8"))
    config["hyperparameters"]["lr"] = 0.5
    (changed / "config.json").write_text(json.dumps(config), encoding="utf-8")

    with Run(held).locked():
        done = again(results, "--seeds", 4)
    errors = done.stderr.splitlines()
    assert (done.returncode, len(errors)) == (1, 4), errors
    assert all(line.startswith("error: ") for line in errors)
    for folder, says in (
        (corrupt, "checkpoint.pt"),
        (changed, "lr 0.5"),
        (held, "another script is writing"),
        (blocked, "a file stands where a folder is needed"),
    ):
        assert any(str(folder) in line and says in line for line in errors), errors
    assert "the same command tries them again" in done.stdout
    assert "--seed 0" in done.stdout
    assert [path.parent for path in results.rglob("error.txt")] == [corrupt]
    assert "UserError: " in (corrupt / "error.txt").read_text(encoding="utf-8")
    # the seeds that could be trained were; one of another setting is not counted with them
    seeds = [(row["model"], row["seed"]) for row in rows(results)]
    assert seeds == [("linear", "2"), ("linear", "3"), ("mlp_50_50", "1"), ("mlp_50_50", "3")]


def test_a_fault_of_the_program_is_a_line_and_its_traceback_lies_with_the_run(results, monkeypatch):
    folder = results / RUNS[0]
    (folder / "summary.json").unlink()

    def broken(*_):
        raise KeyError("x")

    with monkeypatch.context() as patch:
        patch.setattr(workers, "train_run", broken)
        line = refusal(again(results), 1)
    assert f"{folder}: KeyError: 'x' (this is a fault of the program: error.txt in its" in line
    text = (folder / "error.txt").read_text(encoding="utf-8")
    assert text.startswith("Traceback")
    assert "in broken\n" in text
    assert again(results).returncode == 0
    assert not (folder / "error.txt").exists()


WRONG_CALLS = [
    (("--models", "linear", "mpl"), "unknown model 'mpl': did you mean mlp"),
    (("--models", "linear,mlp-gird"), "did you mean mlp-grid"),
    (("--models", "mlp_d9_w64"), "unknown model 'mlp_d9_w64'"),
    (("--recipes", "classic", "fsat"), "unknown recipe 'fsat': did you mean fast"),
    (("--datasets", "mnist", "minst"), "unknown data set 'minst': did you mean mnist"),
    (("--models", ""), "the grid is empty: --models names none"),
    (("--recipes", ","), "the grid is empty: --recipes names none"),
    (("--datasets", ""), "the grid is empty: --datasets names none"),
    (("--models",), "--models"),
    (("--seeds", "0"), "--seeds"),
    (("--seeds", "3-2"), "3-2 ends before it begins"),
    (("--seeds", "1-x"), "x is not an integer from 0"),
    (("--jobs", "0"), "--jobs"),
    (("--epochs", "3"), "--epochs"),
]


@pytest.mark.parametrize(("arguments", "says"), WRONG_CALLS)
def test_a_wrong_call_is_refused_in_one_line(arguments, says, tmp_path):
    line = refusal(call(SCRIPT, *arguments, "--results", tmp_path / "runs"), 2)
    assert says in line
    assert not (tmp_path / "runs").exists(), "a wrong call must leave nothing behind"


def test_two_folders_of_one_name_have_runs_of_their_own(tmp_path):
    folders = [draw_letters(tmp_path / name / "mine", each=15, test=5) for name in ("a", "b")]
    given = ("--models", "linear", "--recipes", "fast", "--seeds", 1, "--jobs", 1, "--no-pages")
    where = ("--datasets", *folders, "--skip-broken", "--results", tmp_path / "runs")
    printed = call_ok(SCRIPT, *given, *where)
    assert "on a/mine+skip-broken: test accuracy" in printed
    assert "on b/mine+skip-broken: test accuracy" in printed
    found = [path.parents[3].name for path in (tmp_path / "runs").rglob("test.json")]
    assert len(set(found)) == 2


def test_a_run_of_an_older_version_is_one_line_and_does_not_stop_the_others(results):
    path = results / RUNS[0] / "config.json"
    text = path.read_text(encoding="utf-8").replace('"schema": 2', '"schema": 1')
    path.write_text(text, encoding="utf-8")
    line = refusal(again(results), 1)
    assert f"{path} is of another version (schema 1, not 2): train the run again" in line
    assert len(rows(results)) == 3


def test_a_summary_has_empty_cells_for_what_a_run_does_not_have(tmp_path):
    given = (*GRID, "--seeds", 1, "--jobs", 1, "--no-pages", "--results", tmp_path)
    call_ok(SCRIPT, *given, "--full-train")
    assert {(row["name"], row["val_accuracy"]) for row in rows(tmp_path)} == {
        ("fast+full-train", "")
    }


def test_the_pages_are_written(results, tmp_path):
    where = ("--out", tmp_path / "pages", "--plots", tmp_path / "plots")
    call_ok(SCRIPT, *GRID, "--seeds", 2, "--jobs", 1, "--results", results, *where)
    for page in ("model_comparison.html", "model_inference.html"):
        assert "mlp_50_50" in data_of_file(tmp_path / "pages" / page)


def test_names_stand_for_models():
    assert model_names(["all"]) == registry.names()
    assert model_names(["mlp"]) == registry.names("mlp")
    assert model_names(["mlp", "cnn"]) == ["mlp", "cnn"]
    assert model_names(["mlp_d2_w64", "mlp"]) == ["mlp_d2_w64", "mlp"]
    sizes = model_names(["mlp-grid", "cnn-grid"])
    assert len(sizes) == len(set(sizes)) == 4 * 6 + 3 * 4
    assert [registry.family_of(name) for name in (sizes[0], sizes[-1])] == ["mlp", "cnn"]
    assert split_names(["linear,mlp", "mlp", "cnn"]) == ["linear", "mlp", "cnn"]


def test_the_longest_runs_are_known_beforehand(tmp_path):
    grid = Grid(["linear", "mlp", "cnn_strong"], ["fast", "classic", "strong"], ["mnist"], range(1))
    work = {
        (job.model, job.recipe): estimate(job, 60_000)
        for job in grid.jobs(tmp_path, torch.device("cpu"))
    }
    assert max(work, key=work.get) == ("cnn_strong", "strong")
    assert min(work, key=work.get) == ("linear", "fast")
    assert work["mlp", "classic"] > work["mlp", "fast"] > work["linear", "fast"]
