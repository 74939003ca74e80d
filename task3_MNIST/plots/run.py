"""Pictures of one run, in its own folder: learning curves and the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from task3_MNIST.plots import style
from task3_MNIST.runs.folder import DEFAULT_DATASET, Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# inches that a class beyond ten adds to a confusion matrix, and all of them at most
CLASS, MOST_EXTRA = 0.45, 9.0
MOST_WRITTEN = 40  # classes: the counts of more would be too small to read
CURVES, CONFUSION = Path("plots/curves.png"), Path("plots/confusion_matrix.png")


def run_title(run: Run) -> str:
    """Return a run's name as figures carry it: `cnn, fast, seed 0`; other data sets are named."""
    config = run.config()
    dataset = Path(config.dataset).name
    parts = [config.model, config.name, f"seed {config.seed}"]
    return ", ".join(parts if dataset == DEFAULT_DATASET else [*parts, dataset])


def run_pictures(run: Run) -> list[Path]:
    """Return the files of a complete run's pictures, in the order in which they are drawn."""
    curves = [run.folder / CURVES] if run.metrics() else []  # baselines have no epochs
    return curves + ([run.folder / CONFUSION] if run.evaluated else [])


def draw_curves(run: Run) -> list[Path]:
    """Draw accuracy and loss over the epochs, side by side, and return the file; none for none.

    Training always, validation if there was any; test where `test.json` has the kept epochs.

    Args:
        run: a complete run.
    """
    metrics = run.metrics()
    if not metrics:
        return []
    validated = [row for row in metrics if row.val_loss is not None]
    tested = run.test().epochs if run.evaluated else []
    history = {"train": metrics, "val": validated, "test": tested}
    selected = run.summary().selected_epoch

    figure = style.new_figure(10.0, 4.2)
    panels = figure.subplots(1, 2)
    for axes, measure in zip(panels, ("accuracy", "loss"), strict=True):
        style.plain_axes(axes)
        for split, rows in history.items():
            if rows:
                _draw_curve(axes, run, rows, split, measure)
        ringed = f"{'val' if validated else 'train'}_{measure}"
        chosen = getattr(metrics[selected - 1], ringed)
        ring = {"markersize": 11, "markerfacecolor": "none", "color": style.INK}
        axes.plot([selected], [chosen], "o", clip_on=False, **ring)
        axes.margins(y=0.12)
        style.epoch_axis(axes, len(metrics))
    style.percent_axis(panels[0].yaxis)
    panels[0].set_ylabel("images classified correctly")
    panels[0].set_ylim(top=min(panels[0].get_ylim()[1], 1.0))
    panels[1].set_ylabel("mean cross-entropy (nats)")
    lines = panels[0].get_lines()[:-1]
    figure.legend(handles=lines, loc="outside upper right", ncols=3, fontsize=9, frameon=False)
    kept = f"○ epoch {selected}, whose weights are kept"
    accuracy = metrics[selected - 1].val_accuracy
    if accuracy is not None:
        kept += f": {style.percent(accuracy)} of the validation images"
    note = f"{kept}. Training: running means over each epoch, augmented where the recipe is."
    style.add_title(figure, f"Learning curves: {run_title(run)}", note)
    return [style.save(figure, run.folder / CURVES)]


def _draw_curve(axes, run: Run, rows: Sequence[Any], split: str, measure: str) -> None:
    looks = {
        "train": {"color": style.MUTED, "linestyle": "--"},
        "val": {"color": style.FAMILY_COLORS[run.config().family]},
        "test": {"color": style.INK, "linestyle": ":"},
    }
    key = f"{split}_{measure}"
    if key == "train_loss" and rows[0].train_loss_unsmoothed is not None:
        key = "train_loss_unsmoothed"  # what validation loss can be compared with
    epochs = [row.epoch for row in rows]
    values = [getattr(row, key) for row in rows]
    # not clipped: an accuracy of 100 % lies on the frame
    mark = {"marker": "o", "markersize": 4, "clip_on": False, "label": style.SPLITS[split]}
    axes.plot(epochs, values, **looks[split], **mark)


def draw_confusion(run: Run) -> Path:
    """Draw the confusion matrix of an evaluated run and return its file."""
    return style.save(confusion_figure(run), run.folder / CONFUSION)


def confusion_figure(run: Run) -> Figure:
    """Return a figure of the confusion matrix of an evaluated run.

    Only the errors are colored, and they alone set the scale: next to a colored diagonal of
    about a thousand a cell, all errors look like none.
    """
    test = run.test()
    counts = np.array(test.confusion)
    diagonal = np.eye(len(counts), dtype=bool)
    errors = np.ma.array(counts, mask=diagonal)
    most = max(int(errors.max()), 1)

    names = run.config().class_names
    # every class gets the same room, up to a picture that fits on a screen
    extra = min(max(len(counts) - 10, 0) * CLASS, MOST_EXTRA)
    figure = style.new_figure(7.0 + extra, 6.6 + extra)
    axes = figure.add_subplot()
    image = axes.imshow(errors, cmap="Oranges", vmin=0, vmax=most)
    for row, column in np.ndindex(counts.shape) if len(counts) <= MOST_WRITTEN else ():
        count = int(counts[row, column])
        dark = not diagonal[row, column] and count > 0.75 * most
        faint = count == 0 and not diagonal[row, column]
        axes.text(
            column,
            row,
            f"{count}",
            ha="center",
            va="center",
            fontsize=10,
            color="white" if dark else style.MUTED if faint else style.INK,
            fontweight="bold" if diagonal[row, column] else "normal",
            in_layout=False,  # a hundred texts that need no room of their own
        )
    long = max(map(len, names)) > 2
    axes.set_xticks(range(len(counts)), names, rotation=90 if long else 0)
    axes.set_yticks(range(len(counts)), names)
    axes.tick_params(length=0, labelsize=10)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("predicted label", fontsize=10)
    axes.set_ylabel("true label", fontsize=10)
    bar = figure.colorbar(image, ax=axes, shrink=0.75, label="test images confused")
    bar.ax.yaxis.get_major_locator().set_params(integer=True)
    bar.outline.set_visible(False)
    style.add_title(
        figure,
        f"Test errors: {run_title(run)}",
        f"{test.correct:,} of {test.n:,} correct ({style.percent(test.test_accuracy)}); "
        "the diagonal counts correct answers and has no color",
    )
    return figure
