"""How far validation promises more than the test set holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from task3_MNIST.evaluation.statistics import mean_interval
from task3_MNIST.experiments.studies.answer import Analysis, show
from task3_MNIST.experiments.studies.definition import Study
from task3_MNIST.experiments.studies.plan import Planned
from task3_MNIST.experiments.studies.table import Table


def writer_gap(study: Study, cells: Sequence[Planned], table: Table, results: Path) -> Analysis:
    """How far each validation split is from the test accuracy, over all models."""
    sentences = []
    for how in dict.fromkeys(planned.cell["validation"] for planned in cells):
        leads = [row.figures["val_lead"] for row in table if row.cell["validation"] == how]
        sentences.append(
            f"validation images of kind {how} read {show(mean_interval(leads), True, signed=True)} "
            f"above the test accuracy (n={len(leads)})"
        )
    return [f"{'; '.join(sentences)}.".capitalize()], []
