"""Accuracy by what a size costs: a line for each depth of a grid, through its widths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from plotly import graph_objects as go

from task3_MNIST.formatting import count, listing, percent, short
from task3_MNIST.models import registry
from task3_MNIST.plots.model_size import FAR
from task3_MNIST.plots.style import HUES
from task3_MNIST.report.chart import chart, left_out, plain
from task3_MNIST.report.comparison.charts.cost_axes import (
    Cost,
    bars,
    ends_of,
    error_of,
    hover,
    readable,
    set_axes,
)
from task3_MNIST.report.comparison.rows import Entry, tidy

DASHES = ("solid", "dash", "dot", "dashdot")


@dataclass(frozen=True)
class Line:
    """The models of one family, depth and recipe, the narrowest first."""

    family: str
    depth: int
    recipe: str
    entries: list[Entry]


def depth_lines(study: Sequence[Entry]) -> list[Line]:
    """Return the lines through a study's entries, families one after the other."""
    sizes = {entry.place: registry.size_of(entry.group.model) for entry in study}
    lines: dict[tuple[bool, str, str, int], list[Entry]] = {}
    for entry in sorted(study, key=lambda entry: sizes[entry.place][1]):
        family = entry.group.family
        key = (family != "mlp", family, entry.group.name, sizes[entry.place][0])
        lines.setdefault(key, []).append(entry)
    return [
        Line(family, depth, recipe, entries)
        for (_, family, recipe, depth), entries in sorted(lines.items())
    ]


def size_chart(
    study: Sequence[Entry], others: Sequence[Entry], cost: Cost
) -> dict[str, Any] | None:
    """Return the chart of test accuracy by a cost, a line for each depth.

    Args:
        study: evaluated models of the grids.
        others: evaluated models besides, by the same recipes: drawn as single points, but
            for those far worse than the study, which would take the room from it.
        cost: entries without it are left out; None if that leaves no model of the study.
    """
    free = [entry.name for entry in (*study, *others) if cost.of(entry) <= 0]
    study, others = (
        [entry for entry in entries if cost.of(entry) > 0] for entries in (study, others)
    )
    if not study:
        return None
    lines = depth_lines(study)
    recipes = list(dict.fromkeys(line.recipe for line in lines))
    worst = max(error_of(entry.accuracy.mean) for entry in study)
    points = [entry for entry in others if error_of(entry.accuracy.mean) <= FAR * worst]
    named = readable(points, [*study, *points], cost)
    figure = go.Figure(
        [
            *(_line(line, cost, recipes) for line in lines),
            *(_point(entry, cost, named=entry in named) for entry in points),
        ]
    )
    set_axes(figure, [*study, *points], cost)
    below = [entry.name for entry in others if entry not in points]
    figure.update_layout(height=440)
    return chart(
        f"size-{cost.key.replace('_', '-')}",
        _finding(lines, cost),
        "One line per depth, from the narrowest model to the widest; better is up and to the left, "
        "on log scales. Bars are 95\u00a0% intervals, over seeds or, with one seed, over the test "
        "images."
        + (" Diamonds are other models with the same recipe." if points else "")
        + (f" Below the plotted range: {listing(below)}." if below else "")
        + left_out(free, f"a log scale has no place for no {cost.more}"),
        figure,
        ("model", "depth", "width", cost.axis, "accuracy", "low", "high", "seeds"),
        [
            (
                entry.name,
                *(registry.size_of(entry.group.model) or (None, None)),
                tidy(cost.of(entry)),
                tidy(entry.accuracy.mean),
                *(tidy(end) for end in ends_of(entry.accuracy)),
                entry.seeds,
            )
            for entry in (*(entry for line in lines for entry in line.entries), *others)
        ],
    )


def _line(line: Line, cost: Cost, recipes: Sequence[str]) -> go.Scatter:
    entries, first = line.entries, line.entries[0]
    name = f"{line.family.upper()}, {count(line.depth, 'layer')}"
    hues = HUES[line.family]
    color = hues[(line.depth - 1) % len(hues)]
    return go.Scatter(
        x=[tidy(cost.of(entry)) for entry in entries],
        y=[error_of(entry.accuracy.mean) for entry in entries],
        # paler than the lines: dozens of bars stand close together
        error_y=bars(entries, f"{color}99"),
        mode="lines+markers",
        name=plain(f"{name} · {line.recipe}" if len(recipes) > 1 else name),
        line={
            "color": color,
            "width": 2,
            "dash": DASHES[recipes.index(line.recipe) % len(DASHES)],
        },
        marker={"symbol": first.symbol, "size": 7},
        hovertext=[hover(entry, cost) for entry in entries],
        hoverinfo="text",
    )


def _point(entry: Entry, cost: Cost, named: bool) -> go.Scatter:
    color = HUES[entry.group.family][0]
    return go.Scatter(
        x=[tidy(cost.of(entry))],
        y=[error_of(entry.accuracy.mean)],
        error_y=bars([entry], f"{color}99"),
        mode="markers+text" if named else "markers",
        text=[plain(entry.name)],
        textposition="top left",
        textfont={"size": 10},
        marker={"color": color, "symbol": "diamond-open", "size": 8},
        showlegend=False,
        hovertext=[hover(entry, cost)],
        hoverinfo="text",
    )


def _finding(lines: Sequence[Line], cost: Cost) -> str:
    parts = []
    for family in dict.fromkeys(line.family for line in lines):
        entries = [entry for line in lines if line.family == family for entry in line.entries]
        costs = [cost.of(entry) for entry in entries]
        means = [entry.accuracy.mean for entry in entries]
        parts.append(
            f"{family.upper()}s of {short(min(costs))} to {short(max(costs))} {cost.unit} reach "
            f"{percent(min(means))} to {percent(max(means))}"
        )
    return ", ".join(parts)
