"""A model-size study on the page: which size is enough, its charts, its settings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from task3_MNIST.evaluation.pairs import Comparison, validation_accuracy
from task3_MNIST.formatting import PER_CENT, count, percent
from task3_MNIST.report.comparison.charts.cost_axes import COSTS
from task3_MNIST.report.comparison.charts.errors import class_heatmap
from task3_MNIST.report.comparison.charts.model_size import depth_lines, size_chart
from task3_MNIST.report.comparison.charts.tradeoffs import RATES, efficiency
from task3_MNIST.report.comparison.rows import Entry
from task3_MNIST.runs.records import RunGroup

MARGIN = 0.2  # of the best one's errors: a fifth more still counts as not worse


@dataclass(frozen=True)
class Study:
    """The evaluated models of a model-size study, and others to compare them with.

    Attributes:
        entries: family by family and depth by depth, the narrowest first; by a single recipe,
            they are called by their models alone.
        others: the other evaluated entries by the study's recipes, called likewise.
    """

    entries: list[Entry]
    others: list[Entry]


def make_study(entries: Sequence[Entry], groups: Collection[RunGroup]) -> Study | None:
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


def enough(study: Study, comparison: Comparison) -> str:
    """Return, for each family and recipe, down to which width a model is not worse than the best.

    Not worse is non-inferior: even at the unfavorable end of the 95 % interval it has at most
    `MARGIN` more errors than the best (one-sided, 2.5 %). That two models are "not significantly
    different" would not do: noisy models never are. The best is that of the highest validation
    accuracy, since the test set must not choose what it then judges. The widths of its depth are
    tested from large to small up to the first that fails, an order fixed before the test set
    is read, so that no correction is needed (Maurer, Hothorn and Lehmacher 1995).

    Args:
        study: what to look at.
        comparison: of the data set.
    """
    kinds: dict[tuple[str, str], list[Entry]] = {}
    for entry in study.entries:
        kinds.setdefault((entry.group.family, entry.group.name), []).append(entry)
    sentences = []
    for (family, recipe), entries in kinds.items():
        best = max(entries, key=lambda entry: validation_accuracy(entry.group))
        kind = f"{count(len(entries), family.upper())} with the {recipe} recipe"
        sentences.append(_sentence(best, _narrower(best, entries), comparison, kind))
    return " ".join(sentences)


def _narrower(best: Entry, entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries of the best one's depth that are narrower, the widest first."""
    [line] = [line for line in depth_lines(entries) if best in line.entries]
    return line.entries[: line.entries.index(best)][::-1]


def _sentence(best: Entry, narrower: Sequence[Entry], comparison: Comparison, kind: str) -> str:
    """Return it of one kind: the best, and the smallest that is shown to be not worse."""

    def described(entry: Entry) -> str:
        parameters = count(int(entry.figures["parameters"]), "parameter")
        return f"{entry.group.model} ({parameters}, {percent(entry.accuracy.mean)})"

    lead = f"Of {kind}, {described(best)} is the best by validation"
    if not narrower:
        return f"{lead}, and the narrowest of its depth."
    if any(entry.place not in comparison.variances for entry in (best, *narrower)):
        return f"{lead}; one seed is not enough to say which smaller one is not worse."
    smallest = None
    for entry in narrower:
        if comparison.models(entry.place, best.place, MARGIN).interval()[0] <= 0:
            break
        smallest = entry
    share = f"{MARGIN:.0%}".replace("%", PER_CENT)
    if smallest is None:
        return (
            f"{lead}; no narrower one of its depth is non-inferior (margin: {share} more errors)."
        )
    return (
        f"{lead}; the smallest non-inferior one of its depth is {described(smallest)} (margin: "
        f"{share} more errors; one-sided p\u00a0<\u00a00.025)."
    )
