"""A folder of image files as a data set: `PATH/<digit>/*.png`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from task3_MNIST.datasets import preprocessing
from task3_MNIST.datasets.image_files import read_gray
from task3_MNIST.errors import UserError

SUFFIXES = (".png", ".jpg", ".jpeg")
LABELS = tuple("0123456789")
TEST_EVERY = 5  # without PATH/train and PATH/test, every fifth image of a label, by name, is test


@dataclass(frozen=True)
class Folder:
    """Image files in folders named by their digit, brought into MNIST's format.

    `path` holds either `train/<digit>/` and `test/<digit>/`, or `<digit>/`, of which a fixed fifth
    becomes the test set. Files are PNG or JPEG; other files are ignored.
    """

    path: Path

    normalization: ClassVar[None] = None

    def fetch(self, data_dir: Path, test: bool) -> None:
        """Check that the folder is a data set, without opening an image."""
        self._files(train=True)
        if test:
            self._files(train=False)

    def train(self, data_dir: Path) -> tuple[np.ndarray, np.ndarray]:
        """Return the training images and labels."""
        return self._read(self._files(train=True))

    def test(self, data_dir: Path, replace_altered: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return the test images and labels."""
        return self._read(self._files(train=False))

    def checksum(self, data_dir: Path) -> str:
        """Return the SHA-256 of the training files, each with its label and in order."""
        digest = hashlib.sha256()
        for path in self._files(train=True):
            try:
                content = path.read_bytes()
            except OSError as error:
                raise UserError(f"cannot read {path}: {error.strerror}: fix that") from error
            digest.update(path.parent.name.encode() + hashlib.sha256(content).digest())
        return digest.hexdigest()

    def _files(self, *, train: bool) -> list[Path]:
        """Return the files of one part, by label, then by name."""
        parts = [self.path / "train", self.path / "test"]
        if any(part.is_dir() for part in parts):
            by_label = _by_label(parts[0] if train else parts[1])
            return [path for paths in by_label for path in paths]
        by_label = _by_label(self.path)
        for paths in by_label:
            if len(paths) < TEST_EVERY:
                raise UserError(
                    f"{paths[0].parent} has {len(paths)} images, too few to take every "
                    f"{TEST_EVERY}th for the test: add some, or give {parts[0]} and {parts[1]}"
                )
        return [
            path
            for paths in by_label
            for index, path in enumerate(paths)
            if (index % TEST_EVERY != TEST_EVERY - 1) == train
        ]

    @staticmethod
    def _read(paths: list[Path]) -> tuple[np.ndarray, np.ndarray]:
        images = np.empty((len(paths), preprocessing.SIDE, preprocessing.SIDE), dtype=np.uint8)
        for index, path in enumerate(paths):
            gray = read_gray(path)
            try:
                images[index] = preprocessing.prepare(gray)
            except UserError as error:
                raise UserError(f"{path}: {error}") from error
        return images, np.array([int(path.parent.name) for path in paths])


def _by_label(folder: Path) -> list[list[Path]]:
    """Return the image files of each label folder, sorted by name."""
    try:
        labels = sorted(x for x in folder.iterdir() if x.is_dir() and not x.name.startswith("."))
        by_label = [
            sorted(x for x in label.iterdir() if x.suffix.lower() in SUFFIXES) for label in labels
        ]
    except OSError as error:
        raise UserError(
            f"cannot list {error.filename}: {error.strerror}: a data set holds <digit>/*.png, or "
            "train/ and test/ with such folders in both"
        ) from error
    if not labels:
        raise UserError(f"{folder} has no label folders: put images into folders named 0 to 9")
    for label, paths in zip(labels, by_label, strict=True):
        if label.name not in LABELS:
            raise UserError(f"{label} is not a digit: name the label folders 0 to 9")
        if not paths:
            raise UserError(f"{label} holds no {', '.join(SUFFIXES)} file: add some or delete it")
    return by_label
