"""Read the digits of an image file: a clean scan, or a photograph of paper that people write on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from task3_MNIST.datasets import preprocessing
from task3_MNIST.datasets.image_files import read_gray
from task3_MNIST.datasets.photographs import background, cleaning
from task3_MNIST.datasets.photographs.digits import Box, find_digits, rows_of
from task3_MNIST.errors import UserError

SMALL = 60  # pixels a side: an image this small has no room for paper, lines and desks
APART = 0.08  # of the ink's extent: how far the ends of the same ink may be apart
SAME = 0.8  # of all ink: what two ways of finding it agree on, if the scan is clean


@dataclass(frozen=True)
class Reading:
    """What was seen in an image.

    Attributes:
        picture: (h, w) uint8, gray, shrunk.
        boxes: of the digits in it, from left to right.
        images: (n, 28, 28) uint8, each digit in MNIST's format.
    """

    picture: np.ndarray
    boxes: list[Box]
    images: np.ndarray


def read_digits(path: Path) -> Reading:
    """Return the digits that an image file shows, from left to right.

    Raises:
        UserError: the file cannot be read, or no row of digits is found in it.
    """
    gray = read_gray(path)
    try:
        return find_in(gray)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def find_in(gray: np.ndarray) -> Reading:
    """Return the digits in a gray image, (H, W) uint8, of any polarity.

    A clean scan has the ink that `preprocessing.extract_ink` finds, and so the same image as ever.
    Anything else is taken as a photograph: ink is what is darker than the paper around it.

    Raises:
        UserError: no row of digits is found.
    """
    values = background.shrink(gray)
    ink = find_ink(values)
    found = find_digits(ink)
    if len(found) == 1:  # with all its specks, as it has always been
        found = [(found[0][0], ink)]
    if not found:
        raise UserError("no digit found: write larger and darker, or cut the image closer to it")
    boxes = [box for box, _ in found]
    rows = rows_of(boxes)
    if rows > 1:
        raise UserError(f"digits found in {rows} rows: cut the image to one row")
    images = np.stack([preprocessing.frame(own) for _, own in found])
    return Reading(values.astype(np.uint8), boxes, images)


def find_ink(values: np.ndarray) -> np.ndarray:
    """Return the digits' ink, (h, w) in 0..1: that of a clean scan, or of a photograph.

    Raises:
        UserError: there is no ink in the image.
    """
    blank = None
    try:
        scan = preprocessing.extract_ink(values)
    except UserError as error:
        blank, scan = error, np.zeros_like(values)
        if max(values.shape) < SMALL:
            raise
    if max(values.shape) < SMALL:
        return scan
    light_on_dark = preprocessing.is_light_on_dark(values)
    if light_on_dark and background.shows_sheet(values, preprocessing.border_median(values)):
        on_sheet = clean(values)
        if on_sheet.any() and not at_border(on_sheet):
            return on_sheet
    photograph = clean(255 - values if light_on_dark else values)
    if blank and not photograph.any():
        raise blank
    if agree(scan, photograph) or not photograph.any():
        return scan
    return photograph


def at_border(ink: np.ndarray) -> bool:
    """Return whether there is ink in the image's first or last row or column."""
    return bool(ink[0].any() or ink[-1].any() or ink[:, 0].any() or ink[:, -1].any())


def clean(values: np.ndarray) -> np.ndarray:
    """Return the digits' ink of dark marks on light paper."""
    return cleaning.clean_ink(background.absorbance(values))


def agree(first: np.ndarray, second: np.ndarray) -> bool:
    """Return whether two images of ink show the same strokes, and no mark far from them."""
    one, two = first >= 0.5, second >= 0.5
    if (one & two).sum() < SAME * (one | two).sum() or not one.any():
        return False
    boxes = [np.array(box_around(ink)) for ink in (first, second)]
    extent = max(boxes[1][1] - boxes[1][0], boxes[1][3] - boxes[1][2])
    return bool(np.abs(boxes[0] - boxes[1]).max() <= max(2, APART * extent))


def box_around(ink: np.ndarray) -> list[int]:
    """Return the first and last row and column that hold ink."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return [rows[0], rows[-1], columns[0], columns[-1]]
