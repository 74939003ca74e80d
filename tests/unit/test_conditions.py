"""Promises of the conditions of the data: drawn by the seed alone, the same for every model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from task1_MLP.models import MLP
from task3_MNIST.datasets.splits import load_train, split_validation
from task3_MNIST.datasets.writers import train_writers
from task3_MNIST.models import registry
from task3_MNIST.training.conditions import (
    pixel_order,
    reading_images,
    shuffle,
    stratified_order,
    under_conditions,
    with_label_noise,
)
from task3_MNIST.training.config import TrainConfig


@pytest.fixture(scope="module")
def splits(mnist_dir: Path) -> tuple:
    return split_validation(load_train("mnist", mnist_dir))


def test_small_sets_are_parts_of_larger_ones_and_have_each_classs_share(splits) -> None:
    labels = splits[0].labels
    order = stratified_order(labels, seed=3)
    assert order.unique().numel() == len(labels)
    share = labels.bincount() / len(labels)
    for images in (100, 1_000, 10_000):
        counts = labels[order[:images]].bincount(minlength=10)
        assert (counts - share * images).abs().max() <= 1.5
    assert not torch.equal(order[:100], stratified_order(labels, seed=4)[:100])


def test_few_images_are_repeated_to_as_many_steps(splits) -> None:
    train, _ = under_conditions(*splits, TrainConfig(train_images=100))
    assert len(train) == len(splits[0])
    assert train.images.flatten(1).unique(dim=0).shape[0] == 100


def test_label_noise_replaces_just_the_share_by_other_labels_evenly(splits) -> None:
    train, val = splits
    noisy = with_label_noise(train, 0.4, seed=0)
    changed = noisy.labels != train.labels
    assert changed.sum().item() == round(0.4 * len(train))
    moved = (noisy.labels - train.labels)[changed] % 10
    counts = moved.bincount(minlength=10)[1:]
    # of about 2,444 each: five standard deviations
    assert (counts - counts.float().mean()).abs().max() < 250
    _, noisy_val = under_conditions(train, val, TrainConfig(label_noise=0.4))
    assert (noisy_val.labels != val.labels).float().mean().item() == pytest.approx(0.4)


@pytest.mark.parametrize("how", ["tiles", "within-tiles", "all"])
def test_shuffled_pixels_are_a_permutation_that_keeps_what_it_says(how: str) -> None:
    order = pixel_order(TrainConfig(shuffle_pixels=how, seed=5))
    assert sorted(order.tolist()) == list(range(784))
    tile = torch.arange(784).view(28, 28) // 28 // 7 * 4 + torch.arange(28) // 7  # of each pixel
    image = tile.float().view(1, 1, 28, 28)
    moved = shuffle(image, order)[0, 0]
    blocks = moved.unfold(0, 7, 7).unfold(1, 7, 7).reshape(16, 49)
    kept = bool((blocks == blocks[:, :1]).all())
    assert kept == (how != "all")
    assert torch.equal(moved, image[0, 0]) == (how == "within-tiles")


def test_an_mlp_cannot_tell_that_pixels_are_shuffled() -> None:
    torch.manual_seed(0)
    model, other = MLP((64, 64)).double(), MLP((64, 64)).double()
    order = pixel_order(TrainConfig(shuffle_pixels="all"))
    state = model.state_dict()
    state["layers.1.weight"] = state["layers.1.weight"][:, order]
    other.load_state_dict(state)
    images = torch.randn(20, 1, 28, 28, dtype=torch.float64)
    assert torch.allclose(model(images), other(shuffle(images, order)), atol=1e-12)


def test_a_model_of_shuffled_pixels_reads_ordinary_images() -> None:
    config = TrainConfig(shuffle_pixels="tiles", permutation=7)
    model = registry.build("cnn").eval()
    images = torch.randn(3, 1, 28, 28)
    shuffled = shuffle(images, pixel_order(config))
    assert torch.equal(reading_images(model, config)(images), model(shuffled))


def test_validation_by_writer_shares_no_writer_with_training(mnist_dir: Path) -> None:
    images = load_train("mnist", mnist_dir)
    train, val = split_validation(images, "writers", "mnist")
    assert len(train) + len(val) == len(images)
    assert 4_800 <= len(val) <= 5_000
    sums = images.images.flatten(1).long() @ torch.arange(784)
    people = torch.from_numpy(train_writers("mnist").writer)
    who = {key: set() for key in ("train", "val")}
    # images are told by a sum of their pixels, which few share
    val_sums = set((val.images.flatten(1).long() @ torch.arange(784)).tolist())
    train_sums = set((train.images.flatten(1).long() @ torch.arange(784)).tolist())
    for value, person in zip(sums.tolist(), people.tolist(), strict=True):
        if value in val_sums - train_sums:
            who["val"].add(person)
        elif value in train_sums - val_sums:
            who["train"].add(person)
    assert not who["val"] & who["train"]


def test_thirds_are_all_images_once(mnist_dir: Path) -> None:
    images = load_train("digits", mnist_dir)
    thirds = [split_validation(images, f"third{k}")[1] for k in (1, 2, 3)]
    assert sum(map(len, thirds)) == len(images)
    assert max(map(len, thirds)) - min(map(len, thirds)) <= 1
