"""Recipes in files: small JSON that `tune.py` writes, a person can read, and `--recipe` takes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from task3_MNIST.core import zoo
from task3_MNIST.core.config import KNOB_TYPES, RECIPES, Recipe, TrainConfig, find_recipe
from task3_MNIST.core.errors import UsageError, UserError, unknown_name
from task3_MNIST.core.files import portable_name, write_atomic

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


CURE = "tune.py writes such files; results/README.md says what is in them"


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
        zoo.family_of(content["model"])
        TrainConfig(**knobs)
    except UsageError as error:
        raise _wrong(path, error) from error
    return Recipe(about=content["about"], knobs=knobs), content["model"]


def _wrong(path: Path, error: UserError) -> UserError:
    return UserError(f"{path}: {error}")
