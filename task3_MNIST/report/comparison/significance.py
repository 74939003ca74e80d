"""All pairs of a data set at once, and each model compared with the best by validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from task3_MNIST.evaluation.pairs import ComparedWithBest, Pair
from task3_MNIST.formatting import PER_CENT, count, percent, points
from task3_MNIST.report.comparison.rows import Entry, tidy

FEWEST = 3  # of two models, the verdict has said all
BEST = "the best by validation"
NOT_DIFFERENT = "not significantly different"
ONE_SEED = "one seed"
BEST_COLUMNS = (
    "model",
    "test accuracy",
    "seeds",
    "difference, points",
    f"simultaneous 95{PER_CENT} confidence interval",
    "corrected p",
    "compared with the best",
)
COLUMNS = (
    "model",
    "other model",
    "of",
    "difference, points",
    f"95{PER_CENT} interval from",
    "interval to",
    "p",
    "significantly different",
    "p, corrected for all pairs",
    "after correction",
    "probability of superiority",
    "McNemar p",
    "only the first correct",
    "only the second",
    "bootstrap from",
    "bootstrap to",
)


def significance(
    entries: Sequence[Entry],
    pairs: Sequence[Pair],
    with_best: tuple[int, Sequence[ComparedWithBest]] | None,
) -> dict[str, Any] | None:
    """Return what the page shows of all pairs; None for fewer than three models.

    Args:
        entries: of the data set.
        pairs: all of them.
        with_best: the place of the best by validation, and the others compared with it.

    Returns:
        `best`, the place of the best by validation, or None; `rows` from the highest test
        accuracy, each with `place`, `mark` (whether it differs significantly from the best),
        `band` (whether it does not) and `cells` of the `columns`; `about` them; `finding`; `table`
        of all pairs, its `columns` and a row for each.
    """
    ranked = sorted(
        (entry for entry in entries if entry.accuracy), key=lambda entry: -entry.accuracy.mean
    )
    if len(ranked) < FEWEST or not pairs:
        return None
    rank = {entry.place: number for number, entry in enumerate(ranked)}
    best, compared = with_best or (None, [])
    found = {row.place: row for row in compared}
    return {
        "best": best,
        "columns": list(BEST_COLUMNS),
        "rows": [_row(entry, best, found.get(entry.place)) for entry in ranked],
        "about": _about(entries[best], len(compared)) if compared else "",
        "finding": _finding(pairs),
        "table": {"columns": list(COLUMNS), "rows": _rows(entries, pairs, rank)},
    }


def _row(entry: Entry, best: int | None, row: ComparedWithBest | None) -> dict[str, Any]:
    mark, cells = ONE_SEED, ["–", "–", "–"]
    if entry.place == best:
        mark = BEST
    elif row:
        mark = _mark(row)
        p = f"{row.p:.3f}" if row.p >= 0.001 else "<\u00a00.001"
        difference = f"{'+' if row.mean > 0 else ''}{points(row.mean)}"
        cells = [difference, f"{points(row.low)} to {points(row.high)}", p]
    accuracy = [percent(entry.accuracy.mean), f"n\u00a0=\u00a0{entry.seeds}"]
    return {
        "place": entry.place,
        "mark": mark,
        "band": mark in (BEST, NOT_DIFFERENT),
        "cells": [*accuracy, *cells, mark],
    }


def _mark(row: ComparedWithBest) -> str:
    if not row.significant:
        return NOT_DIFFERENT
    return "significantly better" if row.mean > 0 else "significantly worse"


def _about(best: Entry, comparisons: int) -> str:
    return (
        f"Each model compared with {best.name}, {BEST}: difference of accuracies in percentage "
        f"points. Intervals and p are corrected for {count(comparisons, 'comparison')}: the "
        "intervals are simultaneous confidence intervals, and a model differs significantly if its "
        "interval excludes 0."
    )


def _rows(entries: Sequence[Entry], pairs: Sequence[Pair], rank: dict[int, int]) -> list[list[Any]]:
    """Return a row for each pair, the better of the two first, in the order of the models."""
    rows = []
    for pair in sorted(pairs, key=lambda pair: sorted((rank[pair.a], rank[pair.b]))):
        sign = 1 if rank[pair.a] < rank[pair.b] else -1
        first, second = (pair.a, pair.b)[::sign]
        only = (pair.networks.only_a, pair.networks.only_b)[::sign]
        chance = pair.superiority
        rows.append(
            [
                entries[first].name,
                entries[second].name,
                "models" if pair.models else "two networks",
                tidy(100 * sign * pair.result.mean),
                *_ends(*pair.result.interval(), sign),
                tidy(pair.result.p),
                _yes(pair.significant),
                None if pair.corrected is None else tidy(pair.corrected),
                _yes(pair.significant_among_all) if pair.models else None,
                None if chance is None else tidy(chance if sign > 0 else 1 - chance),
                tidy(pair.networks.difference.p),
                *only,
                *_ends(*pair.bootstrap, sign),
            ]
        )
    return rows


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"


def _ends(low: float, high: float, sign: int) -> list[float]:
    return [tidy(100 * sign * end) for end in (low, high)[::sign]]


def _finding(pairs: Sequence[Pair]) -> str:
    models = [pair for pair in pairs if pair.models]
    if not models:
        return "One seed of each model: no models can be compared"
    found = sum(pair.significant_among_all for pair in models)
    return (
        f"{found:,} of {count(len(models), 'pair')} of models differ significantly, after "
        f"correction for {count(len(models), 'pair')}"
    )
