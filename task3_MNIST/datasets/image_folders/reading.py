"""Read the image files of a folder as 28x28 pixels; those that cannot be used are all named."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from task3_MNIST.datasets import preprocessing
from task3_MNIST.datasets.image_files import read_gray
from task3_MNIST.datasets.image_folders.name import DEFAULT_PREPROCESS, RESIZE
from task3_MNIST.errors import UserError

MOST_NAMED = 50  # broken files in one error


def resized(gray: np.ndarray) -> np.ndarray:
    """Return a gray image (H, W) uint8 as (28, 28) uint8, stretched to a square, else as it is."""
    side = preprocessing.SIDE
    values, weights = (
        preprocessing.resize(array.astype(np.float64), side, side)
        for array in (gray, np.ones_like(gray))
    )
    # enlarging takes what is outside of the image for 0: at its edges the weights are less than 1
    return np.floor(values / weights + 0.5).astype(np.uint8)


PREPROCESS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    DEFAULT_PREPROCESS: preprocessing.prepare,
    RESIZE: resized,
}


def read_image(path: Path, preprocess: str) -> np.ndarray:
    """Return one image file as the images of a folder are read, (28, 28) uint8.

    Raises:
        UserError: it cannot be read, or there is no ink in it.
    """
    gray = read_gray(path)
    try:
        return PREPROCESS[preprocess](gray)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


@dataclass(frozen=True, eq=False)
class Images:
    """What was read of a list of files.

    Attributes:
        pixels: (N, 28, 28) uint8, of the files that can be used.
        usable: (files,) bool, which these are.
        broken: why each of the others cannot be used, in a few words.
        sizes: (height, width) of the smallest and of the largest image, by the number of pixels.
    """

    pixels: np.ndarray
    usable: np.ndarray
    broken: dict[Path, str]
    sizes: tuple[tuple[int, int], ...]


def read_images(paths: Sequence[Path], preprocess: str) -> Images:
    """Return what can be read of the files; files that did not change are read once only."""
    return _read(tuple((path, *_stamp(path)) for path in paths), preprocess)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:  # a link that leads nowhere: reading says so
        return -1, -1
    return found.st_size, found.st_mtime_ns


@functools.lru_cache(maxsize=3)  # training, validation and test images of one folder
def _read(files: tuple[tuple[Path, int, int], ...], preprocess: str) -> Images:
    pixels, usable, broken, sizes = [], [], {}, set()
    for path, *_ in files:
        try:
            gray = read_gray(path)
            pixels.append(PREPROCESS[preprocess](gray))
            sizes.add(gray.shape)
        except UserError as error:
            broken[path] = _reason(path, error)
        usable.append(path not in broken)
    by_area = sorted(sizes, key=np.prod)
    return Images(
        np.stack(pixels) if pixels else np.empty((0, 28, 28), np.uint8),
        np.array(usable, dtype=bool),
        broken,
        tuple(dict.fromkeys((by_area[0], by_area[-1]))) if by_area else (),
    )


def _reason(path: Path, error: UserError) -> str:
    """Return why a file cannot be used, without its name and without the cure."""
    text = str(error).removeprefix("cannot read ").removeprefix(f"{path}: ")
    return text.partition(": ")[0]


def broken_error(folder: Path, broken: dict[Path, str], total: int) -> UserError:
    """Return the error that names all files that cannot be used, by the reason."""
    by_reason: dict[str, list[str]] = {}
    for path, reason in list(broken.items())[:MOST_NAMED]:
        by_reason.setdefault(reason, []).append(path.relative_to(folder).as_posix())
    named = "; ".join(f"{', '.join(paths)} ({reason})" for reason, paths in by_reason.items())
    more = f"; and {len(broken) - MOST_NAMED} more" if len(broken) > MOST_NAMED else ""
    blank = any(reason.startswith("no ink") for reason in by_reason)
    return UserError(
        f"{len(broken)} of {total} images of {folder} cannot be used: {named}{more}: replace or "
        "delete them, or leave them out with --skip-broken"
        + (f"; if they show no drawings, give --preprocess {RESIZE}" if blank else "")
    )
