"""What runs say, in memory: a record for each complete run, a group for the seeds of a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from task3_MNIST.models import registry, sklearn_baselines
from task3_MNIST.runs.files import Config, Ensemble, Evaluation, Summary
from task3_MNIST.training.loop import EpochMetrics

ENOUGH_SIZES = 5  # of a family with one recipe make a model-size study
FEWEST_OTHERS = 2  # with fewer other models there would be nothing to compare


@dataclass(frozen=True, eq=False)  # arrays are in it: a record equals itself
class RunRecord:
    """Everything that one complete run says, from its folder or from the published tables.

    Attributes:
        name: its folder, below the results.
        config: what was trained.
        summary: what it cost.
        epochs: the figures of each epoch; none for a baseline.
        test: test figures; None if the run was not evaluated.
        classes: (N,) uint8, the class it gives each test image; None likewise.
        weights: the file of its weights; None if they are not kept.
        again: the command that evaluates it again, to be typed at the repository's root.
    """

    name: str
    config: Config
    summary: Summary
    epochs: list[EpochMetrics]
    test: Evaluation | None
    classes: np.ndarray | None
    weights: Path | None
    again: str = ""


@dataclass(frozen=True, eq=False)
class RunGroup:
    """Runs that differ in their seed only, ordered by it, and their ensemble if it was measured."""

    dataset: str
    model: str
    family: str
    name: str
    runs: tuple[RunRecord, ...]
    ensemble: Ensemble | None = None

    @property
    def class_names(self) -> list[str]:
        """The names of the classes of its data set, by label."""
        return self.runs[0].config.class_names

    @property
    def evaluated(self) -> list[RunRecord]:
        """The runs with test figures."""
        return [run for run in self.runs if run.test]

    @property
    def deterministic(self) -> bool:
        """Whether no seed would change anything: some baselines use no random numbers."""
        row = sklearn_baselines.BASELINES.get(self.model)
        return self.family == sklearn_baselines.FAMILY and row is not None and not row.seeded

    @property
    def median(self) -> RunRecord | None:
        """The evaluated run of median test accuracy; of two in the middle, the lower."""
        return _middle(self.evaluated, lambda run: run.test.test_accuracy)

    @property
    def by_validation(self) -> RunRecord | None:
        """The evaluated run of median validation accuracy: what a page with one run shows."""
        return _middle(self.evaluated, val_accuracy)

    def summaries(self, key: str) -> list[float | None]:
        """Return a figure of each run's summary, None where it has no such figure."""
        return [getattr(run.summary, key) for run in self.runs]

    def tests(self, key: str) -> list[float | None]:
        """Return a test figure of each evaluated run, likewise."""
        return [getattr(run.test, key) for run in self.evaluated]

    def curve(self, key: str) -> tuple[list[int], list[list[float]]]:
        """Return the epochs that every seed has, and for each the seeds' values of a metric.

        A seed that stopped early ends the curve: later means would be of other runs. Without
        validation there are none of its figures.
        """
        return shared_curve([run.epochs for run in self.runs], key)


def shared_curve(
    histories: Sequence[Sequence[Any]], key: str
) -> tuple[list[int], list[list[float]]]:
    """Return the epochs that all histories have, and for each their values of a metric."""
    shared = [rows for rows in zip(*histories, strict=False) if None not in _values(rows, key)]
    return [rows[0].epoch for rows in shared], [_values(rows, key) for rows in shared]


def _values(rows: Sequence[Any], key: str) -> list[float | None]:
    return [getattr(row, key) for row in rows]


def val_accuracy(run: RunRecord) -> float:
    """Return the run's validation accuracy; runs without one cannot be chosen by it."""
    return run.summary.val_accuracy or 0.0


def labels(groups: Sequence[RunGroup]) -> dict[RunGroup, str]:
    """Return each group's name next to the others: the model, and the recipe if there are several.

    A baseline is fitted in one way only, so its recipe says nothing.
    """
    networks = [group for group in groups if group.family != sklearn_baselines.FAMILY]
    several = networks if len({group.name for group in networks}) > 1 else []
    return {
        group: f"{group.model} · {group.name}" if group in several else group.model
        for group in groups
    }


def split_size_study(groups: Sequence[RunGroup]) -> tuple[list[RunGroup], list[RunGroup]]:
    """Return the groups to compare with each other, and those of a model-size study.

    Dozens of sizes would hide the models that somebody wants to compare, and a correction for
    all pairs would count every two of them. So a study is shown separately, unless there is next
    to nothing else: then its models are among the compared as well.

    Args:
        groups: all of one data set.
    """
    sizes = Counter((group.family, group.name) for group in groups if registry.size_of(group.model))

    def studied(group: RunGroup) -> bool:
        enough = sizes[group.family, group.name] >= ENOUGH_SIZES
        return enough and registry.size_of(group.model) is not None

    study = [group for group in groups if studied(group)]
    others = [group for group in groups if not studied(group)]
    return (others if len(others) >= FEWEST_OTHERS else list(groups)), study


def group_records(records: Sequence[RunRecord]) -> list[RunGroup]:
    """Return the groups of records by data set, model, family and run name."""
    members: dict[tuple[str, str, str, str], list[RunRecord]] = {}
    for record in records:
        config = record.config
        key = (config.dataset, config.model, config.family, config.name)
        members.setdefault(key, []).append(record)
    return [
        RunGroup(*key, runs=tuple(sorted(found, key=lambda record: record.config.seed)))
        for key, found in members.items()
    ]


def _middle(runs: Sequence[RunRecord], figure: Callable[[RunRecord], float]) -> RunRecord | None:
    """Return the run of median figure; of two in the middle, the lower."""
    ranked = sorted(runs, key=figure)
    return ranked[(len(ranked) - 1) // 2] if ranked else None
