"""Augmentation on real digits: where pixels go, and what stays."""

import math
from pathlib import Path

import pytest
import torch

from task3_MNIST.core import data
from task3_MNIST.core.augment import BLACK, augment, random_affine
from task3_MNIST.core.config import TrainConfig


@pytest.fixture(scope="module")
def images():
    return data.load_train("digits", Path()).images[:200]


def ink(images):
    """Return each image's amount of ink, and the position of its centre, in pixels."""
    weight = (images - BLACK).clamp(min=0)[:, 0]
    total = weight.sum((1, 2))
    pixels = torch.arange(28.0)
    return total, (weight.sum(1) @ pixels) / total, (weight.sum(2) @ pixels) / total


def test_no_augmentation_returns_the_very_images(images):
    assert augment(images, TrainConfig()) is images


def test_the_background_stays_black(images):
    torch.manual_seed(0)
    moved = augment(images, TrainConfig(rotation=20, translate=0.1, scale=0.1))
    # the corners of a digit's image are empty before and after
    assert (moved[:, 0, 0, 0] - BLACK).abs().max() < 1e-5
    assert moved.min() > BLACK - 1e-5


def test_shifts_cover_the_range_asked_for_and_no_more(images):
    torch.manual_seed(0)
    _, x, y = ink(images)
    _, moved_x, moved_y = ink(augment(images, TrainConfig(translate=0.1)))
    for shift in (moved_x - x, moved_y - y):
        assert 2.3 < shift.abs().max() <= 2.8 + 0.05  # 0.1 of 28 pixels
        assert shift.mean().abs() < 0.4


def test_scale_changes_the_amount_of_ink_by_its_square(images):
    torch.manual_seed(0)
    before, _, _ = ink(images)
    after, _, _ = ink(augment(images, TrainConfig(scale=0.2)))
    ratio = (after / before).sqrt()
    assert 0.78 < ratio.min() < 0.85
    assert 1.15 < ratio.max() < 1.22


def test_rotation_keeps_ink_and_turns_by_at_most_the_angle():
    torch.manual_seed(0)
    matrices = random_affine(1000, TrainConfig(rotation=30), torch.device("cpu"))
    angles = torch.atan2(matrices[:, 1, 0], matrices[:, 0, 0]).rad2deg()
    assert 29 < angles.abs().max() <= 30.001
    determinant = matrices[:, 0, 0] * matrices[:, 1, 1] - matrices[:, 0, 1] * matrices[:, 1, 0]
    torch.testing.assert_close(determinant, torch.ones(1000))


def test_every_image_moves_in_its_own_way(images):
    torch.manual_seed(0)
    same = images[:1].expand(50, 1, 28, 28)
    moved = augment(same, TrainConfig(rotation=15, translate=0.1))
    distinct = {round(value, 4) for value in moved.sum((1, 2, 3)).tolist()}
    assert len(distinct) > 45


def test_black_is_zero_before_normalisation():
    assert math.isclose(BLACK * data.STD + data.MEAN, 0, abs_tol=1e-9)
