"""The ink of a photograph's digits, without the paper's own lines."""

from __future__ import annotations

import numpy as np

from task3_MNIST.datasets.photographs import lines
from task3_MNIST.datasets.preprocessing import grow, parts

EDGE = 0.3  # of full ink: what is paler is paper, or a faint line
LINE = 0.15  # of full ink: lines are looked for among what is darker
DARK = 0.55  # of full ink
DARK_SHARE = 0.2  # of a part's pixels: a part with fewer dark ones is no digit
MANY = 12  # lines: on squared paper, nobody looks for boxes
BEYOND = 0.1  # of a digit's height: how far an underline sticks out on both sides
FAINT = 0.06  # of full ink: at a stroke's edge, what is paler is paper


def full_scale(share: np.ndarray) -> float:
    """Return what counts as full ink: the level that nine tenths of the strong pixels reach."""
    strong = np.sort(share[share > share.max() / 2])
    return float(strong[9 * (len(strong) - 1) // 10]) if len(strong) else 0.0


def clean_ink(share: np.ndarray) -> np.ndarray:
    """Return the digits' ink, (h, w) in 0..1, 0 wherever there is paper or a printed line.

    Args:
        share: (h, w) in 0..1, from `background.absorbance`.
    """
    ink = np.minimum(share / max(full_scale(share), 1e-6), 1)
    mask = without_lines(ink, ink > EDGE)
    mask = without_dirt(mask, ink)
    mask = grow(mask.astype(float), 1) > 0 if mask.any() else mask
    near = mask & (ink > FAINT)
    return np.where(near, ink, 0)


def without_lines(ink: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the mask without the printed lines, if something is left."""
    shape, start = mask.shape, mask
    marks = ink > LINE
    across, down = lines.find_lines(marks), lines.find_lines(marks.T)
    papers = lines.paper_lines(across, shape), lines.paper_lines(down, shape[::-1])
    if max(len(across), len(down)) <= MANY:
        for box in lines.boxes(across, down, shape):
            for sides, found in zip(box, papers, strict=True):
                found.extend(line for line in sides if line not in found)
    for line in papers[0]:
        mask = lines.erase(ink, mask, line)
    for line in papers[1]:
        mask = lines.erase(ink.T, mask.T, line).T
    for line in across:
        if line not in papers[0]:
            mask = without_underline(ink, mask, line)
    return mask if mask.sum() > 0.02 * start.sum() else start


def without_underline(ink: np.ndarray, mask: np.ndarray, line: lines.Line) -> np.ndarray:
    """Return the mask without a line that is longer than all other ink is wide, both ways."""
    rest = lines.erase(ink, mask, line)
    rest = without_dirt(rest, ink) if rest.any() else rest
    columns = np.flatnonzero(rest.any(axis=0))
    if not len(columns):
        return mask
    rows = np.flatnonzero(rest.any(axis=1))
    beyond = BEYOND * (rows[-1] - rows[0] + 1)
    width = mask.shape[1]
    left = line.start <= max(columns[0] - beyond, 2)
    right = line.end >= min(columns[-1] + beyond, width - 3)
    low = line.top > (rows[0] + rows[-1]) / 2
    return rest if left and right and low else mask


def without_dirt(mask: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """Return the mask without parts that hold less than 3 % of the largest one's ink.

    Pale parts are no digits either: less than a fifth of their pixels is dark. Parts that touch the
    border are none, unless nothing else is there.
    """
    labels, masses = parts(mask, ink)
    dark = np.bincount(labels.ravel(), weights=(ink >= DARK).ravel())
    masses[dark < DARK_SHARE * np.bincount(labels.ravel())] = 0
    if masses.max() == 0:
        return np.zeros_like(mask)
    border = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    inside = masses.copy()
    inside[border] = 0
    if inside.max() > 0.05 * masses.max():
        masses = inside
    return mask & (masses >= 0.03 * masses.max())[labels]
