"""All pairs of a data set at once: which models can be told apart, and groups that cannot."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters
from typing import Any

import numpy as np

from task3_MNIST.evaluation.pairs import Pair
from task3_MNIST.evaluation.statistics import inseparable_groups
from task3_MNIST.formatting import PER_CENT, count, listing, percent
from task3_MNIST.report.comparison.rows import Entry, tidy

FEWEST = 3  # of two models, the verdict has said all
MOST_NAMED = 4  # in a sentence; the groups below it name them all
COLUMNS = (
    "model",
    "against",
    "difference, points",
    f"95{PER_CENT} interval from",
    "to",
    "p",
    "p, Holm-corrected",
    "told apart",
    "probability that a new run beats the other's",
    "exact McNemar p",
    "only the first has right",
    "only the second",
    "bootstrap from",
    "to",
)


def significance(entries: Sequence[Entry], pairs: Sequence[Pair]) -> dict[str, Any] | None:
    """Return what the page shows of all pairs; None for fewer than three models.

    Returns:
        `order`, the places of the models from the highest test accuracy; `letters` of each of
        them, as a compact letter display has them; `groups`, for each letter its models and their
        accuracies; `finding`; `table`, its `columns` and a row for each pair.
    """
    order = [
        entry.place
        for entry in sorted(
            (entry for entry in entries if entry.accuracy), key=lambda entry: -entry.accuracy.mean
        )
    ]
    if len(order) < FEWEST or not pairs:
        return None
    rank = {place: number for number, place in enumerate(order)}
    apart = np.zeros((len(order), len(order)), dtype=bool)
    for pair in pairs:
        a, b = rank[pair.a], rank[pair.b]
        apart[a, b] = apart[b, a] = not pair.tied
    groups = inseparable_groups(apart)
    return {
        "order": order,
        "letters": [
            "".join(_letter(k) for k, group in enumerate(groups) if number in group)
            for number in range(len(order))
        ],
        "groups": [
            _group(_letter(k), [entries[order[number]] for number in group])
            for k, group in enumerate(groups)
        ],
        "finding": _finding([entries[place] for place in order], apart),
        "table": {"columns": list(COLUMNS), "rows": _rows(entries, pairs, rank)},
    }


def _letter(group: int) -> str:
    return ascii_letters[group] if group < len(ascii_letters) else f"({group + 1})"


def _group(letter: str, members: Sequence[Entry]) -> list[str]:
    accuracies = [percent(entry.accuracy.mean) for entry in members]
    if len(members) == 1:
        return [letter, f"{members[0].name}, told apart from all others", accuracies[0]]
    names = listing([entry.name for entry in members])
    return [letter, names, f"{accuracies[0]} to {accuracies[-1]}"]


def _rows(entries: Sequence[Entry], pairs: Sequence[Pair], rank: dict[int, int]) -> list[list[Any]]:
    """Return a row for each pair, the better of the two first, in the order of the models."""
    rows = []
    for pair in sorted(pairs, key=lambda pair: sorted((rank[pair.a], rank[pair.b]))):
        sign = 1 if rank[pair.a] < rank[pair.b] else -1
        first, second = (pair.a, pair.b)[::sign]
        only = (pair.mcnemar.only_a, pair.mcnemar.only_b)[::sign]
        beats = pair.beats if pair.beats is None or sign > 0 else 1 - pair.beats
        rows.append(
            [
                entries[first].name,
                entries[second].name,
                tidy(100 * sign * pair.difference),
                *_ends(pair.low, pair.high, sign),
                tidy(pair.p),
                tidy(pair.corrected),
                "no" if pair.tied else "yes",
                None if beats is None else tidy(beats),
                tidy(pair.mcnemar.p),
                *only,
                *_ends(*pair.bootstrap, sign),
            ]
        )
    return rows


def _ends(low: float, high: float, sign: int) -> list[float]:
    return [tidy(100 * sign * end) for end in (low, high)[::sign]]


def _finding(ranked: Sequence[Entry], apart: np.ndarray) -> str:
    told, all_pairs = int(apart.sum()) // 2, len(apart) * (len(apart) - 1) // 2
    if told == all_pairs:
        return f"All {count(len(ranked), 'model')} can be told apart"
    if told == 0:
        return f"None of the {count(len(ranked), 'model')} can be told apart"
    tied = [entry.name for entry, other in zip(ranked, apart[0], strict=True) if not other][1:]
    best = ranked[0].name
    others = listing(tied) if 0 < len(tied) <= MOST_NAMED else count(len(tied), "other")
    lead = f"{best} cannot be told from {others}" if tied else f"{best} is ahead of all others"
    return f"{told:,} of {all_pairs:,} pairs of models can be told apart; {lead}"
