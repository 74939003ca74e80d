"""How much darker than the paper around it each pixel of a photograph is."""

from __future__ import annotations

import numpy as np

from task3_MNIST.datasets.preprocessing import MAX_SIDE, fitted_size, resize

# strokes are narrower than both of these, shadows and sheets are wider
OF_SHORTER = 4  # the image's shorter side over this
OF_LONGER = 8  # its longer side over this
SHEET = 0.5  # of the way from the border's level to the brightest pixel: a sheet is brighter
DARKEST = 0.35  # of the brightest paper: on what is darker, a gray level counts no more than here


def shrink(gray: np.ndarray) -> np.ndarray:
    """Return the image with a longer side of 400 pixels at most, (h, w) float64."""
    values = gray.astype(np.float64)
    if max(values.shape) <= MAX_SIDE:
        return values
    return np.floor(resize(values, *fitted_size(*values.shape, MAX_SIDE)) + 0.5)


def absorbance(values: np.ndarray) -> np.ndarray:
    """Return the share of light that each pixel takes away from its paper, (h, w) in 0..1.

    The paper is the closing of the image: the maximum over a square, then the minimum over it. That
    removes dark marks narrower than the square and keeps the edges of shadows and sheets where they
    are. Its side is `window`.

    Args:
        values: (h, w) float64, dark on light.
    """
    from scipy import ndimage

    smooth = ndimage.uniform_filter(values, 3, mode="nearest")
    side = window(values.shape)
    paper = ndimage.maximum_filter(smooth, side, mode="nearest")
    paper = ndimage.minimum_filter(paper, side, mode="nearest")
    share = (paper - values) / np.maximum(paper, max(DARKEST * paper.max(), 1))
    return np.clip(share, 0, 1)


def window(shape: tuple[int, int]) -> int:
    """Return the side of the square that is wider than a stroke: an odd number of pixels."""
    return max(3, min(shape) // OF_SHORTER, max(shape) // OF_LONGER) // 2 * 2 + 1


def shows_sheet(values: np.ndarray, border: float) -> bool:
    """Return whether something wide is much brighter than the border: a sheet on a dark desk.

    It is what the opening of the image (minimum, then maximum over the square) leaves: chalk on a
    board is narrower than the square.
    """
    from scipy import ndimage

    side = window(values.shape)
    wide = ndimage.minimum_filter(values, side, mode="nearest").max()
    return bool(wide - border > SHEET * (values.max() - border))
