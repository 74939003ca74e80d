"""Publishing runs as tables: what is kept, what is replaced, what is refused."""

import dataclasses
import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from task3_MNIST.datasets.splits import load_test
from task3_MNIST.evaluation.ensemble import write_ensembles
from task3_MNIST.runs import files
from task3_MNIST.runs.folder import NOT_RUNS
from task3_MNIST.runs.groups import read_groups
from task3_MNIST.runs.tables import ENSEMBLES, EPOCHS, PREDICTIONS, RELIABILITY, RUNS
from tests.helpers.inference import make_run
from tests.helpers.made_runs import change_json
from tests.helpers.pages import opened, unfold
from tests.helpers.scripts import REPOSITORY, call, call_ok, refusal

SCRIPT = "task3_MNIST/update_reference.py"
REFERENCE = REPOSITORY / "results" / "reference"
# by seed: the median of the three is seed 2, of the two seed 1
VALIDATION = {"mlp": (0.5, 0.9, 0.7), "cnn": (0.8, 0.6), "linear": (0.4,)}


@pytest.fixture(scope="module")
def trained(mnist_dir, tmp_path_factory):
    """Return a results folder of six evaluated runs of three models on MNIST."""
    results = tmp_path_factory.mktemp("trained") / "runs"
    test = load_test("mnist", mnist_dir)
    for model, accuracies in VALIDATION.items():
        runs = []
        for seed, accuracy in enumerate(accuracies):
            run = make_run(results, model, test, dataset="mnist", seed=seed)
            change_json(run.folder / "summary.json", val_accuracy=accuracy)
            runs.append(run)
        write_ensembles(runs, test)
    return results


@pytest.fixture
def runs(trained, tmp_path):
    """Return a copy of them that a test may change."""
    return shutil.copytree(trained, tmp_path / "runs")


@pytest.fixture(scope="module")
def published(trained, mnist_dir, tmp_path_factory):
    """Return the reference results made of them, with the pages."""
    folder = tmp_path_factory.mktemp("published")
    document = shutil.copy(REPOSITORY / "docs" / "results.md", folder)
    given = ("--reference", folder / "reference", "--documents", document, "--data", mnist_dir)
    done = call(SCRIPT, trained, *given)
    assert (done.returncode, done.stderr) == (0, "")
    assert "6 runs in" in done.stdout
    assert "not shown" not in done.stdout
    assert "| `mlp` | 535,818 | – |" in (folder / "results.md").read_text(encoding="utf-8")
    return folder / "reference"


@pytest.fixture
def reference(published, tmp_path):
    """Return a copy of it that a test may change."""
    return shutil.copytree(published, tmp_path / "reference")


def update(reference, *runs):
    """Call the script without the pages, and with a document next to the reference results."""
    document = shutil.copy(REPOSITORY / "docs" / "results.md", reference.parent)
    return call(SCRIPT, *runs, "--reference", reference, "--documents", document, "--no-pages")


def update_ok(reference, *runs):
    """Do the same without a complaint."""
    done = update(reference, *runs)
    assert (done.returncode, done.stderr) == (0, "")


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows(reference):
    return (reference / RUNS).read_text(encoding="utf-8").splitlines()[1:]


def test_the_tables_say_what_the_runs_say(digits_results, tmp_path):
    runs, new = shutil.copytree(digits_results, tmp_path / "runs"), tmp_path / "new"
    [measured_too] = runs.rglob("cnn/*/seed0/test.json")
    change_json(measured_too, tta_pixels=1, tta_accuracy=0.25, tta_loss=2.5)
    update_ok(new, runs)
    for group, copy in zip(read_groups(runs)[0], read_groups(new)[0], strict=True):
        ensemble = group.ensemble and dataclasses.replace(group.ensemble, predictions_sha256={})
        assert copy.ensemble == ensemble
        for run, other in zip(group.runs, copy.runs, strict=True):
            assert (other.config, other.summary) == (run.config, run.summary)
            # the figures of each class follow from the confusion matrix
            assert other.test == dataclasses.replace(run.test, per_class=[])
            assert other.epochs == run.epochs
            assert (other.classes == run.classes).all()
    assert len(rows(new)) == 3


def test_weights_are_those_of_the_median_seed_of_each_default_model(trained, published):
    kept = {path.name: path.read_bytes() for path in (published / "weights").iterdir()}
    assert kept == {
        "mlp-fast-seed2.pt": (trained / "mlp/fast/seed2/model.pt").read_bytes(),
        "cnn-fast-seed1.pt": (trained / "cnn/fast/seed1/model.pt").read_bytes(),
    }


def test_both_pages_show_the_tables_without_a_complaint(published, browser):
    with opened(browser, published / "model_comparison.html") as page:
        assert page.locator("#table tbody tr").count() == 3
        assert page.locator("#problems").is_hidden()
        unfold(page)
        assert page.locator("#published tbody tr").first.locator("td").nth(3).inner_text() == "mlp"
    with opened(browser, published / "model_inference.html") as page:
        content = page.evaluate("Page.readData()")
    assert [model["run"] for model in content["models"]] == ["mlp/fast/seed2", "cnn/fast/seed1"]
    assert all("weights" in model for model in content["models"])
    assert content["problems"] == []


def test_published_again_nothing_changes(trained, reference):
    before = contents(reference)
    update_ok(reference, trained)
    assert contents(reference) == before


def test_a_run_given_again_replaces_its_row_and_the_others_stay(runs, reference):
    before = rows(reference)
    change_json(runs / "mlp/fast/seed1/test.json", test_accuracy=0.125, correct=1250)
    update_ok(reference, runs / "mlp/fast/seed1")
    [changed] = set(rows(reference)) - set(before)
    assert ",0.125," in changed
    assert len(rows(reference)) == 6


def test_new_seeds_join_the_others_and_only_an_ensemble_of_them_all_is_kept(runs, tmp_path):
    mlp, new = runs / "mlp" / "fast", tmp_path / "new"
    done = update(new, mlp / "seed0", mlp / "seed1")
    assert "mlp fast: no ensemble of just seeds [0, 1]" in done.stderr
    [group] = read_groups(new)[0]
    assert (len(group.runs), group.ensemble) == (2, None)
    update_ok(new, mlp / "seed2")
    [group] = read_groups(new)[0]
    assert [run.config.seed for run in group.runs] == group.ensemble.seeds == [0, 1, 2]


def test_the_weights_follow_the_median_seed(runs, reference):
    mlp = runs / "mlp" / "fast"
    change_json(mlp / "seed2" / "summary.json", val_accuracy=0.95)  # the median is seed 1 now
    done = update(reference, mlp / "seed2")
    assert "mlp-fast-seed1.pt: missing, and the inference page needs it" in done.stderr
    assert not list(reference.rglob("mlp-*.pt"))
    update_ok(reference, mlp)
    assert [path.name for path in reference.rglob("mlp-*.pt")] == ["mlp-fast-seed1.pt"]


def test_a_machine_unlike_the_others_is_named(runs, reference):
    change_json(runs / "linear/fast/seed0/config.json", cpu="Another", threads=7)
    [line] = update(reference, runs / "linear").stderr.splitlines()
    assert line.startswith("warning: linear fast, 1 of 1 runs, unlike most of the reference: ")
    assert "cpu Another, not " in line
    assert "threads 7, not " in line


def test_unfinished_runs_and_what_is_no_run_are_left_out(runs, tmp_path):
    (runs / "mlp/fast/seed0/test.json").unlink()
    (runs / "cnn/fast/seed0/summary.json").unlink()
    for name in NOT_RUNS:
        shutil.copytree(runs / "mlp/fast/seed1", runs / name / "study" / "seed1")
    done = update(tmp_path / "new", runs)
    assert f"left out: {runs}/mlp/fast/seed0: was not evaluated" in done.stdout
    assert f"left out: {runs}/cnn/fast/seed0: training has not ended" in done.stdout
    assert "4 runs in" in done.stdout


# What is refused


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-20])


def garbage(path):
    path.write_bytes(b"garbage")


def older(path):
    change_json(path, schema=1)


def of_seven_images(path):
    files.write_array(path, classes=np.zeros(7, np.uint8))


def copied(path):
    shutil.copytree(path, path.with_name("copy"))


def in_another_precision(path):
    hyperparameters = json.loads(path.read_text(encoding="utf-8"))["hyperparameters"]
    change_json(path, hyperparameters=hyperparameters | {"precision": "another"})


RUN_DAMAGE = [
    ("linear/fast/seed0/config.json", older, "is of another version (schema 1, not 2)"),
    ("mlp/fast/seed1/test.json", cut_off, "is damaged"),
    ("mlp/fast/ensemble.json", cut_off, "is damaged"),
    ("mlp/fast/seed1/metrics.jsonl", Path.unlink, "has 0 of 1 epoch"),
    ("mlp/fast/seed0/predictions.npz", of_seven_images, "has predictions for 7 test images"),
    ("mlp/fast/seed2/model.pt", garbage, "holds something other than tensors"),
    ("mlp", copied, "is the same run as"),
    ("mlp/fast/seed1/config.json", in_another_precision, "with precision another, unlike"),
]


@pytest.mark.parametrize(("name", "damage", "says"), RUN_DAMAGE)
def test_a_damaged_run_is_refused_and_nothing_is_written(name, damage, says, runs, reference):
    # even if the weights of another model could be
    change_json(runs / "cnn/fast/seed1/summary.json", val_accuracy=0.9)
    damage(runs / name)
    before = contents(reference)
    assert says in refusal(update(reference, runs), 1)
    assert contents(reference) == before


def without_first_line(path):
    path.write_bytes(path.read_bytes().partition(b"\n")[2])


def without_last_line(path):
    path.write_bytes(path.read_bytes()[:-1].rpartition(b"\n")[0] + b"\n")


def in_conflict(path):
    path.write_bytes(path.read_bytes() + b"<<<<<<< HEAD\n")


TABLES = (RUNS, EPOCHS, ENSEMBLES, RELIABILITY, PREDICTIONS)
TABLE_DAMAGE = [
    *itertools.product(TABLES, (Path.unlink, cut_off, without_first_line)),
    *itertools.product(TABLES[:-1], [in_conflict]),
    *itertools.product((RUNS, EPOCHS), [without_last_line]),
]


@pytest.mark.parametrize(("name", "damage"), TABLE_DAMAGE)
def test_a_damaged_table_is_refused_and_nothing_is_written(name, damage, runs, reference):
    damage(reference / name)
    before = contents(reference)
    assert "take it from git again" in refusal(update(reference, runs), 1)
    assert contents(reference) == before


def test_a_wrong_call_is_refused_in_one_line(runs, reference, tmp_path):
    assert "in the reference results already" in refusal(update(reference, reference), 2)
    given = (runs, "--reference", tmp_path / "new", "--documents", tmp_path / "none.md")
    assert "name Markdown files" in refusal(call(SCRIPT, *given), 2)
    assert not (tmp_path / "new").exists()
    shutil.rmtree(runs)
    assert "holds no run" in refusal(update(reference, runs), 2)


def test_pages_are_refused_without_usable_weights(reference, tmp_path):
    document = shutil.copy(REPOSITORY / "docs" / "results.md", tmp_path)
    given = ("--reference", reference, "--documents", document)
    garbage(reference / "weights" / "mlp-fast-seed2.pt")
    assert "mlp-fast-seed2.pt holds something other than" in refusal(call(SCRIPT, *given), 1)
    shutil.rmtree(reference / "weights")
    assert "without their weights" in refusal(call(SCRIPT, *given), 1)


# The committed results


def test_the_committed_results_are_few_files_from_which_the_comparison_page_can_be_made(tmp_path):
    found = [path for path in REFERENCE.rglob("*") if path.is_file()]
    studies = [path for path in found if path.parent.name == "studies"]
    assert len(found) - len(studies) < 45
    # a table, an answer and a picture each
    assert len(studies) <= 3 * len({path.stem for path in studies})
    assert not {path.name for path in found} & {"config.json", "summary.json", "test.json"}
    for run in (run for group in read_groups(REFERENCE)[0] for run in group.runs):
        assert len(run.classes) == run.test.n
    given = ("--results", REFERENCE, "--out", tmp_path / "page.html", "--plots", tmp_path)
    assert "not shown" not in call_ok("task3_MNIST/visualize_comparison.py", *given)


def test_the_documents_are_what_the_committed_tables_say(tmp_path):
    paths = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
    committed = [path.read_text(encoding="utf-8") for path in paths]
    copies = [tmp_path / path.name for path in paths]
    for copy, text in zip(copies, committed, strict=True):
        stale = text.replace("<!-- end -->", "| a stale row |\n<!-- end -->")
        copy.write_text(stale, encoding="utf-8")
    call_ok(SCRIPT, "--documents", *copies, "--no-pages")
    made = [copy.read_text(encoding="utf-8") for copy in copies]
    assert made == committed, f"run python {SCRIPT}"
