"""The seeds of one model and recipe, taken together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from task3_MNIST.models import sklearn_baselines
from task3_MNIST.runs.folder import Run

if TYPE_CHECKING:
    from task3_MNIST.evaluation.statistics import Interval


@dataclass(frozen=True)
class Group:
    """Complete runs that differ in their seed only.

    Attributes:
        dataset: the data set's name, without its folder.
        model: the model's name.
        name: the recipe with the knobs that differ from it.
        family: `mlp`, `cnn` or `baseline`.
        runs: one a seed.
    """

    dataset: str
    model: str
    name: str
    family: str
    runs: tuple[Run, ...]

    def summaries(self, key: str) -> list[float | None]:
        """Return a figure of `summary.json`, one value a seed; None if it has no such figure."""
        return [run.summary()[key] for run in self.runs]

    def tests(self, key: str) -> list[float | None]:
        """Return a figure of `test.json`, likewise, for each seed that was evaluated."""
        return [run.test()[key] for run in self.runs if run.evaluated]

    def curve(self, key: str) -> tuple[list[int], list[list[float]]]:
        """Return the epochs every seed has, and for each the seeds' values of a metric.

        A seed that stopped early ends the curve: later means would be of other runs. Without
        validation there are none of its figures.
        """
        histories = [run.metrics() for run in self.runs]
        shared = [rows for rows in zip(*histories, strict=False) if rows[0][key] is not None]
        epochs = [rows[0]["epoch"] for rows in shared]
        return epochs, [[row[key] for row in rows] for rows in shared]


def group_by_seed(runs: list[Run]) -> list[Group]:
    """Return the groups of all complete runs, in the order in which they first appear."""
    members: dict[tuple[str, str, str, str], list[Run]] = {}
    for run in runs:
        if run.complete:
            config = run.config()
            dataset = Path(config["dataset"]).name
            key = (dataset, config["model"], config["name"], config["family"])
            members.setdefault(key, []).append(run)
    return [Group(*key, runs=tuple(found)) for key, found in members.items()]


def labels(groups: list[Group]) -> dict[Group, str]:
    """Return what tells the groups apart: the model, and the recipe where there are several.

    A baseline has one way of being fitted, which tells it from nothing.
    """
    networks = [group for group in groups if group.family != sklearn_baselines.FAMILY]
    several = networks if len({group.name for group in networks}) > 1 else []
    return {
        group: f"{group.model}, {group.name}" if group in several else group.model
        for group in groups
    }


def over_seeds(values: list[float]) -> Interval:
    """Return the mean of the seeds' values with its 95 % t-interval; none for one seed."""
    # SciPy takes as long to import as an epoch of a small model: training does not wait for it
    from task3_MNIST.evaluation.statistics import mean_interval

    return mean_interval(values)
