"""A grid of test images with what each model says, right and wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from task3_MNIST.plots import style
from task3_MNIST.plots.groups import group_by_seed, labels
from task3_MNIST.runs.folder import Run

COLUMNS = 12
# inches: an image's side, a row of answers, a band's title, a letter of a model's name
SIDE, ROW, TITLE, LETTER = 0.62, 0.28, 0.55, 0.08
SIGNS = {True: "✓", False: "✗"}
COLOURS = {True: style.RIGHT, False: style.WRONG}


def draw_prediction_grid(
    runs: list[Run], images: np.ndarray, true_labels: np.ndarray, out: Path
) -> Path:
    """Draw test images in up to three bands, each model's answer below, and return the file.

    The bands are what no model gets right, what some do, and what all do; each shows its first
    images in test order, so nobody chose them. One run stands for a model and recipe: the first.

    Args:
        runs: of the data set the images are of, at least one evaluated; the others are left out.
        images: (N, 1, 28, 28) or (N, 28, 28), all test images in test order, on the CPU.
        true_labels: (N,) their labels.
        out: the PNG file.
    """
    groups = group_by_seed([run for run in runs if run.evaluated])
    images, true_labels = np.asarray(images).reshape(-1, 28, 28), np.asarray(true_labels)
    answers = np.stack([group.runs[0].classes() for group in groups])
    right = answers == true_labels  # (models, N)
    chosen = bands(right)

    names = labels(groups)
    rows = [f"{names[group]}, seed {group.runs[0].config()['seed']}" for group in groups]
    margin = 0.5 + LETTER * max(len(name) for name in rows)
    width = margin + COLUMNS * SIDE + 0.15
    band_height = TITLE + SIDE + ROW * (len(rows) + 1)
    height = 0.5 + band_height * len(chosen) + 0.5
    figure = style.new_figure(width, height, layout=None)
    # one unit is one inch: text keeps its size however many models there are
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    for band, (title, places) in enumerate(chosen):
        top = 0.5 + band * band_height
        axes.text(0.15, top + TITLE * 0.6, title, fontsize=10, va="center", color=style.INK)
        _draw_images(axes, images[places], margin, top + TITLE)
        y = top + TITLE + SIDE + ROW / 2
        _draw_answers(
            axes, margin, y, "label", [(str(true_labels[p]), style.MUTED) for p in places]
        )
        for row, name in enumerate(rows):
            cells = [
                (f"{SIGNS[bool(right[row, p])]} {answers[row, p]}", COLOURS[bool(right[row, p])])
                for p in places
            ]
            _draw_answers(axes, margin, y + ROW * (row + 1), name, cells)
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="auto")
    title = f"What each model says about test images of {groups[0].dataset}"
    axes.text(0.15, 0.3, title, fontsize=12, fontweight="bold", va="center", color=style.INK)
    rule = "Each band shows its first images in test order.   ✓ green: right   ✗ red: wrong"
    axes.text(0.15, height - 0.25, rule, fontsize=8, va="center", color=style.MUTED)
    return style.save(figure, out)


def bands(right: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Return the bands of the grid that are not empty: a title, and places in the test set.

    Args:
        right: (models, N) bool, whether each model is right about each image.
    """
    all_right, some_right = right.all(0), right.any(0)
    kinds = {
        "No model is right": ~some_right,
        "Some models are right": some_right & ~all_right,
        "Every model is right": all_right,
    }
    return [
        (f"{title}: {_shown(int(kind.sum()))}", np.flatnonzero(kind)[:COLUMNS])
        for title, kind in kinds.items()
        if kind.any()
    ]


def _shown(count: int) -> str:
    images = f"{count:,} image{'s' if count > 1 else ''}"
    return f"{images}, the first {COLUMNS}" if count > COLUMNS else images


def _draw_images(axes, images: np.ndarray, margin: float, top: float) -> None:
    for column, image in enumerate(images):
        left = margin + column * SIDE
        box = (left + 0.03, left + SIDE - 0.03, top + SIDE - 0.03, top + 0.03)
        axes.imshow(image, cmap="gray_r", extent=box)


def _draw_answers(axes, margin: float, y: float, name: str, cells: list[tuple[str, str]]) -> None:
    axes.text(margin - 0.15, y, name, fontsize=9, ha="right", va="center", color=style.INK)
    for column, (text, colour) in enumerate(cells):
        x = margin + SIDE * (column + 0.5)
        axes.text(x, y, text, fontsize=10, ha="center", va="center", color=colour)
