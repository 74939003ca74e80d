"""Who wrote the images of a data set: people were drawn, not images, and statistics count people.

`mnist_writers.npz` holds NIST's number of the writer and of the series of each of MNIST's 70,000
images, in MNIST's order. They come from the label files of facebookresearch/qmnist (Yadav and
Bottou 2019, "Cold Case: The Lost MNIST Digits"; BSD license, see data/README.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("mnist_writers.npz")
# QMNIST's first 10,000 test images are those of MNIST, and so are its training images
DATASETS = ("mnist", "qmnist")


@dataclass(frozen=True, eq=False)
class Writers:
    """Who wrote each image.

    Attributes:
        writer: (N,) int16, NIST's number of the person.
        series: (N,) int8, NIST's series: 0 and 1 are census employees, 4 high-school students.
    """

    writer: np.ndarray
    series: np.ndarray


def test_writers(dataset: str) -> Writers | None:
    """Return the writers of a data set's test images; None where nobody knows them."""
    return _read("test") if dataset in DATASETS else None


def train_writers(dataset: str) -> Writers | None:
    """Return the writers of a data set's 60,000 training images; None where nobody knows them."""
    return _read("train") if dataset in DATASETS else None


def clusters(dataset: str, images: int) -> np.ndarray:
    """Return (N,) numbers from 0: images with the same number were written by the same person.

    Where nobody knows the writers, every image counts as its own. Then the statistics are the
    ordinary ones, and too sure wherever several images come from one person.

    Args:
        dataset: its name.
        images: number of its test images.
    """
    return _clusters(test_writers(dataset), images)


def train_clusters(dataset: str, images: int) -> np.ndarray:
    """Return the same for a data set's training images, of which there are so many."""
    return _clusters(train_writers(dataset), images)


def _clusters(found: Writers | None, images: int) -> np.ndarray:
    if found is None or len(found.writer) != images:
        return np.arange(images)
    return np.unique(found.writer, return_inverse=True)[1]


def first_half(dataset: str, images: int) -> np.ndarray:
    """Return (N,) bool: the test images of every second writer."""
    return clusters(dataset, images) % 2 == 0


@cache
def _read(part: str) -> Writers:
    with np.load(FILE) as arrays:
        return Writers(arrays[f"{part}_writer"], arrays[f"{part}_series"])
