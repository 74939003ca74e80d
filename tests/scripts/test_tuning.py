"""Tuning: a study that goes on after any end, and a recipe that trains what it found."""

import contextlib
import csv
import dataclasses
import functools
import json
import os
import shlex
import signal
import sqlite3
import threading

import optuna
import pytest
import torch
from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.trial import TrialState

from task1_MLP import models as mlp_models
from task2_CNN import models as cnn_models
from task3_MNIST.datasets.download import MNIST, TEST_FILES, TRAIN_FILES
from task3_MNIST.datasets.splits import load_test
from task3_MNIST.evaluation.metrics import refined_loss
from task3_MNIST.evaluation.pairs import prepare
from task3_MNIST.experiments.train import load_splits
from task3_MNIST.experiments.tuning import study as tuning
from task3_MNIST.experiments.tuning.table import best_trial, trials_table
from task3_MNIST.models import registry
from task3_MNIST.models.size import parameter_count
from task3_MNIST.runs.commands import train_command
from task3_MNIST.runs.folder import Run
from task3_MNIST.runs.groups import read_groups
from task3_MNIST.training.recipes import find_recipe
from tests.helpers.pages import lowest_contrast, open_table, opened
from tests.helpers.scripts import REPOSITORY, call, call_ok, refusal, start, wait_until

SCRIPT = "task3_MNIST/tune.py"
DIGITS = ("--dataset", "digits", "--threads", 1)
SMALL = (*DIGITS, "--epochs", 3, "--seed", 1)
TRIALS = 16  # enough for the search to learn from, to stop some early, and for importances
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


def states(results):
    """Return the states of the trials with a heartbeat, read as no other process notices."""
    database = f"file:{results / FOLDER / 'study.db'}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(database, uri=True)) as connection:
            found = "SELECT state FROM trials JOIN trial_heartbeats USING (trial_id)"
            return [state for (state,) in connection.execute(found)]
    except sqlite3.OperationalError:  # it is being made
        return []


def trials(results, *wanted):
    """Return the trials of a study that are in one of the states."""
    storage = f"sqlite:///{results / FOLDER / 'study.db'}"
    return optuna.load_study(study_name="mlp-digits", storage=storage).get_trials(states=wanted)


# ---- what a study finds and writes


def test_a_study_searches_stops_early_and_names_the_best_of_its_trials(complete):
    rows = table(complete)
    assert [row["trial"] for row in rows] == [str(number) for number in range(TRIALS)]
    assert {row["state"] for row in rows} == {"complete", "pruned"}
    assert all(int(row["epochs"]) == 3 for row in rows if row["state"] == "complete")
    assert all(int(row["epochs"]) < 3 for row in rows if row["state"] == "pruned")
    # the first is the untuned model; after it everything that is searched varies
    assert rows[0]["model"] == "mlp_512-256"
    searched = ("lr", "batch_size", "optimizer", "weight_decay", "dropout", "hidden_layers")
    for name in (*searched, "units_1", "units_2", "units_3"):
        assert len({row[name] for row in rows}) > 1, name
    for row in rows:
        hidden = [int(row[f"units_{i}"]) for i in range(1, int(row["hidden_layers"]) + 1)]
        assert row["model"] == mlp_models.name_by_sizes(hidden, float(row["dropout"]))
        assert int(row["parameters"]) == parameter_count(registry.build(row["model"]))
    best = min(
        (row for row in rows if row["state"] == "complete"), key=lambda r: float(r["refined_loss"])
    )
    recipe = json.loads((complete / RECIPE).read_text(encoding="utf-8"))
    assert recipe["model"] == best["model"]
    assert recipe["hyperparameters"]["epochs"] == 3
    for name in ("lr", "batch_size", "optimizer", "weight_decay"):
        assert str(recipe["hyperparameters"][name]) == best[name]
    assert recipe["found_by"]["trials"] == TRIALS
    assert recipe["found_by"]["trial"] == int(best["trial"])
    assert recipe["found_by"]["val_accuracy"] == float(best["val_accuracy"])


def test_the_recipe_trains_the_trial_again_to_the_bit(complete, tmp_path):
    call_ok(
        "task3_MNIST/train_mlp.py",
        *(*DIGITS, "--recipe", complete / RECIPE, "--seed", 1, "--results", tmp_path),
        "--no-evaluate",
    )
    recipe = find_recipe(str(complete / RECIPE))
    found = Run(tmp_path / "digits" / recipe.model / "tuned-mlp-digits" / "seed1")
    assert (
        found.summary().val_loss
        == json.loads((complete / RECIPE).read_text(encoding="utf-8"))["found_by"]["val_loss"]
    )
    config = found.config()
    assert config.recipe == config.name == "tuned-mlp-digits"
    assert config.recipe_file == str(complete / RECIPE)
    for name in ("lr", "optimizer", "select"):
        assert config.hyperparameters[name] == recipe.hyperparameters[name]


def test_the_printed_command_trains_a_run_by_a_recipe_file_again(complete, tmp_path):
    """Of another model, with another hyperparameter, as the pages print it to fix a run."""
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_opens_offline_and_draws_every_chart(scheme, browser, complete):
    page_file = complete / FOLDER / "study.html"
    assert page_file.stat().st_size < 3_500_000
    with opened(browser, page_file, charts=True, color_scheme=scheme) as page:
        names = page.eval_on_selector_all(
            "figure", "all => all.map(figure => figure.dataset.chart)"
        )
        complete_trials = [row for row in table(complete) if row["state"] == "complete"]
        importances = ["importances"] if len(complete_trials) >= 10 else []
        assert names == ["history", "epochs", "parallel-coordinates", *importances]
        assert page.locator(".plot .main-svg").count() >= len(names)
        assert lowest_contrast(page)[0] >= 4.5
        best = json.loads((complete / RECIPE).read_text(encoding="utf-8"))["model"]
        assert best in page.locator(".verdict").inner_text()
        assert best in page.locator("#best tbody tr").first.inner_text()
        behind = open_table(page.locator("figure[data-chart=history]"))
        assert behind.locator("tbody tr").count() == TRIALS


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
    database = f"sqlite:///{tmp_path}/mine.db"
    search = tuning.Search("mine", "mlp", "digits", tmp_path, 1, 0, tmp_path / "mine", database)
    study = tuning.open_study(search)
    train, val = load_splits("digits", tmp_path, torch.device("cpu"))
    broken = dataclasses.replace(train, images=train.images * float("nan"))
    for images in (train, broken):
        run = functools.partial(tuning.objective, search=search, splits=(images, val))
        study.optimize(run, n_trials=1)
    assert trials_table(study)["state"].tolist() == ["complete", "pruned"]
    assert trials_table(study)["refined_loss"].isna().tolist() == [False, True]
    assert best_trial(study).number == 0


def test_the_readme_of_results_names_every_column_and_key(complete):
    text = (REPOSITORY / "docs" / "run_folder.md").read_text(encoding="utf-8")
    section = text.split("## A tuning study")[1].split("## A speed file")[0]
    named = [*table(complete)[0], "channels_1"]
    named = [name for name in named if name not in ("units_2", "units_3")]
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


def test_tuning_never_opens_the_test_files(mnist_dir, tmp_path, offline, monkeypatch):
    """They are folders here: whoever opened one would fail, and cannot fetch another."""
    raw = MNIST.raw(tmp_path / "data")
    raw.mkdir(parents=True)
    for name in TRAIN_FILES:
        (raw / name).symlink_to((MNIST.raw(mnist_dir) / name).resolve())
    for name in TEST_FILES:
        (raw / name).mkdir()
    for name, value in offline.items():
        monkeypatch.setenv(name, value)
    given = ("--trials", 1, "--epochs", 1, "--threads", 1, "--seed", 1)
    call_ok(SCRIPT, *given, "--data", tmp_path / "data", "--results", tmp_path / "runs")
    assert len(table(tmp_path / "runs", "tuning/mlp")) == 1
    # neither a run nor anything of the test set is written
    names = {path.name for path in (tmp_path / "runs").rglob("*")}
    assert not names & {"config.json", "test.json", "predictions.npz", "model.pt"}


# ---- kills, Ctrl-C, several processes


def test_a_larger_number_of_trials_goes_on_as_if_it_had_been_given_at_once(complete, tmp_path):
    """In a database that is named by its URL, as any other."""
    given = (*SMALL, "--results", tmp_path, "--storage", f"sqlite:///{tmp_path}/mine.db")
    call_ok(SCRIPT, *given, "--trials", 2)
    assert "2 of 4 trials finished" in call_ok(SCRIPT, *given, "--trials", 4)
    assert without_clock(table(tmp_path)) == without_clock(table(complete))[:4]
    assert "trial 3" not in call_ok(SCRIPT, *given, "--trials", 4).split("the best")[0]
    assert without_clock(table(tmp_path)) == without_clock(table(complete))[:4]
    assert not (tmp_path / FOLDER / "study.db").exists()


def test_ctrl_c_says_how_to_go_on_and_the_command_goes_on(tmp_path):
    def interrupt():
        wait_until(lambda: "COMPLETE" in states(tmp_path))
        os.kill(os.getpid(), signal.SIGINT)

    keyboard = threading.Thread(target=interrupt)
    keyboard.start()
    done = call(SCRIPT, *DIGITS, "--epochs", 2, "--trials", 10_000, "--results", tmp_path)
    keyboard.join()
    assert (done.returncode, done.stderr) == (130, "")
    finished = len(trials(tmp_path, *tuning.FINISHED))
    line = next(line for line in done.stdout.splitlines() if line.startswith("interrupted"))
    typed = shlex.split(line.split("to go on: ")[1])[2:]
    typed[typed.index("10000")] = finished + 1
    assert f"{finished} of {finished + 1} trials finished" in call_ok(SCRIPT, *typed)
    assert len(table(tmp_path)) == finished + 1


def test_a_killed_trial_runs_again_when_its_heartbeat_stopped(tmp_path):
    """Of two processes on one study one is killed; nothing is lost, nothing is counted twice."""
    given = (*DIGITS, "--epochs", 6, "--results", tmp_path)
    other = start(SCRIPT, *given, "--trials", 1000)
    wait_until(lambda: "RUNNING" in states(tmp_path), other)

    def kill_once_both_run():
        wait_until(lambda: states(tmp_path).count("RUNNING") == 2, other)
        other.kill()
        other.communicate()

    killer = threading.Thread(target=kill_once_both_run)
    killer.start()
    call_ok(SCRIPT, *given, "--trials", 4)
    killer.join()
    older = "UPDATE trial_heartbeats SET heartbeat = datetime(heartbeat, '-61 seconds')"
    with contextlib.closing(sqlite3.connect(tmp_path / FOLDER / "study.db")) as connection:
        connection.execute(older)  # so much later
        connection.commit()
    most = len(trials(tmp_path, *tuning.FINISHED)) + 2
    call_ok(SCRIPT, *given, "--trials", most)
    (failed,) = trials(tmp_path, TrialState.FAIL)
    finished = trials(tmp_path, *tuning.FINISHED)
    retried = RetryHeartbeatStaleTrialCallback.retried_trial_number
    (again,) = [trial for trial in finished if retried(trial) == failed.number]
    assert failed.params.items() <= again.params.items()
    assert len(finished) == most
    assert [row["trial"] for row in table(tmp_path)] == [str(trial.number) for trial in finished]
    assert len({row["lr"] for row in table(tmp_path)}) == most
    assert trials(tmp_path, TrialState.RUNNING, TrialState.WAITING) == []


def test_a_trial_that_another_process_took_for_dead_is_not_counted(tmp_path):
    """As after the machine slept: its heartbeat is old when the others look."""

    def fail_the_first():
        wait_until(lambda: "RUNNING" in states(tmp_path))
        path = tmp_path / FOLDER / "study.db"
        study = optuna.load_study(study_name="mlp-digits", storage=f"sqlite:///{path}")
        study.tell(0, state=TrialState.FAIL)

    other = threading.Thread(target=fail_the_first)
    other.start()
    call_ok(SCRIPT, *DIGITS, "--epochs", 20, "--trials", 1, "--results", tmp_path)
    other.join()
    assert [row["trial"] for row in table(tmp_path)] == ["1"]


def test_two_trials_at_a_time_share_one_study(tmp_path):
    given = ("--epochs", 1, "--trials", 4, "--results", tmp_path)
    output = call_ok(SCRIPT, *DIGITS, *given, "--jobs", 2)
    assert "0 of 4 trials finished, 2 at a time" in output
    assert sorted(int(row["trial"]) for row in table(tmp_path)) == list(range(4))
    assert len({row["lr"] for row in table(tmp_path)}) == 4


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
    (("--storage", "study.db"), 2, "--storage study.db is no database URL"),
    (("--storage", "sqlite://"), 2, "would be gone with its process"),
    (("--storage", "nosuch://host/db"), 1, "--storage nosuch://host/db cannot be used"),
    (("--storage", "mysql+pymysql://me:secret@host/db"), 2, "needs a database driver"),
    (("--storage", "sqlite:////no/such/folder/study.db"), 1, "unable to open database file"),
    (("--lr", "0.1"), 2, "unrecognized arguments"),
]


@pytest.mark.parametrize(("arguments", "code", "says"), WRONG_CALLS)
def test_a_wrong_call_is_refused_in_one_line(arguments, code, says, tmp_path):
    given = (*DIGITS, "--trials", 1, "--epochs", 1, "--results", tmp_path / "runs")
    line = refusal(call(SCRIPT, *given, *arguments), code)
    assert says in line
    assert "secret" not in line


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("hello\n" * 100, encoding="utf-8")
    given = (*DIGITS, "--trials", 1, "--results", tmp_path / "runs")
    line = refusal(call(SCRIPT, *given, "--storage", f"sqlite:///{path}"), 1)
    assert "file is not a database" in line
    assert path.read_text(encoding="utf-8") == "hello\n" * 100


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (("--epochs", 5), "begun with epochs 3, not 5: name another with --study"),
        (("--seed", 3), "begun with seed 1, not 3"),
        (("--model", "cnn", "--study", "mlp-digits"), "begun with model mlp, not cnn"),
    ],
)
def test_a_study_is_not_continued_with_other_settings(changed, says, complete):
    before = table(complete)
    given = (*SMALL, "--trials", TRIALS, "--results", complete)
    assert says in refusal(call(SCRIPT, *given, *changed), 1)
    assert table(complete) == before


RECIPE_FILE = dict(about="mine", model="mlp", hyperparameters=dict(lr=0.01, epochs=1), found_by={})


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (dict(hyperparameters=dict(lrr=0.01)), 1, "unknown hyperparameter 'lrr': did you mean lr"),
        (dict(hyperparameters=dict(seed=3)), 1, "unknown hyperparameter 'seed'"),
        (dict(hyperparameters=dict(lr="high")), 1, "--lr 'high' is not a number"),
        (dict(hyperparameters=dict(lr=-1)), 1, "--lr -1.0 must be above 0"),
        (dict(hyperparameters=dict(lr=float("nan"))), 1, "JSON is malformed"),
        (dict(hyperparameters=dict(epochs=2.5)), 1, "--epochs 2.5 is not an integer"),
        (dict(hyperparameters=dict(epochs=True)), 1, "--epochs True is not an integer"),
        (
            dict(hyperparameters=dict(optimizer="adan")),
            1,
            "unknown optimizer 'adan': did you mean adam",
        ),
        (dict(hyperparameters=[]), 1, "Expected `object`, got `array`"),
        (dict(model="mpl"), 1, "unknown model 'mpl': did you mean mlp"),
        (dict(model=3), 1, "Expected `str | null`, got `int`"),
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
        ("a+b.json", RECIPE_FILE, 2, "cannot name its runs"),
        ("text.json", "hyperparameters: lr", 1, "is not a recipe file"),
        ("list.json", [1, 2], 1, "is not a recipe file"),
        ("deep.json", "[" * 100_000, 1, "is not a recipe file"),
        ("bytes.json", b"\xff\xfe", 1, "is not a recipe file"),
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
        found = find_recipe(str(path))
        family = mlp_models if registry.family_of(found.model) == "mlp" else cnn_models
        plain = {"dropout": 0.0} if family is mlp_models else {}
        assert {**plain, **tables[row]} == family.variant(found.model), path
        rows = table(REPOSITORY, path.parent.relative_to(REPOSITORY))
        complete = [row for row in rows if row["state"] == "complete"]
        assert min(complete, key=lambda row: float(row["refined_loss"]))["model"] == found.model


def test_the_tuned_mlp_is_better_than_mlp_with_classic_and_not_significantly_with_fast(mnist_dir):
    groups, _ = read_groups(REPOSITORY / "results" / "reference")
    places = {(group.model, group.name): place for place, group in enumerate(groups)}
    tuned = places["tuned_mlp", "tuned-mlp"]
    comparison = prepare(groups, load_test("mnist", mnist_dir).labels.numpy())
    assert len(groups[tuned].evaluated) >= 10
    for model in ("mlp", "mlp_120_84"):
        untuned = places[model, "classic"]
        assert {run.summary.epochs_trained for run in groups[untuned].evaluated} == {10}
        assert comparison.models(tuned, untuned).interval()[0] > 0
    # most of that is the schedule: with the same one they do not differ significantly
    found = comparison.models(tuned, places["mlp", "fast"])
    low, high = found.interval()
    assert low < 0 < high
    readme = (REPOSITORY / "docs" / "results.md").read_text(encoding="utf-8").replace("−", "-")
    assert f"{found.mean * 100:.2f} points [{low * 100:.2f}, {high * 100:.2f}]" in readme
