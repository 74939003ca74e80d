"""The table of a study: a row for each run and each change of the test images."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from task3_MNIST.errors import UserError
from task3_MNIST.evaluation.robustness.measure import Wanted
from task3_MNIST.evaluation.statistics import Interval, mean_interval
from task3_MNIST.experiments.studies.definition import DATASET, Cell, Study, pooled
from task3_MNIST.experiments.studies.measure import MeasuredRow
from task3_MNIST.experiments.studies.plan import Planned
from task3_MNIST.files import write_atomic

FIRST = [DATASET, "model", "recipe", "lr", "lr_factor"]
CHANGE = ["change", "value", "seed"]


@dataclass(frozen=True, eq=False)
class Row:
    """One run on the test images, or on changed ones.

    Attributes:
        dataset: that it was trained on.
        recipe: that it was trained with.
        lr: its peak learning rate.
        lr_factor: this over the recipe's, chosen by validation.
        cell: `model`, and a value for each key that varies in training.
        repetition: a value for each key that is pooled.
        change: of the test images; None for the images as they are.
        seed: of the run.
        figures: by name.
    """

    dataset: str
    recipe: str
    lr: float
    lr_factor: float
    cell: Cell
    repetition: Cell
    change: Wanted | None
    seed: int
    figures: dict[str, float]


Table = list[Row]


def make_table(
    study: Study, cells: Iterable[Planned], read: Callable[[Any], list[MeasuredRow]]
) -> Table:
    """Return the rows of the runs that were measured.

    Args:
        study: what they are runs of.
        cells: of the study.
        read: returns the rows of a job's run, or None if it was not measured.
    """
    rows = []
    for planned in cells:
        cell = pooled(study, planned.cell)
        repetition = {key: planned.cell[key] for key in study.pool if key in planned.cell}
        for job in planned.jobs:
            for found in read(job) or ():
                rows.append(
                    Row(
                        job.dataset,
                        job.recipe,
                        job.config.lr,
                        planned.factor,
                        cell,
                        repetition,
                        Wanted.of(found.kind, found.value) if found.kind else None,
                        job.config.seed,
                        found.figures,
                    )
                )
    return rows


def values(table: Table, cell: Cell, change: Wanted | None, figure: str) -> list[float]:
    """Return a figure of each seed of a cell, in the order of the seeds."""
    found = [row for row in table if row.cell == cell and row.change == change]
    return [row.figures[figure] for row in sorted(found, key=lambda row: row.seed)]


def interval(table: Table, cell: Cell, change: Wanted | None, figure: str) -> Interval | None:
    """Return the mean of a figure over the seeds with its 95 % interval; None without a run."""
    found = values(table, cell, change, figure)
    return mean_interval(found) if found else None


def write_table(table: Table, study: Study, path: Path) -> None:
    """Write the rows as CSV; a value that is no text is written as JSON has it."""
    keys = [key for key in study.trained_keys if key != DATASET]
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow([*FIRST, *keys, *CHANGE, *study.figures])
    for row in table:
        change = (row.change.kind, _cell(row.change.value)) if row.change else ("", "")
        out.writerow(
            [
                *(
                    row.cell.get(DATASET, row.dataset),
                    row.cell["model"],
                    row.recipe,
                    row.lr,
                    row.lr_factor,
                ),
                *(_cell({**row.cell, **row.repetition}.get(key, "")) for key in keys),
                *(*change, row.seed),
                *(row.figures[name] for name in study.figures),
            ]
        )
    write_atomic(path, text.getvalue().encode())


def read_table(study: Study, path: Path) -> Table:
    """Return the rows of a file that `write_table` wrote.

    Raises:
        UserError: it is missing, or is not of this study.
    """
    keys = [key for key in study.trained_keys if key != DATASET]
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
        return [_row(row, keys, study) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is missing or is no table of this study ({' '.join(str(error).split())}): run "
            "the study again"
        ) from error


def _row(row: dict[str, str], keys: Sequence[str], study: Study) -> Row:
    cell = {"model": row["model"]}
    if DATASET in study.trained_keys:
        cell[DATASET] = row[DATASET]
    cell |= {key: _value(row[key]) for key in keys if row[key]}
    change = Wanted.of(row["change"], _value(row["value"])) if row["change"] else None
    return Row(
        row[DATASET],
        row["recipe"],
        float(row["lr"]),
        float(row["lr_factor"]),
        pooled(study, cell),
        {key: cell[key] for key in study.pool if key in cell},
        change,
        int(row["seed"]),
        {name: float(row[name]) for name in study.figures},
    )


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
