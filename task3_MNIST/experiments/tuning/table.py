"""What came of a study: its finished trials as a table, and the best of them as a recipe."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from optuna.study import Study
from optuna.trial import FixedTrial, FrozenTrial, TrialState

from task3_MNIST.datasets.image_folders.name import parse
from task3_MNIST.errors import UserError
from task3_MNIST.experiments.tuning import search_space
from task3_MNIST.experiments.tuning.study import FINISHED, Search, finished_trials
from task3_MNIST.files import REPOSITORY, readable_path, write_atomic
from task3_MNIST.models import registry
from task3_MNIST.runs.commands import as_typed
from task3_MNIST.training.recipes import RecipeFile, write_recipe

RESULT = ("model", "parameters", "val_loss", "val_accuracy", "epochs", "seconds")


def trials_table(study: Study) -> pd.DataFrame:
    """Return a row for each finished trial: what it chose and what came of it."""
    table = study.trials_dataframe(attrs=("number", "state", "value", "user_attrs", "params"))
    table = table[table["state"].isin([state.name for state in FINISHED])]
    table = table.rename(columns={"number": "trial", "value": "refined_loss"})
    table = table.rename(columns=lambda name: name.removeprefix("user_attrs_"))
    chosen = [name for name in table if name.startswith("params_")]
    table = table[["trial", "state", "refined_loss", *RESULT, *chosen]]
    table = table.rename(columns=lambda name: name.removeprefix("params_")).convert_dtypes()
    for rate in table.columns.intersection(["lr", "weight_decay", "dropout"]):
        table[rate] = table[rate].map(search_space.rounded)
    table["state"] = table["state"].str.lower()
    return table


def best_trial(study: Study) -> FrozenTrial:
    """Return the complete trial of the lowest refined loss.

    Raises:
        UserError: none is complete.
    """
    if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        raise UserError("no trial of the study ran to its end: more --trials go on")
    return study.best_trial


def write_table(search: Search, study: Study) -> Path:
    """Write `trials.csv` and return it."""
    path = search.folder / "trials.csv"
    write_atomic(path, trials_table(study).to_csv(index=False, lineterminator="\n").encode())
    return path


def write_recipe_file(search: Search, study: Study) -> Path:
    """Write the recipe file of the best trial and return it."""
    path = recipe_path(search)
    best, trials = best_trial(study), len(finished_trials(study))
    model, chosen = search_space.suggest(FixedTrial(best.params), search.model)
    searched = "MLPs" if search.model == "mlp" else search.model
    content = RecipeFile(
        about=f"best of {trials} trials of {searched} by refined loss on validation",
        model=model,
        hyperparameters={**chosen, "epochs": search.epochs},
        found_by={
            "study": search.name,
            "dataset": search.dataset,
            "seed": search.seed,
            "trials": trials,
            "trial": best.number,
            # of one training, and the best of many: it reads too well
            "refined_loss": best.value,
            "val_loss": best.user_attrs["val_loss"],
            "val_accuracy": best.user_attrs["val_accuracy"],
        },
    )
    write_recipe(path, content)
    return path


def recipe_path(search: Search) -> Path:
    """Return where the recipe file of a study is written; its stem names the recipe."""
    return search.folder / f"tuned-{search.name}.json"


def describe(trial: FrozenTrial) -> str:
    """Return a finished trial in a line."""
    result, chosen = trial.user_attrs, trial.params
    parts = [f"trial {trial.number}"]
    if trial.value is None:
        parts.append("diverged")
    else:
        parts.append(f"refined loss {trial.value:.4f}, validation {result['val_accuracy']:.2%}")
    if trial.state == TrialState.PRUNED:
        parts[-1] += f", stopped in epoch {result['epochs']}"
    parts.append(f"{result['seconds']:.1f} s")
    parts.append(
        f"{result['model']}, {chosen['optimizer']}, lr {chosen['lr']:.3g}, batch "
        f"{chosen['batch_size']}, weight decay {chosen['weight_decay']:.3g}"
    )
    return "  ".join(parts)


def train_command(search: Search, study: Study) -> str:
    """Return the command that trains the best trial's recipe from several seeds."""
    family = registry.family_of(best_trial(study).user_attrs["model"])
    words = ["python", f"task3_MNIST/train_{family}.py", "--recipe"]
    words.append(readable_path(recipe_path(search)))
    if search.dataset != "mnist":
        words += parse(search.dataset).words()
    results = search.folder.parents[1]
    if results.resolve() != REPOSITORY / "results" / "runs":
        words += ["--results", readable_path(results)]
    return as_typed([*words, "--seeds", "5"])
