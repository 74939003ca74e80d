"""The data sets that have a name: how each is fetched and read."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from task3_MNIST.datasets import preprocessing
from task3_MNIST.datasets.download import (
    FASHION_MNIST,
    MNIST,
    TEST_FILES,
    TRAIN_FILES,
    RawFiles,
    fetch_missing,
    read_verified,
)
from task3_MNIST.errors import UserError
from task3_MNIST.formatting import DIGITS, class_names

MNIST_NORMALIZATION = (0.1307, 0.3081)  # as everybody rounds them

# (N, 28, 28) uint8 images, white on black, with (N,) integer labels.
Arrays = tuple[np.ndarray, np.ndarray]


def import_torchvision() -> Any:
    """Return torchvision, imported where it is used only: it takes a second.

    Raises:
        UserError: it is not installed, or was built for another PyTorch.
    """
    try:
        import torchvision
    except Exception as error:  # a build for another PyTorch raises whatever it first misses
        raise UserError(
            f"torchvision cannot be imported ({' '.join(str(error).split())}): install the version "
            "that requirements.txt names next to torch"
        ) from error
    return torchvision


class Dataset(Protocol):
    """What `splits.py` asks of a data set; its methods raise `UserError` for what a user can fix.

    `normalization` is the mean and the standard deviation of its training pixels in 0..1; None
    if they are computed from the images. `classes` are the names of its classes, by label.
    """

    normalization: tuple[float, float] | None
    classes: tuple[str, ...]

    def fetch(self, data_dir: Path, test: bool) -> None:
        """Put the training files on disk, and the test files if asked."""

    def train(self, data_dir: Path) -> Arrays:
        """Return the training images and labels, without opening test files."""

    def test(self, data_dir: Path, replace_altered: bool = False) -> Arrays:
        """Return the test images and labels, without opening training files.

        A data set whose files are verified refuses altered ones, or gets them again if asked to.
        """

    def checksum(self, data_dir: Path) -> str:
        """Return the SHA-256, in hex, of the training images."""

    def validation(self, data_dir: Path) -> np.ndarray | None:
        """Return which (N,) training images are for validation; None where that is to be drawn."""


class _Drawn:
    """A data set whose validation images are to be drawn."""

    def validation(self, data_dir: Path) -> None:
        """As in `Dataset`."""


@dataclass(frozen=True)
class FromRawFiles(_Drawn):
    """A data set from its raw files, of which only those with the right SHA-256 are read.

    Attributes:
        files: what they are.
        normalization: as in `Dataset`, as are the classes.
        classes: see `Dataset`.
    """

    files: RawFiles
    normalization: tuple[float, float] | None = None
    classes: tuple[str, ...] = DIGITS

    def fetch(self, data_dir: Path, test: bool) -> None:
        """Get the training files that are missing or altered, and missing test files."""
        read_verified(data_dir, TRAIN_FILES, files=self.files)
        if test:
            fetch_missing(data_dir, TEST_FILES, self.files)

    def train(self, data_dir: Path) -> Arrays:
        """Return the 60,000 training images; altered files are fetched again."""
        return self._arrays(read_verified(data_dir, TRAIN_FILES, files=self.files))

    def test(self, data_dir: Path, replace_altered: bool = False) -> Arrays:
        """Return the 10,000 test images; missing files are fetched."""
        return self._arrays(
            read_verified(data_dir, TEST_FILES, replace_altered=replace_altered, files=self.files)
        )

    def checksum(self, data_dir: Path) -> str:
        """Return the SHA-256 of the training images' file: no other content is ever read."""
        return self.files.sha256[TRAIN_FILES[0]]

    def is_there(self, data_dir: Path) -> bool:
        """Return whether all four files are on disk and right."""
        folder = self.files.raw(data_dir)
        if not all((folder / name).is_file() for name in self.files.sha256):
            return False
        try:
            read_verified(data_dir, self.files.sha256, replace_altered=False, files=self.files)
        except UserError:
            return False
        return True

    @staticmethod
    def _arrays(contents: dict[str, bytes]) -> Arrays:
        images, labels = contents.values()
        return (
            np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28),
            np.frombuffer(labels, np.uint8, offset=8),
        )


class Digits(_Drawn):
    """The 1,797 digits of 8x8 pixels that scikit-learn ships, in MNIST's format; no network."""

    normalization = None
    classes = DIGITS

    TEST_IMAGES = 360  # a fifth, stratified, always the same

    def fetch(self, data_dir: Path, test: bool) -> None:
        """Do nothing: the images come with scikit-learn."""

    def train(self, data_dir: Path) -> Arrays:
        """Return the 1,437 training images."""
        return self._preprocessed(*self._parts()[0])

    def test(self, data_dir: Path, replace_altered: bool = False) -> Arrays:
        """Return the 360 test images."""
        return self._preprocessed(*self._parts()[1])

    def checksum(self, data_dir: Path) -> str:
        """Return the SHA-256 of the training images as they are shipped."""
        return _digest(*self._parts()[0])

    def _parts(self) -> tuple[Arrays, Arrays]:
        """Return train and test as shipped: (N, 8, 8) uint8 in 0..16."""
        from sklearn.datasets import load_digits  # these two take most of a second to import
        from sklearn.model_selection import train_test_split

        digits = load_digits()
        images = digits.images.astype(np.uint8)
        train, test = train_test_split(
            np.arange(len(images)),
            test_size=self.TEST_IMAGES,
            stratify=digits.target,
            random_state=0,
        )
        return (images[train], digits.target[train]), (images[test], digits.target[test])

    @staticmethod
    def _preprocessed(images: np.ndarray, labels: np.ndarray) -> Arrays:
        return np.stack([preprocessing.frame(image / 16) for image in images]), labels


@dataclass(frozen=True)
class FromTorchvision(_Drawn):
    """A data set that torchvision downloads and reads.

    Attributes:
        name: torchvision's class, and the name of its folder.
        train_part: the arguments that make the class read its training images.
        test_part: the arguments for its test images.
        normalization: as in `Dataset`, as are the classes.
        classes: see `Dataset`.
    """

    name: str
    train_part: dict[str, Any] = field(default_factory=lambda: {"train": True})
    test_part: dict[str, Any] = field(default_factory=lambda: {"train": False})

    normalization: tuple[float, float] | None = None
    classes: tuple[str, ...] = DIGITS

    def fetch(self, data_dir: Path, test: bool) -> None:
        """Download the complete set into a temporary folder, which is then renamed."""
        if (data_dir / self.name).exists():
            return
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f".{self.name}.", dir=data_dir) as temporary:
                with _socket_timeout(15):  # seconds; torchvision itself would wait for ever
                    for part in (self.train_part, self.test_part):
                        self._open(Path(temporary), part, download=True)
                self._publish(Path(temporary) / self.name, data_dir / self.name)
        except (RuntimeError, OSError, http.client.HTTPException) as error:
            raise UserError(
                f"cannot fetch {self.name} through torchvision ({' '.join(str(error).split())}): "
                f"fix the network and run again, or put its files into {self._raw(data_dir)}"
            ) from error

    def train(self, data_dir: Path) -> Arrays:
        """Return the training images."""
        return self._read(data_dir, self.train_part)

    def test(self, data_dir: Path, replace_altered: bool = False) -> Arrays:
        """Return the test images."""
        return self._read(data_dir, self.test_part)

    def checksum(self, data_dir: Path) -> str:
        """Return the SHA-256 of the training images and labels."""
        return _digest(*self.train(data_dir))

    def _raw(self, data_dir: Path) -> Path:
        return data_dir.resolve() / self.name / "raw"

    @staticmethod
    def _publish(complete: Path, folder: Path) -> None:
        try:
            complete.rename(folder)
        except OSError:
            if not folder.exists():  # else another process was first
                raise

    def _open(self, root: Path, part: dict[str, Any], download: bool = False) -> Any:
        opened = getattr(import_torchvision().datasets, self.name)
        return opened(root, download=download, **part)

    def opened(self, data_dir: Path, part: dict[str, Any]) -> Any:
        """Return torchvision's data set with a part of the images; missing files are fetched."""
        self.fetch(data_dir, test=True)
        try:
            return self._open(data_dir, part)
        except (RuntimeError, ValueError, AssertionError, EOFError, OSError) as error:
            raise UserError(
                f"{self._raw(data_dir)} is damaged: delete that folder and run again to fetch it"
            ) from error

    def _read(self, data_dir: Path, part: dict[str, Any]) -> Arrays:
        opened = self.opened(data_dir, part)
        labels = opened.targets.numpy()
        return opened.data.numpy(), labels if labels.ndim == 1 else labels[:, 0]


@contextlib.contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _digest(images: np.ndarray, labels: np.ndarray) -> str:
    content = images.astype(np.uint8).tobytes() + labels.astype(np.uint8).tobytes()
    return hashlib.sha256(content).hexdigest()


BY_NAME: dict[str, Dataset] = {
    "mnist": FromRawFiles(MNIST, MNIST_NORMALIZATION),
    "fashion_mnist": FromRawFiles(FASHION_MNIST, classes=tuple(class_names("fashion_mnist"))),
    "kmnist": FromTorchvision("KMNIST", classes=tuple(class_names("kmnist"))),
    # test10k: its first 10,000 test images, the ones MNIST has too; its training digits are MNIST's
    "qmnist": FromTorchvision(
        "QMNIST", {"what": "train"}, {"what": "test10k"}, MNIST_NORMALIZATION
    ),
    "digits": Digits(),
}
