"""Promises of changed test images: what a change does, and that attacks stay within epsilon."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from task3_MNIST.datasets.doubtful_labels import corrected_labels
from task3_MNIST.datasets.splits import load_test, load_train
from task3_MNIST.errors import UserError
from task3_MNIST.evaluation.robustness import attacks
from task3_MNIST.evaluation.robustness.attacks import OnPixels, attack, fgsm, margin, pgd
from task3_MNIST.evaluation.robustness.corruptions import CORRUPTIONS, corrupted
from task3_MNIST.evaluation.robustness.distortions import (
    DISTORTIONS,
    occlusion,
    rotation,
    scale,
    shift,
)
from task3_MNIST.experiments.studies.analyses.ink_lost import losing_ink
from task3_MNIST.models import registry
from task3_MNIST.training.config import TrainConfig
from task3_MNIST.training.loop import fit, seed_generators


@pytest.fixture(scope="module")
def pixels(mnist_dir: Path) -> Tensor:
    return load_test("mnist", mnist_dir).images[:200].float() / 255


@pytest.fixture(scope="module")
def trained(mnist_dir: Path) -> tuple:
    """Return a small model trained for a moment, with pixels and labels of test images."""
    train = load_train("mnist", mnist_dir)
    few = train[torch.arange(6_000)].normalized()
    config = TrainConfig(epochs=2, batch_size=64, lr=5e-3, full_train=True)
    seed_generators(config, 0)
    model = registry.build("mlp_50_50")
    list(fit(model, few, None, config))
    test = load_test("mnist", mnist_dir)[torch.arange(100)]
    return OnPixels(model, test.mean, test.std), test.images.float() / 255, test.labels


def test_every_change_keeps_the_range_and_is_the_same_each_time(pixels: Tensor) -> None:
    changes = {kind: lambda p, k=kind: CORRUPTIONS[k](p) for kind in CORRUPTIONS}
    for kind, (change, values) in DISTORTIONS.items():
        changes |= {f"{kind} {v}": lambda p, c=change, v=v: c(p, v) for v in values}
    for name, change in changes.items():
        changed = change(pixels)
        assert changed.shape == pixels.shape, name
        assert changed.min() >= -1e-6 and changed.max() <= 1 + 1e-6, name
        assert torch.equal(changed, change(pixels)), name
        assert not torch.allclose(changed, pixels), name


def test_a_shift_moves_right_and_down(pixels: Tensor) -> None:
    moved = shift(pixels, (3, -2))
    assert torch.equal(moved[..., :-2, 3:], pixels[..., 2:, :-3])
    assert moved[..., :3].abs().max() == 0 and moved[..., -2:, :].abs().max() == 0


def test_rotation_is_counterclockwise_and_scale_enlarges() -> None:
    image = torch.zeros(1, 1, 28, 28)
    image[0, 0, 4:8, 12:16] = 1  # above the center
    turned = rotation(image, 90)[0, 0]
    assert turned[12:16, 4:8].mean() > 0.9  # left of it
    square = torch.zeros(1, 1, 28, 28)
    square[0, 0, 10:18, 10:18] = 1
    assert scale(square, 2.0).sum() == pytest.approx(256, rel=0.1)


def test_an_occluding_square_hides_a_square_alone() -> None:
    white = torch.ones(5, 1, 28, 28)
    assert (1 - occlusion(white, 8)).sum((1, 2, 3)).tolist() == [64.0] * 5


def test_ink_lost_counts_images_whose_ink_leaves(pixels: Tensor) -> None:
    assert losing_ink(pixels, (0, 0)) == 0
    assert 0.03 <= losing_ink(pixels, (4, 0)) <= 0.6


def test_original_corruptions_are_taken_where_the_user_has_them(pixels, tmp_path: Path) -> None:
    folder = tmp_path / "mnist_c" / "fog"
    folder.mkdir(parents=True)
    original = np.full((len(pixels), 28, 28, 1), 51, np.uint8)
    np.save(folder / "test_images.npy", original)
    found, origin = corrupted("fog", pixels, tmp_path)
    assert origin == "MNIST-C" and found.eq(0.2).all()
    assert corrupted("zigzag", pixels, tmp_path)[1] == "like MNIST-C's"
    (folder / "test_images.npy").write_bytes(b"half")
    with pytest.raises(UserError, match="is not MNIST-C's file of 200 images"):
        corrupted("fog", pixels, tmp_path)


@pytest.mark.parametrize("epsilon", [0.02, 0.3])
def test_attacks_stay_within_epsilon_and_the_range(trained, epsilon: float) -> None:
    model, images, labels = trained
    generator = torch.Generator().manual_seed(0)
    for changed in (
        fgsm(model, images, labels, epsilon),
        pgd(model, images, labels, epsilon, margin, generator, steps=5),
    ):
        assert (changed - images).abs().max() <= epsilon + 1e-6
        assert changed.min() >= 0 and changed.max() <= 1
        assert not torch.equal(changed, images)


def test_attacks_are_as_strong_as_attacks_must_be(trained) -> None:
    """What Carlini et al. 2019 (arXiv 1902.06705) ask of an evaluation, on a small model."""
    model, images, labels = trained
    clean = (model(images).argmax(1) == labels).float().mean()
    assert clean > 0.8

    def left(epsilon: float, steps: int = attacks.STEPS) -> float:
        answers = attack(model, images, labels, epsilon, seed=0, steps=steps)
        return torch.stack(list(answers.values())).all(0).float().mean().item()

    assert left(0.5) == 0  # with no bound that matters nothing is left
    assert left(0.02) >= left(0.1)  # more room never hurts the attack
    # twice the steps move it by less than a point... of these 100 images: by one at most
    assert abs(left(0.05, 80) - left(0.05)) <= 0.011
    answers = attack(model, images, labels, 0.1, seed=0)
    iterated = torch.stack([v for k, v in answers.items() if k != "fgsm"]).all(0)
    assert iterated.float().mean() <= answers["fgsm"].float().mean()  # steps beat one step


def test_attacks_made_on_another_model_are_weaker(trained) -> None:
    model, images, labels = trained
    torch.manual_seed(1)
    other = OnPixels(registry.build("linear"), model.mean, model.std)
    generator = torch.Generator().manual_seed(0)
    transferred = pgd(other, images, labels, 0.1, margin, generator)
    own = pgd(model, images, labels, 0.1, margin, generator)
    left = [(model(x).argmax(1) == labels).float().mean() for x in (transferred, own)]
    assert left[0] > left[1]


def test_doubtful_labels_are_those_of_northcutt(mnist_dir: Path) -> None:
    labels = load_test("mnist", mnist_dir).labels.numpy()
    corrected, counts = corrected_labels(labels)
    places = np.flatnonzero(corrected != labels)
    assert {int(p): (int(labels[p]), int(corrected[p])) for p in places} == {
        947: (8, 9),
        1621: (0, 6),
        1901: (9, 4),
        2462: (2, 0),
        2597: (5, 3),
        3558: (5, 0),
        5937: (5, 3),
        6651: (0, 6),
        6783: (1, 6),
        9729: (5, 6),
    }
    assert np.flatnonzero(~counts).tolist() == [2130, 2654, 3520, 8527, 9679]
