"""Data sets by name, each as one tensor of training or of test images; the validation split.

The test set is sealed: `load_train` opens training files only, `load_test` test files only.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from task3_MNIST.datasets import writers
from task3_MNIST.datasets.image_folders.dataset import Folder
from task3_MNIST.datasets.image_folders.description import describe as describe_folder
from task3_MNIST.datasets.image_folders.name import FolderName, parse
from task3_MNIST.datasets.registry import BY_NAME, Dataset
from task3_MNIST.errors import UsageError, UserError, unknown_name
from task3_MNIST.formatting import DIGITS, listing

RANDOM = "random"
THIRDS = 3
VALIDATION = 1 / 12  # of the training images: 5,000 of MNIST's 60,000
SPLIT_SEED = 0  # no hyperparameter: every run of a data set validates on the same images

MNIST_VALIDATION = 5_000
# SHA-256 of the 60,000 labels, a byte each
MNIST_LABELS = "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13"

DATASETS = tuple(BY_NAME)


@dataclass(frozen=True)
class Split:
    """Images with their labels.

    Attributes:
        images: (N, 1, 28, 28) uint8 as they are read, float32 once `normalized`.
        labels: (N,) int64.
        mean: of the data set's training pixels, scaled to 0..1.
        std: their standard deviation.
        classes: the names of all classes, by label.
        validation: (N,) bool, which of all training images are for validation; None where that is
            to be drawn.
    """

    images: torch.Tensor
    labels: torch.Tensor
    mean: float
    std: float
    classes: tuple[str, ...] = DIGITS
    validation: torch.Tensor | None = None

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    def __getitem__(self, indices: torch.Tensor) -> Split:
        """Return the images and labels at the indices."""
        validation = None if self.validation is None else self.validation[indices]
        images, labels = self.images[indices], self.labels[indices]
        return replace(self, images=images, labels=labels, validation=validation)

    @property
    def black(self) -> float:
        """What a background pixel is once normalized."""
        return -self.mean / self.std

    def normalized(self, device: torch.device | str = "cpu") -> Split:
        """Return the split on a device, its pixels as models take them: float32, normalized."""
        images = normalize(self.images.to(device), self.mean, self.std)
        return replace(self, images=images, labels=self.labels.to(device))


def normalize(images: torch.Tensor, mean: float, std: float) -> torch.Tensor:
    """Return uint8 images (N, 1, 28, 28) scaled to 0..1, less the mean, over the deviation."""
    return images.float().div_(255).sub_(mean).div_(std)


def spread_evenly(total: int, count: int) -> np.ndarray:
    """Return `count` places from 0 to `total` - 1, spread evenly; all, if there are fewer."""
    return np.linspace(0, total - 1, min(count, total)).round().astype(int)


def canonical_name(dataset: str) -> str:
    """Return the name by which the data set is found from any working directory.

    Raises:
        UsageError: there is no data set of that name, and no such folder.
    """
    find_dataset(dataset)
    if dataset in BY_NAME:
        return dataset
    name = parse(dataset)
    return str(replace(name, path=str(Path(name.path).expanduser().resolve())))


def fetch(dataset: str, data_dir: Path, *, test: bool) -> None:
    """Put what training needs on disk, and check it, before any time is spent on training.

    Args:
        dataset: one of `DATASETS`, or the name of a folder `PATH/<class>/*.png`.
        data_dir: where downloaded data sets are kept.
        test: also fetch test files that are missing, for the evaluation that follows; those that
            are there stay unopened.

    Raises:
        UserError: the name is unknown, no source answers, or the folder is not a data set.
    """
    find_dataset(dataset).fetch(data_dir, test)


def count_folder(dataset: str) -> int | None:
    """Return how many training images a folder of images has; None for a data set with a name."""
    found = find_dataset(dataset)
    return len(found.layout().files("train")) if isinstance(found, Folder) else None


def load_train(dataset: str, data_dir: Path) -> Split:
    """Return all training images; altered files of MNIST are fetched again.

    Raises:
        UserError: as `fetch`, or a file cannot be read.
    """
    found = find_dataset(dataset)
    split = _split(*found.train(data_dir), *normalization(dataset, data_dir), found.classes)
    chosen = found.validation(data_dir)
    return split if chosen is None else replace(split, validation=torch.from_numpy(chosen))


def describe(dataset: str, data_dir: Path, *, test: bool) -> list[str]:
    """Return what a user should know of a folder of images before training, in lines.

    Nothing is to be said of a data set with a name.

    Args:
        dataset: as for `fetch`, which was called.
        data_dir: as for `fetch`.
        test: whether the test images are to be evaluated on.
    """
    found = find_dataset(dataset)
    return describe_folder(found, test) if isinstance(found, Folder) else []


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
    found = find_dataset(dataset)
    arrays = found.test(data_dir, replace_altered)
    return _split(*arrays, *normalization(dataset, data_dir), found.classes)


@functools.cache
def normalization(dataset: str, data_dir: Path) -> tuple[float, float]:
    """Return the mean and the standard deviation of the training pixels, scaled to 0..1.

    Raises:
        UserError: as `load_train`.
    """
    found = find_dataset(dataset)
    if found.normalization:
        return found.normalization
    images, _ = found.train(data_dir)
    counts = torch.from_numpy(images.copy()).flatten().bincount(minlength=256).double()
    levels = torch.arange(256, dtype=torch.float64) / 255
    mean = (counts @ levels / counts.sum()).item()
    return mean, (counts @ (levels - mean) ** 2 / counts.sum()).sqrt().item()


def dataset_checksum(dataset: str, data_dir: Path) -> str:
    """Return the SHA-256, in hex, of the training images' content.

    Raises:
        UserError: as `load_train`.
    """
    return find_dataset(dataset).checksum(data_dir)


def split_validation(
    split: Split, validation: str = RANDOM, dataset: str = "", fraction: float = VALIDATION
) -> tuple[Split, Split]:
    """Return (train, validation): the same images in every run.

    Args:
        split: all training images.
        validation: `random` draws a fraction of each label, or takes those that the data set has
            for it; `writers` takes all images of writers
            drawn until they are that fraction; `third1` to `third3` a third of each label.
        dataset: its name, which says whose writers are known.
        fraction: how much of it validates.

    Raises:
        UserError: a label has too few images to be in both.
    """
    if validation == "writers":
        chosen = _images_of_writers(dataset, len(split), fraction)
        return split[~chosen], split[chosen]
    if validation == RANDOM and split.validation is not None:
        return _parts(split, split.validation)
    if validation != RANDOM:
        fraction = 1 / THIRDS
    counts = torch.bincount(split.labels)
    present = int((counts > 0).sum())
    scarce = [split.classes[label] for label in (counts == 1).nonzero().flatten().tolist()]
    size = max(present, round(fraction * len(split)))
    if scarce or size + present > len(split):
        raise UserError(
            f"cannot take {size} of {len(split)} training images for validation with at least one "
            f"per class on both sides: add images{f' of {listing(scarce)}' if scarce else ''}"
        )
    labels = split.labels.numpy()
    if validation == RANDOM:
        places = validation_places(labels, size)
    else:
        places = _third(labels, int(validation.removeprefix("third")))
    val = torch.zeros(len(split), dtype=torch.bool)
    val[torch.from_numpy(places)] = True
    return _parts(split, val)


def _parts(split: Split, val: torch.Tensor) -> tuple[Split, Split]:
    """Return the images that are not and those that are for validation."""
    split = replace(split, validation=None)
    return split[~val], split[val]


def _third(labels: np.ndarray, number: int) -> np.ndarray:
    """Return the places of one of three stratified thirds of all images."""
    from sklearn.model_selection import StratifiedKFold

    thirds = StratifiedKFold(THIRDS, shuffle=True, random_state=SPLIT_SEED)
    _, places = list(thirds.split(labels, labels))[number - 1]
    return places


def _images_of_writers(dataset: str, images: int, fraction: float) -> torch.Tensor:
    """Return (N,) bool: the images of the first writers, in a drawn order, that are enough."""
    found = writers.train_clusters(dataset, images)
    counts = np.bincount(found)
    drawn = np.random.default_rng(SPLIT_SEED).permutation(len(counts))
    enough = counts[drawn].cumsum() <= fraction * images
    return torch.from_numpy(np.isin(found, drawn[enough]))


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


def find_dataset(dataset: str) -> Dataset:
    """Return a data set by its name or folder.

    Raises:
        UserError: there is none.
    """
    if dataset in BY_NAME:
        return BY_NAME[dataset]
    name = parse(dataset)
    try:
        path = Path(name.path).expanduser()
    except RuntimeError:  # ~somebody who has no home here
        path = None
    if not name.path or path is None or not path.exists():
        if path and path.is_absolute():
            raise UserError(f"the data set's folder {path} is gone: put it back, or name another")
        if path and len(path.parts) > 1:
            raise UsageError(f"there is no folder {path}: check its path")
        raise unknown_name("data set", dataset, [*DATASETS, "the path of a folder of images"])
    if not path.is_dir():
        raise UsageError(f"data set '{dataset}' is a file: give a folder PATH/<class>/*.png")
    return Folder(path, name.preprocess, name.skip_broken)


def folder_name(dataset: str, preprocess: str | None, skip_broken: bool) -> str:
    """Return the name of a data set with what a command line says of a folder of images.

    Args:
        dataset: a data set's name or folder.
        preprocess: how its images are preprocessed; None if nothing was said.
        skip_broken: whether images that cannot be used are left out.

    Raises:
        UsageError: the data set is no folder.
    """
    if preprocess is None and not skip_broken:
        return dataset
    if dataset in BY_NAME:
        flag = "--skip-broken" if skip_broken else "--preprocess"
        raise UsageError(f"{flag} is for a folder of images: leave it out with {dataset}")
    name = parse(dataset)
    return str(
        FolderName(name.path, preprocess or name.preprocess, skip_broken or name.skip_broken)
    )


def _split(
    images: np.ndarray, labels: np.ndarray, mean: float, std: float, classes: tuple[str, ...]
) -> Split:
    """Return the split of (N, 28, 28) uint8 images."""
    pixels = torch.from_numpy(images.copy()).unsqueeze(1)  # (N, 1, 28, 28)
    return Split(pixels, torch.from_numpy(labels.astype(np.int64)), mean, std, classes)
