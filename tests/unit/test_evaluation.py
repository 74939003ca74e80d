"""Figures beyond a single pass: test-time augmentation, over seeds, and how they are kept."""

import json
import os
import shutil

import numpy as np
import pytest
import torch

from task3_MNIST.datasets.splits import load_test
from task3_MNIST.errors import UserError
from task3_MNIST.evaluation.ensemble import ensemble, without_ensemble, write_ensembles
from task3_MNIST.evaluation.evaluate import average_over_shifts
from task3_MNIST.models import registry
from task3_MNIST.runs.folder import Run, read_ensemble
from tests.helpers.scripts import REPOSITORY, call_ok


@pytest.fixture(scope="module")
def test_images():
    return load_test("digits", None)


@pytest.fixture
def results(digits_results, tmp_path):
    """Return a copy of the results that a test may change."""
    return shutil.copytree(digits_results, tmp_path / "runs")


def group(results):
    [folder] = (results / "digits" / "mlp").iterdir()
    return folder


def test_the_mean_over_shifts_is_the_mean_of_shifted_images_probabilities(test_images):
    torch.manual_seed(0)
    model = registry.build("mlp_50_50").eval()
    few = test_images[torch.arange(20)].normalized()
    images = few.images
    # the digits' outermost pixels are background: rolling by one brings in nothing else
    rolled = [
        torch.roll(images, (down, right), (2, 3)) for down in (-1, 0, 1) for right in (-1, 0, 1)
    ]
    expected = torch.stack([model(image).softmax(1) for image in rolled]).mean(0)
    found = average_over_shifts(model, few, 1).exp()
    torch.testing.assert_close(found, expected.detach(), atol=1e-5, rtol=1e-4)


def test_average_shifts_is_reported_next_to_the_plain_figures(results):
    run = Run(group(results) / "seed0")
    before = run.test()
    output = call_ok("task3_MNIST/evaluate.py", "--tta", 2, run.folder)
    after = run.test()
    assert after.test_accuracy == before.test_accuracy
    assert after.tta_pixels == 2
    assert 0.5 < after.tta_accuracy <= 1
    assert "with test-time augmentation" in output


def test_seeds_together_are_the_mean_of_their_probabilities(results, test_images):
    members = [Run(group(results) / f"seed{seed}") for seed in (0, 1)]
    found = ensemble(members, test_images)
    mean = np.mean([torch.from_numpy(m.logits()).softmax(1).numpy() for m in members], axis=0)
    right = (mean.argmax(1) == test_images.labels.numpy()).sum()
    assert (found.correct, found.seeds) == (right, [0, 1])
    true = mean[np.arange(len(mean)), test_images.labels]
    assert found.test_loss == pytest.approx(-np.log(true).mean(), rel=1e-3)


def test_an_ensemble_is_due_when_the_predictions_are_others_whatever_the_files_times(
    results, test_images
):
    runs = [Run(group(results) / f"seed{seed}") for seed in (0, 1)]
    assert without_ensemble(runs) == []
    # copied, or unpacked from an archive
    os.utime(runs[0].folder / "test.json", (2e9, 2e9))
    assert without_ensemble(runs) == []
    predictions = runs[0].folder / "logits.npz"
    runs[0].write_predictions(np.roll(runs[0].logits(), 1, axis=0))
    os.utime(predictions, (1e9, 1e9))
    os.utime(runs[0].folder / "test.json", (1e9, 1e9))
    assert len(without_ensemble(runs)) == 1
    write_ensembles(runs, test_images)
    assert without_ensemble(runs) == []
    shutil.copytree(runs[0].folder, runs[0].folder.with_name("seed2"))
    assert len(without_ensemble(runs)) == 1


def test_one_seed_is_no_ensemble(results, test_images):
    assert ensemble([Run(group(results) / "seed0")], test_images) is None


def test_training_several_seeds_writes_what_they_say_together(results):
    content = read_ensemble(group(results))
    assert (content.seeds, content.n) == ([0, 1], 360)


def test_a_seed_that_cannot_be_read_leaves_the_old_ensemble(results, test_images):
    folder = group(results)
    before = (folder / "ensemble.json").read_bytes()
    (folder / "seed1" / "logits.npz").write_bytes(b"cut off")
    assert write_ensembles([Run(folder / "seed0")], test_images) == []
    assert (folder / "ensemble.json").read_bytes() == before


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": 1}', '{"schema": 9}'])
def test_a_broken_ensemble_is_named_with_its_cure(results, content):
    path = group(results) / "ensemble.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=r"ensemble\.json .*: evaluate its runs again"):
        read_ensemble(path.parent)


def test_the_readme_of_results_names_every_key_of_the_ensemble(results):
    written = json.loads((group(results) / "ensemble.json").read_text(encoding="utf-8"))
    text = (REPOSITORY / "docs" / "run_folder.md").read_text(encoding="utf-8")
    section = text.split("### `ensemble.json`")[1].split("###")[0]
    assert [key for key in written if f"`{key}`" not in section] == []
