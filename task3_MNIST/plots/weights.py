"""The weights of a first layer as images; many small images as one."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch import nn

from task3_MNIST.plots import style
from task3_MNIST.plots.run import run_title
from task3_MNIST.runs.folder import Run

MOST_UNITS = 100
COLUMNS = 10


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


def draw_first_layer(run: Run, model: nn.Module, out: Path) -> Path:
    """Draw each unit's weights as the 28x28 image they multiply, and return the file."""
    linear = next(layer for layer in model.modules() if isinstance(layer, nn.Linear))
    weights = linear.weight.detach()  # (units, 784)
    strongest = weights.norm(dim=1).argsort(descending=True)[:MOST_UNITS]
    # in their own order if all are shown: of a linear classifier that is the classes' order
    shown = strongest if len(strongest) < len(weights) else torch.arange(len(weights))
    columns = min(COLUMNS, len(shown))
    sheet = tile(weights[shown].reshape(-1, 28, 28).numpy(), columns)

    rows, inches = -(-len(shown) // columns), 0.85
    figure = style.new_figure(columns * inches + 1.2, rows * inches + 1.2)
    show_signed(figure, figure.add_subplot(), sheet, "weight")
    which = (
        f"The {len(shown)} units with the largest weights (Euclidean norm) of {len(weights)}"
        if len(shown) < len(weights)
        else f"All {len(weights)} units in order"
    )
    style.add_title(
        figure,
        f"First-layer weights: {run_title(run)}",
        f"{which}. Red: ink there excites the unit; blue: inhibits it.",
    )
    return style.save(figure, out / "first_layer_weights.png")
