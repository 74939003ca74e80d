"""Publishing runs as reference results: what is kept, what is replaced, what is refused."""

import dataclasses
import shutil

import numpy as np
import pytest

from task3_MNIST.datasets.splits import load_test
from task3_MNIST.evaluation.ensemble import write_ensembles
from task3_MNIST.runs import files
from task3_MNIST.runs.folder import NOT_RUNS
from task3_MNIST.runs.groups import read_groups
from task3_MNIST.runs.tables import PREDICTIONS, RUNS
from tests.helpers.inference import make_run
from tests.helpers.made_runs import change_json
from tests.helpers.pages import opened
from tests.helpers.scripts import REPOSITORY, call, call_ok, refusal

SCRIPT = "task3_MNIST/update_reference.py"
REFERENCE = REPOSITORY / "results" / "reference"
# by seed: the median of the three is seed 2, of the two seed 1
VALIDATION = {"mlp": (0.5, 0.9, 0.7), "cnn": (0.8, 0.6), "linear": (0.4,)}


@pytest.fixture(scope="module")
def test_images(mnist_dir):
    return load_test("mnist", mnist_dir)


@pytest.fixture(scope="module")
def trained(test_images, tmp_path_factory):
    """Return a results folder of six evaluated runs of three models on MNIST."""
    results = tmp_path_factory.mktemp("trained") / "runs"
    for model, accuracies in VALIDATION.items():
        runs = []
        for seed, accuracy in enumerate(accuracies):
            run = make_run(results, model, test_images, dataset="mnist", seed=seed)
            change_json(run.folder / "summary.json", val_accuracy=accuracy)
            runs.append(run)
        write_ensembles(runs, test_images)
    return results


@pytest.fixture
def runs(trained, tmp_path):
    """Return a copy of them that a test may change."""
    return shutil.copytree(trained, tmp_path / "runs")


@pytest.fixture(scope="module")
def published(trained, mnist_dir, tmp_path_factory):
    """Return reference results of them, with the pages and a document."""
    folder = tmp_path_factory.mktemp("published")
    document = shutil.copy(REPOSITORY / "docs" / "results.md", folder)
    given = ("--reference", folder / "reference", "--documents", document, "--data", mnist_dir)
    done = call(SCRIPT, trained, *given)
    assert (done.returncode, done.stderr) == (0, "")
    assert "6 runs in" in done.stdout
    assert "not shown" not in done.stdout
    return folder / "reference"


@pytest.fixture
def reference(published, tmp_path):
    """Return a copy of it that a test may change."""
    return shutil.copytree(published, tmp_path / "reference")


def update(reference, *arguments):
    """Call the script without the pages, and with a document next to the reference results."""
    document = reference.parent / "results.md"
    shutil.copy(REPOSITORY / "docs" / "results.md", document)
    given = ("--reference", reference, "--documents", document, "--no-pages")
    return call(SCRIPT, *arguments, *given)


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_tables_say_what_the_runs_say(trained, published):
    pairs = zip(read_groups(trained)[0], read_groups(published)[0], strict=True)
    seeds = 0
    for group, copy in pairs:
        assert (group.model, group.name) == (copy.model, copy.name)
        without_digests = group.ensemble and dataclasses.replace(
            group.ensemble, predictions_sha256={}
        )
        assert copy.ensemble == without_digests
        for run, other in zip(group.runs, copy.runs, strict=True):
            seeds += 1
            assert other.config == run.config
            assert other.summary == run.summary
            assert other.epochs == run.epochs
            # the figures of each class follow from the confusion matrix
            assert other.test == dataclasses.replace(run.test, per_class=[])
            assert (other.classes == run.classes).all()
    assert seeds == 6


def test_kept_are_the_weights_of_the_runs_that_the_page_shows(trained, published):
    weights = {path.name: path.read_bytes() for path in (published / "weights").iterdir()}
    assert weights == {
        "mlp-fast-seed2.pt": (trained / "mlp/fast/seed2/model.pt").read_bytes(),
        "cnn-fast-seed1.pt": (trained / "cnn/fast/seed1/model.pt").read_bytes(),
    }
    document = (published.parent / "results.md").read_text(encoding="utf-8")
    assert "| `mlp` | 535,818 | – |" in document
    assert {path.name for path in (published / "plots").iterdir()} >= {
        *("accuracy.png", "predictions.png")
    }


def test_both_pages_show_it_without_a_complaint(published, browser):
    with opened(browser, published / "model_comparison.html") as page:
        assert page.locator("#table tbody tr").count() == 3
        assert page.locator("#problems").is_hidden()
        row = page.locator("#published tbody tr").first
        assert row.locator("td").nth(3).inner_text() == "mlp"
        assert row.locator("a").get_attribute("href").startswith("https://")
        assert "lenet5 with the classic recipe" in page.locator("#published-note").inner_text()
    with opened(browser, published / "model_inference.html") as page:
        content = page.evaluate("JSON.parse(document.getElementById('data').textContent)")
    assert [model["run"] for model in content["models"]] == ["mlp/fast/seed2", "cnn/fast/seed1"]
    assert all("weights" in model for model in content["models"])
    assert content["problems"] == []


def test_published_again_nothing_changes(trained, reference):
    before = contents(reference)
    assert update(reference, trained).returncode == 0
    assert contents(reference) == before


def test_a_run_replaces_its_row_and_the_others_stay(runs, reference):
    before = (reference / RUNS).read_text(encoding="utf-8").splitlines()
    change_json(runs / "mlp/fast/seed1/test.json", test_accuracy=0.25, correct=2500)
    done = update(reference, runs / "mlp/fast/seed1")
    assert (done.returncode, done.stderr) == (0, "")
    after = (reference / RUNS).read_text(encoding="utf-8").splitlines()
    [changed] = set(after) - set(before)
    assert ",0.25," in changed
    assert len(after) == len(before) == 7


def test_the_weights_follow_the_run_that_the_page_shows(runs, reference):
    seeds = runs / "mlp" / "fast"
    change_json(seeds / "seed2" / "summary.json", val_accuracy=0.95)  # the median is seed 1 now
    done = update(reference, seeds / "seed2")
    assert "mlp-fast-seed1.pt: missing, and the inference page needs it" in done.stderr
    assert not list(reference.rglob("mlp-*.pt"))
    done = update(reference, seeds)
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in reference.rglob("mlp-*.pt")] == ["mlp-fast-seed1.pt"]
    # what the weights hold is checked, too
    (seeds / "seed1" / "model.pt").write_bytes(b"garbage")
    assert "model.pt holds something other" in refusal(update(reference, seeds / "seed1"), 1)


def test_an_ensemble_of_other_seeds_is_not_kept(runs, tmp_path):
    new = tmp_path / "new"
    seeds = runs / "mlp" / "fast"
    done = update(new, seeds / "seed0", seeds / "seed1")
    assert "mlp fast: no ensemble of just seeds [0, 1]" in done.stderr
    assert read_groups(new)[0][0].ensemble is None
    done = update(new, seeds / "seed2")
    assert "ensemble" not in done.stderr
    assert read_groups(new)[0][0].ensemble.seeds == [0, 1, 2]


def test_a_machine_unlike_the_others_is_named(runs, reference):
    change_json(runs / "linear/fast/seed0/config.json", cpu="Another", threads=7)
    done = update(reference, runs / "linear")
    assert done.returncode == 0
    [line] = done.stderr.splitlines()
    assert line.startswith("warning: linear fast, 1 of 1 runs, unlike most of the reference: ")
    assert "cpu Another, not " in line
    assert "threads 7, not " in line


def test_unfinished_runs_are_left_out_and_said_so(runs, tmp_path):
    (runs / "mlp/fast/seed0/test.json").unlink()
    (runs / "cnn/fast/seed0/summary.json").unlink()
    done = update(tmp_path / "new", runs)
    assert done.returncode == 0
    assert f"left out: {runs}/mlp/fast/seed0: was not evaluated" in done.stdout
    assert f"left out: {runs}/cnn/fast/seed0: training has not ended" in done.stdout
    assert "4 runs in" in done.stdout


def test_what_else_lies_in_a_results_folder_is_no_run(runs, tmp_path):
    for name in NOT_RUNS:
        shutil.copytree(runs / "mlp/fast/seed0", runs / name / "study" / "seed0")
    groups, problems = read_groups(runs)
    assert (len(groups), problems) == (3, [])
    images = tmp_path / "tuning"
    for digit in range(10):
        (images / str(digit)).mkdir(parents=True)
        shutil.copy(REFERENCE / "model_comparison.png", images / str(digit))
    given = ("--dataset", images, "--results", tmp_path / "other")
    assert "rename it" in refusal(call("task3_MNIST/train_mlp.py", *given), 2)


def older(runs):
    for path in runs.rglob("config.json"):
        change_json(path, schema=1)


def unevaluated(runs):
    for path in runs.rglob("test.json"):
        path.unlink()


def short(runs):
    path = runs / "mlp/fast/seed0/predictions.npz"
    files.write_array(path, classes=np.zeros(7, np.uint8))


def cut_off(name):
    return lambda runs: (runs / "mlp/fast" / name).write_text("{", encoding="utf-8")


DAMAGE = [
    (older, 1, "is of another version (schema 1, not 2)"),
    (unevaluated, 1, "was not evaluated: no figures of the test set: finish it first"),
    (lambda runs: shutil.copytree(runs / "mlp", runs / "copy"), 1, "is the same run as"),
    (short, 1, "has predictions for 7 test images and figures of 10,000"),
    (cut_off("seed1/test.json"), 1, "is damaged"),
    (cut_off("ensemble.json"), 1, "is damaged"),
    (lambda runs: (runs / "mlp/fast/seed1/metrics.jsonl").unlink(), 1, "metrics.jsonl is missing"),
    (shutil.rmtree, 2, "holds no run"),
]


@pytest.mark.parametrize(("damage", "code", "says"), DAMAGE)
def test_runs_that_cannot_be_published_are_refused_and_nothing_is_written(
    damage, code, says, runs, reference
):
    damage(runs)
    before = contents(reference)
    assert says in refusal(update(reference, runs), code)
    assert contents(reference) == before


def test_a_damaged_table_is_refused_in_one_line(reference):
    (reference / PREDICTIONS).unlink()
    line = refusal(update(reference), 1)
    assert "predictions.npz is missing" in line
    assert "take it from git again" in line


def test_a_wrong_call_is_refused_in_one_line(runs, reference, tmp_path):
    assert "in the reference results already" in refusal(update(reference, reference), 2)
    given = (runs, "--reference", tmp_path / "new", "--documents", tmp_path / "none.md")
    assert "name Markdown files" in refusal(call(SCRIPT, *given), 2)
    assert not (tmp_path / "new").exists()


def test_the_inference_page_wants_weights_and_says_so(reference, tmp_path):
    shutil.rmtree(reference / "weights")
    given = ("--results", reference, "--out", tmp_path / "page.html", "--plots", tmp_path)
    line = refusal(call("task3_MNIST/model_inference_visualization.py", *given), 1)
    assert "without their weights" in line


def test_the_committed_results_are_tables_from_which_pages_can_be_made(tmp_path):
    found = [path for path in REFERENCE.rglob("*") if path.is_file()]
    assert len(found) < 40
    assert not [path for path in found if path.name in ("config.json", "summary.json")]
    groups, problems = read_groups(REFERENCE)
    assert problems == []
    assert all(run.test.n == len(run.classes) for group in groups for run in group.runs)
    given = ("--results", REFERENCE, "--out", tmp_path / "page.html", "--plots", tmp_path)
    assert "not shown" not in call_ok("task3_MNIST/visualize_comparison.py", *given)
