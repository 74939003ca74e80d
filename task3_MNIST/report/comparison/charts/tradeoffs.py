"""Accuracy by what it costs, with the Pareto front, and accuracy for each unit of cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from plotly import graph_objects as go

from task3_MNIST.formatting import listing, percent, short
from task3_MNIST.report.chart import chart, left_out, log_ticks, plain, rows_layout
from task3_MNIST.report.comparison.charts.cost_axes import (
    Cost,
    bars,
    ends_of,
    error_of,
    hover,
    padded,
    readable,
    set_axes,
)
from task3_MNIST.report.comparison.rows import Entry, tidy

MANY = 8  # of more models, only those on the front are named


class Rate(NamedTuple):
    """A cost that accuracy is divided by: its key, how it is written, named, and scaled."""

    key: str
    unit: str
    word: str
    scale: float = 1.0


RATES = (
    Rate("parameters", "per 1,000 parameters", "parameter", 1000),
    Rate("train_seconds", "per second of training", "second"),
)


def tradeoff(entries: Sequence[Entry], cost: Cost) -> dict[str, Any] | None:
    """Return the chart of test accuracy by a cost, with the Pareto front.

    Entries whose cost is 0 or unknown are left out; None if that leaves none.
    """
    tested = [entry for entry in entries if entry.figures.get(cost.key, 0) > 0]
    if not tested:
        return None
    free, unknown = _without(entries, cost.key)
    front = pareto_front([(cost.of(entry), 1 - entry.accuracy.mean) for entry in tested])
    leading = [tested[place] for place in front]
    others = [entry for entry in tested if entry not in leading] if len(tested) <= MANY else []
    named = readable([*leading, *others], tested, cost)
    figure = go.Figure(
        [
            _front_line(leading, cost),
            *(_mark(entry, cost, named=entry in named) for entry in tested),
        ]
    )
    set_axes(figure, tested, cost)
    figure.update_layout(showlegend=False)
    return chart(
        f"accuracy-{cost.key.replace('_', '-')}",
        _finding(tested, leading, cost),
        "Better is up and to the left, on log scales. The line joins the Pareto-optimal models; "
        "bars are 95\u00a0% intervals, over seeds or, with one seed, over the test images."
        + left_out(free, f"a log scale has no place for no {cost.more}")
        + left_out(unknown, f"they have no number of {cost.more} of their own"),
        figure,
        ("model", cost.axis, "accuracy", "low", "high", "seeds", "Pareto-optimal"),
        [
            (
                entry.name,
                tidy(cost.of(entry)),
                tidy(entry.accuracy.mean),
                *(tidy(end) for end in ends_of(entry.accuracy)),
                entry.seeds,
                "yes" if entry in leading else "no",
            )
            for entry in tested
        ],
    )


def efficiency(entries: Sequence[Entry], rate: Rate, prefix: str = "") -> dict[str, Any] | None:
    """Return the chart of accuracy above guessing, divided by a cost.

    Entries that are no better than guessing, or whose cost is 0 or unknown, are left out; None if
    that leaves none. The chart's name starts with the prefix.
    """
    ranked = sorted(entries, key=lambda entry: -entry.accuracy.mean)
    chance = 1 / len(ranked[0].group.class_names)
    known = [entry for entry in ranked if rate.key in entry.figures]
    tested = [
        entry for entry in known if entry.accuracy.mean > chance and entry.figures[rate.key] > 0
    ]
    if not tested:
        return None
    rest = [entry.name for entry in known if entry not in tested]
    _, unknown = _without(ranked, rate.key)
    values = [
        (entry.accuracy.mean - chance) * 100 * rate.scale / entry.figures[rate.key]
        for entry in tested
    ]
    names = [plain(entry.name) for entry in tested]
    figure = go.Figure(
        go.Scatter(
            x=[tidy(value) for value in values],
            y=names,
            mode="markers+text",
            marker={
                "color": [entry.color for entry in tested],
                "symbol": [entry.symbol for entry in tested],
                "size": 10,
            },
            text=[f" {short(value)}" for value in values],
            textposition="middle right",
            cliponaxis=False,
            hovertext=[
                f"{name}<br>{short(value)} points {rate.unit}"
                for name, value in zip(names, values, strict=True)
            ],
            hoverinfo="text",
            meta={"places": [entry.place for entry in tested]},
        )
    )
    figure.update_xaxes(
        title_text=f"points {rate.unit}",
        type="log",
        range=padded(values),
        **log_ticks(values, short),
    )
    figure.update_yaxes(autorange="reversed", type="category", tickmode="linear")
    figure.update_layout(showlegend=False, **rows_layout(len(tested)))
    most = tested[max(range(len(tested)), key=values.__getitem__)]
    return chart(
        f"{prefix}efficiency-{rate.key.replace('_', '-')}",
        f"{most.name} has the highest accuracy {rate.unit}; it reaches "
        f"{percent(most.accuracy.mean)}",
        f"Percentage points of test accuracy above guessing ({chance * 100:.3g}\u00a0%), divided "
        "by the cost, on a log scale. This ratio favors small models, so the table adds the cost "
        "divided by that of the cheapest model that is at least as accurate: 1 is Pareto-optimal."
        + left_out(rest, f"they are no better than guessing or cost no {rate.word}")
        + left_out(unknown, f"they have no number of {rate.word}s of their own"),
        figure,
        ("model", f"points {rate.unit}", "cost divided by the cheapest at least as accurate"),
        [
            (entry.name, tidy(value), tidy(_excess(entry, tested, rate.key)))
            for entry, value in zip(tested, values, strict=True)
        ],
    )


def pareto_front(places: Sequence[tuple[float, float]]) -> list[int]:
    """Return the indices of the points that none beats in cost and error, cheapest first."""
    front: list[int] = []
    for index in sorted(range(len(places)), key=places.__getitem__):
        if not front or places[index][1] < places[front[-1]][1]:
            front.append(index)
    return front


def _without(entries: Sequence[Entry], key: str) -> tuple[list[str], list[str]]:
    """Return the names of those whose figure is 0, and of those that have no such figure."""
    free = [entry.name for entry in entries if entry.figures.get(key) == 0]
    return free, [entry.name for entry in entries if key not in entry.figures]


def _excess(entry: Entry, entries: Sequence[Entry], key: str) -> float:
    enough = [other for other in entries if other.accuracy.mean >= entry.accuracy.mean]
    return entry.figures[key] / min(other.figures[key] for other in enough)


def _front_line(leading: Sequence[Entry], cost: Cost) -> go.Scatter:
    return go.Scatter(
        x=[tidy(cost.of(entry)) for entry in leading],
        y=[error_of(entry.accuracy.mean) for entry in leading],
        mode="lines",
        line={"shape": "hv", "width": 1.5, "dash": "dot", "color": "#808790"},
        hoverinfo="skip",
    )


def _mark(entry: Entry, cost: Cost, named: bool) -> go.Scatter:
    return go.Scatter(
        x=[tidy(cost.of(entry))],
        y=[error_of(entry.accuracy.mean)],
        error_y=bars([entry]),
        mode="markers+text" if named else "markers",
        text=[plain(entry.name)],
        # no model lies up and left of the front
        textposition="top left",
        textfont={"size": 11},
        marker={"color": entry.color, "symbol": entry.symbol, "size": 10},
        cliponaxis=False,
        hovertext=[hover(entry, cost)],
        hoverinfo="text",
        meta={"place": entry.place},
    )


def _finding(tested: Sequence[Entry], leading: Sequence[Entry], cost: Cost) -> str:
    if len(tested) == 1:
        return f"{tested[0].name} reaches {percent(tested[0].accuracy.mean)}"
    if len(leading) == 1:
        return f"{leading[0].name} is ahead of every other model, {cost.less} and fewer errors"
    if len(leading) == len(tested):
        return f"Every step up in accuracy costs {cost.more}"
    names = (
        listing([entry.name for entry in leading])
        if len(leading) <= 4
        else f"{len(leading)} of {len(tested)} models"
    )
    return f"{names} are Pareto-optimal: each other model is matched {cost.less}"
