"""The architecture diagram: what an image becomes, layer by layer."""

from __future__ import annotations

import math
from pathlib import Path

from torch import nn

from task3_MNIST.models.layers import Layer, layers, shape_text
from task3_MNIST.models.size import parameter_count
from task3_MNIST.plots import style

KIND_COLORS = {
    "Conv2d": style.PALETTE[1],
    "Linear": style.PALETTE[0],
    "MaxPool2d": style.PALETTE[2],
    "BatchNorm1d": style.PALETTE[4],
    "BatchNorm2d": style.PALETTE[4],
}
OTHER_COLOR = "#AAAAAA"
ROW_INCHES = 0.34
NAME_X, DETAIL_X, BAR_X, SHAPE_X, PARAMETERS_X = 0.0, 1.35, 5.45, 8.2, 9.9
BAR_WIDTH = 2.2


def draw_diagram(name: str, model: nn.Module, path: Path) -> Path:
    """Draw a model's layers, output shapes and parameters, and return the file.

    Args:
        name: the model's, for the title.
        model: any model of the registry.
        path: the PNG file.
    """
    image = Layer(kind="image", detail="", output_shape=(1, 28, 28), parameters=0)
    rows = [image, *layers(model)]
    total = parameter_count(model)

    # header, rows, total, and the title and note around them
    figure = style.new_figure(9.0, ROW_INCHES * (len(rows) + 2) + 1.0)
    axes = figure.add_subplot()
    axes.set_xlim(-0.1, PARAMETERS_X + 0.1)
    axes.set_ylim(len(rows) + 0.6, -1.6)
    axes.set_axis_off()
    header = {"va": "center", "fontsize": 9, "color": style.MUTED}
    axes.text(NAME_X, -1, "layer", **header)
    axes.text(BAR_X, -1, "values", ha="center", **header)
    axes.text(SHAPE_X, -1, "output", ha="right", **header)
    axes.text(PARAMETERS_X, -1, "parameters", ha="right", **header)
    most = max(math.prod(row.output_shape) for row in rows)
    for position, row in enumerate(rows):
        _draw_row(axes, position, row, most)
    axes.axhline(len(rows) - 0.45, color=style.MUTED, linewidth=0.8)
    axes.text(NAME_X, len(rows), "total", va="center", fontsize=10, fontweight="bold")
    axes.text(
        PARAMETERS_X,
        len(rows),
        f"{total:,}",
        va="center",
        ha="right",
        fontsize=10,
        fontweight="bold",
    )
    style.add_title(
        figure,
        f"Architecture of {name}: {total:,} parameters",
        "Bars: how many values leave the layer, on a logarithmic scale.",
    )
    return style.save(figure, path)


def _draw_row(axes, position: int, row: Layer, most: int) -> None:
    from matplotlib.patches import FancyBboxPatch

    width = BAR_WIDTH * math.log(math.prod(row.output_shape) + 1) / math.log(most + 1)
    learns = row.parameters > 0 or row.kind in KIND_COLORS
    axes.add_patch(
        FancyBboxPatch(
            (BAR_X - width / 2, position - 0.3),
            width,
            0.6,
            boxstyle="round,pad=0,rounding_size=0.1",
            facecolor=KIND_COLORS.get(row.kind, OTHER_COLOR),
            edgecolor="none",
        )
    )
    text = {"va": "center", "fontsize": 10, "color": style.INK if learns else style.MUTED}
    axes.text(NAME_X, position, row.kind, fontweight="bold" if learns else "normal", **text)
    axes.text(DETAIL_X, position, row.detail, **text)
    axes.text(SHAPE_X, position, shape_text(row.output_shape), ha="right", **text)
    if row.parameters:
        axes.text(PARAMETERS_X, position, f"{row.parameters:,}", ha="right", **text)
