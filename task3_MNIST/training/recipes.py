"""Recipes in files: small JSON that `tune.py` writes, a person can read, and `--recipe` takes."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from task3_MNIST.errors import UsageError, UserError, unknown_name
from task3_MNIST.files import portable_name, write_atomic
from task3_MNIST.models import registry
from task3_MNIST.training.config import KNOB_TYPES, MOST_BYTES, TrainConfig

SUFFIX = ".json"
KEYS = ("about", "model", "knobs", "found_by")
# the seed is a run's, never a recipe's
KNOBS = [name for name in KNOB_TYPES if name != "seed"]


@dataclass(frozen=True)
class NamedRecipe:
    """A recipe, and where it is from.

    Attributes:
        name: what runs by it are called; a file's stem.
        recipe: the knobs.
        model: the model that it was found with; None for the built-in ones.
        file: where it was read; None for the built-in ones.
    """

    name: str
    recipe: Recipe
    model: str | None = None
    file: Path | None = None


def choose_recipe(text: str) -> NamedRecipe:
    """Return the built-in recipe of a name, or the one in a file, whose name ends in `.json`.

    Raises:
        UsageError: there is no such recipe or file, or the file has a name that no recipe can
            have.
        UserError: the file holds no recipe that can be used.
    """
    if text in RECIPES or not text.endswith(SUFFIX):
        return NamedRecipe(text, find_recipe(text))
    return read_recipe(Path(text).expanduser())


def read_recipe(path: Path) -> NamedRecipe:
    """Return the recipe in a file.

    Raises:
        UsageError, UserError: as `choose_recipe`.
    """
    check_name(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(
            f"there is no recipe file {path}: check its path, or take one of {', '.join(RECIPES)}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is no recipe file ({' '.join(str(error).split())}): {CURE}") from (
            error
        )
    return NamedRecipe(path.stem, *_parsed(path, content), path)


def write_recipe(
    path: Path, about: str, model: str, knobs: dict[str, Any], found_by: dict[str, Any]
) -> None:
    """Write a recipe file.

    Args:
        path: its stem names the recipe.
        about: one line for people.
        model: the model that it was found with.
        knobs: of `TrainConfig`, by name.
        found_by: where it comes from, for people; plain data.
    """
    content = dict(zip(KEYS, (about, model, knobs, found_by), strict=True))
    write_atomic(path, (json.dumps(content, indent=2, allow_nan=False) + "\n").encode())


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


CURE = "tune.py writes such files; docs/run_folder.md says what is in them"


def _parsed(path: Path, content: Any) -> tuple[Recipe, str]:
    if not isinstance(content, dict) or not isinstance(content.get("knobs"), dict):
        raise UserError(f"{path} is no recipe file (it has no knobs): {CURE}")
    if unknown := [key for key in content if key not in KEYS]:
        raise _wrong(path, unknown_name("key of a recipe", unknown[0], KEYS))
    for key in ("about", "model"):
        if not isinstance(content.get(key), str):
            raise UserError(f"{path} is no recipe file (its {key} is no text): {CURE}")
    knobs = content["knobs"]
    if unknown := [name for name in knobs if name not in KNOBS]:
        raise _wrong(path, unknown_name("knob", unknown[0], KNOBS))
    try:
        registry.family_of(content["model"])
        TrainConfig(**knobs)
    except UsageError as error:
        raise _wrong(path, error) from error
    return Recipe(about=content["about"], knobs=knobs), content["model"]


def _wrong(path: Path, error: UserError) -> UserError:
    return UserError(f"{path}: {error}")


@dataclass(frozen=True)
class Recipe:
    """Knobs of a recipe: for every model, then for a family, then for a single model."""

    about: str
    knobs: dict[str, Any]
    families: dict[str, dict[str, Any]] = field(default_factory=dict)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)

    def config(self, family: str, model: str) -> TrainConfig:
        """Return the knobs it sets for a model of a family."""
        return TrainConfig(
            **{**self.knobs, **self.families.get(family, {}), **self.models.get(model, {})}
        )


RECIPES: dict[str, Recipe] = {
    "fast": Recipe(
        about="one-cycle schedule, no augmentation, seconds on two CPU cores",
        knobs=dict(
            optimizer="adamw",
            schedule="one-cycle",
            weight_decay=0.01,
            label_smoothing=0.05,
            batch_size=128,
            epochs=3,
        ),
        families={
            "mlp": dict(lr=3e-3, precision="auto"),
            "cnn": dict(lr=7e-3, precision="auto", memory_format="channels-last"),
        },
        models={
            # for 99 % in the least time, chosen on validation
            "cnn_fast": dict(epochs=1, batch_size=112, lr=1e-2, label_smoothing=0.0),
        },
    ),
    "classic": Recipe(
        about="Adam, constant rate, batch 64, 10 epochs, best epoch: what people publish",
        knobs=dict(optimizer="adam", lr=1e-3, batch_size=64, epochs=10),
        models={"mlp_50_50": dict(lr=1e-2)},
    ),
    "strong": Recipe(
        about="affine and (MLPs) elastic deformation, averaged weights, minutes: for accuracy",
        knobs=dict(
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
            "mlp": dict(batch_size=512, lr=4e-3, epochs=100, rotation=15.0, elastic=0.03),
            "cnn": dict(batch_size=128, lr=6e-3, epochs=20, rotation=12.0),
        },
        models={"cnn_micro": dict(lr=1e-2, epochs=24)},
    ),
}


DEFAULT_RECIPE = "fast"


def find_recipe(name: str) -> Recipe:
    """Return the built-in recipe of a name.

    Raises:
        UsageError: no recipe has that name; the text lists close ones.
    """
    if name not in RECIPES:
        raise unknown_name("recipe", name, RECIPES)
    return RECIPES[name]


def recipe_config(recipe: str, family: str, model: str) -> TrainConfig:
    """Return the knobs a built-in recipe sets for a model.

    Raises:
        UsageError: as `find_recipe`.
    """
    return find_recipe(recipe).config(family, model)


def run_name(recipe: str, base: TrainConfig, config: TrainConfig) -> str:
    """Return the recipe's name with every knob that differs from it: `fast+lr=0.02`.

    Raises:
        UsageError: no folder can be called so.
    """
    differing = (
        "+" + _setting(knob_field.name.replace("_", "-"), getattr(config, knob_field.name))
        for knob_field in dataclasses.fields(config)
        if knob_field.name != "seed"  # the folder below carries it
        and getattr(config, knob_field.name) != getattr(base, knob_field.name)
    )
    name = recipe + "".join(differing)
    if len(name.encode()) > MOST_BYTES:
        raise UsageError(
            f"so many knobs make a name of {len(name.encode())} bytes, and a folder's has at most "
            f"{MOST_BYTES}: write them into a recipe file (docs/run_folder.md), for --recipe"
        )
    return name


def _setting(flag: str, value: Any) -> str:
    """Return a knob as a run's name has it; a switch says all by its flag."""
    if isinstance(value, bool):
        return flag if value else f"no-{flag}"
    return f"{flag}={value}"
