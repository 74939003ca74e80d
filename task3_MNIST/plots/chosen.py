"""Which models a picture of lines shows: more than half a dozen hide each other."""

from __future__ import annotations

from collections.abc import Sequence

from task3_MNIST.evaluation.pairs import planned_comparison, validation_accuracy
from task3_MNIST.plots import style
from task3_MNIST.runs.records import RunGroup

A_FAMILY = 3
NOTE = f"The {A_FAMILY} best of each family by validation."


def chosen(groups: Sequence[RunGroup]) -> list[RunGroup]:
    """Return all of few groups; of many, the best networks of each family, each model once.

    Best by validation accuracy; the two that the comparison leads with come first.
    """
    if len(groups) <= 2 * A_FAMILY:
        return list(groups)
    led = [groups[place] for place in planned_comparison(groups) or ()]
    ranked = sorted(groups, key=lambda group: (group not in led, -validation_accuracy(group)))
    shown = []
    for family in ("mlp", "cnn"):
        of_family = [group for group in ranked if group.family == family]
        best = {group.model: group for group in reversed(of_family)}  # of each model the first
        shown += sorted(best.values(), key=ranked.index)[:A_FAMILY]
    return shown


def colors(groups: Sequence[RunGroup]) -> dict[RunGroup, str]:
    """Return a color for each group, of its family."""
    met: dict[str, int] = {}
    found = {}
    for group in groups:
        hues = style.HUES[group.family]
        found[group] = hues[met.setdefault(group.family, 0) % len(hues)]
        met[group.family] += 1
    return found
