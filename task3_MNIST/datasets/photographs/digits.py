"""Which parts of the ink belong to one digit, and the digits of a row in their order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from task3_MNIST.datasets.preprocessing import parts

TALL = 0.45  # of the tallest part's height: a lower part is no digit of its own
NEAR = 0.15  # of the tallest part's height: a low part this close to a digit is a stroke of it
SHARED = 0.5  # of the narrower part's width: tall parts that share so many columns are one digit
ROW = 0.3  # of the lower one's height: digits of one row share so many rows


@dataclass(frozen=True)
class Box:
    """A rectangle of whole pixels; its last row and column belong to it."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self) -> int:
        """Return the number of rows."""
        return self.bottom - self.top + 1

    @property
    def width(self) -> int:
        """Return the number of columns."""
        return self.right - self.left + 1

    def joined(self, other: Box) -> Box:
        """Return the smallest box around both."""
        return Box(
            min(self.top, other.top),
            max(self.bottom, other.bottom),
            min(self.left, other.left),
            max(self.right, other.right),
        )

    def rows_shared(self, other: Box) -> int:
        """Return in how many rows both are; where they are apart, the distance is negative."""
        return min(self.bottom, other.bottom) - max(self.top, other.top) + 1

    def columns_shared(self, other: Box) -> int:
        """Return in how many columns both are; where they are apart, the distance is negative."""
        return min(self.right, other.right) - max(self.left, other.left) + 1


def find_digits(ink: np.ndarray) -> list[tuple[Box, np.ndarray]]:
    """Return each digit's box and its own ink, (h, w) like the image, from left to right.

    1. The ink's 8-connected parts are boxed. Tall ones, of at least 0.45 of the tallest, are
       digits; two of them are one if they share half of the narrower one's columns.
    2. A lower part is a stroke of the digit that is nearest, if that is within 0.15 of the tallest
       part's height; otherwise it is dirt.

    Args:
        ink: (h, w) in 0..1, 0 wherever there is paper.
    """
    labels, _ = parts(ink > 0, ink)
    boxes = bounding_boxes(labels)
    if not boxes:
        return []
    tallest = max(box.height for box in boxes)
    groups = []
    for number, box in enumerate(boxes, 1):
        if box.height >= TALL * tallest:
            groups.append((box, [number]))
    groups = joined_columns(sorted(groups, key=lambda group: group[0].left), NEAR * tallest)
    for number, box in enumerate(boxes, 1):
        if box.height < TALL * tallest:
            away = [distance(box, group) for group, _ in groups]
            nearest = int(np.argmin(away))
            if away[nearest] <= NEAR * tallest:
                groups[nearest][1].append(number)
    groups.sort(key=lambda group: group[0].left + group[0].right)
    return [
        (box_of(boxes, numbers), np.where(np.isin(labels, numbers), ink, 0))
        for _, numbers in groups
    ]


def bounding_boxes(labels: np.ndarray) -> list[Box]:
    """Return the box of each part, numbered from 1."""
    from scipy import ndimage

    return [
        Box(rows.start, rows.stop - 1, columns.start, columns.stop - 1)
        for rows, columns in ndimage.find_objects(labels)
    ]


def joined_columns(
    groups: list[tuple[Box, list[int]]], reach: float
) -> list[tuple[Box, list[int]]]:
    """Return groups, sorted by their left edge, with those joined that share half their columns.

    Groups that are more than `reach` rows apart stay two: they stand in two rows.
    """
    result = []
    for box, numbers in groups:
        last = result[-1][0] if result else None
        shared = last and last.columns_shared(box) >= SHARED * min(last.width, box.width)
        if shared and last.rows_shared(box) >= -reach:
            result[-1] = (last.joined(box), result[-1][1] + numbers)
        else:
            result.append((box, numbers))
    return result


def distance(first: Box, second: Box) -> int:
    """Return how far apart two boxes are, the longer way; 0 if they overlap."""
    return max(0, -first.rows_shared(second), -first.columns_shared(second))


def box_of(boxes: list[Box], numbers: list[int]) -> Box:
    """Return the smallest box around the parts of some numbers."""
    box = boxes[numbers[0] - 1]
    for number in numbers[1:]:
        box = box.joined(boxes[number - 1])
    return box


def rows_of(boxes: list[Box]) -> int:
    """Return in how many rows digits stand, one above the other."""
    count, bottom = 0, None
    for box in sorted(boxes, key=lambda box: box.top + box.bottom):
        if bottom is None or bottom.rows_shared(box) < ROW * min(bottom.height, box.height):
            count, bottom = count + 1, box
    return count
