"""How many more images an MLP needs for the accuracy of a CNN."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from task3_MNIST.evaluation.statistics import mean_interval
from task3_MNIST.experiments.studies.answer import Analysis, show
from task3_MNIST.experiments.studies.definition import Study
from task3_MNIST.experiments.studies.plan import Planned
from task3_MNIST.experiments.studies.table import Table, values

RESAMPLES = 2000
REACHED_AT = 1000  # images at which the CNN's accuracy is the one to reach


def images_needed(study: Study, cells: Sequence[Planned], table: Table, results: Path) -> Analysis:
    """How many more images the MLP of the equal pair needs for the CNN's accuracy at 1,000.

    Interpolated between the measured sizes, linearly in the logarithm of their number; its
    interval by drawing the seeds again (bootstrap, Efron 1979).
    """
    mlp, cnn = study.primary.minus[0]["model"], study.primary.plus[0]["model"]
    sizes = sorted({row.cell["train_images"] for row in table if "epochs" not in row.cell})
    if REACHED_AT not in sizes:
        return [], []
    by_size = [
        values(table, {"model": mlp, "train_images": n}, None, "test_accuracy") for n in sizes
    ]
    goal = values(table, {"model": cnn, "train_images": REACHED_AT}, None, "test_accuracy")
    accuracies, goals = np.array(by_size), np.array(goal)  # (sizes, seeds), (seeds,)
    generator = np.random.default_rng(0)
    found = [_size_for(goals.mean(), accuracies.mean(1), sizes)]
    for _ in range(RESAMPLES):
        drawn = generator.integers(len(goals), size=len(goals))
        found.append(_size_for(goals[drawn].mean(), accuracies[:, drawn].mean(1), sizes))
    factors = np.array(found) / REACHED_AT
    # by rank: between two of them there may be infinity
    low, high = np.sort(factors[1:])[[int(0.025 * RESAMPLES), int(0.975 * RESAMPLES)]]
    most = max(sizes) / REACHED_AT

    def text(factor: float) -> str:
        return f"{factor:.1f}" if np.isfinite(factor) else f"above {most:g}"

    sentence = (
        f"For the accuracy that {cnn} has with {REACHED_AT:,} images "
        f"({show(mean_interval(goals), True)}), {mlp} needs {text(factors[0])} times as many "
        f"[{text(low)}, {text(high)}], n={len(goals)}."
    )
    return [sentence], []


def _size_for(goal: float, accuracies: np.ndarray, sizes: Sequence[int]) -> float:
    """Return the number of images at which accuracies that grow with it reach a goal."""
    grown = np.maximum.accumulate(accuracies)
    if goal > grown[-1]:
        return np.inf
    return float(np.exp(np.interp(goal, grown, np.log(sizes))))
