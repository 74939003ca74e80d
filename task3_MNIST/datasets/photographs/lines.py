"""Printed lines, squares, boxes and underlines: where they are, and the ink without them.

Everything is said of horizontal lines; vertical ones are those of the transposed image.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

SLOPES = np.arange(-8, 9) / 125  # of lines, in pixels a pixel: up to 3.7 degrees
GAP = 4  # pixels missing in a line that do not end it
SHORTEST = 0.2  # of the image's longer side: a shorter line is left alone
SPANNING = 0.8  # of the image's width: a line this long is the paper's
THIN = 0.05  # of the image's shorter side: a paper's line is thinner
BORDER = 0.12  # likewise, for a line along the image's border: half of a thick box
STRAIGHT = 0.7  # share of a straight line's columns where its edges are in their place
BARE = 0.25  # share of a line's columns where nothing crosses it, at least
PALE = 0.6  # of full ink: a line at most this dark differs from ink in its gray
CORNER = 0.02  # of the image's longer side: how far the ends of a box's sides may miss
MARGIN = 0.04  # of the image's shorter side: how far ends may miss each other


@dataclass(frozen=True)
class Line:
    """A straight line that rises by a slope.

    Attributes:
        slope: rows a column.
        top: its first row at the middle column, had it no slope.
        bottom: its last row, likewise.
        start: its first column.
        end: its last column.
    """

    slope: float
    top: int
    bottom: int
    start: int
    end: int

    @property
    def length(self) -> int:
        """Return the number of columns."""
        return self.end - self.start + 1

    @property
    def thickness(self) -> int:
        """Return the number of rows."""
        return self.bottom - self.top + 1


def shifts(slope: float, width: int) -> np.ndarray:
    """Return by how many rows a line of a slope is shifted in each column, (w,) int."""
    return np.floor(slope * (np.arange(width) - (width - 1) / 2) + 0.5).astype(int)


def find_lines(mask: np.ndarray) -> list[Line]:
    """Return the straight lines of the slope that has the longest ones, from top to bottom.

    For each slope the columns are shifted so that its lines lie in rows, and each row's longest run
    of ink is taken, where a pixel counts with its upper and lower neighbor, and gaps of 4 pixels
    are filled. Of the slopes, the one with the greatest sum of squared runs is kept. The rows that
    have a run of at least a fifth of the longer side are tried, the longest first, and not within 2
    rows of one that was tried before.

    Args:
        mask: (h, w) bool, the ink.
    """
    shortest = SHORTEST * max(mask.shape)
    tall = np.pad(mask, ((1, 1), (0, 0)))
    tall = tall[:-2] | tall[1:-1] | tall[2:]
    height = len(mask)
    lengths, ends = longest_runs(np.concatenate([sheared(tall, slope) for slope in SLOPES]))
    lengths, ends = lengths.reshape(-1, height), ends.reshape(-1, height)
    scores = (np.where(lengths >= shortest, lengths, 0) ** 2).sum(axis=1)
    best = int(scores.argmax())
    slope, lengths, ends = float(SLOPES[best]), lengths[best], ends[best]
    found = np.flatnonzero(lengths >= shortest)
    lines, free = [], np.ones(height, bool)
    for row in found[np.argsort(-lengths[found], kind="stable")]:
        if not free[row]:
            continue
        start, end = int(ends[row] - lengths[row] + 1), int(ends[row])
        line = straight_line(mask, slope, int(row), start, end)
        top, bottom = (line.top, line.bottom) if line else (row, row)
        free[max(min(top, row) - 2, 0) : max(bottom, row) + 3] = False
        if line:
            lines.append(line)
    return sorted(lines, key=lambda line: line.top)


def sheared(mask: np.ndarray, slope: float) -> np.ndarray:
    """Return the image with each column shifted up by what a line of the slope has there."""
    height, width = mask.shape
    result = np.zeros_like(mask)
    shift = shifts(slope, width)
    bounds = [0, *(np.flatnonzero(np.diff(shift)) + 1), width]
    for start, end in itertools.pairwise(bounds):  # columns that are shifted alike
        up = shift[start]
        here, there = (
            slice(max(-up, 0), height - max(up, 0)),
            slice(max(up, 0), height + min(up, 0)),
        )
        result[here, start:end] = mask[there, start:end]
    return result


def longest_runs(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the length of each row's longest run, and its last column; both (h,) int.

    Gaps of up to 4 pixels between two pixels of a run count as filled; of equal runs, the first.
    """
    height = len(mask)
    rows, columns = np.nonzero(mask)
    lengths, ends = np.zeros(height, int), np.zeros(height, int)
    if not len(rows):
        return lengths, ends
    new = (np.diff(rows) > 0) | (np.diff(columns) > GAP + 1)
    first, last = np.flatnonzero(np.append(True, new)), np.flatnonzero(np.append(new, True))
    run_rows, run_lengths = rows[first], columns[last] - columns[first] + 1
    order = np.lexsort((-columns[last], run_lengths))  # the longest, and then the first, come last
    lengths[run_rows[order]] = run_lengths[order]
    ends[run_rows[order]] = columns[last][order]
    return lengths, ends


def column_runs(mask: np.ndarray, slope: float, row: int, start: int, end: int):
    """Return the run of ink through a line in each of its columns, as rows less its slope.

    Returns:
        columns (n,) where there is ink within 1 row of the line, and the first and last row of the
        run in each, both (n,) int, as if the line had no slope.
    """
    height, width = mask.shape
    columns = np.arange(start, end + 1)
    shift = shifts(slope, width)[columns]
    part = mask[:, columns]
    index = np.arange(height)[:, None]
    first = np.maximum.accumulate(np.where(part, -1, index), axis=0) + 1  # of the run, at ink
    last = np.minimum.accumulate(np.where(part, height, index)[::-1], axis=0)[::-1] - 1
    place = np.full(len(columns), -1)
    for away in (1, -1, 0):  # the line's own row comes last, and so wins
        at = (row + shift + away).clip(0, height - 1)
        place = np.where(part[at, np.arange(len(columns))], at, place)
    hit = np.flatnonzero(place >= 0)
    at = place[hit]
    return columns[hit], first[at, hit] - shift[hit], last[at, hit] - shift[hit]


def straight_line(mask: np.ndarray, slope: float, row: int, start: int, end: int) -> Line | None:
    """Return the line at a row, or None if it is no straight one but a stroke of a digit.

    Its first and last row are the medians over the thinner half of its columns. Columns where the
    run is higher than `crossed` are crossed by something. Of the others, which are at least a
    quarter, 7 of 10 have both edges within a pixel, and a tenth of the thickness, of the medians.
    """
    columns, tops, bottoms = column_runs(mask, slope, row, start, end)
    if not len(columns):
        return None
    heights = bottoms - tops + 1
    thin = heights <= np.sort(heights)[len(heights) // 2]
    top = int(np.sort(tops[thin])[thin.sum() // 2])
    bottom = int(np.sort(bottoms[thin])[thin.sum() // 2])
    line = Line(slope, top, bottom, start, end)
    bare = heights < crossed(line)
    allowed = 1 + line.thickness / 10
    near = (np.abs(tops - top) <= allowed) & (np.abs(bottoms - bottom) <= allowed)
    straight = (near & bare).sum() >= STRAIGHT * bare.sum() and bare.sum() >= BARE * len(columns)
    return line if straight else None


def crossed(line: Line) -> int:
    """Return how high a run of ink is, at least, where a stroke crosses a line."""
    return int(1.5 * line.thickness + 3)


def paper_lines(lines: list[Line], shape: tuple[int, int]) -> list[Line]:
    """Return the lines that span the image: the paper's, or a box's along its border."""
    shorter = min(shape)
    spanning = [line for line in lines if line.length >= SPANNING * shape[1]]
    return [
        line
        for line in spanning
        if line.thickness <= THIN * shorter
        or (line.thickness <= BORDER * shorter and _at_border(line, shape))
    ]


def _at_border(line: Line, shape: tuple[int, int]) -> bool:
    reach = MARGIN * min(shape) + abs(line.slope) * shape[1] / 2
    return line.top <= reach or line.bottom >= shape[0] - 1 - reach


def boxes(across: list[Line], down: list[Line], shape: tuple[int, int]) -> list[list[Line]]:
    """Return the sides of each box: two lines across and two down that meet at their ends.

    Args:
        across: horizontal lines.
        down: vertical lines, of the transposed image.
        shape: of the image.
    """
    near = CORNER * max(shape)
    found = []
    for first in range(len(across)):
        for second in range(first + 1, len(across)):
            upper, lower = across[first], across[second]
            sides = [_side(down, upper, lower, place, near, shape) for place in ("start", "end")]
            if all(sides):
                found.append([[upper, lower], sides])
    return found


def _side(down, upper, lower, place, near, shape):
    """Return the vertical line where two horizontal ones start or end, or None."""
    columns = getattr(upper, place), getattr(lower, place)
    for line in down:
        middle = (line.top + line.bottom) / 2
        reach = near + line.thickness / 2 + abs(line.slope) * shape[0] / 2
        beside = all(abs(middle - column) <= reach for column in columns)
        spans = abs(line.start - upper.top) <= reach and abs(line.end - lower.bottom) <= reach
        if beside and spans:
            return line
    return None


def erase(ink: np.ndarray, mask: np.ndarray, line: Line) -> np.ndarray:
    """Return the mask without a line, where no stroke of a digit crosses it.

    In each column the run of ink through the line is erased if it is at most 1.5 times as high as
    the line, and 2 pixels. A higher run is a stroke that crosses. Where the line is much paler than
    the ink, pixels as dark as ink stay too.

    Args:
        ink: (h, w) in 0..1.
        mask: (h, w) bool.
        line: of this image.
    """
    row = (line.top + line.bottom) // 2
    columns, tops, bottoms = column_runs(mask, line.slope, row, line.start, line.end)
    short = bottoms - tops + 1 < crossed(line)
    columns, tops, bottoms = columns[short], tops[short], bottoms[short]
    if not len(columns):
        return mask
    shift = shifts(line.slope, mask.shape[1])[columns]
    runs = list(zip(columns, tops + shift, bottoms + shift + 1, strict=True))
    level = np.median([ink[top:bottom, column].max() for column, top, bottom in runs])
    result = mask.copy()
    for column, top, bottom in runs:
        dark = ink[top:bottom, column] > (level + 1) / 2
        result[top:bottom, column] &= dark & (level < PALE)
    return result
