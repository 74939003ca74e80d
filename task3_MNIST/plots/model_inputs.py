"""The images that models got of a user's files, with their answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from task3_MNIST.plots import style

COLUMNS = 6
SIDE, TEXT, ROW = 1.5, 0.32, 0.22  # inches: an image's side, its file's name, an answer's line


def draw_model_inputs(answered: list[tuple[str, np.ndarray, dict[str, str]]], out: Path) -> Path:
    """Draw each file's image as preprocessed, the answers below it, and return the picture's path.

    Args:
        answered: for each file its name, its (28, 28) uint8 image, and a text for each model.
        out: the PNG file.
    """
    columns = min(COLUMNS, len(answered))
    rows = -(-len(answered) // columns)
    lines = len(answered[0][2])
    height = SIDE + TEXT + ROW * lines + 0.25
    width = 2.2
    figure = style.new_figure(columns * width, rows * height, layout=None)
    # one unit is one inch, from the upper left corner
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    for place, (name, image, answers) in enumerate(answered):
        middle = (place % columns + 0.5) * width
        top = place // columns * height + TEXT
        axes.text(middle, top - 0.12, _short(name), fontsize=8, ha="center", color=style.MUTED)
        box = (middle - SIDE / 2, middle + SIDE / 2, top + SIDE, top)
        axes.imshow(image, cmap="gray", vmin=0, vmax=255, extent=box, interpolation="nearest")
        for line, (model, text) in enumerate(answers.items()):
            y = top + SIDE + ROW * (line + 0.8)
            answer = f"{_short(model)}: {text}"
            axes.text(middle, y, answer, fontsize=9, ha="center", color=style.INK)
    axes.set(xlim=(0, columns * width), ylim=(rows * height, 0), aspect="auto")
    return style.save(figure, out)


def _short(name: str) -> str:
    """Return at most 26 characters of a name, so that matplotlib reads no formula."""
    name = name if len(name) <= 26 else f"…{name[-25:]}"
    return name.replace("$", r"\$")
