"""Conditions of the data that studies vary: fewer images, incorrect labels, shuffled pixels.

Each is drawn by the seed alone, on the CPU, so that every model of a seed sees the same images.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn

from task3_MNIST.datasets.splits import Split
from task3_MNIST.training.config import TrainConfig

TILE = 7  # pixels of a tile's side: 4 x 4 tiles cover an image
SIDE = 28


def under_conditions(
    train: Split, val: Split | None, config: TrainConfig
) -> tuple[Split, Split | None]:
    """Return training and validation images as a config's conditions make them.

    Args:
        train: all training images.
        val: the validation images; None if they are trained on.
        config: its `train_images`, `label_noise` and `shuffle_pixels`.
    """
    total = len(train)
    if config.train_images:
        train = train[stratified_order(train.labels.cpu(), config.seed)[: config.train_images]]
    if config.label_noise:
        train = with_label_noise(train, config.label_noise, config.seed)
        val = val and with_label_noise(val, config.label_noise, config.seed + 1)
    order = pixel_order(config)
    if order is not None:
        train = dataclasses.replace(train, images=shuffle(train.images, order))
        val = val and dataclasses.replace(val, images=shuffle(val.images, order))
    # as many steps as all images would take: else a small set would be trained too little
    if len(train) < total:
        train = train[torch.arange(total) % len(train)]
    return train, val


def stratified_order(labels: Tensor, seed: int) -> Tensor:
    """Return the places of all images in an order whose every beginning has each class's share.

    So the 100 images of a seed are among its 300, and those among its 1,000.

    Args:
        labels: (N,) on the CPU.
        seed: of the draw.
    """
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randperm(len(labels), generator=generator)
    share = torch.empty(len(labels), dtype=torch.float64)
    for label in labels.unique():
        of_class = drawn[labels[drawn] == label]
        # how much of its class is drawn once this image is
        share[of_class] = (torch.arange(len(of_class)) + 0.5).double() / len(of_class)
    return share.argsort(stable=True)


def with_label_noise(split: Split, fraction: float, seed: int) -> Split:
    """Return the split with a fraction of its labels replaced, each by one of the other classes."""
    generator = torch.Generator().manual_seed(seed)
    count = round(fraction * len(split))
    places = torch.randperm(len(split), generator=generator)[:count]
    classes = len(split.classes)
    shifts = torch.randint(1, classes, (count,), generator=generator)
    labels = split.labels.cpu().clone()
    labels[places] = (labels[places] + shifts) % classes
    return dataclasses.replace(split, labels=labels.to(split.labels.device))


def pixel_order(config: TrainConfig) -> Tensor | None:
    """Return which pixel (784,) of an image comes to each place; None if they stay in order.

    `tiles` moves the 16 tiles of 7 x 7 pixels and keeps what is in them; `within-tiles` keeps the
    tiles and moves the pixels in each, in the same way; `all` moves every pixel.
    """
    number = config.seed if config.permutation < 0 else config.permutation
    generator = torch.Generator().manual_seed(number)
    tiles = (SIDE // TILE) ** 2
    places = torch.arange(SIDE * SIDE)
    if config.shuffle_pixels == "all":
        return places[torch.randperm(SIDE * SIDE, generator=generator)]
    by_tile = places.view(SIDE // TILE, TILE, SIDE // TILE, TILE).transpose(1, 2)
    by_tile = by_tile.reshape(tiles, TILE * TILE)
    if config.shuffle_pixels == "tiles":
        by_tile = by_tile[torch.randperm(tiles, generator=generator)]
    elif config.shuffle_pixels == "within-tiles":
        by_tile = by_tile[:, torch.randperm(TILE * TILE, generator=generator)]
    else:
        return None
    rows = by_tile.view(SIDE // TILE, SIDE // TILE, TILE, TILE).transpose(1, 2)
    return rows.reshape(SIDE * SIDE)


def shuffle(images: Tensor, order: Tensor) -> Tensor:
    """Return images (N, 1, 28, 28) with their pixels in another order; see `pixel_order`."""
    return images.flatten(1)[:, order.to(images.device)].view_as(images)


class ShuffledPixels(nn.Module):
    """A model that was trained on shuffled pixels: it shuffles what it is given likewise."""

    def __init__(self, model: nn.Module, order: Tensor) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("order", order)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, classes) of images (B, 1, 28, 28) in their ordinary order."""
        return self.model(shuffle(images, self.order))


def reading_images(model: nn.Module, config: TrainConfig) -> nn.Module:
    """Return a trained model so that it takes ordinary images, whatever it was trained on."""
    order = pixel_order(config)
    return model if order is None else ShuffledPixels(model, order)
