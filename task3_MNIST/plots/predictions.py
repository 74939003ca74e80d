"""A grid of test images with what each model says, correct and incorrect."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from task3_MNIST.datasets.splits import Split
from task3_MNIST.plots import style

COLUMNS = 12
# inches: an image's side, a row of answers, a band's title, a letter of a model's name
SIDE, ROW, TITLE, LETTER = 0.62, 0.28, 0.55, 0.08
SHORT = 4  # letters of an answer, its sign included, that fit below an image at full size
LETTERS = 8  # of a class's name: more have no room below an image
SIGNS = {True: "✓", False: "✗"}
COLORS = {True: style.CORRECT, False: style.INCORRECT}


def draw_prediction_grid(
    answers: Mapping[str, np.ndarray], test: Split, dataset: str, out: Path
) -> Path:
    """Draw test images in up to three bands, each model's answer below, and return the file.

    The bands are what no model classifies correctly, what some do, and what all do; each shows
    its first images in test order, so nobody chose them.

    Args:
        answers: the classes (N,) that each model gives, by what the picture calls it.
        test: all test images, uint8, on the CPU.
        dataset: its name.
        out: the PNG file.
    """
    images, true_labels = test.images[:, 0].numpy(), test.labels.numpy()
    classes = np.stack(list(answers.values()))
    names = [name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…" for name in test.classes]
    correct = classes == true_labels  # (models, N)
    chosen = bands(correct)
    rows = list(answers)
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
            axes, margin, y, "label", [(names[true_labels[p]], style.MUTED) for p in places]
        )
        for row, name in enumerate(rows):
            cells = [
                (f"{SIGNS[ok]} {names[classes[row, place]]}", COLORS[ok])
                for place, ok in zip(places, correct[row, places].tolist(), strict=True)
            ]
            _draw_answers(axes, margin, y + ROW * (row + 1), name, cells)
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="auto")
    title = f"What each model says about test images of {dataset}"
    axes.text(0.15, 0.3, title, fontsize=12, fontweight="bold", va="center", color=style.INK)
    rule = "Each band shows its first images in test order.   ✓ green: correct   ✗ red: incorrect"
    axes.text(0.15, height - 0.25, rule, fontsize=8, va="center", color=style.MUTED)
    return style.save(figure, out)


def bands(correct: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Return the bands of the grid that are not empty: a title, and places in the test set.

    Args:
        correct: (models, N) bool, whether each model classifies each image correctly.
    """
    everyone, anyone = correct.all(0), correct.any(0)
    kinds = {
        "No model is correct": ~anyone,
        "Some models are correct": anyone & ~everyone,
        "Every model is correct": everyone,
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
    for column, (text, color) in enumerate(cells):
        x = margin + SIDE * (column + 0.5)
        size = 10 if len(text) <= SHORT else 7
        axes.text(x, y, text, fontsize=size, ha="center", va="center", color=color)
