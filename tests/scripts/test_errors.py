"""Everything a user can get wrong: one line with the cause and the cure, and nothing lost."""

import gzip
import importlib
import json
import re
import shutil
import signal
import sys

import pytest
import torch

from task3_MNIST.cli import train as cli
from task3_MNIST.cli.app import before_imports, run_script
from task3_MNIST.training.loop import diverged
from tests.helpers.scripts import REPOSITORY, SCRIPTS, SMALL, call, call_ok, refusal, run

MLP = "task3_MNIST/train_mlp.py"
EVALUATE = "task3_MNIST/evaluate.py"
ONE_EPOCH = (*SMALL, "--epochs", 1)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    """Return a results folder with one finished, evaluated run."""
    results = tmp_path_factory.mktemp("pristine")
    call_ok(MLP, *ONE_EPOCH, "--results", results)
    return results


@pytest.fixture
def results(pristine, tmp_path):
    """Return a copy of that folder, to be damaged."""
    return shutil.copytree(pristine, tmp_path / "runs")


def refused(script, *arguments, code=1):
    """Call a script, which must refuse, and return its one line."""
    return refusal(call(script, *arguments), code)


def run_folder(results):
    return next(results.rglob("config.json")).parent


WRONG_CALLS = [
    (("--model", "mpl"), "unknown model 'mpl': did you mean mlp"),
    (("--model", "cnn"), "use train_cnn.py"),
    (("--recipe", "fsat"), "unknown recipe 'fsat': did you mean fast"),
    (("--dataset", "minst"), "did you mean mnist"),
    (("--optimizer", "adan"), "unknown optimizer 'adan': did you mean adam"),
    (("--schedule", "onecycle"), "did you mean one-cycle"),
    (("--epochs", "0"), "--epochs 0 must be at least 1"),
    (("--epochs", "-3"), "--epochs -3 must be at least 1"),
    (("--epochs", "many"), "--epochs"),
    (("--epochs", "1.5"), "--epochs"),
    (("--batch-size", "0"), "--batch-size 0 must be at least 1"),
    (("--batch-size", "x"), "--batch-size"),
    (("--lr", "0"), "--lr 0.0 must be above 0"),
    (("--lr", "-1"), "--lr -1.0 must be above 0"),
    (("--lr", "nan"), "--lr nan is not a finite number"),
    (("--lr", "fast"), "--lr"),
    (("--seeds", "0"), "--seeds"),
    (("--seeds", "3-2"), "3-2 ends before it begins"),
    (("--seeds", "1-x"), "x is not an integer from 0"),
    (("--seeds", "2", "--seed", "1"), "exclude each other"),
    (("--threads", "none"), "--threads"),
    (("--threads", "99999999999"), "--threads"),
    (("--seed", "99999999999999999999"), "--seed"),
    (("--dataset", ""), "unknown data set"),
    (("--dataset", "~nobody-here/x"), "unknown data set"),
    (("--data", ""), "the folder's name is empty"),
    (("--device", "tpu"), "--device"),
    (("--epoch-count", "3"), "--epoch-count"),
]


@pytest.mark.parametrize(("arguments", "says"), WRONG_CALLS)
def test_a_wrong_call_is_refused_in_one_line(arguments, says, tmp_path):
    line = refused(MLP, *arguments, "--results", tmp_path / "runs", code=2)
    assert says in line
    assert not (tmp_path / "runs").exists(), "a wrong call must leave nothing behind"


def test_a_wrong_call_of_the_script_itself_is_refused_in_one_line(tmp_path):
    line = refusal(run(MLP, "--model", "mpl", "--results", tmp_path / "runs"), 2)
    assert "did you mean mlp" in line


def test_a_device_that_is_not_there_is_refused(tmp_path):
    # no machine has both
    absent = "mps" if torch.cuda.is_available() else "cuda"
    line = refused(MLP, "--device", absent, "--results", tmp_path, code=2)
    assert "--device auto or cpu" in line


def test_a_file_where_the_results_folder_should_be(tmp_path):
    (tmp_path / "runs").write_text("in the way", encoding="utf-8")
    line = refused(MLP, *ONE_EPOCH, "--results", tmp_path / "runs")
    assert "choose another folder" in line
    assert (tmp_path / "runs").read_text(encoding="utf-8") == "in the way"


def test_a_folder_that_cannot_be_written():
    # /proc refuses new folders to everybody, the superuser included
    line = refused(MLP, *ONE_EPOCH, "--results", "/proc/runs")
    assert "/proc/runs" in line


def test_a_full_disk_loses_nothing_that_was_finished(tmp_path):
    """Let the system refuse files over 64 KB, as it refuses them when a disk is full."""
    import resource  # POSIX has it, and other systems can import this file

    given = (MLP, *SMALL, "--model", "mlp_50_50", "--epochs", 2, "--results", tmp_path)

    def small_files_only():
        resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536))

    line = refusal(run(*given, preexec_fn=small_files_only), 1)
    assert "cannot write" in line
    folder = run_folder(tmp_path)
    assert json.loads((folder / "config.json").read_text(encoding="utf-8"))["model"] == "mlp_50_50"
    # no half-written file stands there under any name
    assert {path.name for path in folder.iterdir()} <= {"config.json", ".lock"}
    call_ok(*given)


@pytest.mark.parametrize("name", ["model.pt", "summary.json", "config.json"])
@pytest.mark.parametrize("content", [b"", b"garbage", b'{"model": "mlp"', b"[]"])
def test_a_corrupt_file_is_named_with_its_cure(name, content, results):
    folder = run_folder(results)
    (folder / name).write_bytes(content)
    if name == "summary.json":
        line = refused(MLP, *ONE_EPOCH, "--results", results)
    else:
        line = refused(EVALUATE, folder)
    assert name in line
    assert "--overwrite" in line


def test_a_truncated_model_is_named_with_its_cure(results):
    path = run_folder(results) / "model.pt"
    path.write_bytes(path.read_bytes()[:-1000])
    assert "model.pt" in refused(EVALUATE, path.parent)


@pytest.mark.parametrize("content", [b"", b"garbage", None])
def test_a_corrupt_checkpoint_is_named_and_overwrite_mends_it(content, results):
    folder = run_folder(results)
    whole = (folder / "model.pt").read_bytes()
    (folder / "summary.json").unlink()
    (folder / "checkpoint.pt").write_bytes(whole[: len(whole) // 2] if content is None else content)
    given = (*ONE_EPOCH, "--results", results)
    line = refused(MLP, *given)
    assert "checkpoint.pt" in line
    assert "--overwrite" in line
    call_ok(MLP, *given, "--overwrite")


class Trap:
    """An object that writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("name", ["checkpoint.pt", "model.pt"])
def test_a_pickled_object_is_refused_and_not_executed(name, results, tmp_path):
    folder = run_folder(results)
    sprung = tmp_path / "sprung"
    torch.save({"model": "mlp", "state_dict": {}, "history": [], "x": Trap(sprung)}, folder / name)
    if name == "checkpoint.pt":
        (folder / "summary.json").unlink()
        line = refused(MLP, *ONE_EPOCH, "--results", results)
    else:
        line = refused(EVALUATE, folder)
    assert "not loaded" in line
    assert not sprung.exists()


def test_weights_of_another_model_are_refused(results):
    folder = run_folder(results)
    torch.save({"model": "cnn", "state_dict": {}}, folder / "model.pt")
    line = refused(EVALUATE, folder)
    assert "does not hold the weights of a mlp" in line


def test_a_run_folder_of_another_model_is_not_resumed(results):
    folder = run_folder(results)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(
        json.dumps({**config, "model": "mlp_50_50"}), encoding="utf-8"
    )
    line = refused(MLP, *ONE_EPOCH, "--results", results)
    assert "model mlp_50_50, not mlp" in line


def test_a_run_of_other_settings_is_not_resumed(results):
    folder = run_folder(results)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["hyperparameters"]["lr"] = 0.5
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert "lr 0.5" in refused(MLP, *ONE_EPOCH, "--results", results)


def test_evaluating_an_unfinished_run_is_refused(results):
    folder = run_folder(results)
    (folder / "summary.json").unlink()
    assert "not complete" in refused(EVALUATE, folder)


def test_evaluating_what_is_no_run_is_refused(tmp_path):
    assert "not a run folder" in refused(EVALUATE, tmp_path, code=2)


def test_evaluating_without_a_results_folder_is_refused(tmp_path):
    assert "--results" in refused(EVALUATE, "--results", tmp_path / "none", code=2)


def test_one_broken_run_does_not_keep_the_others_from_evaluation(tmp_path):
    given = (*ONE_EPOCH, "--seeds", 2, "--no-evaluate", "--results", tmp_path)
    call_ok(MLP, *given)
    first, second = sorted(path.parent for path in tmp_path.rglob("model.pt"))
    (first / "model.pt").write_bytes(b"garbage")
    assert "model.pt" in refused(EVALUATE, "--results", tmp_path)
    assert (second / "test.json").exists()


def test_training_does_not_touch_a_damaged_test_set_and_evaluation_refuses_it(mnist_dir, tmp_path):
    raw = tmp_path / "data/MNIST/raw"
    raw.mkdir(parents=True)
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        (raw / name).hardlink_to(mnist_dir / "MNIST/raw" / name)
    for name in ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        (raw / name).write_bytes(b"garbage" * 1000)
    where = ("--data", tmp_path / "data", "--results", tmp_path / "runs")
    call_ok(MLP, "--model", "linear", "--epochs", 1, "--no-evaluate", *where)
    line = refused(EVALUATE, *where)
    assert "t10k" in line
    assert "delete it" in line
    assert (raw / "t10k-images-idx3-ubyte").read_bytes() == b"garbage" * 1000


def test_training_fetches_an_altered_test_file_again_to_evaluate(mnist_dir, tmp_path):
    raw = tmp_path / "data/MNIST/raw"
    raw.mkdir(parents=True)
    for path in (mnist_dir / "MNIST/raw").iterdir():
        if path.suffix != ".gz":
            (raw / path.name).hardlink_to(path)
    labels = raw / "t10k-labels-idx1-ubyte"
    right = labels.read_bytes()
    labels.unlink()
    labels.write_bytes(right[:-100])
    (raw / f"{labels.name}.gz").write_bytes(gzip.compress(right))
    where = ("--data", tmp_path / "data", "--results", tmp_path / "runs")
    call_ok(MLP, "--model", "linear", "--epochs", 1, *where)
    assert labels.read_bytes() == right


def test_keeping_epochs_of_a_complete_run_says_what_to_do(results):
    given = (*ONE_EPOCH, "--results", results, "--keep-epochs")
    assert "--overwrite" in refused(MLP, *given)
    call_ok(MLP, *given, "--overwrite")
    assert list(results.rglob("epoch_0001.pt"))


def test_divergence_in_the_last_step_is_found_too(tmp_path):
    hyperparameters = (
        "--optimizer",
        "sgd",
        "--lr",
        "1e30",
        "--epochs",
        "1",
        "--batch-size",
        "5000",
    )
    given = ("--dataset", "digits", "--threads", 1, *hyperparameters, "--results", tmp_path)
    for _ in range(2):  # and nothing was written that the next call would stumble over
        assert "validation loss became" in refused(MLP, *given)


def test_divergence_is_one_line_with_what_to_try(tmp_path):
    line = refused(MLP, *SMALL, "--optimizer", "sgd", "--lr", "1e30", "--results", tmp_path)
    assert "at step" in line
    assert "--lr" in line


def test_a_seed_that_diverges_does_not_stop_those_after_it(tmp_path, monkeypatch):
    train = cli.train_run

    def unlucky(run, job, splits, show, *more):
        if job.config.seed == 1:
            raise diverged("the loss became nan at step 7", job.config)
        train(run, job, splits, show, *more)

    monkeypatch.setattr(cli, "train_run", unlucky)
    done = call(MLP, *ONE_EPOCH, "--seeds", 3, "--results", tmp_path)
    line = refusal(done, 1)
    assert "of 3 seeds 1 diverged (1); the first: the loss became nan at step 7" in line
    assert "--lr" in line
    assert {path.parent.name for path in tmp_path.rglob("test.json")} == {"seed0", "seed2"}
    assert "ensemble of 2 seeds" in done.stdout


def test_a_data_set_whose_name_no_folder_of_runs_can_have_is_refused(tmp_path):
    given = ("--dataset", "/", "--results", tmp_path / "runs")
    for script in ("train_mlp.py", "train_baselines.py", "tune.py"):
        line = refusal(call(f"task3_MNIST/{script}", *given), 2)
        assert "is the root of a disk" in line
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("folder", ["", "missing"])
@pytest.mark.parametrize(
    "script",
    [
        "evaluate.py",
        "predict.py",
        "visualize_comparison.py",
        "model_inference_visualization.py",
    ],
)
def test_a_folder_without_runs_is_a_wrong_call(script, folder, tmp_path):
    files = ["digit.png"] if script == "predict.py" else []
    given = (*files, "--results", tmp_path / folder)
    line = refused(f"task3_MNIST/{script}", *given, code=2)
    assert f"there is no run in {tmp_path / folder}" in line
    assert "train_mlp.py" in line
    assert "--results" in line


# ---- faults of the program, --debug


def broken(*_):
    raise KeyError("x")


def test_a_fault_of_the_program_is_one_line_and_debug_shows_where(tmp_path, monkeypatch):
    monkeypatch.setattr(cli, "train_run", broken)
    given = (*ONE_EPOCH, "--results", tmp_path)
    line = refused(MLP, *given)
    assert line == "error: KeyError: 'x' (this is a fault of the program: --debug shows where)"
    done = call(MLP, *given, "--debug")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "in broken\n" in done.stderr
    assert done.stderr.endswith(f"\n{line}\n")


def test_debug_shows_where_a_wrong_call_was_refused_too():
    done = call(MLP, "--epochs", "many", "--debug")
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: argument --epochs")


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_has_debug(script):
    assert "--debug" in call_ok(script, "--help")


# ---- Ctrl-C


def test_ctrl_c_of_which_a_library_makes_another_error_is_quiet_too(tmp_path, monkeypatch):
    def interrupted(*_):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("cannot load the compiled part") from None

    monkeypatch.setattr(cli, "train_run", interrupted)
    done = call(MLP, *ONE_EPOCH, "--results", tmp_path)
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_answers_ctrl_c_before_it_imports_anything_that_takes_long(script):
    head = (
        "\nimport sys\nfrom pathlib import Path\n\n"
        "sys.path.insert(0, str(Path(__file__).resolve().parents[1]))\n\n"
        "from task3_MNIST.cli.app import NAMES\n\n"
        "before_imports(__name__)\n\n"
    )
    code = (REPOSITORY / script).read_text(encoding="utf-8")
    names = re.search(r"cli\.app import (.*before_imports.*)", code)
    assert head.replace("NAMES", names[1]) in code


def test_only_a_script_that_is_run_answers_ctrl_c_in_its_own_way():
    answer, hook = signal.getsignal(signal.SIGINT), sys.excepthook
    for path in REPOSITORY.glob("task*/**/*.py"):  # scripts too, as modules
        importlib.import_module(".".join(path.relative_to(REPOSITORY).with_suffix("").parts))
    assert (signal.getsignal(signal.SIGINT), sys.excepthook) == (answer, hook)
    assert answer is signal.default_int_handler


def test_a_script_started_in_the_background_goes_on_ignoring_ctrl_c():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        before_imports("__main__")
        with pytest.raises(SystemExit, match="0"):
            run_script(lambda: signal.raise_signal(signal.SIGINT))
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_scripts_carry_no_machine_path():
    for script in REPOSITORY.glob("task*/*.py"):
        assert str(REPOSITORY) not in script.read_text(encoding="utf-8")
