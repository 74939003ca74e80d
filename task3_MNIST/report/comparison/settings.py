"""What the runs on a page were told and where they ran: what differs, and what does not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from task3_MNIST.runs.records import RunGroup, RunRecord
from task3_MNIST.training.recipes import RECIPES

# hyperparameters that only some choices of another one use
USED_WITH = {
    "momentum": ("optimizer", ("sgd",)),
    "nesterov": ("optimizer", ("sgd",)),
    "beta1": ("optimizer", ("adam", "adamw")),
    "beta2": ("optimizer", ("adam", "adamw")),
    "warmup": ("schedule", ("one-cycle",)),
}

PLACES = (
    *("dataset_sha256", "platform", "cpu", "cpu_count", "device", "threads", "git_commit"),
    *("python", "torch", "torchvision", "numpy", "scikit_learn"),
)


def describe_recipes(names: Iterable[str]) -> str:
    """Return in a sentence what the built-in ones of the recipes are; "" if there is none.

    Args:
        names: of recipes, with every hyperparameter that differs: `strong+full-train`.
    """
    parts = {part for name in names for part in name.split("+")}
    known = [f"{name}: {recipe.about}" for name, recipe in RECIPES.items() if name in parts]
    if not known:
        return ""
    if "full-train" in parts:
        known.append("full-train: on the validation images as well")
    return f"The recipe of a model says how it is trained. {'; '.join(known)}."


def compare_settings(groups: list[RunGroup], names: list[str]) -> dict[str, Any]:
    """Return a table of the settings that differ, the ones all share, and the commands.

    Args:
        groups: all of one data set.
        names: what the page calls them.

    Returns:
        `differing` with `columns` and `rows` (texts; a row starts with the group's name),
        `shared` with pairs of name and value, `commands` with names, seeds and command.
    """
    values = [_values(group) for group in groups]
    keys = list(dict.fromkeys(key for row in values for key in row))
    differing = [key for key in keys if len({row.get(key, "–") for row in values}) > 1]
    return {
        "differing": {
            "columns": ["model", *differing],
            "rows": [
                [name, *(row.get(key, "–") for key in differing)]
                for name, row in zip(names, values, strict=True)
            ],
        },
        "shared": [[key, values[0][key]] for key in keys if key not in differing],
        "commands": _all_commands(groups, names),
    }


def _all_commands(groups: list[RunGroup], names: list[str]) -> list[list[str]]:
    """Return a row for each command: one of a benchmark trains many models."""
    trained: dict[tuple[str, str], list[str]] = {}
    for name, group in zip(names, groups, strict=True):
        for command in _commands(group):
            trained.setdefault((_seeds(group), command), []).append(name)
    return [[", ".join(found), seeds, command] for (seeds, command), found in trained.items()]


def _values(group: RunGroup) -> dict[str, str]:
    """Return each setting as text; where seeds differ in it, all that occur."""
    flat = [_flatten(run) for run in group.runs]
    keys = dict.fromkeys(key for row in flat for key in row)
    return {"seeds": _seeds(group)} | {
        key: ", ".join(dict.fromkeys(row.get(key, "–") for row in flat)) for key in keys
    }


def _flatten(run: RunRecord) -> dict[str, str]:
    config = run.config
    found = {"recipe": config.recipe}
    for key, value in config.hyperparameters.items():
        other, choices = USED_WITH.get(key, (key, (value,)))
        if key != "seed" and config.hyperparameters[other] in choices:
            found[key.replace("_", "-")] = value
    found |= {key.replace("_", " "): getattr(config, key) for key in PLACES}
    if run.test:
        found["latency measured on"] = run.test.latency_device
        found["latency threads"] = run.test.latency_threads
    return {key: "none" if value is None else str(value) for key, value in found.items()}


def _seeds(group: RunGroup) -> str:
    """Return seeds as text: `0 to 4`, or `0, 3`."""
    seeds = [run.config.seed for run in group.runs]
    if len(seeds) > 2 and seeds == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(str(seed) for seed in seeds)


def _commands(group: RunGroup) -> list[str]:
    return list(dict.fromkeys(str(run.config.command) for run in group.runs))
