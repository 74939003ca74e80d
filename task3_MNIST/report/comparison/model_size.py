"""A study of size for the page: which size is enough, its charts, its settings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from task3_MNIST.evaluation.pairs import told_apart, validation_accuracy
from task3_MNIST.formatting import count, percent
from task3_MNIST.report.comparison.charts.cost_axes import COSTS
from task3_MNIST.report.comparison.charts.errors import class_heatmap
from task3_MNIST.report.comparison.charts.model_size import depth_lines, size_chart
from task3_MNIST.report.comparison.charts.tradeoffs import RATES, efficiency
from task3_MNIST.report.comparison.rows import Entry
from task3_MNIST.runs.groups import Group


@dataclass(frozen=True)
class Study:
    """The evaluated models of a study of size, and others to see them beside.

    Attributes:
        entries: family by family and depth by depth, the narrowest first; by a single recipe,
            they are called by their models alone.
        others: the other evaluated entries by the study's recipes, called likewise.
    """

    entries: list[Entry]
    others: list[Entry]


def make_study(entries: Sequence[Entry], groups: Collection[Group]) -> Study | None:
    """Return the study of some of the groups among the entries; None if none was evaluated."""
    tested = [entry for entry in entries if entry.accuracy]
    chosen = [entry for entry in tested if entry.group in groups]
    if not chosen:
        return None
    recipes = {entry.group.name for entry in chosen}
    if len(recipes) == 1:
        tested = [replace(entry, name=entry.group.model) for entry in tested]
    studied = [entry for entry in tested if entry.group in groups]
    return Study(
        [entry for line in depth_lines(studied) for entry in line.entries],
        [entry for entry in tested if entry.group not in groups and entry.group.name in recipes],
    )


def size_charts(study: Study) -> list[dict[str, Any]]:
    """Return the charts of a study."""
    charts = [
        *(size_chart(study.entries, study.others, cost) for cost in COSTS),
        *(efficiency(study.entries, rate, prefix="size-") for rate in RATES),
        class_heatmap(study.entries, name="size-classes", ranked=False),
    ]
    return [chart for chart in charts if chart]


def enough(study: Study, labels: np.ndarray) -> str:
    """Return, for each family and recipe, the smallest size that cannot be told from the best.

    The best is that of the highest validation accuracy: the test set must not choose what it
    then judges.

    Args:
        study: what to look at.
        labels: (N,) of the test images.
    """
    kinds: dict[tuple[str, str], list[Entry]] = {}
    for entry in study.entries:
        kinds.setdefault((entry.group.family, entry.group.name), []).append(entry)
    sentences = []
    for (family, recipe), entries in kinds.items():
        best = max(entries, key=lambda entry: validation_accuracy(entry.group))
        others = [entry for entry in entries if entry is not best]
        apart = told_apart(best.group, [entry.group for entry in others], labels)
        tied = [entry for entry, told in zip(others, apart, strict=True) if not told]
        kind = f"{count(len(entries), family.upper())} by {recipe}"
        sentences.append(_sentence(best, tied, kind))
    return " ".join(sentences)


def _sentence(best: Entry, tied: Sequence[Entry], kind: str) -> str:
    """Return it of one kind; `tied` are those that cannot be told from the best."""

    def described(entry: Entry) -> str:
        parameters = count(int(entry.figures["parameters"]), "parameter")
        return f"{entry.group.model} ({parameters}, {percent(entry.accuracy.mean)})"

    lead = f"Of {kind}, {described(best)} is the best by validation"
    smallest = min([best, *tied], key=lambda entry: entry.figures["parameters"])
    if not tied:
        return f"{lead} and told apart from all others."
    if smallest is best:
        return f"{lead}, and every smaller one can be told from it."
    return f"{lead}; the smallest that cannot be told from it is {described(smallest)}."
