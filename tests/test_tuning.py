"""Tuning: a study that survives whatever ends it, and a recipe that trains what it found."""

import contextlib
import csv
import functools
import json
import os
import platform
import signal
import subprocess
import time
from dataclasses import replace

import pytest
import torch
from optuna.storages.journal._storage import JournalStorageReplayResult
from optuna.trial import TrialState

from task1_MLP import models as mlp_models
from task2_CNN import models as cnn_models
from task3_MNIST.core import data, search_space, tuning, zoo
from task3_MNIST.core.fetch import TEST_FILES, TRAIN_FILES, raw_folder
from task3_MNIST.core.metrics import refined_loss
from task3_MNIST.core.recipe_file import read_recipe
from task3_MNIST.core.runs import Run
from task3_MNIST.core.training import load_splits
from task3_MNIST.core.trial_table import best_trial, columns, finished_trials
from task3_MNIST.core.tuning import Search, give_up_dead, open_study, run_trial
from task3_MNIST.report.collect import collect, train_command
from task3_MNIST.report.compare import right, told_apart
from tests.pages import lowest_contrast, open_table, opened
from tests.scripts import REPOSITORY, call, call_ok, command, refusal, run, run_ok, start

SCRIPT = "task3_MNIST/tune.py"
DIGITS = ("--dataset", "digits", "--threads", 1)
SMALL = (*DIGITS, "--epochs", 4)
TRIALS = 14  # enough for the search to learn from, and to prune
FOLDER = "tuning/mlp-digits"
RECIPE = f"{FOLDER}/tuned-mlp-digits.json"


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """Return the results of a study that nobody interrupted."""
    results = tmp_path_factory.mktemp("study")
    call_ok(SCRIPT, *SMALL, "--trials", TRIALS, "--results", results)
    return results


def table(results, folder=FOLDER):
    """Return the rows of a study's table as text."""
    with (results / folder / "trials.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def without_clock(rows):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def begun_and_ended(results):
    """Return how many trials a study's journal has begun, and how many have ended."""
    with contextlib.suppress(FileNotFoundError):
        lines = (
            (results / FOLDER / "study.journal")
            .read_text(encoding="utf-8")
            .splitlines(keepends=True)
        )
        logs = [json.loads(line) for line in lines if line.endswith("\n")]
        begun = sum(log["op_code"] == 4 for log in logs)
        states = [log["state"] for log in logs if log["op_code"] == 6]
        return begun, sum(state != TrialState.RUNNING for state in states)
    return 0, 0


def wait_until(condition, process, seconds=300):
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.communicate()


# ---- what a study finds and writes


def test_a_study_searches_prunes_and_names_the_best_of_its_trials(complete):
    rows = table(complete)
    assert [row["trial"] for row in rows] == [str(number + 1) for number in range(TRIALS)]
    states = {row["state"] for row in rows}
    assert states == {"complete", "pruned"}
    assert all(int(row["epochs"]) == 4 for row in rows if row["state"] == "complete")
    assert all(int(row["epochs"]) < 4 for row in rows if row["state"] == "pruned")
    # as a textbook has them: everything the issue of tuning names varies
    for name in search_space.space("mlp"):
        assert len({row[name] for row in rows}) > 1, name
    for row in rows:
        hidden = [int(row[f"units_{i}"]) for i in range(1, int(row["hidden_layers"]) + 1)]
        assert row["model"] == mlp_models.name_by_sizes(hidden, float(row["dropout"]))
        assert int(row["parameters"]) == zoo.parameter_count(zoo.build(row["model"]))
    best = min(
        (row for row in rows if row["state"] == "complete"), key=lambda r: float(r["refined_loss"])
    )
    recipe = json.loads((complete / RECIPE).read_text(encoding="utf-8"))
    assert recipe["model"] == best["model"]
    assert recipe["knobs"]["epochs"] == 4
    for name in search_space.KNOBS:
        assert str(recipe["knobs"][name]) == best[name]
    assert recipe["found_by"]["trials"] == TRIALS
    assert recipe["found_by"]["val_accuracy"] == float(best["val_accuracy"])


def test_the_recipe_trains_the_trial_again_to_the_bit(complete, tmp_path):
    call_ok(
        "task3_MNIST/train_mlp.py",
        *(*DIGITS, "--recipe", complete / RECIPE, "--seed", 0, "--results", tmp_path),
        "--no-evaluate",
    )
    recipe = read_recipe(complete / RECIPE)
    found = Run(tmp_path / "digits" / recipe.model / "tuned-mlp-digits" / "seed0")
    assert (
        found.summary()["val_loss"]
        == json.loads((complete / RECIPE).read_text(encoding="utf-8"))["found_by"]["val_loss"]
    )
    config = found.config()
    assert config["recipe"] == config["name"] == "tuned-mlp-digits"
    assert config["recipe_file"] == str(complete / RECIPE)
    assert {name: config["config"][name] for name in ("lr", "optimizer", "select")} == {
        name: recipe.recipe.knobs[name] for name in ("lr", "optimizer", "select")
    }


def test_the_printed_command_trains_a_run_by_a_recipe_file_again(complete, tmp_path):
    """Of another model and with another knob, as the pages print it for a run to be mended."""
    call_ok(
        "task3_MNIST/train_mlp.py",
        *(*DIGITS, "--recipe", complete / RECIPE, "--model", "linear", "--epochs", 1),
        *("--results", tmp_path, "--no-evaluate"),
    )
    found = Run(tmp_path / "digits/linear/tuned-mlp-digits+epochs=1/seed0")
    typed = train_command(found.config(), tmp_path)
    assert f"--recipe {complete / RECIPE} --epochs 1" in typed
    arguments = typed.removeprefix("python task3_MNIST/train_mlp.py ").split(" ")
    done = call_ok("task3_MNIST/train_mlp.py", *arguments, "--threads", 1, "--no-evaluate")
    assert "complete, nothing to train" in done


def test_a_benchmark_takes_recipe_files(complete, tmp_path):
    given = ("--models", "linear", "--datasets", "digits", "--seeds", 1, "--jobs", 1, "--no-pages")
    recipes = ("--recipes", "fast", complete / RECIPE, "--results", tmp_path)
    output = call_ok("task3_MNIST/benchmark.py", *given, *recipes)
    assert (tmp_path / "digits/linear/tuned-mlp-digits/seed0/test.json").exists()
    assert "2 runs in" in output


def table_of(page, chart):
    """Return the first cells of the table behind a chart."""
    behind = open_table(page.locator(f"figure[data-chart={chart}]"))
    return behind.locator("tbody td:first-child").all_inner_texts()


def test_the_page_opens_offline_and_draws_every_chart(browser, complete):
    page_file = complete / FOLDER / "study.html"
    assert page_file.stat().st_size < 3_500_000
    with opened(browser, page_file, charts=True) as page:
        names = page.eval_on_selector_all(
            "figure", "all => all.map(figure => figure.dataset.chart)"
        )
        assert {"history", "parallel-coordinates"} <= set(names)
        assert page.locator(".plot .main-svg").count() >= len(names)
        assert lowest_contrast(page)[0] >= 4.5
        best = json.loads((complete / RECIPE).read_text(encoding="utf-8"))["model"]
        assert best in page.locator("main").inner_text()
        assert len(table_of(page, "history")) == TRIALS


def test_importance_is_drawn_once_enough_trials_ran_to_their_end(complete, browser, tmp_path):
    given = (*DIGITS, "--epochs", 1, "--trials", 10, "--results", tmp_path)
    call_ok(SCRIPT, *given)  # one epoch is never pruned
    assert {row["state"] for row in table(tmp_path)} == {"complete"}
    with opened(browser, tmp_path / FOLDER / "study.html", charts=True) as page:
        shown = table_of(page, "importances")
    assert set(shown) <= set(search_space.space("mlp"))
    assert {"lr", "hidden_layers", "units_1"} <= set(shown)


def test_channels_of_a_cnn_are_searched(tmp_path):
    given = ("--family", "cnn", "--trials", 2, "--results", tmp_path)
    call_ok(SCRIPT, *DIGITS, "--epochs", 1, *given)
    for row in table(tmp_path, "tuning/lenet5-digits"):
        channels = [int(row[f"channels_{place}"]) for place in (1, 2, 3)]
        assert row["model"] == cnn_models.name_by_sizes("lenet5", channels)
        own = cnn_models.channels_of("lenet5")
        assert all(o // 2 <= c <= 4 * o for c, o in zip(channels, own, strict=True))
        assert "dropout" not in row
    recipe = tmp_path / "tuning/lenet5-digits/tuned-lenet5-digits.json"
    line = refusal(call("task3_MNIST/train_mlp.py", "--recipe", recipe), 2)
    assert "use train_cnn.py" in line


def test_a_diverging_trial_is_counted_and_never_the_best(tmp_path):
    search, study = a_study(tmp_path)
    splits = load_splits("digits", tmp_path, False, torch.device("cpu"))
    train, val = splits
    run_trial(search, 2, study, splits)
    broken = type(train)(train.images * float("nan"), train.labels)
    run_trial(search, 2, study, (broken, val))
    trials = finished_trials(study)
    assert [trial.state for trial in trials] == ["complete", "diverged"]
    assert best_trial(trials).trial == 1


def test_the_readme_of_results_names_every_column_and_key(complete):
    text = (REPOSITORY / "results" / "README.md").read_text(encoding="utf-8").split("## A study")[1]
    section = text.split("## A speed file")[0]
    for model in ("mlp", "lenet5"):
        named = [name for name in columns(model) if not name[-1].isdigit() or name.endswith("_1")]
        assert [name for name in named if f"`{name}`" not in section] == []
    recipe = json.loads((complete / RECIPE).read_text(encoding="utf-8"))
    assert [key for key in recipe if f"`{key}`" not in section] == []


def test_the_refined_loss_is_that_of_the_right_doubt_whatever_a_model_says():
    torch.manual_seed(0)
    calibrated = torch.randn(5000, 10) * 3
    labels = torch.multinomial(calibrated.softmax(1), 1)[:, 0]
    loss = torch.nn.functional.cross_entropy(calibrated, labels).item()
    for sureness in (0.1, 1.0, 7.0):
        found = refined_loss(calibrated * sureness, labels)
        # labels drawn from the probabilities: no temperature does much better than 1
        assert loss - 0.001 < found <= loss + 1e-6
    worse = calibrated[:, [1, 0, *range(2, 10)]]
    assert refined_loss(worse, labels) > loss + 0.1


# ---- the sealed test set


def test_tuning_never_opens_the_test_files(mnist_dir, tmp_path, offline):
    """They are folders here: whoever opened one would fail, and cannot fetch another."""
    raw = raw_folder(tmp_path / "data")
    raw.mkdir(parents=True)
    for name in TRAIN_FILES:
        (raw / name).symlink_to((raw_folder(mnist_dir) / name).resolve())
    for name in TEST_FILES:
        (raw / name).mkdir()
    given = ("--trials", 1, "--epochs", 1, "--threads", 1, "--seed", 1)
    where = ("--data", tmp_path / "data", "--results", tmp_path / "runs")
    run_ok(SCRIPT, *given, *where, env={**os.environ, **offline})
    assert len(table(tmp_path / "runs", "tuning/mlp")) == 1
    # neither a run nor anything of the test set is written
    names = {path.name for path in (tmp_path / "runs").rglob("*")}
    assert not names & {"config.json", "test.json", "predictions.npz", "model.pt"}


# ---- kills, Ctrl-C, several processes


def test_killed_at_any_moment_and_given_again_it_ends_with_the_same_table(complete, tmp_path):
    given = (*SMALL, "--trials", TRIALS, "--results", tmp_path)

    def in_a_trial_after(count):
        begun, ended = begun_and_ended(tmp_path)
        return ended >= count and begun > ended

    for count in (2, 6):
        process = start(SCRIPT, *given)
        wait_until(functools.partial(in_a_trial_after, count), process)
        kill(process)
    done = run(SCRIPT, *given)
    assert (done.returncode, done.stderr) == (0, "")
    assert without_clock(table(tmp_path)) == without_clock(table(complete))
    assert (tmp_path / RECIPE).read_text(encoding="utf-8") == (complete / RECIPE).read_text(
        encoding="utf-8"
    )
    assert not list(tmp_path.rglob(".trial-*")), "a killed trial left its lock"
    # and once more: nothing is left to do, and the table stays
    again = call_ok(SCRIPT, *given)
    assert f"{TRIALS} of {TRIALS} trials finished" in again
    assert "validation" not in again.splitlines()[1] or "the best" in again.splitlines()[1]
    assert without_clock(table(tmp_path)) == without_clock(table(complete))


def test_ctrl_c_says_how_to_go_on_and_the_rest_follows(complete, tmp_path):
    process = start(SCRIPT, *SMALL, "--trials", TRIALS, "--results", tmp_path)
    wait_until(lambda: begun_and_ended(tmp_path)[1] >= 3, process)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate()
    assert (process.returncode, errors) == (130, "")
    line = next(line for line in output.splitlines() if line.startswith("interrupted"))
    assert f"of {TRIALS} trials are finished" in line
    resume = line.split("to go on: ")[1].replace("python ", command("")[0] + " ", 1)
    subprocess.run(resume, shell=True, cwd="/", check=True, capture_output=True)
    assert without_clock(table(tmp_path)) == without_clock(table(complete))


def test_ctrl_c_while_the_journal_is_read_costs_nothing(tmp_path, monkeypatch):
    apply, replayed = JournalStorageReplayResult._apply_set_trial_user_attr, []

    def interrupted_once(self, log):
        if "place" in log["user_attr"]:
            replayed.append(log["trial_id"])
            if replayed == [0, 0]:  # first where the trial ran, then where all trials are read
                raise KeyboardInterrupt
        apply(self, log)

    monkeypatch.setattr(JournalStorageReplayResult, "_apply_set_trial_user_attr", interrupted_once)
    done = call(SCRIPT, *DIGITS, "--epochs", 1, "--trials", 2, "--results", tmp_path)
    assert (done.returncode, done.stderr) == (130, "")
    assert "1 of 2 trials are finished" in done.stdout


def test_several_processes_share_one_study_and_one_may_be_killed(tmp_path):
    given = (*DIGITS, "--epochs", 20, "--trials", 6, "--results", tmp_path)

    def running():
        return len(list((tmp_path / FOLDER).glob(".trial-*")))

    first = start(SCRIPT, *given, "--jobs", 2)
    wait_until(running, first)
    second = start(SCRIPT, *given)
    assert "study mlp-digits" in second.stdout.readline()
    kill(first)
    output, errors = second.communicate()
    assert (second.returncode, errors) == (0, ""), output
    # nothing is lost, nothing is twice, and nobody's lock is left
    rows = table(tmp_path)
    assert [row["trial"] for row in rows] == [str(number + 1) for number in range(6)]
    assert len({row["lr"] for row in rows}) == 6
    assert running() == 0


def test_a_database_serves_as_well_as_a_journal(tmp_path):
    given = (*DIGITS, "--epochs", 1, "--trials", 2, "--results", tmp_path)
    output = call_ok(SCRIPT, *given, "--storage", f"sqlite:///{tmp_path}/study.db")
    more = call_ok(SCRIPT, *given, "--storage", f"sqlite:///{tmp_path}/study.db", "--trials", 3)
    assert "0 of 2 trials finished" in output
    assert "2 of 3 trials finished" in more
    in_database = without_clock(table(tmp_path))
    (tmp_path / FOLDER / "trials.csv").unlink()
    call_ok(SCRIPT, *given, "--trials", 3)
    assert without_clock(table(tmp_path)) == in_database


def test_a_journal_cut_off_within_a_line_goes_on(complete, tmp_path):
    journal = tmp_path / "copy.journal"
    whole = (complete / FOLDER / "study.journal").read_bytes()
    journal.write_bytes(whole + b'{"op_code":4,"worker')
    given = (*SMALL, "--trials", TRIALS + 1, "--results", tmp_path, "--storage", journal)
    call_ok(SCRIPT, *given)
    assert without_clock(table(tmp_path))[:TRIALS] == without_clock(table(complete))
    assert len(table(tmp_path)) == TRIALS + 1


def a_study(tmp_path):
    search = Search(
        name="mine",
        model="mlp",
        dataset="digits",
        data_dir=tmp_path,
        epochs=1,
        seed=0,
        storage=str(tmp_path / "mine.journal"),
        folder=tmp_path / "mine",
    )
    return search, open_study(search)


def test_trials_of_other_machines_are_given_up_after_an_hour_without_an_epoch(tmp_path):
    search, study = a_study(tmp_path)
    ages = {"fresh": 60, "silent": 4000}
    for place, (_, age) in enumerate(ages.items()):
        trial = study.ask()
        trial.set_user_attr("place", place)
        trial.set_user_attr("worker", {"host": f"not-{platform.node()}", "lock": "/elsewhere"})
        trial.set_user_attr("seen", time.time() - age)
    ours = study.ask()  # killed before it could say whose it is
    give_up_dead(search, study)
    states = [trial.state for trial in study.get_trials()]
    assert states == [TrialState.RUNNING, TrialState.FAIL, TrialState.FAIL]
    assert ours.number == 2


def set_clock(patch, zone):
    patch.setenv("TZ", zone)
    time.tzset()


def test_no_trial_is_given_up_because_the_clock_was_changed(tmp_path, monkeypatch):
    """As in the night when summer time ends, but by half a day."""
    search, study = a_study(tmp_path)
    with contextlib.ExitStack() as held:
        with monkeypatch.context() as patch:
            set_clock(patch, "UTC+12")
            trial, *_ = tuning._begin(search, study, [], held)
            trial.set_user_attr("worker", {"host": "another", "lock": "/elsewhere"})
            set_clock(patch, "UTC")
            give_up_dead(search, study)
        time.tzset()
        assert study.get_trials()[0].state == TrialState.RUNNING


def test_a_trial_in_a_database_that_nobody_signs_is_given_up_in_time(tmp_path, monkeypatch):
    search = replace(a_study(tmp_path)[0], storage=f"sqlite:///{tmp_path}/study.db")
    study = open_study(search)
    study.ask()  # its process has not said yet whose it is, or never will
    give_up_dead(search, study)
    assert study.get_trials()[0].state == TrialState.RUNNING
    monkeypatch.setattr(tuning, "UNSIGNED", 0)
    give_up_dead(search, study)
    assert study.get_trials()[0].state == TrialState.FAIL


# ---- bad input


WRONG_CALLS = [
    (("--model", "lenet"), 2, "unknown model to tune 'lenet': did you mean"),
    (("--model", "mlp_50_50"), 2, "unknown model to tune 'mlp_50_50'"),
    (("--family", "mlp", "--model", "cnn"), 2, "cnn is no MLP: leave out --family or --model"),
    (("--family", "rnn"), 2, "rnn"),
    (("--dataset", "digit"), 2, "unknown data set 'digit': did you mean digits"),
    (("--trials", "0"), 2, "--trials"),
    (("--epochs", "-1"), 2, "--epochs"),
    (("--jobs", "none"), 2, "--jobs"),
    (("--seed", "-1"), 2, "--seed"),
    *(
        (("--study", name), 2, "a study cannot be called")
        for name in ("..", ".", "a/b", "a\\b", "C:b", "a+b", "b.", "NUL", "com1.b", "a" * 95)
    ),
    (("--storage", "nosuch://host/db"), 1, "--storage nosuch://host/db cannot be used"),
    (("--storage", "postgresql://me:secret@host/db"), 2, "needs a database driver"),
    (("--storage", "sqlite:////no/such/folder/study.db"), 1, "unable to open database file"),
    (("--lr", "0.1"), 2, "unrecognized arguments"),
]


@pytest.mark.parametrize(("arguments", "code", "says"), WRONG_CALLS)
def test_a_wrong_call_is_refused_in_one_line(arguments, code, says, tmp_path):
    given = (*DIGITS, "--trials", 1, "--epochs", 1, "--results", tmp_path / "runs")
    line = refusal(call(SCRIPT, *given, *arguments), code)
    assert says in line
    assert "secret" not in line
    assert list(tmp_path.rglob("*.journal")) == []


@pytest.mark.parametrize("content", ["hello", "hello\nyou\n", '{"a": 1}\n', "\0\1\2"])
def test_a_file_that_is_no_journal_is_refused_and_left_alone(content, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text(content, encoding="utf-8")
    given = (*DIGITS, "--trials", 1, "--results", tmp_path / "runs", "--storage", path)
    assert f"{path} is no journal of a study" in refusal(call(SCRIPT, *given), 1)
    assert path.read_text(encoding="utf-8") == content


def test_an_altered_journal_is_refused_in_one_line(complete, tmp_path):
    path = tmp_path / "altered.journal"
    lines = (
        (complete / FOLDER / "study.journal").read_text(encoding="utf-8").splitlines(keepends=True)
    )
    path.write_text("".join([*lines[:10], '{"op_code":4,\n', *lines[10:]]), encoding="utf-8")
    given = (*SMALL, "--trials", 1, "--results", tmp_path / "runs", "--storage", path)
    assert "was altered" in refusal(call(SCRIPT, *given), 1)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (("--epochs", 5), "begun with epochs 4, not 5: name another with --study"),
        (("--seed", 3), "begun with seed 0, not 3"),
        (("--model", "cnn", "--study", "mlp-digits"), "begun with model mlp, not cnn"),
    ],
)
def test_a_study_is_not_continued_with_other_settings(changed, says, complete):
    before = table(complete)
    given = (*SMALL, "--trials", TRIALS, "--results", complete)
    assert says in refusal(call(SCRIPT, *given, *changed), 1)
    assert table(complete) == before


RECIPE_FILE = dict(about="mine", model="mlp", knobs=dict(lr=0.01, epochs=1), found_by={})


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (dict(knobs=dict(lrr=0.01)), 1, "unknown knob 'lrr': did you mean lr"),
        (dict(knobs=dict(seed=3)), 1, "unknown knob 'seed'"),
        (dict(knobs=dict(lr="high")), 1, "--lr 'high' is not a number"),
        (dict(knobs=dict(lr=-1)), 1, "--lr -1.0 must be above 0"),
        (dict(knobs=dict(lr=float("nan"))), 1, "not a finite number"),
        (dict(knobs=dict(epochs=2.5)), 1, "--epochs 2.5 is not a whole number"),
        (dict(knobs=dict(epochs=True)), 1, "--epochs True is not a whole number"),
        (dict(knobs=dict(optimizer="adan")), 1, "unknown optimizer 'adan': did you mean adam"),
        (dict(knobs=[]), 1, "is no recipe file (it has no knobs)"),
        (dict(model="mpl"), 1, "unknown model 'mpl': did you mean mlp"),
        (dict(model=3), 1, "its model is no text"),
        (dict(modle="mlp"), 1, "unknown key of a recipe 'modle': did you mean model"),
    ],
)
def test_a_recipe_file_is_checked_at_the_door(change, code, says, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({**RECIPE_FILE, **change}), encoding="utf-8")
    given = (*DIGITS, "--results", tmp_path / "runs", "--recipe", path)
    line = refusal(call("task3_MNIST/train_mlp.py", *given), code)
    assert says in line
    assert str(path) in line
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("name", "content", "code", "says"),
    [
        ("gone.json", None, 2, "there is no recipe file"),
        ("fast.json", RECIPE_FILE, 2, "would be taken for the built-in recipe fast"),
        ("Fast.json", RECIPE_FILE, 2, "would be taken for the built-in recipe fast"),
        ("a+b.json", RECIPE_FILE, 2, "cannot name its runs"),
        ("aux.json", RECIPE_FILE, 2, "cannot name its runs"),
        ("a" * 101 + ".json", RECIPE_FILE, 2, "cannot name its runs"),
        ("text.json", "knobs: lr", 1, "is no recipe file"),
        ("list.json", [1, 2], 1, "is no recipe file"),
        ("deep.json", "[" * 100_000, 1, "is no recipe file"),
        ("bytes.json", b"\xff\xfe", 1, "is no recipe file"),
        ("mine.toml", RECIPE_FILE, 2, "unknown recipe"),
    ],
)
def test_what_is_no_recipe_file_is_refused_in_one_line(name, content, code, says, tmp_path):
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        path.write_text(
            content if isinstance(content, str) else json.dumps(content), encoding="utf-8"
        )
    for script, flag in (("train_mlp.py", "--recipe"), ("benchmark.py", "--recipes")):
        given = (flag, path, "--results", tmp_path / "runs")
        assert says in refusal(call(f"task3_MNIST/{script}", *given), code)


def test_two_recipe_files_of_one_name_are_refused(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.json").write_text(json.dumps(RECIPE_FILE), encoding="utf-8")
    files = (tmp_path / "a/mine.json", tmp_path / "b/mine.json")
    given = ("--models", "linear", "--recipes", *files, "--results", tmp_path / "runs")
    line = refusal(call("task3_MNIST/benchmark.py", *given), 2)
    assert "would share their run folders" in line
    assert str(files[0]) in line


# ---- the reference


def test_what_a_study_of_the_reference_found_is_the_row_of_its_name():
    for path in sorted((REPOSITORY / "results/reference/tuning").glob("*/tuned-*.json")):
        row = f"tuned_{path.parent.name}"
        tables = {**mlp_models.VARIANTS, **cnn_models.VARIANTS}
        found = read_recipe(path)
        family = mlp_models if zoo.family_of(found.model) == "mlp" else cnn_models
        plain = {"dropout": 0.0} if family is mlp_models else {}
        assert {**plain, **tables[row]} == family.variant(found.model), path
        rows = table(REPOSITORY, path.parent.relative_to(REPOSITORY))
        complete = [row for row in rows if row["state"] == "complete"]
        assert min(complete, key=lambda row: float(row["refined_loss"]))["model"] == found.model


def test_the_tuned_mlp_beats_the_untuned_ones_of_as_many_epochs_by_a_paired_test(mnist_dir):
    groups, _ = collect(REPOSITORY / "results" / "reference")
    found = {(group.model, group.name): group for group in groups}
    tuned = found["tuned_mlp", "tuned-mlp"]
    untuned = [found[model, "classic"] for model in ("mlp", "mlp_120_84")]
    runs = [run for group in (tuned, *untuned) for run in group.evaluated]
    assert {run.summary["epochs"] for run in runs} == {10}
    assert len(tuned.evaluated) >= 10
    assert all(len(group.evaluated) >= 5 for group in untuned)
    labels = data.load_test("mnist", mnist_dir).labels.numpy()
    assert told_apart(tuned, untuned, labels) == [True, True]
    assert all(right(tuned, labels).mean() > right(group, labels).mean() for group in untuned)
