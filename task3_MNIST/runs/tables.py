"""`summary.csv`: a row for each evaluated run below a results folder."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from task3_MNIST.errors import UserError
from task3_MNIST.files import write_atomic
from task3_MNIST.runs.folder import Run, find

NAME = "summary.csv"


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _or_none(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return the kind of a column whose cell may be empty."""
    return lambda text: kind(text) if text else None


# Each column by the file of the run it comes from, with what reads a cell of it.
CONFIG: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("dataset", "model", "family", "recipe", "name"), str),
    "seed": int,
}
SUMMARY: dict[str, Callable[[str], Any]] = {
    # a baseline has no epochs, and few a fixed number of values and operations
    **dict.fromkeys(("parameters", "flops"), _or_none(int)),
    **{"model_bytes": int, "train_seconds": _finite, "images_per_second": _or_none(_finite)},
    **dict.fromkeys(("epochs", "selected_epoch"), _or_none(int)),
    **dict.fromkeys(("val_accuracy", "val_loss"), _or_none(_finite)),
}
TEST: dict[str, Callable[[str], Any]] = {
    **{"test_accuracy": _finite, "test_loss": _or_none(_finite)},
    **dict.fromkeys(("correct", "n"), int),
    "ece": _or_none(_finite),
    **dict.fromkeys(("latency_seconds", "latency_seconds_p95", "throughput"), _finite),
    "latency_device": _or_none(str),
    "latency_threads": _or_none(int),
}
MACHINE: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("device", "cpu"), _or_none(str)),
    **dict.fromkeys(("cpu_count", "threads"), _or_none(int)),
    "git_commit": _or_none(str),
}
VERSIONS: dict[str, Callable[[str], Any]] = dict.fromkeys(
    ("python", "torch", "numpy"), _or_none(str)
)
COLUMNS = {**CONFIG, **SUMMARY, **TEST, **MACHINE, **VERSIONS}


def write_summary(results: Path) -> tuple[list[dict[str, Any]], dict[Run, UserError]]:
    """Write `summary.csv` of all evaluated runs below a folder, from their files alone.

    Returns:
        as `summary_rows`.
    """
    rows, faults = summary_rows(results)
    write_atomic(results / NAME, as_csv(rows))
    return rows, faults


def summary_rows(results: Path) -> tuple[list[dict[str, Any]], dict[Run, UserError]]:
    """Return the rows of `summary.csv` as the run folders have them.

    Returns:
        the rows, each a dict of `COLUMNS` in the order of the runs' folders; and what is wrong
        with the runs that were left out.
    """
    rows: dict[tuple, dict[str, Any]] = {}
    faults: dict[Run, UserError] = {}
    for run in find(results):
        try:
            # a run whose training or evaluation has not ended has no figures yet
            row = _row(run) if run.complete and run.evaluated else None
        except UserError as error:
            faults[run] = error
            continue
        if not row:
            continue
        key = tuple(row[column] for column in ("dataset", "model", "name", "seed"))
        if key in rows:
            # counted twice, one run would pass for two
            faults[run] = UserError(f"{run.folder} is the same run as another: remove one")
        rows.setdefault(key, row)
    return list(rows.values()), faults


def group_rows(
    rows: Iterable[dict[str, Any]],
) -> dict[tuple[str, str, str], list[dict[str, Any]]]:
    """Return the rows that differ in their seed only by (dataset, model, name), in their order."""
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["dataset"], row["model"], row["name"]), []).append(row)
    return groups


def as_csv(rows: Sequence[dict[str, Any]]) -> bytes:
    """Return the content of `summary.csv`."""
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    # as Python decoded it: a folder's name may be no UTF-8
    return text.getvalue().encode(errors="surrogateescape")


def read_summary(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a `summary.csv`, each a dict of `COLUMNS`; an empty cell is None.

    Raises:
        UserError: it cannot be read, a column is missing, or a cell is not what its column holds.
    """
    try:
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as stream:
            table = csv.DictReader(stream, strict=True)
            missing = [column for column in COLUMNS if column not in (table.fieldnames or ())]
            if missing:
                plural = "s" if len(missing) > 1 else ""
                raise _altered(path, f"lacks the column{plural} {', '.join(missing)}")
            return [_parsed(path, table.line_num, cells) for cells in table]
    except (OSError, ValueError, csv.Error) as error:
        raise _altered(path, f"cannot be read ({error})") from error


def _row(run: Run) -> dict[str, Any]:
    config, summary, test = run.config(), run.summary(), run.test()
    versions = config.get("versions", {})
    sources = (
        *((CONFIG, config), (SUMMARY, summary), (TEST, test)),
        *((MACHINE, config), (VERSIONS, versions)),
    )
    return {column: source.get(column) for columns, source in sources for column in columns}


def _parsed(path: Path, line: int, cells: dict[str, str | None]) -> dict[str, Any]:
    row = {}
    for column, kind in COLUMNS.items():
        cell = cells[column]
        try:
            if cell is None:
                raise ValueError("the line ends before this column")
            row[column] = kind(cell)
        except ValueError as error:
            raise _altered(path, f"has no usable {column} in line {line}") from error
    return row


def _altered(path: Path, fault: str) -> UserError:
    return UserError(
        f"{path} {fault}: it is from another version or was altered; delete it, and benchmark.py "
        "(update_reference.py for the reference results) writes it again from the run folders"
    )
