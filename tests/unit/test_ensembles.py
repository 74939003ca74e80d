"""Training on all images, and what the page says of it: seeds together, shifts, picked epochs."""

import dataclasses
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from task3_MNIST.report.comparison.ensembles import selection_gain
from task3_MNIST.report.comparison.page import write_page
from task3_MNIST.runs.commands import train_command
from task3_MNIST.runs.files import KeptEpoch
from task3_MNIST.runs.groups import read_groups
from task3_MNIST.runs.records import RunRecord
from tests.helpers.pages import opened, unfold
from tests.helpers.scripts import REPOSITORY, SMALL, call, call_ok

CNN = "task3_MNIST/train_cnn.py"


@pytest.fixture
def results(digits_results, tmp_path):
    """Return a copy of the results that a test may change."""
    return shutil.copytree(digits_results, tmp_path / "runs")


@pytest.fixture
def full(tmp_path):
    """Return results with one run that was trained on all images."""
    results = tmp_path / "full"
    output = call_ok(CNN, *SMALL, "--epochs", 2, "--full-train", "--results", results)
    assert "1,437 training and no validation images" in output
    return results


def mlp_group(results):
    groups, _ = read_groups(results)
    return next(group for group in groups if group.model == "mlp")


def test_a_run_on_all_images_has_no_validation_figures_and_its_last_epoch(full):
    [folder] = full.glob("digits/cnn/fast+epochs=2+batch-size=64+full-train/seed0")
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert (summary["val_accuracy"], summary["val_loss"]) == (None, None)
    assert summary["selected_epoch"] == 2
    assert (folder / "plots" / "curves.png").exists()


def test_pages_show_a_run_without_validation_and_never_choose_by_it(
    full, results, tmp_path, browser
):
    shutil.copytree(full, results, dirs_exist_ok=True)
    out = tmp_path / "page.html"
    given = ("--results", results, "--out", out, "--plots", tmp_path / "plots")
    done = call("task3_MNIST/visualize_comparison.py", *given)
    assert (done.returncode, done.stderr) == (0, "")
    with opened(browser, out) as page:
        row = page.locator("#table tr[data-model*='full-train']")
        assert row.count() == 1
        assert "full-train" not in page.locator("#verdict-sentence").inner_text()


def test_the_command_of_a_run_gives_a_switch_without_a_value(full):
    groups, _ = read_groups(full)
    words = train_command(groups[0].runs[0].config, full).split()
    assert words[words.index("--full-train") + 1].startswith("--")


def gain(val, test, halves=()):
    """Return the gain of a run with these accuracies by epoch; halves are those of the writers."""
    epochs = [
        SimpleNamespace(epoch=epoch, val_accuracy=accuracy, val_loss=0.1)
        for epoch, accuracy in enumerate(val, 1)
    ]
    kept = [
        KeptEpoch(epoch=epoch, test_loss=0.1, test_accuracy=accuracy)
        for epoch, accuracy in enumerate(test, 1)
    ]
    for place, (first, second) in enumerate(halves):
        kept[place] = dataclasses.replace(
            kept[place], first_half_accuracy=first, second_half_accuracy=second
        )
    figures = SimpleNamespace(epochs=kept)
    return selection_gain(RunRecord("", None, None, epochs, figures, None, None))


@pytest.mark.parametrize(
    ("val", "test", "over_validation", "over_last"),
    [
        ([0.97, 0.99, 0.98], [0.95, 0.96, 0.98], 0.02, 0.0),  # validation chooses the second
        ([0.97, 0.98, 0.99], [0.96, 0.95, 0.98], 0.0, 0.0),
        ([0.99, 0.98, 0.97], [0.90, 0.94, 0.93], 0.04, 0.01),
    ],
)
def test_the_gain_of_picking_on_the_test_set_is_over_the_chosen_and_the_last_epoch(
    val, test, over_validation, over_last
):
    found = gain(val, test)
    assert found.over_validation == pytest.approx(over_validation)
    assert found.over_last == pytest.approx(over_last)
    assert not found.other_writers
    # every epoch must have been kept
    assert gain(val, test[:-1]) is None


def test_what_is_picked_on_half_of_the_writers_is_read_on_the_other_half():
    halves = [(0.90, 0.96), (0.94, 0.92)]  # the first half picks epoch 2, the second epoch 1
    found = gain([0.9, 0.8], [0.93, 0.93], halves)
    assert found.other_writers
    # read: 0.92 on the second half, 0.90 on the first; validation's choice is epoch 1
    assert found.over_validation == pytest.approx(((0.92 - 0.96) + (0.90 - 0.90)) / 2)
    assert found.over_last == pytest.approx(((0.92 - 0.92) + (0.90 - 0.94)) / 2)


def test_epochs_that_differ_by_chance_alone_gain_nothing_on_other_writers():
    generator = np.random.default_rng(0)
    same, other = [], []
    for _ in range(400):
        halves = generator.normal(0.98, 0.002, size=(10, 2))
        same.append(gain([0.9] * 10, halves.mean(1)).over_last)
        other.append(gain([0.9] * 10, halves.mean(1), halves).over_last)
    assert np.mean(same) > 0.0015
    assert abs(np.mean(other)) < 0.0003


def test_the_gain_of_a_run_comes_from_its_own_files(results):
    run = mlp_group(results).runs[0]
    assert len(run.test.epochs) == len(run.epochs)
    assert selection_gain(run).other_writers
    for row in run.test.epochs:  # of digits each image counts as its own writer
        halves = (row.first_half_accuracy, row.second_half_accuracy)
        assert np.mean(halves) == pytest.approx(row.test_accuracy)


def test_without_kept_epochs_there_is_no_gain_to_state(results):
    groups, _ = read_groups(results)
    assert selection_gain(next(g for g in groups if g.model == "cnn").runs[0]) is None


def test_the_page_has_a_row_of_seeds_together_shifts_and_picked_epochs(results, tmp_path, browser):
    folders = sorted(results / run.name for run in mlp_group(results).runs)
    # the folder above stands for all seeds
    call_ok("task3_MNIST/evaluate.py", "--tta", 1, folders[0].parent)
    out = tmp_path / "page.html"
    write_page(*read_groups(results), REPOSITORY / "data", out)
    together = json.loads((folders[0].parent / "ensemble.json").read_text(encoding="utf-8"))[
        "test_accuracy"
    ]
    with opened(browser, out) as page:
        unfold(page)
        section = page.locator("#ensembles")
        assert section.is_visible()
        [row] = section.locator("tbody tr").all()
        cells = row.locator("td").all_inner_texts()
    assert cells[0].startswith("mlp ·")
    assert cells[2].startswith(f"{together * 100:.2f}")
    assert "2 seeds" in cells[2]
    assert "up to 1 px, n\u00a0=\u00a02" in cells[3]
    assert all("n\u00a0=\u00a02" in cell for cell in cells[4:])


def test_an_ensemble_of_other_seeds_is_named_and_left_out(results):
    shutil.rmtree(results / mlp_group(results).runs[1].name)
    groups, problems = read_groups(results)
    assert next(g for g in groups if g.model == "mlp").ensemble is None
    assert any("ensemble.json is of seeds [0, 1], not [0]" in p.what for p in problems)


def test_a_run_of_before_a_hyperparameter_existed_is_still_the_same_run(results):
    path = next(results.glob("digits/cnn/*/seed0")) / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    for hyperparameter in ("ema", "elastic", "full_train"):
        del config["hyperparameters"][hyperparameter]
    path.write_text(json.dumps(config), encoding="utf-8")
    done = call(CNN, *SMALL, "--epochs", 1, "--results", results)
    assert (done.returncode, done.stderr) == (0, "")
    assert "complete, nothing to train" in done.stdout
