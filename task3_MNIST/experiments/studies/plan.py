"""From a study to its runs: first those that choose a learning rate, then those measured."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from task3_MNIST.evaluation.robustness.measure import Wanted
from task3_MNIST.experiments.studies.definition import DATASET, MODEL, PILOTS, Cell, Study
from task3_MNIST.experiments.studies.figures import FIGURES
from task3_MNIST.experiments.train import Job, make_job
from task3_MNIST.training.recipes import resolve_config

QUICK_EPOCHS = 1


@dataclass(frozen=True)
class Setting:
    """Where and on what a study runs.

    Attributes:
        data_dir: the folder of the data sets.
        device: where to compute.
        dataset: what studies use that vary no data set.
    """

    data_dir: Path
    device: torch.device
    dataset: str


@dataclass(frozen=True, eq=False)
class Planned:
    """A cell of a study with its runs.

    Attributes:
        cell: `model`, and a value for each key that varies in training.
        wanted: the changes of the test images.
        factor: of the recipe's learning rate, chosen by validation.
        jobs: one a seed.
    """

    cell: Cell
    wanted: list[Wanted]
    factor: float
    jobs: list[Job]


def quick(study: Study) -> Study:
    """Return a small version, to see whether a study runs.

    Two seeds, one epoch, the ends of what varies, no choice of rates, and of the models those that
    the primary comparison names, or all without one.
    """
    kept = [*study.primary.plus, *study.primary.minus] if study.primary else []

    def ends(values: list[Any], key: str) -> list[Any]:
        needed = [cell[key] for cell in kept if key in cell]
        return [value for value in values if value in (values[0], values[-1], *needed)]

    tables = [
        {key: ends(values, key) for key, values in table.items() if key != MODEL}
        for table in study.tables
    ]
    named = {cell["model"] for cell in kept} or set(study.models)
    return msgspec.structs.replace(
        study,
        models=[model for model in study.models if model in named],
        vary=tables,
        seeds=2,
        rates=(1.0,),
        fixed={**study.fixed, "epochs": QUICK_EPOCHS},
        fixed_for={},
    )


def on_datasets(study: Study, names: Sequence[str]) -> Study:
    """Return the study on other data sets: the first for the first that varies, and so on."""
    stand_in = dict(zip(study.datasets, itertools.cycle(names), strict=False))

    def renamed(table: dict[str, Any]) -> dict[str, Any]:
        return {
            key: _stand_in(value, stand_in) if key == DATASET else value
            for key, value in table.items()
        }

    primary = study.primary and msgspec.structs.replace(
        study.primary,
        plus=[renamed(cell) for cell in study.primary.plus],
        minus=[renamed(cell) for cell in study.primary.minus],
    )
    return msgspec.structs.replace(
        study, vary=[renamed(table) for table in study.tables], primary=primary
    )


def _stand_in(value: str | list[str], stand_in: Mapping[str, str]) -> str | list[str]:
    if isinstance(value, list):
        return list(dict.fromkeys(stand_in[name] for name in value))
    return stand_in[value]


def pilot_jobs(study: Study, setting: Setting) -> dict[tuple[int, float], list[Job]]:
    """Return by cell's place and factor the runs that choose each cell's learning rate."""
    if len(study.rates) == 1:
        return {}
    return {
        (place, factor): [_job(study, setting, cell, factor, seed) for seed in PILOTS]
        for place, (cell, _) in enumerate(study.cells())
        for factor in study.rates
    }


def chosen_factors(
    study: Study, pilots: Mapping[tuple[int, float], Sequence[Job]], results: Path
) -> list[float]:
    """Return for each cell the factor of the highest mean validation accuracy of its pilots.

    Of equal ones the nearest to 1 counts. A pilot that failed, since it diverged, counts as 0.
    """

    def accuracy(place: int, factor: float) -> float:
        runs = [job.run(results) for job in pilots[place, factor]]
        return float(np.mean([r.summary().val_accuracy if r.complete else 0.0 for r in runs]))

    if not pilots:
        return [study.rates[0]] * len(study.cells())
    return [
        max(study.rates, key=lambda factor: (accuracy(place, factor), -abs(np.log(factor))))
        for place in range(len(study.cells()))
    ]


def planned(study: Study, setting: Setting, factors: Sequence[float]) -> list[Planned]:
    """Return the study's cells with the runs that are measured."""
    return [
        Planned(
            cell,
            wanted,
            factor,
            [_job(study, setting, cell, factor, seed) for seed in study.seed_numbers],
        )
        for (cell, wanted), factor in zip(study.cells(), factors, strict=True)
    ]


def _job(study: Study, setting: Setting, cell: Cell, factor: float, seed: int) -> Job:
    varied = {key: value for key, value in cell.items() if key not in ("model", DATASET)}
    model, recipe = cell["model"], study.recipe_of(cell["model"])
    fixed = {**study.fixed, **study.fixed_for.get(model, {})}
    overrides = {**fixed, **varied, "seed": seed}
    if factor != 1:
        base = resolve_config(model, recipe, overrides, setting.device).config.lr
        overrides["lr"] = float(f"{base * factor:.3g}")
    dataset = cell.get(DATASET, setting.dataset)
    return make_job(
        *(model, recipe, overrides, dataset),
        *(setting.data_dir, setting.device, any(FIGURES[name].of_epochs for name in study.figures)),
    )
