"""The mean error over all kinds of corruption."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from task3_MNIST.evaluation.statistics import mean_interval
from task3_MNIST.experiments.studies.answer import Analysis, ExtraTable, show
from task3_MNIST.experiments.studies.definition import Study
from task3_MNIST.experiments.studies.plan import Planned
from task3_MNIST.experiments.studies.table import Table, values


def mean_errors(study: Study, cells: Sequence[Planned], table: Table, results: Path) -> Analysis:
    """The mean error over all corruptions, and without those that augmentation trains on."""
    trained_on = {"translate", "rotate", "scale", "shear"}
    rows, sentences = [], []
    means: dict[str, list[np.ndarray]] = {}
    for planned in cells:
        model = planned.cell["model"]
        kinds = [one for one in planned.wanted if one.kind == "corruption"]
        errors = {
            one.value: 1 - np.array(values(table, planned.cell, one, "test_accuracy"))
            for one in kinds
        }
        everything = np.mean(list(errors.values()), axis=0)  # (seeds,)
        others = np.mean([e for kind, e in errors.items() if kind not in trained_on], axis=0)
        means[model] = [everything, others]
    linear = float(means["linear"][0].mean()) if "linear" in means else None
    for model, (everything, others) in means.items():
        shown = [show(mean_interval(errors), True) for errors in (everything, others)]
        ratio = f"{everything.mean() / linear:.2f}" if linear else ""
        rows.append([model, *shown, ratio, len(everything)])
        sentences.append(f"{model} {shown[0]}")
    columns = [
        "model",
        "mean error",
        "without shift, rotation, scale, shear",
        "over that of linear",
        "n",
    ]
    lead = f"Mean error over the {len(kinds)} kinds: {', '.join(sentences)}."
    return [lead], [ExtraTable("Mean error over the corruptions", columns, rows)]
