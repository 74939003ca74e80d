"""Runs as tables: a row for each run, whose columns are the fields of the dataclasses of its files.

`summary.csv` is such a table of the user's own runs. The published results, under
`results/reference`, are five of them and the predicted classes: see `docs/run_folder.md`.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec
import numpy as np

from task3_MNIST.files import write_atomic
from task3_MNIST.formatting import class_names
from task3_MNIST.models import sklearn_baselines
from task3_MNIST.models.inference import confusion_matrix
from task3_MNIST.runs import files
from task3_MNIST.runs.files import (
    Config,
    Ensemble,
    Evaluation,
    KeptEpoch,
    ReliabilityBin,
    Summary,
)
from task3_MNIST.runs.records import RunGroup, RunRecord, group_records
from task3_MNIST.training.config import TrainConfig
from task3_MNIST.training.loop import EpochMetrics

SUMMARY = "summary.csv"
RUNS, EPOCHS, ENSEMBLES = "runs.csv", "epochs.csv", "ensembles.csv"
RELIABILITY, PREDICTIONS = "reliability.csv", "predictions.npz"
WEIGHTS = "weights"  # the folder of the few weights that are published
CURE = "update_reference.py wrote it; take it from git again"

KEY = ("dataset", "model", "name", "seed")  # what says which run a row is of
Row = dict[str, Any]
Kind = TypeVar("Kind")


def columns(kind: type) -> list[str]:
    """Return the fields of a dataclass that fit a cell: neither lists nor dicts."""
    hints = get_type_hints(kind)

    def fits(hint: Any) -> bool:
        return get_origin(hint) not in (list, dict) and not any(
            get_origin(part) in (list, dict) for part in get_args(hint)
        )

    return [field.name for field in dataclasses.fields(kind) if fits(hints[field.name])]


HYPERPARAMETERS = [name for name in columns(TrainConfig) if name != "seed"]
# a baseline has settings of its own, as JSON
RUN_COLUMNS = list(
    dict.fromkeys(
        [
            *columns(Config),
            *HYPERPARAMETERS,
            "settings",
            *columns(Summary),
            *columns(Evaluation),
        ]
    )
)


def run_row(record: RunRecord) -> Row:
    """Return the row of a run; columns that it has no figure for are left out."""
    config = record.config
    if config.family == sklearn_baselines.FAMILY:
        settings = {"settings": json.dumps(config.hyperparameters)}
    else:
        settings = {name: config.hyperparameters.get(name) for name in HYPERPARAMETERS}
    return {
        **settings,
        **_cells(config),
        **_cells(record.summary),
        **(_cells(record.test) if record.test else {}),
    }


def write_summary(groups: Iterable[RunGroup], path: Path) -> int:
    """Write a row for each evaluated run of the groups, and return how many there are."""
    rows = [run_row(run) for group in groups for run in group.evaluated]
    _write(path, RUN_COLUMNS, rows)
    return len(rows)


def write_tables(
    groups: Sequence[RunGroup], test_labels: dict[str, np.ndarray], folder: Path
) -> None:
    """Write the tables of published results.

    Args:
        groups: evaluated runs only.
        test_labels: (N,) of each data set's test images.
        folder: where the tables are.
    """
    records = [run for group in groups for run in group.runs]
    _write(folder / RUNS, RUN_COLUMNS, [run_row(record) for record in records])
    epochs, bins = [], []
    for record in records:
        key = _key(record)
        kept = {row.epoch: _cells(row) for row in record.test.epochs}
        epochs += [{**key, **_cells(row), **kept.get(row.epoch, {})} for row in record.epochs]
        bins += [{**key, **_cells(row)} for row in record.test.reliability]
    epoch_columns = dict.fromkeys([*KEY, *columns(EpochMetrics), *columns(KeptEpoch)])
    _write(folder / EPOCHS, list(epoch_columns), epochs)
    _write(folder / RELIABILITY, [*KEY, *columns(ReliabilityBin)], bins)
    ensembles = [
        {**_key(group.runs[0]), **_cells(group.ensemble), "seeds": _words(group.ensemble.seeds)}
        for group in groups
        if group.ensemble
    ]
    _write(folder / ENSEMBLES, [*KEY[:-1], "seeds", *columns(Ensemble)], ensembles)
    arrays = {}
    for dataset, labels in test_labels.items():
        arrays[f"labels_{dataset}"] = labels.astype(np.uint8)
        arrays[f"classes_{dataset}"] = np.stack(
            [record.classes for record in records if record.config.dataset == dataset]
        )
    files.write_array(folder / PREDICTIONS, **arrays)


def read_tables(folder: Path) -> list[RunGroup]:
    """Return the groups of published results.

    Raises:
        UserError: a table is missing or damaged.
    """
    epochs = _by_run(_read(folder / EPOCHS))
    bins = _by_run(_read(folder / RELIABILITY))
    found = _read(folder / ENSEMBLES, (*KEY[:-1], "seeds"))
    ensembles = {tuple(row[part] for part in KEY[:-1]): row for row in found}
    rows = _read(folder / RUNS)
    labels, classes = {}, {}
    for dataset, count in Counter(row["dataset"] for row in rows).items():
        labels[dataset], answers = _predictions(folder / PREDICTIONS, dataset, count)
        classes[dataset] = iter(answers)
    records = [
        _record(row, epochs, bins, labels[row["dataset"]], next(classes[row["dataset"]]), folder)
        for row in rows
    ]
    return [
        dataclasses.replace(group, ensemble=_ensemble(ensembles, group, folder))
        for group in group_records(records)
    ]


def weights_name(config: Config) -> str:
    """Return the file of a run's published weights."""
    return f"{config.model}-{config.name}-seed{config.seed}.pt"


def _predictions(path: Path, dataset: str, runs: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the labels (N,) of a data set's test images and the classes (runs, N) given them."""
    labels, classes = (
        files.read_array(path, f"{name}_{dataset}", CURE) for name in ("labels", "classes")
    )
    count = len(class_names(dataset))
    usable = all(part.dtype == np.uint8 and (part < count).all() for part in (labels, classes))
    if not usable or labels.ndim != 1 or classes.shape != (runs, len(labels)):
        wanted = f"classes of {runs} runs and {len(labels)} images"
        found = f"holds {classes.dtype} of shape {classes.shape}, not {wanted}"
        raise files.refused(path, ValueError(found), CURE)
    return labels, classes


def _record(
    row: Row,
    epochs: dict[tuple, list[Row]],
    bins: dict[tuple, list[Row]],
    labels: np.ndarray,
    classes: np.ndarray,
    folder: Path,
) -> RunRecord:
    path, key = folder / RUNS, tuple(row[part] for part in KEY)
    trained = epochs.get(key, [])
    if "settings" in row:
        hyperparameters = json.loads(row["settings"])
    else:
        hyperparameters = dataclasses.asdict(_parsed(row, TrainConfig, path))
    config = _parsed(row, Config, path, hyperparameters=hyperparameters)
    confusion = confusion_matrix(labels, classes).tolist()
    kept = [one for one in trained if "test_accuracy" in one]
    summary = _parsed(row, Summary, path)
    if len(trained) != (summary.epochs_trained or 0):
        found = f"{len(trained)} of the {summary.epochs_trained or 0} epochs of {' '.join(key)}"
        raise files.refused(folder / EPOCHS, ValueError(found), CURE)
    test = dataclasses.replace(
        _parsed(row, Evaluation, path, confusion=confusion),
        reliability=[
            _parsed(one, ReliabilityBin, folder / RELIABILITY) for one in bins.get(key, [])
        ],
        epochs=[_parsed(one, KeptEpoch, folder / EPOCHS) for one in kept],
    )
    weights = folder / WEIGHTS / weights_name(config)
    return RunRecord(
        name=f"{config.model}/{config.name}/seed{config.seed}",
        config=config,
        summary=summary,
        epochs=[_parsed(one, EpochMetrics, folder / EPOCHS) for one in trained],
        test=test,
        classes=classes,
        weights=weights if weights.is_file() else None,
    )


def _ensemble(rows: dict[tuple, Row], group: RunGroup, folder: Path) -> Ensemble | None:
    row = rows.get((group.dataset, group.model, group.name))
    if row is None:
        return None
    return _parsed(row, Ensemble, folder / ENSEMBLES, seeds=row["seeds"].split())


def _key(record: RunRecord) -> Row:
    return {part: getattr(record.config, part) for part in KEY}


def _words(numbers: Iterable[int]) -> str:
    return " ".join(map(str, numbers))


def _cells(content: Any) -> Row:
    return {name: getattr(content, name) for name in columns(type(content))}


def _by_run(rows: Iterable[Row]) -> dict[tuple, list[Row]]:
    found: dict[tuple, list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row.get(part) for part in KEY), []).append(row)
    return found


def _parsed(row: Row, kind: type[Kind], path: Path, **nested: Any) -> Kind:
    """Return the dataclass of a row, whose cells are text; an empty cell is no figure.

    Args:
        row: without its empty cells.
        kind: the dataclass.
        path: of the table.
        nested: fields that are in no cell.
    """
    optional = {f.name for f in dataclasses.fields(kind) if f.default is not dataclasses.MISSING}
    names = columns(kind)
    cells = {name: row.get(name) for name in names if name in row or name not in optional}
    try:
        return msgspec.convert({**cells, **nested}, kind, strict=False)
    except ValueError as error:
        raise files.refused(path, error, CURE) from error


def _write(path: Path, names: Sequence[str], rows: Iterable[Row]) -> None:
    text = io.StringIO()
    table = csv.DictWriter(text, names, lineterminator="\n", extrasaction="ignore")
    table.writeheader()
    table.writerows(rows)
    # as Python decoded it: a folder's name may be no UTF-8
    write_atomic(path, text.getvalue().encode(errors="surrogateescape"))


def _read(path: Path, needed: Sequence[str] = KEY) -> list[Row]:
    """Return the rows of a table without their empty cells; each has those that are needed."""
    try:
        text = path.read_bytes().decode(errors="surrogateescape")
        if not text.endswith("\n"):
            raise ValueError("its last line is cut off")
        table = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        rows = list(table)
        if absent := set(needed) - set(table.fieldnames or ()):
            raise ValueError(f"no column {min(absent)}")
        # cells too many are under the key None, cells too few have the value None
        if any(None in row or None in row.values() for row in rows):
            raise ValueError("a row is not as long as the header")
        if not all(row[name] for row in rows for name in needed):
            raise ValueError("a row does not say which run it is of")
    except (OSError, ValueError, csv.Error) as error:
        raise files.refused(path, error, CURE) from error
    return [{name: cell for name, cell in row.items() if cell} for row in rows]
