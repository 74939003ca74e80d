"""A folder of image files as a data set: `PATH/<class>/*.png`, or with train/ and test/."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from task3_MNIST.datasets.image_folders.layout import Layout, read_layout
from task3_MNIST.datasets.image_folders.name import DEFAULT_PREPROCESS
from task3_MNIST.datasets.image_folders.reading import Images, broken_error, read_images
from task3_MNIST.errors import UserError


@dataclass(frozen=True)
class Folder:
    """Image files in folders named by their class, brought into MNIST's format.

    `path` holds either `train/<class>/` and `test/<class>/`, with `val/<class>/` or without it, or
    `<class>/`, of which a fixed fifth becomes the test set.

    Attributes:
        path: the folder.
        preprocess: a key of `reading.PREPROCESS`.
        skip_broken: whether images that cannot be used are left out; else they are refused.
    """

    path: Path
    preprocess: str = DEFAULT_PREPROCESS
    skip_broken: bool = False

    normalization: ClassVar[None] = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of their labels."""
        return self.layout().classes

    def layout(self) -> Layout:
        """Return what lies in the folder."""
        return read_layout(self.path)

    def fetch(self, data_dir: Path, test: bool) -> None:
        """Check that the folder is a data set and that its images can be used.

        Test images are opened for this check alone: one that cannot be read would stop the
        evaluation after the training.
        """
        layout = self.layout()
        names = ["train", "validation"] if "validation" in layout.parts else ["train"]
        read = [self.images(layout, part) for part in (*names, *(["test"] if test else []))]
        broken = {path: reason for images in read for path, reason in images.broken.items()}
        if broken and not self.skip_broken:
            raise broken_error(self.path, broken, sum(len(images.usable) for images in read))
        labels, _ = self._part(layout, "train")
        if len(set(labels.tolist())) < 2:
            raise UserError(
                f"{self.path} has training images of fewer than two classes that can be used: add "
                "images of others"
            )

    def train(self, data_dir: Path) -> tuple[np.ndarray, np.ndarray]:
        """Return the training images and labels, and behind them those of val/."""
        layout = self.layout()
        labels, pixels = self._part(layout, "train")
        if "validation" in layout.parts:
            more_labels, more = self._part(layout, "validation")
            labels, pixels = np.concatenate([labels, more_labels]), np.concatenate([pixels, more])
        return pixels, labels

    def validation(self, data_dir: Path) -> np.ndarray | None:
        """Return which (N,) of the training images are those of val/; None without it."""
        layout = self.layout()
        if "validation" not in layout.parts:
            return None
        return np.repeat(
            [False, True],
            [len(self._part(layout, part)[0]) for part in ("train", "validation")],
        )

    def test(self, data_dir: Path, replace_altered: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return the test images and labels."""
        labels, pixels = self._part(self.layout(), "test")
        return pixels, labels

    def checksum(self, data_dir: Path) -> str:
        """Return the SHA-256 of the training files, each with its class and in order."""
        layout = self.layout()
        digest = hashlib.sha256()
        for part in ("train", "validation"):
            for name, path in layout.files(part) if part in layout.parts else ():
                try:
                    content = path.read_bytes()
                except OSError as error:
                    raise UserError(
                        f"cannot read {path}: {error.strerror}: make it readable, or delete it"
                    ) from error
                digest.update(part.encode() if part == "validation" else b"")
                digest.update(os.fsencode(name) + hashlib.sha256(content).digest())
        return digest.hexdigest()

    def images(self, layout: Layout, part: str) -> Images:
        """Return what can be read of the files of a part."""
        return read_images([path for _, path in layout.files(part)], self.preprocess)

    def _part(self, layout: Layout, part: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the labels and the pixels of a part."""
        images = self.images(layout, part)
        if images.broken and not self.skip_broken:
            raise broken_error(self.path, images.broken, len(images.usable))
        places = {name: label for label, name in enumerate(layout.classes)}
        labels = np.array([places[name] for name, _ in layout.files(part)], dtype=np.int64)
        return labels[images.usable], images.pixels
