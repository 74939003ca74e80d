"""What the page needs to doubt that a drawing is a digit."""

from __future__ import annotations

from task3_MNIST.datasets.outliers import packed_clouds
from task3_MNIST.report.inference.packing import base64_text
from task3_MNIST.runs.folder import DEFAULT_DATASET


def describe_outliers(dataset: str) -> dict[str, str | float] | None:
    """Return the clouds of digits for `js/outliers.js`, or None for other data sets."""
    if dataset != DEFAULT_DATASET:
        return None
    packed = packed_clouds()
    threshold = float(packed.pop("threshold"))
    texts = {name: base64_text(array) for name, array in packed.items()}
    return {"threshold": threshold, **texts}
