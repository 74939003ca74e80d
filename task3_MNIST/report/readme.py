"""The README's tables of figures, made from the files under `results/reference`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from task3_MNIST.core import zoo
from task3_MNIST.core.config import RECIPES
from task3_MNIST.core.ensemble import read_ensemble
from task3_MNIST.core.plots.groups import Group, group_by_seed
from task3_MNIST.core.runs import find
from task3_MNIST.core.stats import mean_interval
from task3_MNIST.report.beyond import gain

MARKS = "<!-- {name}: made by task3_MNIST/update_readme.py -->\n"
END = "<!-- end -->"


def with_tables(text: str, reference: Path) -> str:
    """Return the README's text with each table between its marks made anew.

    Args:
        text: holds, for every table of `TABLES` it shows, its mark and an end mark.
        reference: the folder of the reference results.
    """
    for name, table in TABLES.items():
        mark = MARKS.format(name=name)
        pattern = re.escape(mark) + r".*?" + re.escape(END)
        fresh = mark + "\n" + table(reference) + "\n" + END
        text = re.sub(pattern, lambda _, fresh=fresh: fresh, text, flags=re.S)
    return text


def accuracy_table(reference: Path) -> str:
    """Return test accuracy and what goes with it, of every model and recipe."""
    rows = [
        [
            f"`{group.model}`",
            f"`{group.name}`",
            f"{int(group.summaries('parameters')[0]):,}",
            _percent(group.tests("test_accuracy")),
            len(group.runs),
            f"{np.mean(group.tests('test_loss')):.4f}",
            f"{np.mean(group.tests('ece')):.2%}".replace("%", " %"),
        ]
        for group in _groups(reference)
    ]
    head = ["model", "recipe", "parameters", "test accuracy", "seeds", "test loss"]
    return _markdown([*head, "calibration error"], rows)


def beyond_table(reference: Path) -> str:
    """Return what runs say together, averaged over shifts, and picked by the test set."""
    rows = []
    for group in _groups(reference):
        tests = [run.test() for run in group.runs if run.evaluated]
        together = read_ensemble(group.runs[0].folder.parent)
        shifted = [
            test["shift_averaged"]["test_accuracy"] for test in tests if "shift_averaged" in test
        ]
        gains = [
            found for run in group.runs if (found := gain(run.metrics(), run.test())) is not None
        ]
        if not (together or shifted or gains):
            continue
        rows.append(
            [
                f"`{group.model}`",
                f"`{group.name}`",
                f"{together['test_accuracy'] * 100:.2f} % of {len(together['seeds'])}"
                if together
                else "–",
                f"{_percent(shifted)}, n={len(shifted)}" if shifted else "–",
                f"{_points(gains)}, n={len(gains)}" if gains else "–",
                _duration(group.summaries("train_seconds")),
            ]
        )
    head = ["model", "recipe", "seeds together", "averaged over shifts"]
    return _markdown(
        [*head, "points gained by picking the epoch on the test set", "training a seed"], rows
    )


def speed_table(reference: Path) -> str:
    """Return training times beside an epoch of the usual pipeline, from `speedrun.py`'s files."""
    rows = []
    for path in sorted(reference.glob("speed/*.json")):
        found = json.loads(path.read_text())
        if "usual_epoch_seconds" not in found:
            continue
        seconds = [run["seconds"] for run in found["runs"]]
        usual = float(np.mean(found["usual_epoch_seconds"]))
        rows.append(
            [
                f"`{found['model']}`",
                _percent([run["test_accuracy"] for run in found["runs"]]),
                f"{_interval(seconds, '{:.2f}')} s",
                len(seconds),
                f"{usual:.2f} s of `{found['usual_model']}`",
                f"{np.mean(seconds) / usual:.2f}",
                f"`{_short(found['command'])}`",
            ]
        )
    head = ["model", "test accuracy", "training", "runs", "one usual epoch", "ratio", "command"]
    return _markdown(head, rows)


def profile_table(reference: Path) -> str:
    """Return what `profile_step.py` measured: rates, and where a step's time goes."""
    rows = []
    for path in sorted(reference.glob("speed/profile-*.json")):
        found = json.loads(path.read_text())
        peak = f"{found['matmul_peak'] / 1e9:.0f} ({found['precision']})"
        shares = ", ".join(
            f"{share:.0%} {kind}" for kind, share in found["shares"].items() if share > 0.02
        )
        rows.append(
            [
                f"`{found['model']}`",
                f"{found['images_per_second']:,.0f}",
                f"{found['flops_per_second'] / 1e9:.0f} GFLOP/s",
                f"{found['fraction_of_peak'] * 100:.0f} % of {peak}",
                shares.replace("%", " %"),
            ]
        )
    head = [
        "model",
        "images/s",
        "arithmetic",
        "of the matrix-product peak",
        "where a step's time goes",
    ]
    return _markdown(head, rows)


TABLES: dict[str, Callable[[Path], str]] = {
    "accuracy": accuracy_table,
    "beyond": beyond_table,
    "speed": speed_table,
    "profile": profile_table,
}


def _groups(reference: Path) -> list[Group]:
    """Return the groups by recipe, then in the order of the tables of models."""
    models, recipes = zoo.names(), list(RECIPES)

    def place(group: Group) -> tuple[Any, ...]:
        model = models.index(group.model) if group.model in models else len(models)
        return recipes.index(group.name.split("+")[0]), model, group.model, group.name

    return sorted(group_by_seed(find(reference)), key=place)


def _percent(fractions: Sequence[float]) -> str:
    mean, *ends = _interval([fraction * 100 for fraction in fractions], "{:.2f}").split(" ", 1)
    return " ".join([mean, "%", *ends])


def _points(fractions: Sequence[float]) -> str:
    return _interval([fraction * 100 for fraction in fractions], "{:.3f}")


def _interval(values: Sequence[float], form: str) -> str:
    """Return the mean and its 95 % t-interval: `98.51 [98.45, 98.57]`."""
    interval = mean_interval(values)
    mean = form.format(interval.mean)
    if interval.low is None:
        return mean
    return f"{mean} [{form.format(interval.low)}, {form.format(interval.high)}]"


def _duration(seconds: Sequence[float]) -> str:
    """Return the median: a run that was paused for others would carry the mean away."""
    median = float(np.median(seconds))
    return f"{median:.1f} s" if median < 60 else f"{median / 60:.1f} min"


def _short(command: str) -> str:
    """Return a command without the interpreter, the folder, and where its file was put."""
    return re.sub(r" --out \S+", "", command.removeprefix("python task3_MNIST/"))


def _markdown(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)
