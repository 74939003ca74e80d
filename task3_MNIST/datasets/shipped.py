"""A data set that another machine sent: arrays in memory, under the name that they have there."""

from __future__ import annotations

import hashlib
import pickle
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from task3_MNIST.datasets.registry import BY_NAME, Arrays, FromRawFiles
from task3_MNIST.datasets.splits import dataset_checksum, find_dataset


@dataclass(frozen=True, eq=False)
class Shipped:
    """A `Dataset` whose images are there already.

    Attributes:
        train_arrays: the training images and labels.
        test_arrays: the test images and labels.
        normalization: as in `Dataset`.
        classes: likewise.
        validation_images: what `Dataset.validation` returns.
        sha256: of the training images, as `dataset_checksum` has it.
    """

    train_arrays: Arrays
    test_arrays: Arrays
    normalization: tuple[float, float] | None
    classes: tuple[str, ...]
    validation_images: np.ndarray | None
    sha256: str

    def fetch(self, data_dir: Path, test: bool) -> None:
        """Do nothing."""

    def train(self, data_dir: Path) -> Arrays:
        """Return the training images."""
        return self.train_arrays

    def test(self, data_dir: Path, replace_altered: bool = False) -> Arrays:
        """Return the test images."""
        return self.test_arrays

    def checksum(self, data_dir: Path) -> str:
        """Return the SHA-256 of the training images."""
        return self.sha256

    def validation(self, data_dir: Path) -> np.ndarray | None:
        """As in `Dataset`."""
        return self.validation_images


def packed(dataset: str, data_dir: Path) -> tuple[bytes, str]:
    """Return a data set to be sent, compressed, and the SHA-256 by which it is checked.

    Raises:
        UserError: it cannot be had here.
    """
    found = find_dataset(dataset)
    shipped = Shipped(
        found.train(data_dir),
        found.test(data_dir),
        found.normalization,
        found.classes,
        found.validation(data_dir),
        dataset_checksum(dataset, data_dir),
    )
    content = zlib.compress(pickle.dumps(shipped), level=1)
    return content, hashlib.sha256(content).hexdigest()


def unpack(dataset: str, content: bytes, sha256: str) -> None:
    """Use what was sent for the data set of this name from now on.

    Raises:
        ValueError: the content is not what was sent.
    """
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(f"the data set {dataset} arrived damaged")
    BY_NAME[dataset] = pickle.loads(zlib.decompress(content))


def has(dataset: str, sha256: str, data_dir: Path) -> bool:
    """Return whether this machine has the data set with this checksum, without any download."""
    found = BY_NAME.get(dataset)
    if isinstance(found, FromRawFiles) and not found.is_there(data_dir):
        return False
    return found is not None and found.checksum(data_dir) == sha256
