"""Recipes: everything about training that is not the model, by name or in a JSON file.

`resolve_config` is the one way from a model, a recipe and what a user changed to a `TrainConfig`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec
import torch

from task3_MNIST.errors import UsageError, UserError, unknown_name
from task3_MNIST.files import portable_name, write_atomic
from task3_MNIST.models import registry
from task3_MNIST.training.config import TYPES, TrainConfig
from task3_MNIST.training.device import resolve_precision

SUFFIX = ".json"
MOST_BYTES = 255  # of a folder's name, on every system
# the seed belongs to a run, never to a recipe
NAMES = [name for name in TYPES if name != "seed"]


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters for every model, then for a family, then for a single model.

    Attributes:
        about: one line for people.
        hyperparameters: of `TrainConfig`, by name.
        families: those that differ for a family.
        models: those that differ for a model.
        model: the model that a recipe file was found with.
        file: where it was read; None for the built-in ones.
    """

    about: str
    hyperparameters: dict[str, Any]
    families: dict[str, dict[str, Any]] = field(default_factory=dict)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    model: str | None = None
    file: Path | None = None

    def config(self, model: str) -> TrainConfig:
        """Return the hyperparameters it sets for a model, before any precision is resolved."""
        family = self.families.get(registry.family_of(model), {})
        return TrainConfig(**{**self.hyperparameters, **family, **self.models.get(model, {})})


ONE_EPOCH = dict(epochs=1, batch_size=112, lr=1e-2)
FAST = Recipe(
    about="one-cycle schedule, no augmentation, seconds on two CPU cores",
    hyperparameters=dict(
        optimizer="adamw",
        # a short memory and a short warm-up: results/reference/speed/tried.csv has what they buy
        beta1=0.8,
        beta2=0.95,
        schedule="one-cycle",
        warmup=0.1,
        weight_decay=0.01,
        label_smoothing=0.05,
        batch_size=128,
        epochs=3,
    ),
    families={
        "mlp": dict(lr=3e-3, precision="auto"),
        "cnn": dict(lr=7e-3, precision="auto", memory_format="channels-last"),
    },
    models={"cnn_fast": ONE_EPOCH, "cnn_whitened": dict(ONE_EPOCH, lr=2e-2)},
)

RECIPES: dict[str, Recipe] = {
    "fast": FAST,
    "sprint": dataclasses.replace(
        FAST,
        about="fast on the harder half of the images: 98.3 % (MLP) and 99 % (CNN) soonest",
        hyperparameters=dict(FAST.hyperparameters, label_smoothing=0.1, drop_easy=0.55),
        families={**FAST.families, "mlp": dict(FAST.families["mlp"], drop_easy=0.6)},
        models={
            **FAST.models,
            "cnn_whitened": dict(FAST.models["cnn_whitened"], beta1=0.7, beta2=0.9),
        },
    ),
    "classic": Recipe(
        about="Adam, constant rate, batch 64, 10 epochs, best epoch: what people publish",
        hyperparameters=dict(optimizer="adam", lr=1e-3, batch_size=64, epochs=10),
        models={"mlp_50_50": dict(lr=1e-2)},
    ),
    "strong": Recipe(
        about="affine and (MLPs) elastic deformation, averaged weights, minutes: for accuracy",
        hyperparameters=dict(
            optimizer="adamw",
            schedule="one-cycle",
            weight_decay=0.01,
            label_smoothing=0.02,
            ema=0.998,
            translate=0.06,
            scale=0.1,
            shear=0.1,
            precision="auto",
            memory_format="channels-last",
            # the rate ends near zero and the weights are averaged: the last epoch is as good as
            # any, and training on all images can choose no other
            select="last",
        ),
        families={
            # ten epochs of digits as they are: a seventh fewer errors (docs/records.md)
            "mlp": dict(
                batch_size=512, lr=4e-3, epochs=100, rotation=15.0, elastic=0.03, plain_end=0.1
            ),
            "cnn": dict(batch_size=128, lr=6e-3, epochs=20, rotation=12.0),
        },
        models={
            "cnn_micro": dict(lr=1e-2, epochs=24),
            # too small to learn what larger models learn: half the deformation
            "cnn_nano": dict(
                **dict(lr=2e-2, epochs=30, label_smoothing=0.0, plain_end=0.2),
                **dict(rotation=6.0, translate=0.03, scale=0.05, shear=0.05),
                # twice as fast for so few channels
                **dict(precision="float32", memory_format="contiguous"),
            ),
        },
    ),
}


DEFAULT_RECIPE = "fast"


@dataclass(frozen=True)
class RecipeFile:
    """What a recipe file holds: as in `Recipe`; and `found_by`, where it comes from, for people."""

    about: str
    model: str | None
    hyperparameters: dict[str, Any]
    families: dict[Literal["mlp", "cnn"], dict[str, Any]] = field(default_factory=dict)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    found_by: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Resolved:
    """How a model is trained.

    Attributes:
        model: its name.
        recipe: the recipe's name; of one from a file, the file's name without `.json`.
        name: the recipe's name with every hyperparameter that differs from it: a run's name.
        config: the hyperparameters.
        recipe_file: where the recipe was read; None for the built-in ones.
    """

    model: str
    recipe: str
    name: str
    config: TrainConfig
    recipe_file: Path | None


def resolve_config(
    model: str | None,
    recipe: str = DEFAULT_RECIPE,
    overrides: Mapping[str, Any] | None = None,
    device: torch.device | str = "cpu",
    default_model: str = "cnn",
) -> Resolved:
    """Return how a model is trained by a recipe, of which some hyperparameters are overridden.

    Args:
        model: a name of the registry; None for that of a recipe file, or the default one.
        recipe: a recipe's name or file.
        overrides: hyperparameters by name, the seed among them.
        device: `precision="auto"` becomes the one that suits it.
        default_model: see `model`.

    Raises:
        UsageError: there is no such model or recipe, or a hyperparameter is out of range.
        UserError: the recipe's file cannot be used.
    """
    chosen = find_recipe(recipe)
    model = model or chosen.model or default_model
    base = resolve_precision(chosen.config(model), torch.device(device))
    changed = dataclasses.replace(base, **(overrides or {}))
    config = resolve_precision(changed, torch.device(device))
    name = chosen.file.stem if chosen.file else recipe
    return Resolved(model, name, run_name(name, base, config), config, chosen.file)


def find_recipe(text: str) -> Recipe:
    """Return the built-in recipe of a name, or the one in a file, whose name ends in `.json`.

    Raises:
        UsageError: there is no such recipe or file, or the file has a name that no recipe can
            have.
        UserError: the file holds no recipe that can be used.
    """
    if text in RECIPES:
        return RECIPES[text]
    if not text.endswith(SUFFIX):
        raise unknown_name("recipe", text, RECIPES)
    return _read(Path(text).expanduser())


def _read(path: Path) -> Recipe:
    check_name(path)
    try:
        found = msgspec.json.decode(path.read_bytes(), type=RecipeFile)
        layers = [found.hyperparameters, *found.families.values(), *found.models.values()]
        if unknown := [name for layer in layers for name in layer if name not in NAMES]:
            raise unknown_name("hyperparameter", unknown[0], NAMES)
        for layer in layers:
            TrainConfig(**layer)  # raises what is wrong with a value
        for model in filter(None, [found.model, *found.models]):
            registry.family_of(model)  # raises if there is no such model
        recipe = Recipe(
            *(found.about, found.hyperparameters, found.families, found.models),
            *(found.model, path),
        )
    except FileNotFoundError as error:
        raise UsageError(
            f"there is no recipe file {path}: check its path, or take one of {', '.join(RECIPES)}"
        ) from error
    except (ValueError, RecursionError, UserError) as error:  # msgspec's errors are ValueErrors
        reason = " ".join(str(error).split())
        raise UserError(
            f"{path} is not a recipe file that can be used ({reason}): tune.py writes such files, "
            "and docs/run_folder.md explains them"
        ) from error
    return recipe


def write_recipe(path: Path, content: RecipeFile) -> None:
    """Write a recipe file; its name without `.json` names the recipe."""
    text = json.dumps(dataclasses.asdict(content), indent=2, allow_nan=False) + "\n"
    write_atomic(path, text.encode())


def check_name(path: Path) -> None:
    """Raise UsageError if a recipe cannot have the name of a file."""
    if path.stem.lower() in RECIPES:  # Windows and macOS take Fast for fast
        raise UsageError(
            f"{path} would be taken for the built-in recipe {path.stem.lower()}: rename the file"
        )
    # runs are named by it: `+` begins what differs from the recipe
    if not portable_name(path.stem):
        raise UsageError(
            f"{path} cannot name its runs: rename the file to up to 100 letters, digits, '-', '_' "
            "and '.', and nothing that Windows reserves"
        )


def run_name(recipe: str, base: TrainConfig, config: TrainConfig) -> str:
    """Return the recipe's name with every hyperparameter that differs from it: `fast+lr=0.02`.

    Raises:
        UsageError: no folder can be called so.
    """
    differing = (
        _setting(name.replace("_", "-"), getattr(config, name))
        for name in NAMES
        if getattr(config, name) != getattr(base, name)
    )
    name = "+".join([recipe, *differing])
    if len(name.encode()) > MOST_BYTES:
        raise UsageError(
            f"so many hyperparameters make a name of {len(name.encode())} bytes, and a folder's "
            f"has at most {MOST_BYTES}: write them into a recipe file (docs/run_folder.md)"
        )
    return name


def _setting(flag: str, value: Any) -> str:
    """Return a hyperparameter as a run's name has it; a switch says all by its flag."""
    if isinstance(value, bool):
        return flag if value else f"no-{flag}"
    return f"{flag}={value}"
