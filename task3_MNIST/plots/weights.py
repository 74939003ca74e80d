"""Many small images as one: weights, kernels and feature maps on a common color scale."""

from __future__ import annotations

import math

import numpy as np

from task3_MNIST.plots import style


def tile(images: np.ndarray, columns: int, side: int = 28) -> np.ndarray:
    """Return small images side by side in one array, with gaps of NaN, which stay blank.

    Args:
        images: (N, height, width).
        columns: images in a row.
        side: small images are enlarged, pixel by pixel, to about this many pixels.
    """
    factor = max(1, side // max(images.shape[1:]))
    images = images.repeat(factor, axis=1).repeat(factor, axis=2)
    count, height, width = images.shape
    gap = max(1, round(0.1 * max(height, width)))
    rows = math.ceil(count / columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), np.nan)
    for place, image in enumerate(images):
        top, left = place // columns * (height + gap), place % columns * (width + gap)
        sheet[top : top + height, left : left + width] = image
    return sheet


def show_signed(figure, axes, sheet: np.ndarray, label: str) -> None:
    """Show a sheet of weights, white where they are 0, with the scale at its side."""
    # a single outlier would leave all the others pale
    limit = float(np.nanquantile(np.abs(sheet), 0.998)) or 1.0
    image = axes.imshow(sheet, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    axes.set_facecolor(style.MUTED)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.6, pad=0.02, label=label, extend="both")
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8)
