"""Data sets by name, each as one normalised tensor of training or of test images.

The test set is sealed: `load_train` opens training files only, `load_test` test files only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from task3_MNIST.datasets.image_folder import Folder
from task3_MNIST.datasets.registry import BY_NAME, Dataset
from task3_MNIST.errors import UsageError, UserError, unknown_name

# Of MNIST's training pixels in 0..1; the other data sets are close, and models can be swapped.
MEAN = 0.1307
STD = 0.3081

HELD_OUT = 1 / 12  # of the training images: 5,000 of MNIST's 60,000
SPLIT_SEED = 0  # never a knob: every run of a data set validates on the same images

MNIST_VALIDATION = 5_000
# SHA-256 of the 60,000 labels, a byte each
MNIST_LABELS = "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13"

DATASETS = tuple(BY_NAME)


@dataclass(frozen=True)
class Split:
    """Images with their labels.

    Attributes:
        images: (N, 1, 28, 28) float32, normalised with `MEAN` and `STD`.
        labels: (N,) int64.
    """

    images: torch.Tensor
    labels: torch.Tensor

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    def __getitem__(self, indices: torch.Tensor) -> Split:
        """Return the images and labels at the indices."""
        return Split(self.images[indices], self.labels[indices])

    def to(self, device: torch.device | str) -> Split:
        """Return the split on another device."""
        return Split(self.images.to(device), self.labels.to(device))


def canonical_name(dataset: str) -> str:
    """Return the name by which the data set is found from any working directory.

    Raises:
        UsageError: there is no data set of that name, and no such folder.
    """
    _dataset(dataset)
    return dataset if dataset in BY_NAME else str(Path(dataset).expanduser().resolve())


def fetch(dataset: str, data_dir: Path, *, test: bool) -> None:
    """Put what training needs on disk, and check it, before any time is spent on training.

    Args:
        dataset: one of `DATASETS`, or the path of a folder `PATH/<digit>/*.png`.
        data_dir: where downloaded data sets are kept.
        test: also fetch test files that are missing, for the evaluation that follows; those that
            are there stay unopened.

    Raises:
        UserError: the name is unknown, no source answers, or the folder is not a data set.
    """
    _dataset(dataset).fetch(data_dir, test)


def load_train(dataset: str, data_dir: Path) -> Split:
    """Return all training images; altered files of MNIST are fetched again.

    Raises:
        UserError: as `fetch`, or a file cannot be read.
    """
    return _split(*_dataset(dataset).train(data_dir))


def load_test(dataset: str, data_dir: Path, *, replace_altered: bool = False) -> Split:
    """Return all test images; missing files of MNIST are fetched.

    Args:
        dataset: as for `fetch`.
        data_dir: as for `fetch`.
        replace_altered: fetch altered files again. A script that evaluates runs which others may
            have been compared with refuses them instead.

    Raises:
        UserError: as `fetch`, or a file is altered or cannot be read.
    """
    return _split(*_dataset(dataset).test(data_dir, replace_altered))


def dataset_checksum(dataset: str, data_dir: Path) -> str:
    """Return the SHA-256, in hex, of the training images' content.

    Raises:
        UserError: as `load_train`.
    """
    return _dataset(dataset).checksum(data_dir)


def hold_out(split: Split, fraction: float = HELD_OUT) -> tuple[Split, Split]:
    """Return (train, validation): the fraction is held out, stratified, the same in every run.

    Raises:
        UserError: a label has too few images to be in both.
    """
    counts = torch.bincount(split.labels)
    present = int((counts > 0).sum())
    scarce = ((counts == 1).nonzero()).flatten().tolist()
    size = max(present, round(fraction * len(split)))
    if scarce or size + present > len(split):
        raise UserError(
            f"cannot hold out {size} of {len(split)} training images for validation with at least "
            f"one per label on both sides: add images{f' of {scarce}' if scarce else ''}"
        )
    val = torch.zeros(len(split), dtype=torch.bool)
    val[torch.from_numpy(validation_places(split.labels.numpy(), size))] = True
    return split[~val], split[val]


def validation_places(labels: np.ndarray, size: int) -> np.ndarray:
    """Return the places of the images that scikit-learn draws for validation, stratified.

    Those of MNIST never change, and are kept in a file: scikit-learn takes most of a second to
    import.

    Args:
        labels: (N,) of all training images.
        size: how many to draw.
    """
    if size == MNIST_VALIDATION and _digest(labels) == MNIST_LABELS:
        return np.load(Path(__file__).with_name("mnist_validation.npy")).astype(np.int64)
    return draw_validation(labels, size)


def draw_validation(labels: np.ndarray, size: int) -> np.ndarray:
    """Return the places that scikit-learn draws, ascending; see `validation_places`."""
    from sklearn.model_selection import train_test_split

    places = np.arange(len(labels))
    _, val = train_test_split(places, test_size=size, stratify=labels, random_state=SPLIT_SEED)
    return np.sort(val)


def _digest(labels: np.ndarray) -> str:
    return hashlib.sha256(labels.astype(np.uint8).tobytes()).hexdigest()


def _dataset(dataset: str) -> Dataset:
    if dataset in BY_NAME:
        return BY_NAME[dataset]
    try:
        path = Path(dataset).expanduser()
    except RuntimeError:  # ~somebody who has no home here
        path = None
    if not dataset or path is None or not path.exists():
        if path and path.is_absolute():
            raise UserError(f"the data set's folder {path} is gone: put it back, or name another")
        raise unknown_name("data set", dataset, DATASETS)
    if not path.is_dir():
        raise UsageError(f"data set '{dataset}' is a file: give a folder PATH/<digit>/*.png")
    return Folder(path)


def _split(images: np.ndarray, labels: np.ndarray) -> Split:
    """Return the split of (N, 28, 28) uint8 images."""
    pixels = torch.from_numpy(images.astype(np.float32)).unsqueeze(1)  # (N, 1, 28, 28)
    pixels.div_(255).sub_(MEAN).div_(STD)
    return Split(pixels, torch.from_numpy(labels.astype(np.int64)))
