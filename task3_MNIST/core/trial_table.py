"""What came of a study: its finished trials as a table, and the best of them as a recipe."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial

from task3_MNIST.core import search_space
from task3_MNIST.core.files import write_atomic
from task3_MNIST.core.recipe_file import write_recipe
from task3_MNIST.core.tuning import FINISHED, Search

TABLE = "trials.csv"


@dataclass(frozen=True)
class Finished:
    """A finished trial, as tables and charts show it.

    Attributes:
        trial: its number, from 1.
        state: `complete`, `pruned` or `diverged`.
        refined_loss: what it is judged by, see `metrics.refined_loss`; of its last epoch, and
            None if there was none.
        val_loss, val_accuracy: likewise.
        epochs, seconds: trained.
        model: a name of the zoo.
        parameters: of that model.
        knobs: what it was trained with, all but epochs and seed.
        searched: what was drawn, by the names of `search_space.space`.
    """

    trial: int
    state: str
    refined_loss: float | None
    val_loss: float | None
    val_accuracy: float | None
    epochs: int
    seconds: float
    model: str
    parameters: int
    knobs: dict[str, Any]
    searched: dict[str, Any]


def finished_trials(study: Study) -> list[Finished]:
    """Return the finished trials of a study, in the order of their places."""
    trials = study.get_trials(states=FINISHED)
    trials.sort(key=lambda trial: (trial.user_attrs["place"], trial.number))
    return [_finished(trial) for trial in trials]


def _finished(trial: FrozenTrial) -> Finished:
    result = dict(trial.user_attrs["result"])
    diverged = result.pop("diverged", False)
    state = "diverged" if diverged else trial.state.name.lower()
    number = trial.user_attrs["place"] + 1
    return Finished(number, state, searched=search_space.drawn(trial), **result)


def best_trial(trials: list[Finished]) -> Finished | None:
    """Return the complete trial of the lowest refined loss, if any is complete."""
    complete = [trial for trial in trials if trial.state == "complete"]
    return min(complete, key=lambda trial: trial.refined_loss, default=None)


def columns(model: str) -> list[str]:
    """Return the columns of `trials.csv` of a study of a model."""
    fields = [f.name for f in dataclasses.fields(Finished) if f.name not in ("knobs", "searched")]
    return [*fields, *search_space.space(model)]


def write_table(search: Search, trials: Sequence[Finished]) -> Path:
    """Write `trials.csv`, a row for each finished trial, and return it.

    A cell is empty where a trial does not have what its column is for.
    """
    text = io.StringIO()
    table = csv.DictWriter(text, columns(search.model), extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    table.writerows({**vars(trial), **trial.searched} for trial in trials)
    path = search.folder / TABLE
    write_atomic(path, text.getvalue().encode())
    return path


def write_best(search: Search, trials: Sequence[Finished], best: Finished) -> Path:
    """Write the recipe file of the best trial, and return it."""
    path = recipe_path(search)
    searched = "MLPs" if search.model == "mlp" else search.model
    write_recipe(
        path,
        about=f"best of {len(trials)} trials of {searched} by refined loss on validation",
        model=best.model,
        knobs={**best.knobs, "epochs": search.epochs},
        found_by={
            "study": search.name,
            "dataset": search.dataset,
            "seed": search.seed,
            "trials": len(trials),
            "trial": best.trial,
            # of one training, and the best of many: it reads too well
            "refined_loss": best.refined_loss,
            "val_loss": best.val_loss,
            "val_accuracy": best.val_accuracy,
        },
    )
    return path


def recipe_path(search: Search) -> Path:
    """Return where the recipe file of a study is written; its stem names the recipe."""
    return search.folder / f"tuned-{search.name}.json"
