"""What was seen in a user's files: the digits that were found, and what models say they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from task3_MNIST.datasets.photographs.reading import Reading
from task3_MNIST.plots import style

COLUMNS = 3
SIDE, TEXT, ROW = 1.5, 0.32, 0.22  # inches: an image's side, its file's name, an answer's line
GAP = 0.15  # inches between a picture and the models' images of it


def draw_model_inputs(seen: list[tuple[str, Reading, dict[str, str]]], out: Path) -> Path:
    """Draw each file with its digits' boxes, the images that models get, and their answers.

    Args:
        seen: for each file its name, what was read in it, and a text for each model.
        out: the PNG file, whose path is returned.
    """
    columns = min(COLUMNS, len(seen))
    rows = -(-len(seen) // columns)
    lines = len(seen[0][2])
    height = SIDE + TEXT + ROW * lines + 0.25
    width = 2 * SIDE + 3 * GAP
    figure = style.new_figure(columns * width, rows * height, layout=None)
    # one unit is one inch, from the upper left corner
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    for place, (name, reading, answers) in enumerate(seen):
        left = place % columns * width + GAP
        top = place // columns * height + TEXT
        middle = left + SIDE + GAP / 2
        axes.text(middle, top - 0.12, _short(name), fontsize=8, ha="center", color=style.MUTED)
        scale = _show(axes, reading.picture, left, top)
        for box in reading.boxes:
            corners = [(box.left, box.top), (box.right + 1, box.top)]
            corners += [(box.right + 1, box.bottom + 1), (box.left, box.bottom + 1)]
            x, y = zip(*[*corners, corners[0]], strict=True)
            axes.plot(left + scale * np.array(x), top + scale * np.array(y), color="#d62728", lw=1)
        _show(axes, np.hstack(list(reading.images)), left + SIDE + GAP, top)
        for line, (model, text) in enumerate(answers.items()):
            y = top + SIDE + ROW * (line + 0.8)
            answer = f"{_short(model)}: {text}"
            axes.text(middle, y, answer, fontsize=9, ha="center", color=style.INK)
    axes.set(xlim=(0, columns * width), ylim=(rows * height, 0), aspect="auto")
    return style.save(figure, out)


def _show(axes, image: np.ndarray, left: float, top: float) -> float:
    """Show a gray image in a square, from its upper left corner; return inches a pixel."""
    scale = SIDE / max(image.shape)
    box = (left, left + scale * image.shape[1], top + scale * image.shape[0], top)
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, extent=box, interpolation="nearest")
    return scale


def _short(name: str) -> str:
    """Return at most 26 characters of a name, so that matplotlib reads no formula."""
    name = name if len(name) <= 26 else f"…{name[-25:]}"
    return name.replace("$", r"\$")
