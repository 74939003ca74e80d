"""The picture of a study: a panel for each part of it, a line for each model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from task3_MNIST.evaluation.statistics import Interval
from task3_MNIST.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_COLUMNS = 3
DASHES = ("-", "--", "-.", ":")


@dataclass(frozen=True)
class Line:
    """A model in a panel: its mean at each place of the axis, None where nothing was measured."""

    name: str
    family: str
    means: list[Interval | None]


@dataclass(frozen=True)
class DrawnPanel:
    """What a panel shows.

    Attributes:
        title: above it.
        axis: what varies.
        labels: of its places.
        places: their numbers; None where they are no numbers.
        logarithmic: whether the numbers grow by factors.
        lines: a model each.
    """

    title: str
    axis: str
    labels: list[str]
    places: list[float] | None
    logarithmic: bool
    lines: list[Line]


def study_figure(
    title: str, figure_title: str, percent: bool, panels: Sequence[DrawnPanel]
) -> Figure:
    """Return the figure of a study.

    Args:
        title: above the picture.
        figure_title: what is measured.
        percent: whether it is a fraction.
        panels: at least one.
    """
    columns = min(len(panels), MOST_COLUMNS)
    rows = math.ceil(len(panels) / columns)
    figure = style.new_figure(max(4.2 * columns, 7.0), 3.6 * rows + 1.0)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, panel in zip(grid.flat, panels, strict=False):
        _draw(axes, panel, percent)
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_visible(False)
    for row in grid:
        row[0].set_ylabel(figure_title, color=style.INK)
    handles, names = grid.flat[0].get_legend_handles_labels()
    # at the side: above there is the title
    figure.legend(handles, names, loc="outside right upper", fontsize=9, frameon=False)
    style.add_title(figure, title, "Means over seeds; bars are their 95 % t-intervals.")
    return figure


def _draw(axes: Axes, panel: DrawnPanel, percent: bool) -> None:
    style.plain_axes(axes, grid="both" if panel.places else "y")
    if percent:
        style.percent_axis(axes.yaxis)
    places = panel.places or list(range(len(panel.labels)))
    if panel.logarithmic:
        axes.set_xscale("log")
        style.short_log_axis(axes.xaxis)
    elif not panel.places:
        axes.set_xticks(places, panel.labels, rotation=40, ha="right", fontsize=8)
    axes.set_xlabel(panel.axis, color=style.INK)
    axes.set_title(panel.title, fontsize=10, color=style.INK)
    used: dict[str, int] = {}
    for line in panel.lines:
        number = used[line.family] = used.get(line.family, -1) + 1
        hues = style.HUES[line.family]
        there = [(x, mean) for x, mean in zip(places, line.means, strict=True) if mean]
        if not there:
            continue
        low = [0 if m.low is None else m.mean - m.low for _, m in there]
        high = [0 if m.high is None else m.high - m.mean for _, m in there]
        axes.errorbar(
            [x for x, _ in there],
            [mean.mean for _, mean in there],
            [low, high],
            label=line.name,
            color=hues[number % len(hues)],
            linestyle=DASHES[number % len(DASHES)] if panel.places else "",
            marker=style.FAMILY_MARKERS[line.family],
            markersize=4.5,
            linewidth=1.5,
            elinewidth=0.9,
        )
