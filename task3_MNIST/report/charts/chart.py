"""What every chart is: a finding, how to read it, a figure and the table behind it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from plotly import graph_objects as go


def chart(
    name: str,
    finding: str,
    about: str,
    figure: go.Figure,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
) -> dict[str, Any]:
    """Return a chart as plain data.

    Colours of text, axes and ground are not in it: the page sets them with its theme.

    Args:
        name: its id on the page and the name of its picture.
        finding: its title, a sentence about these runs.
        about: how to read it; with the finding, the label for those who cannot see it.
        figure: its traces and axes.
        columns: heads of the table behind it.
        rows: that table's rows, text or numbers.
    """
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


def plain(text: str) -> str:
    """Return text that Plotly shows as it is: its labels are a kind of HTML."""
    return html.escape(text, quote=False)
