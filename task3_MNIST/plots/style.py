"""How every picture here looks: one palette, one kind of axis, one way to a PNG file.

Figures are made without pyplot, so nothing global is changed and threads may draw at once.
Matplotlib is imported with the first figure: a script without pictures does not wait for it.
"""

from __future__ import annotations

import io
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from task3_MNIST.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 300  # what journals ask for

# Okabe and Ito 2008: different with any kind of color vision; their yellow is too pale on white
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#222222")
# MLPs are orange squares, CNNs blue circles, baselines gray triangles, on pages too.
# A family has hues of its own, so that it is seen before a name is read; the first one stands for
# the family. All are of middling lightness: at least 3:1 on both a white and a nearly black ground.
HUES = {
    "mlp": ("#d0661b", "#c9474f", "#b5498f", "#9a7412", "#b06a4a"),
    "cnn": ("#2f7ad0", "#178f8c", "#3f8f3f", "#7d62d8", "#4b82a8"),
    "baseline": ("#7a7f87", "#8a7a60", "#6f8a72", "#8f7f8a", "#63808a"),
}
# by the names that Plotly and Matplotlib have for them
SYMBOLS = {"mlp": "square", "cnn": "circle", "baseline": "triangle-up"}
MARKERS = {"square": "s", "circle": "o", "triangle-up": "^"}
FAMILY_COLORS = {family: hues[0] for family, hues in HUES.items()}
FAMILY_MARKERS = {family: MARKERS[symbol] for family, symbol in SYMBOLS.items()}
FAMILY_NAMES = {"mlp": "MLP", "cnn": "CNN", "baseline": "baseline"}
SPLITS = {"train": "Training", "val": "Validation", "test": "Test"}
CORRECT, INCORRECT = "#15803D", "#B91C1C"
INK, MUTED, GRID = "#222222", "#666666", "#DDDDDD"

# an axis of the errors' logarithm spreads what is near 100 %: there it needs more ticks
ACCURACY_TICKS = (
    *(0.5, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.96, 0.97, 0.975, 0.98, 0.985),
    *(0.99, 0.9925, 0.995, 0.9965, 0.998, 0.999, 0.9995),
)


def new_figure(width: float, height: float, layout: str | None = "constrained") -> Figure:
    """Return an empty figure of a size in inches; by default it spaces what it holds by itself."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DPI, layout=layout, facecolor="white")


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as a PDF and then, next to it, as a PNG file; return the PNG's path.

    Each file is complete or absent; where the PNG is, the PDF is too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for file, form, metadata in (
        (path.with_suffix(".pdf"), "pdf", {"CreationDate": None}),
        (path, "png", None),
    ):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=form, metadata=metadata)
        write_atomic(file, buffer.getvalue())
    return path


def add_title(figure: Figure, title: str, note: str = "") -> None:
    """Write what the figure shows above it, and below in small print how to read it."""
    # a folder's name is no formula, whatever dollar signs it holds
    common = {"x": 0.01, "ha": "left", "parse_math": False}
    title = _wrap(title, figure, letters_an_inch=9)
    figure.suptitle(title, fontsize=12, fontweight="bold", color=INK, **common)
    if note:
        note = _wrap(note, figure, letters_an_inch=14)
        figure.supxlabel(note, fontsize=8, color=MUTED, **common)


def _wrap(text: str, figure: Figure, letters_an_inch: int) -> str:
    letters = int(figure.get_figwidth() * letters_an_inch)
    lines = (textwrap.fill(line, letters, break_on_hyphens=False) for line in text.splitlines())
    return "\n".join(lines)


def family_legend(figure: Figure, families: set[str]) -> None:
    """Say which color is which family, below the axes."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="", marker=marker, color=FAMILY_COLORS[family])
        for family, marker in FAMILY_MARKERS.items()
        if family in families
    ]
    names = [FAMILY_NAMES[family] for family in FAMILY_MARKERS if family in families]
    figure.legend(handles, names, loc="outside upper right", ncols=3, fontsize=9, frameon=False)


def plain_axes(axes: Axes, grid: str = "y") -> Axes:
    """Give axes the common look: no box, faint grid lines along one axis or `"both"`."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)
    axes.tick_params(colors=INK, labelsize=9)
    axes.grid(axis=grid, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    return axes


def percent(fraction: float, digits: int = 2) -> str:
    """Return a fraction as a person reads it: `98.12 %`."""
    return f"{100 * fraction:.{digits}f} %"


def percent_axis(axis) -> None:
    """Label an axis that carries fractions in percent, with as many digits as its ticks need."""
    axis.set_major_formatter(lambda value, _: f"{100 * value:.4g} %")


def log_axis(axis) -> None:
    """Label a logarithmic axis at 1, 2 and 5 times each power of ten, in plain numbers."""
    axis.get_major_locator().set_params(subs=(1, 2, 5))
    axis.set_major_formatter(lambda value, _: f"{value:,.6g}")
    axis.set_minor_formatter("")


def short_log_axis(axis) -> None:
    """Label a logarithmic axis like `log_axis`, in few letters: `20 k`, `1 M`."""
    log_axis(axis)
    axis.set_major_formatter(lambda value, _: _short(value))


def _short(value: float) -> str:
    for scale, prefix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= scale:
            return f"{value / scale:g}{prefix}"
    return f"{value:g}"


def epoch_axis(axes: Axes, epochs: int) -> None:
    """Let the horizontal axis count epochs in integers, also when there is only one."""
    axes.set_xlim(0.5, epochs + 0.5)
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axes.set_xlabel("epoch", color=INK)
