"""The images on which the page trains its two small networks: of the training files only.

The test set stays out of it: what the page trains on is of the project's training split, what it
measures accuracy on is of the validation split.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from task3_MNIST.datasets.splits import Split, load_train, split_validation, spread_evenly
from task3_MNIST.errors import UserError
from task3_MNIST.plots.style import FAMILY_COLORS
from task3_MNIST.report.inference.packing import base64_text

TRAIN, VALIDATION = 5_000, 1_000  # most images in the page: a minute of training, 1.5 MB
LEAST_TRAIN, LEAST_VALIDATION = 1_000, 100  # with fewer, an accuracy says little


def training_images(dataset: str, data_dir: Path) -> dict[str, Any]:
    """Return the images of both splits for the page, or only a `reason` why there are none.

    Args:
        dataset: a data set's name or folder.
        data_dir: folder of the data sets.
    """
    try:
        train, validation = split_validation(load_train(dataset, data_dir), dataset=dataset)
    except UserError as error:
        return {"reason": f"its training images cannot be read ({error})"}
    if len(train) < LEAST_TRAIN or len(validation) < LEAST_VALIDATION:
        return {
            "reason": f"it has {len(train):,} images for training and {len(validation):,} for "
            f"validation, and at least {LEAST_TRAIN:,} and {LEAST_VALIDATION:,} are needed"
        }
    return {
        "train": _packed(train, TRAIN),
        "validation": _packed(validation, VALIDATION),
        "colors": FAMILY_COLORS,
    }


def _packed(split: Split, count: int) -> dict[str, Any]:
    labels = split.labels.numpy()
    places = stratified_places(labels, count)
    pixels = split.images[places].numpy()
    return {"pixels": base64_text(pixels), "labels": labels[places].tolist()}


def stratified_places(labels: np.ndarray, count: int) -> np.ndarray:
    """Return the places of about as large a share of each label, the same in every call.

    Args:
        labels: (N,) of all images.
        count: how many to take; all, if there are fewer.
    """
    by_label = labels.argsort(kind="stable")
    return np.sort(by_label[spread_evenly(len(labels), count)])
