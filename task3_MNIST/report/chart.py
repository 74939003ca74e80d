"""What every chart is: a finding, how to read it, a figure and the table behind it."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from plotly import graph_objects as go

from task3_MNIST.formatting import listing

# how many times its lowest value the highest of a log axis is, and the digits that get a tick
TICKS_BY_SPAN = ((4, (1, 1.5, 2, 3, 4, 5, 7)), (40, (1, 2, 5)), (math.inf, (1,)))

ROWS_WITH_ROOM = 20  # more than these stand closer


def chart(
    name: str,
    finding: str,
    about: str,
    figure: go.Figure,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
) -> dict[str, Any]:
    """Return a chart as plain data.

    Colors of text, axes and ground are not in it: the page sets them with its theme.

    Args:
        name: its id on the page and the name of its picture.
        finding: its title, a sentence about these runs.
        about: how to read it; with the finding, the label for those who cannot see it.
        figure: its traces and axes.
        columns: heads of the table behind it.
        rows: that table's rows, text or numbers.
    """
    figure.update_yaxes(title_standoff=8)
    figure.update_layout(template="none", margin={"l": 64, "r": 16, "t": 12, "b": 48})
    content = figure.to_plotly_json()
    content["layout"].pop("template")
    return {
        "name": name,
        "finding": finding,
        "about": about,
        "figure": content,
        "table": {"columns": list(columns), "rows": [list(row) for row in rows]},
    }


def log_ticks(values: Iterable[float], show: Callable[[float], str]) -> dict[str, list]:
    """Return the ticks of a log axis around values, as many in a decade as there is room for."""
    values = [value for value in values if value > 0] or [1.0]
    decades = range(math.floor(math.log10(min(values))) - 1, math.ceil(math.log10(max(values))) + 1)
    span = max(values) / min(values)
    digits = next(digits for limit, digits in TICKS_BY_SPAN if span < limit)
    ticks = [digit * 10.0**decade for decade in decades for digit in digits]
    return {"tickvals": ticks, "ticktext": [show(tick) for tick in ticks]}


def rows_layout(rows: int) -> dict[str, Any]:
    """Return the height in pixels of a chart with a named row for each model, and that of a row."""
    row = 26 if rows <= ROWS_WITH_ROOM else 19
    return {"height": 130 + rows * row, "meta": {"row": row}}


def left_out(names: Sequence[str], why: str) -> str:
    """Return the sentence about what a log axis has no place for; none if nothing is left out."""
    return f" Left out, since {why}: {listing(names)}." if names else ""


def plain(text: str) -> str:
    """Return text that Plotly shows as it is: its labels are a kind of HTML."""
    return html.escape(text, quote=False)
