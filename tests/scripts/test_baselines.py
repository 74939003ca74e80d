"""Classical baselines: measured like the networks, beside them, and never invented."""

import csv
import dataclasses
import json
import re
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from sklearn.metrics import log_loss

from task3_MNIST.datasets.splits import load_test, load_train, split_validation
from task3_MNIST.experiments.fit_baseline import pixels, scores
from task3_MNIST.models import sklearn_baselines
from task3_MNIST.report.comparison.data import comparison
from task3_MNIST.report.comparison.page import write_page
from task3_MNIST.runs.folder import Run, find
from task3_MNIST.runs.groups import read_groups
from task3_MNIST.runs.tables import write_summary
from tests.helpers.made_runs import change_json
from tests.helpers.pages import opened
from tests.helpers.scripts import REPOSITORY, call, call_ok, refusal, start

SCRIPT = "task3_MNIST/train_baselines.py"
EVALUATE = "task3_MNIST/evaluate.py"
COMPARISON = "task3_MNIST/visualize_comparison.py"
INFERENCE = "task3_MNIST/model_inference_visualization.py"
DIGITS = ("--dataset", "digits", "--threads", 1)
NAMES = list(sklearn_baselines.BASELINES)
SEEDED = [name for name, row in sklearn_baselines.BASELINES.items() if row.seeded]
# as quick on digits as the others are
SMALLER = {"random_forest": {"n_estimators": 5}, "gradient_boosting": {"max_iter": 2}}
NO_FIGURE = ("images_per_second", "epochs_trained", "selected_epoch")
TIMES = ("latency_seconds", "latency_seconds_p95", "throughput")


@pytest.fixture(scope="module", autouse=True)
def smaller():
    """Make the forest and the boosted trees few, for every script called in this process."""
    with pytest.MonkeyPatch.context() as patch:
        for name, changes in SMALLER.items():
            row = sklearn_baselines.BASELINES[name]
            row = dataclasses.replace(row, settings=row.settings | changes)
            patch.setitem(sklearn_baselines.BASELINES, name, row)
        yield


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """Return results of all baselines on digits, and what the script printed: two seeds asked."""
    results = tmp_path_factory.mktemp("fitted") / "runs"
    return results, call_ok(SCRIPT, *DIGITS, "--seeds", 2, "--results", results)


@pytest.fixture(scope="module")
def mixed(fitted, digits_results, tmp_path_factory):
    """Return results of all baselines beside an MLP of two seeds and a CNN of one."""
    results = tmp_path_factory.mktemp("mixed") / "runs"
    shutil.copytree(fitted[0], results)
    return shutil.copytree(digits_results, results, dirs_exist_ok=True)


@pytest.fixture
def results(fitted, tmp_path):
    """Return a copy of the baselines' results that a test may change."""
    return shutil.copytree(fitted[0], tmp_path / "runs")


@pytest.fixture(scope="module")
def test_images():
    return load_test("digits", None)


def folder(results, name, seed=0):
    return results / "digits" / name / "scikit-learn" / f"seed{seed}"


def refit(name, seed=0):
    """Return the baseline fitted here to the images that networks train on, and validation."""
    train, val = split_validation(load_train("digits", None))
    estimator = sklearn_baselines.build(name, seed, threads=1)
    return estimator.fit(pixels(train.images), train.labels.numpy()), val


@pytest.mark.parametrize("name", NAMES)
def test_every_baseline_leaves_a_complete_run(name, fitted, test_images):
    found = Run(folder(fitted[0], name))
    summary, test = found.summary(), found.test()
    assert found.config().family == "baseline"
    assert found.metrics() == []
    assert all(getattr(summary, key) is None for key in NO_FIGURE)
    assert summary.train_seconds > 0
    assert summary.model_bytes > 1000
    assert all(getattr(test, key) > 0 for key in TIMES)
    assert test.test_accuracy > 0.7
    right = found.logits().argmax(1) == test_images.labels.numpy()
    assert int(right.sum()) == test.correct
    names = {path.name for path in found.folder.rglob("*") if path.is_file()}
    assert names == {
        *("config.json", "summary.json", "test.json", "predictions.npz", "logits.npz"),
        *("confusion_matrix.png", "confusion_matrix.pdf", ".lock"),
    }


@pytest.mark.parametrize("name", NAMES)
def test_figures_are_what_scikit_learn_says_of_the_same_images(name, fitted, test_images):
    estimator, val = refit(name)
    found = Run(folder(fitted[0], name))
    if not sklearn_baselines.BASELINES[name].probabilities:
        estimator.break_ties = True  # then it takes the class its decision function puts first
    right = (estimator.predict(pixels(val.images)) == val.labels.numpy()).mean()
    assert found.summary().val_accuracy == pytest.approx(right)
    inputs, labels = pixels(test_images.images), test_images.labels.numpy()
    assert found.test().correct == (estimator.predict(inputs) == labels).sum()
    if not sklearn_baselines.BASELINES[name].probabilities:
        assert (found.test().test_loss, found.test().ece) == (None, None)
        assert found.summary().val_loss is None
        assert found.test().reliability == []
        return
    said = estimator.predict_proba(inputs)
    stored = torch.tensor(found.logits()).double().softmax(1).numpy()
    assert np.abs(stored - said).max() < 1e-3
    if (said[np.arange(len(labels)), labels] == 0).any():
        assert found.test().test_loss is None, "an infinite loss has no number"
    else:
        assert found.test().test_loss == pytest.approx(log_loss(labels, said))


def test_neighbors_that_leave_out_the_right_class_have_no_loss(fitted):
    test = Run(folder(fitted[0], "knn")).test()
    assert test.test_loss is None
    assert 0 < test.ece < 0.1


def test_only_the_linear_baseline_has_a_number_of_parameters(fitted):
    linear = Run(folder(fitted[0], "logistic_regression")).summary()
    assert (linear.parameters, linear.flops) == (7850, 2 * 784 * 10)
    for name in NAMES[1:]:
        summary = Run(folder(fitted[0], name)).summary()
        assert (summary.parameters, summary.flops) == (None, None)


def test_what_draws_nothing_runs_once_and_says_so(fitted):
    results, printed = fitted
    for name in NAMES:
        seeds = sorted(path.name for path in folder(results, name).parent.glob("seed*"))
        assert seeds == (["seed0", "seed1"] if name in SEEDED else ["seed0"])
        assert (f"{name} is deterministic" in printed) == (name not in SEEDED)
    for name in SEEDED:
        first, second = (Run(folder(results, name, seed)).logits() for seed in (0, 1))
        assert (first != second).any()
        together = json.loads(
            (folder(results, name).parent / "ensemble.json").read_text(encoding="utf-8")
        )
        assert together["seeds"] == [0, 1]


def test_a_forests_seeds_together_have_no_loss_where_no_tree_is_right(fitted, test_images):
    members = [Run(folder(fitted[0], "random_forest", seed)) for seed in (0, 1)]
    logits = np.stack([member.logits() for member in members])
    mean = torch.tensor(logits).double().softmax(2).mean(0).numpy()
    none = (mean[np.arange(len(mean)), test_images.labels] == 0).any()
    path = members[0].folder.parent / "ensemble.json"
    assert (json.loads(path.read_text(encoding="utf-8"))["test_loss"] is None) == none


@pytest.mark.parametrize("name", SEEDED)
def test_the_same_command_gives_the_same_bits(name, results):
    before = Run(folder(results, name)).test(), Run(folder(results, name)).logits()
    call_ok(SCRIPT, *DIGITS, "--models", name, "--overwrite", "--results", results)
    after = Run(folder(results, name)).test(), Run(folder(results, name)).logits()
    clock = dict.fromkeys(TIMES, 0.0)
    assert dataclasses.replace(before[0], **clock) == dataclasses.replace(after[0], **clock)
    assert (before[1] == after[1]).all()


def test_a_finished_run_is_not_fitted_again(results):
    path = folder(results, "knn") / "summary.json"
    written = path.stat().st_mtime_ns
    again = (*DIGITS, "--models", "knn", "--results", results)
    assert "complete, nothing to fit" in call_ok(SCRIPT, *again)
    assert path.stat().st_mtime_ns == written
    call_ok(SCRIPT, *again, "--overwrite")
    assert path.stat().st_mtime_ns > written


def test_no_evaluate_leaves_the_test_set_sealed_until_it_is_fitted_again(tmp_path):
    given = (*DIGITS, "--models", "knn", "--results", tmp_path)
    assert "test accuracy" not in call_ok(SCRIPT, *given, "--no-evaluate")
    found = Run(folder(tmp_path, "knn"))
    assert found.complete
    assert not found.evaluated
    assert not (found.folder / "predictions.npz").exists()
    # evaluate.py passes over it in a line
    printed = call_ok(EVALUATE, "--results", tmp_path)
    assert f"{found.folder}: a baseline's model is not kept" in printed
    [problem] = read_groups(tmp_path)[1]
    assert "was not evaluated" in problem.what
    assert "train_baselines.py --models knn" in problem.command
    assert "its model is not kept: it is fitted again" in call_ok(SCRIPT, *given)
    assert found.evaluated


LONG = (*DIGITS, "--models", "gradient_boosting")  # seconds, with all its rounds


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_fit_begins_again(how, tmp_path):
    process = start(SCRIPT, *LONG, "--results", tmp_path)
    assert "1,317 training" in process.stdout.readline()
    wait_for_processor_time(process, 0.3)  # amid the fit, which takes seconds of it
    process.send_signal(how)
    output, errors = process.communicate()
    found = Run(folder(tmp_path, "gradient_boosting"))
    assert not found.complete
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert errors == ""
        assert "gradient_boosting begins again with python" in output
    else:
        # as if it had been fitted by the few rounds of this process, which all else here has
        settings = found.config().hyperparameters | SMALLER["gradient_boosting"]
        change_json(found.folder / "config.json", hyperparameters=settings)
        call_ok(SCRIPT, *LONG, "--results", tmp_path)
        assert found.complete
        assert found.evaluated


def test_ctrl_c_is_answered_while_compiled_code_computes(mnist_dir, tmp_path):
    given = ("--data", mnist_dir, "--results", tmp_path, "--models", "svm_rbf", "--no-evaluate")
    process = start(SCRIPT, *given, "--threads", 1)
    assert "55,000 training" in process.stdout.readline()
    # in libsvm, which takes minutes and looks for no signal
    wait_for_processor_time(process, 2)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate()
    assert (process.returncode, errors) == (130, "")
    assert "svm_rbf begins again" in output
    assert not Run(tmp_path / "svm_rbf/scikit-learn/seed0").complete


def wait_for_processor_time(process, seconds):
    """Wait until a process has computed for so long from now on, or has ended."""
    computing = psutil.Process(process.pid)

    def spent():
        times = computing.cpu_times()
        return times.user + times.system

    goal = spent() + seconds
    while process.poll() is None and spent() < goal:
        time.sleep(0.01)


def test_an_unfinished_run_is_named_with_the_command_that_mends_it(results):
    broken = folder(results, "random_forest", 1)
    (broken / "summary.json").unlink()
    _, problems = read_groups(results)
    [problem] = [problem for problem in problems if problem.run.endswith("seed1")]
    assert problem.what == "its fit or evaluation has not ended: it begins again"
    assert "train_baselines.py --models random_forest --dataset digits --seed 1" in problem.command


def test_a_damaged_evaluation_is_replaced_by_another_fit(results):
    (folder(results, "knn") / "test.json").write_text("{", encoding="utf-8")
    line = refusal(call(SCRIPT, *DIGITS, "--models", "knn", "--results", results), 1)
    assert "test.json is damaged" in line
    assert "train_baselines.py --overwrite" in line
    [problem] = read_groups(results)[1]
    assert problem.command.startswith("python task3_MNIST/train_baselines.py --models knn")
    assert problem.command.endswith("--overwrite")


def test_two_scripts_never_write_one_run(tmp_path):
    with Run(folder(tmp_path, "knn")).locked():
        done = call(SCRIPT, *DIGITS, "--models", "knn", "--results", tmp_path)
    assert "another script is writing" in refusal(done, 1)


def test_other_settings_are_not_taken_for_these(results, monkeypatch):
    row = sklearn_baselines.BASELINES["knn"]
    changed = dataclasses.replace(row, settings=row.settings | {"n_neighbors": 7})
    monkeypatch.setitem(sklearn_baselines.BASELINES, "knn", changed)
    done = call(SCRIPT, *DIGITS, "--models", "knn", "--results", results)
    assert "holds a run with n_neighbors 3, not 7" in refusal(done, 1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--models", "random_forrest"), "did you mean random_forest?"),
        (("--models", "mlp"), "unknown baseline 'mlp'"),
        (("--models", ","), "--models names none"),
        (("--seed", "-1"), "not an integer from 0"),
        (("--seed", "4294967296"), "not an integer from 0"),
        (("--seed", "1", "--seeds", "2"), "not allowed with"),
        (("--seeds", "0"), "not an integer from 1"),
        (("--dataset", "mnits"), "did you mean mnist"),
    ],
)
def test_a_wrong_call_is_refused_in_one_line(arguments, says, tmp_path):
    assert says in refusal(call(SCRIPT, *arguments, "--results", tmp_path), 2)


def test_images_of_one_class_are_refused_in_one_line(tmp_path):
    from PIL import Image
    from sklearn.datasets import load_digits

    images = tmp_path / "images" / "0"
    images.mkdir(parents=True)
    digits = load_digits()
    for number, image in enumerate(digits.images[digits.target == 0][:40]):
        gray = Image.fromarray(255 - (image * 15.9).astype("uint8"))
        gray.resize((56, 56)).save(images / f"{number}.png")
    given = ("--dataset", tmp_path / "images", "--results", tmp_path / "runs", "--models", "knn")
    assert "one class only" in refusal(call(SCRIPT, *given), 1)


@pytest.mark.parametrize("classes", [(3, 7), (0, 4, 9)])
@pytest.mark.parametrize("name", ["logistic_regression", "svm_rbf"])
def test_classes_that_were_never_shown_are_never_said(name, classes, test_images):
    estimator = sklearn_baselines.build(name, seed=0, threads=1)
    chosen = torch.isin(test_images.labels, torch.tensor(classes))
    inputs, labels = pixels(test_images.images)[chosen], test_images.labels[chosen].numpy()
    estimator.fit(inputs, labels)
    found = scores(estimator, inputs, sklearn_baselines.BASELINES[name].probabilities)
    assert found.shape == (len(labels), 10)
    assert set(np.flatnonzero(found.isfinite().any(0))) == set(classes)
    assert (found.argmax(1).numpy() == estimator.predict(inputs)).all()


def test_list_prints_each_with_its_settings_and_their_source():
    printed = call_ok(SCRIPT, "--list")
    for name, row in sklearn_baselines.BASELINES.items():
        assert f"{name}: sklearn.{row.estimator}(" in printed
        assert row.why in printed


# Beside the networks


def test_the_summary_has_a_row_a_run_and_empty_cells(mixed):
    path = mixed / "summary.csv"
    write_summary(read_groups(mixed)[0], path)
    with path.open(newline="", encoding="utf-8") as stream:
        rows = {row["model"]: row for row in csv.DictReader(stream)}
    assert {"knn", "mlp", "cnn"} <= set(rows)
    svm = rows["svm_rbf"]
    assert float(svm["test_accuracy"]) > 0.9
    assert json.loads(svm["settings"])["estimator"] == "svm.SVC"
    lacking = {*NO_FIGURE, "parameters", "flops", "val_loss", "test_loss", "ece", "lr"}
    assert [key for key in lacking if svm[key]] == []


@pytest.mark.parametrize("kind", ["mixed", "fitted"])
def test_the_comparison_script_shows_baselines_with_and_without_networks(
    kind, mixed, fitted, tmp_path
):
    results = {"mixed": mixed, "fitted": fitted[0]}[kind]
    page, pictures = tmp_path / "page.html", tmp_path / "plots"
    given = ("--results", results, "--out", page, "--plots", pictures)
    done = call(COMPARISON, *given)
    assert (done.returncode, done.stderr) == (0, "")
    assert "not shown wholly" not in done.stdout
    drawn = {path.stem for path in (pictures / "digits").glob("*.png")}
    of_networks = {"learning_curves", "radar"} if kind == "mixed" else set()
    assert drawn == {"accuracy", "training_time", "model_size", *of_networks}


def model_of(name):
    """Return the model of a name on the page; a network's recipe stands behind it."""
    return name.partition(" · ")[0]


def test_the_page_compares_all_and_leaves_out_what_has_no_figure(mixed):
    groups, problems = read_groups(mixed)
    assert problems == []
    [dataset] = comparison(groups, problems, None)["datasets"]
    models = len(NAMES) + 2
    assert len(dataset["entries"]) == models
    assert len(dataset["pairs"]) == models * (models - 1) // 2
    charts = {chart["name"]: chart for chart in dataset["charts"]}
    shown = {
        name: {model_of(row[0]) for row in chart["table"]["rows"]} for name, chart in charts.items()
    }
    assert shown["accuracy-parameters"] == {"mlp", "cnn", "logistic_regression"}
    assert "no number of parameters of their own" in charts["accuracy-parameters"]["about"]
    assert shown["accuracy-train-seconds"] == {"mlp", "cnn", *NAMES}
    assert shown["curves-loss"] == {"mlp", "cnn"}
    assert shown["reliability"] == shown["radar"] == {"mlp", "cnn", *NAMES} - {"svm_rbf"}
    assert shown["classes"] == {"mlp", "cnn", *NAMES}
    # the verdict is about the networks
    chosen = {dataset["entries"][place]["family"] for place in dataset["chosen"]}
    assert chosen == {"mlp", "cnn"}
    [planned] = [pair for pair in dataset["pairs"] if pair["planned"]]
    assert any(
        text.startswith("The one MLP and the one CNN of these results")
        for text in planned["evidence"]
    )


def test_a_deterministic_baseline_is_compared_as_a_model_and_needs_no_more_seeds(mixed):
    [dataset] = comparison(*read_groups(mixed), REPOSITORY / "data")["datasets"]
    names = [model_of(entry["name"]) for entry in dataset["entries"]]
    pairs = {frozenset((names[pair["a"]], names[pair["b"]])): pair for pair in dataset["pairs"]}
    assert pairs[frozenset(("knn", "svm_rbf"))]["models"]
    assert "train more seeds" not in " ".join(pairs[frozenset(("knn", "svm_rbf"))]["evidence"])
    assert pairs[frozenset(("knn", "mlp"))]["models"]  # of several seeds
    alone = pairs[frozenset(("knn", "cnn"))]
    assert not alone["models"]
    evidence = " ".join(alone["evidence"])
    assert re.search(r"cnn[^.]* has one seed", evidence)
    assert "knn has one seed" not in evidence


def test_the_page_shows_a_dash_where_a_baseline_has_no_figure(browser, mixed, tmp_path):
    page_file = tmp_path / "page.html"
    write_page(*read_groups(mixed), REPOSITORY / "data", page_file)
    with opened(browser, page_file, charts=True) as page:
        page.select_option("#family", label="baseline")
        assert page.locator("#table tbody tr").count() == len(NAMES)
        heads = page.locator("#table thead th").all_inner_texts()
        cells = page.locator("#table tr[data-model=svm_rbf]").locator("th, td").all_inner_texts()
        row = dict(zip(heads, cells, strict=True))
        assert row["Family"] == "baseline"
        assert row["Seeds"].replace("\u00a0", " ") == "n = 1"
        empty = {head for head, cell in row.items() if cell == "–"}
        assert empty == {"Test loss", "Calibration error", "Parameters", "FLOPs"}
        page.select_option("#pick-a", label="svm_rbf")
        assert page.locator("[data-chart=confusion-a] h3").inner_text().startswith("svm_rbf: ")


def test_a_page_of_baselines_alone_opens_without_a_complaint(browser, fitted, tmp_path):
    page_file = tmp_path / "page.html"
    write_page(*read_groups(fitted[0]), REPOSITORY / "data", page_file)
    with opened(browser, page_file, charts=True) as page:
        assert page.locator("#table tbody tr").count() == len(NAMES)
        assert "baselines" not in page.locator("#problems").inner_text()


def test_baselines_are_published_as_they_are(results, tmp_path):
    reference = tmp_path / "reference"
    document = Path(shutil.copy(REPOSITORY / "docs" / "results.md", tmp_path))
    given = ("--reference", reference, "--documents", document, "--no-pages")
    call_ok("task3_MNIST/update_reference.py", results, *given)
    groups, published = (read_groups(folder)[0] for folder in (results, reference))
    assert {group.model for group in published} == set(NAMES)
    for group, copy in zip(groups, published, strict=True):
        for run, other in zip(group.runs, copy.runs, strict=True):
            assert run.config == other.config
            assert run.summary == other.summary
            assert run.test.reliability == other.test.reliability
            assert (run.classes == other.classes).all()


# Scripts that need a model which can be loaded


def test_the_inference_page_is_of_the_networks(mixed, fitted, tmp_path):
    given = ("--out", tmp_path / "page.html", "--plots", tmp_path / "plots")
    assert "runs mlp · fast" in call_ok(INFERENCE, "--results", mixed, *given)
    named = call(INFERENCE, "--results", mixed, *given, "--models", "mlp", "knn")
    assert "knn is a baseline" in refusal(named, 2)
    alone = call(INFERENCE, "--results", fitted[0], *given)
    assert "no evaluated run of a network" in refusal(alone, 1)


def test_scripts_that_load_a_model_say_why_a_baseline_has_none(fitted, mixed):
    baseline = folder(fitted[0], "knn")
    digit = "digit.png"
    for done in (
        call(EVALUATE, baseline),
        call(EVALUATE, "--tta", 1, baseline),
        call("task1_MLP/visualize.py", "--run", baseline),
        call("task2_CNN/visualize.py", "--run", baseline),
        call("task3_MNIST/predict.py", digit, "--run", baseline),
    ):
        assert f"{baseline} is a run of the baseline knn" in refusal(done, 1)
    for done in (
        call("task1_MLP/visualize.py", "--model", "knn", "--results", mixed),
        call("task3_MNIST/predict.py", digit, "--model", "knn", "--results", mixed),
        call("task3_MNIST/train_mlp.py", "--model", "knn", "--results", mixed),
        call("task3_MNIST/benchmark.py", "--models", "knn", "--results", mixed),
        call("task3_MNIST/speedrun.py", "--model", "knn"),
    ):
        assert "knn is a baseline" in refusal(done, 2)


def test_scripts_that_look_for_models_pass_over_baselines(mixed, tmp_path):
    printed = call_ok("task1_MLP/visualize.py", "--results", mixed, "--out", tmp_path)
    assert "showing" in printed
    assert "are evaluated" in call_ok(EVALUATE, "--results", mixed)
    results = shutil.copytree(mixed, tmp_path / "runs")
    for test in find(results):
        if not test.baseline:
            (test.folder / "test.json").unlink()
    assert "3 evaluated" in call_ok(EVALUATE, "--results", results)


def test_a_benchmark_next_to_baselines_has_them_in_its_table(results, tmp_path):
    grid = ("--models", "linear", "--recipes", "fast", "--datasets", "digits", "--seeds", 1)
    where = ("--results", results, "--out", tmp_path, "--plots", tmp_path / "plots")
    call_ok("task3_MNIST/benchmark.py", *grid, "--jobs", 1, *where)
    with (results / "summary.csv").open(newline="", encoding="utf-8") as stream:
        models = {row["model"] for row in csv.DictReader(stream)}
    assert models == {"linear", *NAMES}


def test_the_schema_is_documented(fitted):
    text = (REPOSITORY / "docs" / "run_folder.md").read_text(encoding="utf-8")
    found = Run(folder(fitted[0], "svm_rbf"))
    for content in (found.summary(), found.test()):
        assert [key for key in vars(content) if f"`{key}`" not in text] == []
    assert "`mlp`, `cnn` or `baseline`" in text


def test_networks_and_baselines_name_the_same_data(mixed):
    sums = {one.config().dataset_sha256 for one in find(mixed)}
    assert len(sums) == 1
