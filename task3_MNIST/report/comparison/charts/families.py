"""The first picture of the page: every model's test accuracy, a strip for each family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plotly import graph_objects as go

from task3_MNIST.formatting import FAMILY_NOUNS, count, listing
from task3_MNIST.plots.style import HUES
from task3_MNIST.report.chart import chart, plain
from task3_MNIST.report.comparison.charts.cost_axes import (
    accuracy_hover,
    bars,
    ends_of,
    error_axis,
    error_of,
)
from task3_MNIST.report.comparison.rows import Entry, tidy

FAMILIES = ("cnn", "mlp", "baseline")  # from the top
LANES = (
    5  # places across a strip that neighbors take in turn, so that they do not lie on each other
)
WIDTH = 0.7  # of a strip


def family_strips(entries: Sequence[Entry]) -> dict[str, Any]:
    """Return the chart of the models' accuracies by family; the page names the two it compares."""
    families = [name for name in FAMILIES if any(_of(entries, name))]
    figure = go.Figure()
    for strip, family in enumerate(reversed(families)):
        ranked = sorted(_of(entries, family), key=lambda entry: -entry.accuracy.mean)
        for rank, entry in enumerate(ranked):
            lane = (rank % LANES - LANES // 2) / LANES if len(ranked) > 1 else 0
            figure.add_trace(_dot(entry, strip + WIDTH * lane))
    figure.update_xaxes(**error_axis(entries))
    figure.update_yaxes(
        tickvals=list(range(len(families))),
        ticktext=[_plural(family) for family in reversed(families)],
        range=[-0.6, len(families) - 0.4],
        zeroline=False,
        showgrid=False,
    )
    figure.update_layout(showlegend=False, height=90 + 90 * len(families))
    numbers = [count(len(_of(entries, family)), FAMILY_NOUNS[family]) for family in families]
    return chart(
        "families",
        "Test accuracy of the models, by family",
        "Each mark is a model, farther right is better (log scale of the error rate). Bars are "
        "95\u00a0% intervals, over seeds or, with one seed, over the test images. There are "
        f"{listing(numbers)}: the boxes in the table below choose which show.",
        figure,
        ("family", "model", "accuracy", "low", "high", "seeds"),
        [
            (
                FAMILY_NOUNS[entry.group.family],
                entry.name,
                tidy(entry.accuracy.mean),
                *(tidy(end) for end in ends_of(entry.accuracy)),
                entry.seeds,
            )
            for entry in sorted(entries, key=lambda entry: -entry.accuracy.mean)
        ],
    )


def _of(entries: Sequence[Entry], family: str) -> list[Entry]:
    return [entry for entry in entries if entry.group.family == family]


def _plural(family: str) -> str:
    return f"{FAMILY_NOUNS[family]}s"


def _dot(entry: Entry, height: float) -> go.Scatter:
    return go.Scatter(
        x=[error_of(entry.accuracy.mean)],
        y=[tidy(height)],
        error_x=bars([entry]),
        mode="markers",
        text=[plain(entry.name)],
        textposition="top center",
        textfont={"size": 12},
        marker={"color": HUES[entry.group.family][0], "symbol": entry.symbol, "size": 10},
        cliponaxis=False,
        hovertext=[accuracy_hover(entry)],
        hoverinfo="text",
        meta={"place": entry.place},
    )
