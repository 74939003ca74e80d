"""Pictures of one run, in its own folder: learning curves and the confusion matrix."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from task3_MNIST.core.plots import style
from task3_MNIST.core.runs import DEFAULT_DATASET, Run

CONFUSION = Path("plots/confusion_matrix.png")


def run_title(run: Run) -> str:
    """Return a run's name as figures carry it: `cnn, fast, seed 0`; other data sets are named."""
    config = run.config()
    dataset = Path(config["dataset"]).name
    parts = [config["model"], config["name"], f"seed {config['seed']}"]
    return ", ".join(parts if dataset == DEFAULT_DATASET else [*parts, dataset])


def run_pictures(run: Run) -> list[Path]:
    """Return the files of a complete run's pictures, in the order in which they are drawn."""
    files = [run.folder / "plots" / f"{split}_{measure}.png" for split, measure, _ in _curves(run)]
    return files + ([run.folder / CONFUSION] if run.evaluated else [])


def draw_curves(run: Run) -> list[Path]:
    """Draw accuracy and loss over the epochs, a file each, and return the files.

    Training always, validation if there was any; test where `test.json` has the kept epochs.

    Args:
        run: a complete run.
    """
    return [_draw_curve(run, rows, split, measure) for split, measure, rows in _curves(run)]


def _curves(run: Run) -> list[tuple[str, str, list[dict[str, float]]]]:
    """Return (split, measure, rows) of each curve that the run has figures for."""
    metrics = run.metrics()
    validated = [row for row in metrics if row["val_loss"] is not None]
    history = {"train": metrics, "val": validated}
    if run.evaluated:
        history["test"] = run.test().get("epochs", [])
    return [
        (split, measure, rows)
        for split, rows in history.items()
        if rows
        for measure in ("accuracy", "loss")
    ]


def _draw_curve(run: Run, rows: list[dict[str, float]], split: str, measure: str) -> Path:
    key = f"{split}_{measure}"
    epochs = [row["epoch"] for row in rows]
    values = [row[key] for row in rows]
    selected = run.summary()["selected_epoch"]
    colour = style.FAMILY_COLOURS[run.config()["family"]]

    figure = style.new_figure(6.4, 4.0)
    axes = style.plain_axes(figure.add_subplot())
    # not clipped: an accuracy of 100 % lies on the frame
    axes.plot(epochs, values, color=colour, marker="o", markersize=4, clip_on=False)
    note = f"The weights of epoch {selected} are kept."
    if selected in epochs:  # its weights may have been removed before the evaluation
        chosen = values[epochs.index(selected)]
        ring = {"markersize": 11, "markerfacecolor": "none", "color": style.INK}
        axes.plot([selected], [chosen], "o", clip_on=False, **ring)
        text = style.percent(chosen) if measure == "accuracy" else f"{chosen:.4f}"
        note = f"○ epoch {selected}, whose weights are kept: {text}."
    axes.margins(y=0.12)
    style.epoch_axis(axes, max(epochs))
    if measure == "accuracy":
        style.percent_axis(axes.yaxis)
        axes.set_ylabel("images classified right")
        axes.set_ylim(top=min(axes.get_ylim()[1], 1.0))
    else:
        axes.set_ylabel("mean cross-entropy (nats)")
    if split == "train":
        note += " Running mean over each epoch, augmented where the recipe is."
    style.add_title(figure, f"{style.SPLITS[split]} {measure}: {run_title(run)}", note)
    return style.save(figure, run.folder / "plots" / f"{key}.png")


def draw_confusion(run: Run) -> Path:
    """Draw the confusion matrix of an evaluated run and return its file.

    Only the errors are coloured, and they alone set the scale: beside a coloured diagonal of
    about a thousand a cell, all errors look like none.
    """
    test = run.test()
    counts = np.array(test["confusion"])
    diagonal = np.eye(len(counts), dtype=bool)
    errors = np.ma.array(counts, mask=diagonal)
    most = max(int(errors.max()), 1)

    figure = style.new_figure(7.0, 6.6)
    axes = figure.add_subplot()
    image = axes.imshow(errors, cmap="Oranges", vmin=0, vmax=most)
    for row, column in np.ndindex(counts.shape):
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
        )
    axes.set_xticks(range(len(counts)))
    axes.set_yticks(range(len(counts)))
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
        f"{test['correct']:,} of {test['n']:,} right ({style.percent(test['test_accuracy'])}); "
        "the diagonal counts what is right and is left uncoloured",
    )
    return style.save(figure, run.folder / CONFUSION)
