"""Pick the test images that models misclassify and pack them into one picture."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

SIDE = 28
COLUMNS = 50
LIMIT = 2400  # images: some 150 bytes each
GRAYS = 16  # 4 bits a pixel: no eye tells them from 8, at half the bytes


def pack_mistakes(images: np.ndarray, labels: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """Return what the page needs to show the images behind a confusion matrix's cells.

    Args:
        images: (N, 1, 28, 28), of any affine scale; black is the least value.
        labels: (N,) true classes.
        predicted: (models, N), what each model says.

    Returns:
        `picture`, a PNG as data URI that holds the chosen images row by row, `columns` of them
        in a row; `index`, their places in the test set; `labels`, as one text (see `_letters`);
        `predicted`, such a text for each model.
    """
    chosen = choose_mistakes(labels, predicted, LIMIT)
    return {
        "picture": _picture(images[chosen]),
        "columns": COLUMNS,
        "index": chosen.tolist(),
        "labels": _letters(labels[chosen]),
        "predicted": [_letters(row[chosen]) for row in predicted],
    }


def choose_mistakes(labels: np.ndarray, predicted: np.ndarray, limit: int) -> np.ndarray:
    """Return the places of at most `limit` images that any model misclassifies, in test order.

    If there are more, every cell of every model's confusion matrix keeps its first few, about
    the same number for all cells, so that none is empty because another is full.
    """
    incorrect = predicted != labels  # (models, N)
    if np.count_nonzero(incorrect.any(0)) <= limit:
        return np.flatnonzero(incorrect.any(0))
    order = np.full(predicted.shape, np.iinfo(np.int64).max)
    for model, row in enumerate(predicted):
        cells = labels.astype(np.int64) * (1 + predicted.max()) + row
        for cell in np.unique(cells[incorrect[model]]):
            members = np.flatnonzero(cells == cell)
            order[model, members] = np.arange(len(members))
    # an image is wanted as early as the first cell that wants it
    return np.sort(np.argsort(order.min(0), kind="stable")[:limit])


def _letters(classes: np.ndarray) -> str:
    """Return each class as the letter that is so many places behind "0": below ten, a digit."""
    return "".join(chr(ord("0") + value) for value in classes.tolist())


def _picture(images: np.ndarray) -> str:
    rows = max(1, -(-len(images) // COLUMNS))
    sheet = np.zeros((rows * SIDE, COLUMNS * SIDE), np.uint8)
    if len(images):
        least, most = images.min(), images.max()
        grays = np.rint((images - least) / (most - least) * (GRAYS - 1)).astype(np.uint8)
        for place, gray in enumerate(grays):
            top, left = place // COLUMNS * SIDE, place % COLUMNS * SIDE
            sheet[top : top + SIDE, left : left + SIDE] = gray[0]
    picture = Image.fromarray(sheet, mode="P")
    picture.putpalette(
        [level for gray in range(GRAYS) for level in [gray * 255 // (GRAYS - 1)] * 3]
    )
    stream = io.BytesIO()
    picture.save(stream, "PNG", bits=4, optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
