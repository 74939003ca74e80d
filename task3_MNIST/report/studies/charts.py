"""The charts of a study: a panel for each part, a line for each model, hover with n."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from plotly import graph_objects as go
from plotly.subplots import make_subplots

from task3_MNIST.evaluation.statistics import Interval
from task3_MNIST.experiments.studies.answer import show, table_rows
from task3_MNIST.experiments.studies.definition import Study
from task3_MNIST.experiments.studies.figures import FIGURES
from task3_MNIST.experiments.studies.panels import Panel, at, line_panels, panels
from task3_MNIST.experiments.studies.table import Table
from task3_MNIST.models import registry
from task3_MNIST.plots.style import HUES, SYMBOLS
from task3_MNIST.report.chart import chart, plain

MOST_COLUMNS = 3
DASHES = ("solid", "dash", "dashdot", "dot")


def study_charts(name: str, study: Study, table: Table) -> list[dict[str, Any]]:
    """Return the charts of a study: one of all panels with lines, and one for each heat map."""
    columns, rows = table_rows(study, table)
    figure = study.figures[0]
    charts = [
        chart(
            name,
            FIGURES[figure].title.capitalize(),
            "A mark is the mean over seeds, its bar the 95 % t-interval. Hover for n.",
            _lines(study, line_panels(study), table, figure),
            columns,
            rows,
        )
    ]
    for number, panel in enumerate(panel for panel in panels(study) if panel.grid):
        charts.append(
            chart(
                f"{name}-shifts{number}",
                f"{FIGURES[figure].title.capitalize()} by shift"
                + (f", {panel.title}" if panel.title else ""),
                "Pixels to the right and down; means over seeds, in percent.",
                _heat_maps(study, panel, table, figure),
                columns,
                rows,
            )
        )
    return charts


def _lines(study: Study, shown: Sequence[Panel], table: Table, figure: str) -> go.Figure:
    columns = min(len(shown), MOST_COLUMNS)
    rows = math.ceil(len(shown) / columns)
    made = make_subplots(
        rows,
        columns,
        subplot_titles=[plain(panel.title) for panel in shown],
        vertical_spacing=0.28 / rows,
        horizontal_spacing=0.08,
    )
    percent = FIGURES[figure].percent
    for number, panel in enumerate(shown):
        where = {"row": number // columns + 1, "col": number % columns + 1}
        for trace in _traces(study, panel, table, figure, first=number == 0):
            made.add_trace(trace, **where)
        axis = {"title": plain(panel.axis)}
        if panel.logarithmic:
            values = [point.value for point in panel.points]
            axis |= {"type": "log", "tickvals": values, "ticktext": [f"{v:,}" for v in values]}
        elif not panel.numeric:
            axis |= {"type": "category", "tickangle": -35}
        made.update_xaxes(**axis, **where)
        made.update_yaxes(**({"ticksuffix": " %"} if percent else {}), **where)
    made.update_annotations(font_size=12)
    return made.update_layout(height=120 + 300 * rows)


def _traces(study: Study, panel: Panel, table: Table, figure: str, first: bool) -> list[go.Scatter]:
    percent = FIGURES[figure].percent
    factor = 100 if percent else 1
    used: dict[str, int] = {}
    traces = []
    for model in study.models:
        family = registry.family_of(model)
        number = used[family] = used.get(family, -1) + 1
        found = [(point, at(table, model, point, figure)) for point in panel.points]
        found = [(point, interval) for point, interval in found if interval]
        traces.append(
            go.Scatter(
                x=[point.value if panel.numeric else point.label for point, _ in found],
                y=[factor * interval.mean for _, interval in found],
                error_y={
                    "type": "data",
                    "symmetric": False,
                    "array": [factor * _above(interval) for _, interval in found],
                    "arrayminus": [factor * _below(interval) for _, interval in found],
                },
                name=plain(model),
                legendgroup=model,
                showlegend=first,
                mode="lines+markers" if panel.numeric else "markers",
                marker={"symbol": SYMBOLS[family], "color": HUES[family][number % 5], "size": 8},
                line={"color": HUES[family][number % 5], "dash": DASHES[number % len(DASHES)]},
                hovertext=[
                    plain(f"{model}, {point.label}: {show(interval, percent)}, n={interval.n}")
                    for point, interval in found
                ],
                hoverinfo="text",
            )
        )
    return traces


def _heat_maps(study: Study, panel: Panel, table: Table, figure: str) -> go.Figure:
    rights = sorted({point.value[0] for point in panel.points})
    downs = sorted({point.value[1] for point in panel.points})
    made = make_subplots(
        1,
        len(study.models),
        subplot_titles=[plain(model) for model in study.models],
        horizontal_spacing=0.05,
    )
    for column, model in enumerate(study.models, start=1):
        found = {tuple(p.value): at(table, model, p, figure) for p in panel.points}
        values = [[_percent(found.get((right, down))) for right in rights] for down in downs]
        made.add_trace(
            go.Heatmap(
                x=rights,
                y=downs,
                z=values,
                zmin=0,
                zmax=100,
                showscale=column == len(study.models),
                colorscale="Viridis",
                hovertemplate="right %{x}, down %{y}: %{z:.1f} %<extra></extra>",
            ),
            row=1,
            col=column,
        )
        made.update_yaxes(autorange="reversed", row=1, col=column)
    made.update_annotations(font_size=12)
    return made.update_layout(height=320)


def _percent(interval: Interval | None) -> float | None:
    return interval and round(100 * interval.mean, 2)


def _above(interval: Interval) -> float:
    return 0.0 if interval.high is None else interval.high - interval.mean


def _below(interval: Interval) -> float:
    return 0.0 if interval.low is None else interval.mean - interval.low
