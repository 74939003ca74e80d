"""Publishing runs as reference results: what is kept, what is replaced, what is refused."""

import json
import shutil

import numpy as np
import pytest

from task3_MNIST.datasets.splits import load_test
from task3_MNIST.errors import UserError
from task3_MNIST.evaluation.ensemble import write_ensembles
from task3_MNIST.report.reference.publish import KEPT, publish
from task3_MNIST.runs.folder import NOT_RUNS, Run, find, read_ensemble
from task3_MNIST.runs.groups import collect
from task3_MNIST.runs.tables import NAME, as_csv, read_summary, summary_rows
from tests.helpers.inference import make_run
from tests.helpers.pages import opened
from tests.helpers.scripts import REPOSITORY, call, call_ok, refusal

SCRIPT = "task3_MNIST/update_reference.py"
REFERENCE = REPOSITORY / "results" / "reference"
# by seed: the median of the three is seed 2, of the two seed 1
VALIDATION = {"mlp": (0.5, 0.9, 0.7), "cnn": (0.8, 0.6), "linear": (0.4,)}


def change_json(path, **changes):
    path.write_text(
        json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8"
    )


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
    assert "6 runs given, 6 of them new or changed" in done.stdout
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


def test_kept_are_figures_and_classes_and_the_weights_of_the_runs_that_the_page_shows(
    trained, published
):
    sources = find(trained)
    assert len(sources) == 6
    for source in sources:
        copy = Run(published / source.folder.relative_to(trained))
        kept = {name: (copy.folder / name).read_bytes() for name in KEPT}
        assert kept == {name: (source.folder / name).read_bytes() for name in KEPT}
        assert (copy.classes() == source.predictions().argmax(1)).all()
        assert (copy.folder / "predictions.npz").stat().st_size < 8_000
        others = {path.name for path in copy.folder.iterdir()} - {*KEPT, "predictions.npz"}
        assert others <= {"model.pt"}
    weights = [path.parent.relative_to(published) for path in published.rglob("model.pt")]
    assert sorted(map(str, weights)) == ["cnn/fast/seed1", "mlp/fast/seed2"]
    for place in weights:
        assert (published / place / "model.pt").read_bytes() == (
            trained / place / "model.pt"
        ).read_bytes()
    assert read_ensemble(published / "mlp" / "fast")["seeds"] == [0, 1, 2]


def test_the_summary_and_the_document_are_made_from_it(published):
    rows = read_summary(published / NAME)
    assert [(row["model"], row["seed"]) for row in rows] == [
        (model, seed) for model in sorted(VALIDATION) for seed in range(len(VALIDATION[model]))
    ]
    document = (published.parent / "results.md").read_text(encoding="utf-8")
    assert "| `mlp` | 535,818 | – |" in document
    assert "`advanced_mlp`" not in document.split("accuracy: made")[1].split("<!-- end")[0]
    assert {path.name for path in (published / "plots").iterdir()} >= {
        "accuracy.png",
        "predictions.png",
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


def test_given_again_it_changes_nothing(trained, reference, mnist_dir):
    before = contents(reference)
    written = {path: path.stat().st_mtime_ns for path in reference.rglob("*/seed*/*")}
    document = shutil.copy(REPOSITORY / "docs" / "results.md", reference.parent)
    given = ("--reference", reference, "--documents", document, "--data", mnist_dir)
    output = call_ok(SCRIPT, trained, *given)
    assert "6 runs given, 0 of them new or changed" in output
    assert contents(reference) == before
    assert {path: path.stat().st_mtime_ns for path in written} == written


def test_a_run_given_replaces_its_place_wholly_and_the_others_stay(runs, reference):
    mlp = runs / "mlp" / "fast"
    change_json(mlp / "seed1" / "test.json", test_accuracy=0.25, correct=2500)
    place = reference / "mlp" / "fast" / "seed1"
    (place / "left-over.txt").write_text("of an earlier version", encoding="utf-8")
    before = contents(reference)
    done = update(reference, mlp / "seed1")
    assert (done.returncode, done.stderr) == (0, "")
    assert not (place / "left-over.txt").exists()
    after = contents(reference)
    changed = {name for name in before if after.get(name) != before[name]}
    assert changed == {
        "mlp/fast/seed1/left-over.txt",
        "mlp/fast/seed1/test.json",
        NAME,
    }
    rows = read_summary(reference / NAME)
    assert {row["test_accuracy"] for row in rows if row["model"] == "mlp"} >= {0.25}


def test_the_weights_follow_the_run_that_the_page_shows(runs, reference):
    seeds = runs / "mlp" / "fast"
    change_json(seeds / "seed2" / "summary.json", val_accuracy=0.95)  # the median is seed 1 now
    done = update(reference, seeds / "seed2")
    assert "mlp/fast/seed1: no weights" in done.stderr
    assert not list((reference / "mlp").rglob("model.pt"))
    done = update(reference, seeds)
    assert (done.returncode, done.stderr) == (0, "")
    [weights] = (reference / "mlp").rglob("model.pt")
    assert weights.parent.name == "seed1"
    # what the weights hold is checked, too
    (seeds / "seed1" / "model.pt").write_bytes(b"garbage")
    assert "model.pt holds something other" in refusal(update(reference, seeds / "seed1"), 1)


def test_an_ensemble_of_other_seeds_is_not_kept(runs, tmp_path):
    new = tmp_path / "new"
    seeds = runs / "mlp" / "fast"
    done = update(new, seeds / "seed0", seeds / "seed1")
    assert "mlp/fast: no ensemble.json, since none is given of just seeds [0, 1]" in done.stderr
    assert not (new / "mlp/fast/ensemble.json").exists()
    done = update(new, seeds / "seed2")
    assert "ensemble" not in done.stderr
    assert read_ensemble(new / "mlp" / "fast")["seeds"] == [0, 1, 2]


def test_a_machine_unlike_the_others_is_named_and_knobs_that_differ_between_seeds(runs, reference):
    config = runs / "linear" / "fast" / "seed0" / "config.json"
    change_json(config, cpu="Another", threads=7)
    done = update(reference, config.parent)
    assert done.returncode == 0
    [line] = done.stderr.splitlines()
    assert line.startswith("warning: linear fast, all its runs, unlike most of the reference: ")
    assert "cpu Another, not None and threads 7, not None" in line

    config = runs / "mlp" / "fast" / "seed0" / "config.json"
    change_json(
        config, config={**json.loads(config.read_text(encoding="utf-8"))["config"], "lr": 0.5}
    )
    done = update(reference, config.parent)
    assert "warning: mlp fast: its seeds differ in lr too" in done.stderr


def test_unfinished_runs_are_left_out_and_said_so(runs, tmp_path):
    (runs / "mlp/fast/seed0/test.json").unlink()
    (runs / "cnn/fast/seed0/summary.json").unlink()
    done = update(tmp_path / "new", runs)
    assert done.returncode == 0
    assert "left out: " in done.stdout
    assert f"{runs}/mlp/fast/seed0: was not evaluated" in done.stdout
    assert f"{runs}/cnn/fast/seed0: training has not ended" in done.stdout
    assert len(read_summary(tmp_path / "new" / NAME)) == 4


def test_what_else_lies_in_a_results_folder_is_no_run(runs, reference, tmp_path):
    config = runs / "mlp" / "fast" / "seed0"
    for name in NOT_RUNS:
        shutil.copytree(config, reference / name / "study" / "seed0")
        (reference / name / "study" / "summary.json").write_text("{}", encoding="utf-8")
    assert len(find(reference)) == 6
    groups, problems = collect(reference)
    assert (len(groups), problems) == (3, [])
    assert update(reference).returncode == 0
    images = tmp_path / "tuning"
    for digit in range(10):
        (images / str(digit)).mkdir(parents=True)
        shutil.copy(REFERENCE / "model_comparison.png", images / str(digit))
    given = ("--dataset", images, "--results", tmp_path / "other")
    assert "rename it" in refusal(call("task3_MNIST/train_mlp.py", *given), 2)


def older(runs):
    for path in runs.rglob("config.json"):
        change_json(path, schema=0)


def unevaluated(runs):
    for path in runs.rglob("test.json"):
        path.unlink()


def twice(runs):
    shutil.copytree(runs / "mlp", runs / "copy")


def short(runs):
    Run(runs / "mlp/fast/seed0").write_classes(np.zeros(7, np.uint8))


def elsewhere(key, value):
    """Return what makes a run name a place outside its own."""
    return lambda runs: change_json(runs / "mlp/fast/seed0/config.json", **{key: value})


DAMAGE = [
    (elsewhere("name", "../../elsewhere"), 1, "has no usable name"),
    (elsewhere("model", ".."), 1, "has no usable model"),
    (elsewhere("dataset", "a/.."), 1, "has no usable dataset"),
    (older, 1, "has schema 0, not 1"),
    (unevaluated, 1, "was not evaluated: finish it first"),
    (twice, 1, "is the same run as"),
    (short, 1, "has predictions for 7 test images and figures of 10,000"),
    (
        lambda runs: (runs / "mlp/fast/seed1/test.json").write_text("{", encoding="utf-8"),
        1,
        "is corrupt",
    ),
    (lambda runs: (runs / "mlp/fast/seed1/metrics.jsonl").unlink(), 1, "metrics.jsonl is missing"),
    (
        lambda runs: (runs / "mlp/fast/ensemble.json").write_text("{", encoding="utf-8"),
        1,
        "is corrupt",
    ),
    (shutil.rmtree, 2, "holds no run"),
    (lambda runs: (shutil.rmtree(runs), runs.mkdir()), 2, "holds no run"),
]


@pytest.mark.parametrize(("damage", "code", "says"), DAMAGE)
def test_results_that_cannot_be_published_are_refused_and_nothing_is_copied(
    damage, code, says, runs, reference
):
    damage(runs)
    before = contents(reference)
    assert says in refusal(update(reference, runs), code)
    assert contents(reference) == before


def no_column(reference):
    path = reference / NAME
    path.write_text(
        path.read_text(encoding="utf-8").replace("test_accuracy,", "", 1), encoding="utf-8"
    )


BROKEN = [
    (no_column, 1, "lacks the column test_accuracy"),
    (lambda reference: (reference / "mlp/fast/seed0/test.json").unlink(), 1, "is not whole"),
    (
        lambda reference: (reference / "mlp/fast/seed0/summary.json").write_text(
            "{", encoding="utf-8"
        ),
        1,
        "corrupt",
    ),
    (
        lambda reference: change_json(reference / "mlp/fast/seed0/config.json", schema=0),
        1,
        "0, not",
    ),
    (lambda reference: twice(reference), 1, "is the same run as another"),
    (lambda reference: (shutil.rmtree(reference), reference.mkdir()), 2, "has no runs: name"),
]


@pytest.mark.parametrize(("damage", "code", "says"), BROKEN)
def test_broken_reference_results_are_refused_in_one_line(damage, code, says, reference):
    damage(reference)
    assert says in refusal(update(reference), code)


def test_a_wrong_call_is_refused_in_one_line(runs, reference, tmp_path):
    assert "in the reference results already" in refusal(update(reference, reference), 2)
    given = (runs, "--reference", tmp_path / "new", "--documents", tmp_path / "none.md")
    assert "name Markdown files" in refusal(call(SCRIPT, *given), 2)
    assert not (tmp_path / "new").exists()


def test_a_page_that_complains_fails_the_script(reference, mnist_dir):
    (reference / "linear/fast/seed0/predictions.npz").unlink()
    document = shutil.copy(REPOSITORY / "docs" / "results.md", reference.parent)
    given = ("--reference", reference, "--documents", document, "--data", mnist_dir)
    done = call(SCRIPT, *given)
    assert "linear/fast/seed0/predictions.npz is missing" in done.stdout
    assert "1 run of" in refusal(done, 1)


def test_an_interrupted_copy_is_not_taken_for_a_run(runs, reference, monkeypatch):
    change_json(runs / "mlp/fast/seed0/summary.json", val_accuracy=0.51)

    def killed(self, classes):
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "write_classes", killed)
    with pytest.raises(KeyboardInterrupt):
        publish([Run(runs / "mlp/fast/seed0")], reference)
    monkeypatch.undo()
    rows, _ = summary_rows(reference)
    assert len(rows) == 5
    publish([Run(runs / "mlp/fast/seed0")], reference)
    assert len(summary_rows(reference)[0]) == 6


def test_the_inference_page_wants_weights_and_says_so(reference, tmp_path):
    for path in reference.rglob("model.pt"):
        path.unlink()
    given = ("--results", reference, "--out", tmp_path / "page.html", "--plots", tmp_path)
    line = refusal(call("task3_MNIST/model_inference_visualization.py", *given), 1)
    assert "without their weights" in line
    with pytest.raises(UserError, match="holds the classes only, no logits"):
        Run(reference / "mlp/fast/seed0").predictions()


def test_the_committed_summary_is_what_the_run_folders_say():
    rows, faults = summary_rows(REFERENCE)
    assert faults == {}
    assert all(run.complete and run.evaluated for run in find(REFERENCE))
    assert (REFERENCE / NAME).read_bytes() == as_csv(rows), f"run python {SCRIPT}"
