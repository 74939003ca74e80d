"""Augmentation on real digits: where pixels go, and what stays."""

import math
from pathlib import Path

import pytest
import torch

from task3_MNIST.datasets.splits import load_train, normalize
from task3_MNIST.training.augmentation import augment, random_affine, random_bends
from task3_MNIST.training.config import TrainConfig

MEAN, STD = 0.1307, 0.3081
BLACK = -MEAN / STD


@pytest.fixture(scope="module")
def images():
    return normalize(load_train("digits", Path()).images[:200], MEAN, STD)


def ink(images):
    """Return each image's amount of ink, and the position of its center, in pixels."""
    weight = (images - BLACK).clamp(min=0)[:, 0]
    total = weight.sum((1, 2))
    pixels = torch.arange(28.0)
    return total, (weight.sum(1) @ pixels) / total, (weight.sum(2) @ pixels) / total


def test_no_augmentation_returns_the_very_images(images):
    assert augment(images, TrainConfig(), BLACK) is images


def test_the_background_stays_black(images):
    torch.manual_seed(0)
    moved = augment(images, TrainConfig(rotation=20, translate=0.1, scale=0.1), BLACK)
    # the corners of a digit's image are empty before and after
    assert (moved[:, 0, 0, 0] - BLACK).abs().max() < 1e-5
    assert moved.min() > BLACK - 1e-5


def test_shifts_cover_the_range_asked_for_and_no_more(images):
    torch.manual_seed(0)
    _, x, y = ink(images)
    _, moved_x, moved_y = ink(augment(images, TrainConfig(translate=0.1), BLACK))
    for shift in (moved_x - x, moved_y - y):
        assert 2.3 < shift.abs().max() <= 2.8 + 0.05  # 0.1 of 28 pixels
        assert shift.mean().abs() < 0.4


def test_scale_changes_the_amount_of_ink_by_its_square(images):
    torch.manual_seed(0)
    before, _, _ = ink(images)
    after, _, _ = ink(augment(images, TrainConfig(scale=0.2), BLACK))
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


def test_shear_slants_lines_that_stood_and_leaves_rows_in_their_place():
    torch.manual_seed(0)
    pole = torch.full((300, 1, 28, 28), BLACK)
    pole[:, :, 4:24, 13:15] = 2.0
    slanted = augment(pole, TrainConfig(shear=0.2), BLACK)
    weight = slanted[:, 0] - BLACK
    torch.testing.assert_close(weight.sum(2), (pole - BLACK)[:, 0].sum(2), atol=0.02, rtol=0.01)
    center = (weight @ torch.arange(28.0)) / weight.sum(2).clamp(min=1e-6)
    drift = center[:, 22] - center[:, 5]  # over 17 rows
    assert 3.2 < drift.abs().max() <= 0.2 * 17 + 0.05
    assert drift.mean().abs() < 0.4


def test_elastic_shifts_have_the_spread_asked_for_and_are_smooth():
    torch.manual_seed(0)
    shifts = random_bends(2000, 0.03, torch.device("cpu")) / 2  # fractions of the side
    corners = shifts[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.std().item() == pytest.approx(0.03, rel=0.03)
    assert shifts.mean().abs() < 0.001
    # neighbors move together: strokes bend and do not tear
    assert (shifts[:, 1:] - shifts[:, :-1]).abs().mean() < 0.3 * shifts.abs().mean()


def test_elastic_deformation_bends_images_and_leaves_what_it_is_not_given(images):
    torch.manual_seed(0)
    bent = augment(images, TrainConfig(elastic=0.03), BLACK)
    assert (bent - images).abs().amax((1, 2, 3)).min() > 0.1
    ink_before, ink_after = ink(images)[0].sum(), ink(bent)[0].sum()
    assert 0.9 < ink_after / ink_before < 1.1


def test_every_image_moves_in_its_own_way(images):
    torch.manual_seed(0)
    same = images[:1].expand(50, 1, 28, 28)
    moved = augment(same, TrainConfig(rotation=15, translate=0.1), BLACK)
    distinct = {round(value, 4) for value in moved.sum((1, 2, 3)).tolist()}
    assert len(distinct) > 45


@pytest.mark.parametrize("seed", range(5))
def test_content_is_shifted_then_slanted_then_turned_and_scaled(seed):
    # one bright pixel, far enough from the center that every other order moves it elsewhere
    config = TrainConfig(rotation=40, translate=0.1, scale=0.2, shear=0.4)
    torch.manual_seed(seed)
    unit = torch.rand(5, 1) * 2 - 1  # what random_affine draws
    angle = unit[0].item() * math.radians(config.rotation)
    zoom = 1 + unit[1].item() * config.scale
    shift = -28 * config.translate * unit[2:4, 0]  # x, y in pixels
    slant = torch.tensor([[1.0, -unit[4].item() * config.shear], [0.0, 1.0]])
    turn = torch.tensor([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    start = torch.tensor([4.0, -5.0])  # x, y from the center
    expected = zoom * turn @ (slant @ (start + shift))

    image = torch.full((1, 1, 28, 28), BLACK)
    image[0, 0, 13 - 5 : 15 - 5, 13 + 4 : 15 + 4] = 2.0  # 2 x 2 pixels around that place
    torch.manual_seed(seed)
    _, x, y = ink(augment(image, config, BLACK))
    assert (x.item() - 13.5, y.item() - 13.5) == pytest.approx(expected.tolist(), abs=0.2)
