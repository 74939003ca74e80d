"""The files that `speedrun.py` and `profile_step.py` write and the README's tables are made from.

`docs/run_folder.md` describes their keys.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from task3_MNIST.errors import UserError
from task3_MNIST.files import REPOSITORY, readable_path, write_atomic
from task3_MNIST.runs.provenance import provenance
from task3_MNIST.training.config import TrainConfig
from task3_MNIST.training.recipes import find_recipe, resolve_config

SPEEDRUN, PROFILE = "", "profile-"  # what the names of the two scripts' files begin with
KEYS = {
    SPEEDRUN: ("model", "runs", "usual_model", "usual_epoch_seconds", "command"),
    PROFILE: (
        *("model", "precision", "images_per_second", "flops_per_second", "matmul_peak"),
        *("fraction_of_peak", "shares"),
    ),
}


def chosen_training(
    options: argparse.Namespace, device: torch.device
) -> tuple[dict[str, str], TrainConfig]:
    """Return `model` and `recipe`, and `recipe_file` of one from a file, and the knobs.

    Raises:
        UsageError, UserError: as `choose_recipe`; or there is no such model.
    """
    model = options.model or find_recipe(options.recipe).model or "cnn"
    resolved = resolve_config(model, options.recipe, device=device)
    named = {"model": model, "recipe": resolved.recipe}
    if resolved.recipe_file:
        named["recipe_file"] = readable_path(resolved.recipe_file)
    return named, resolved.config


def write_speed_file(
    measured: dict[str, Any], kind: str, out: Path | None, device: torch.device
) -> None:
    """Write what was measured, and on which machine, and say where.

    Args:
        measured: `model`, `recipe` and what was found of them.
        kind: `SPEEDRUN` or `PROFILE`.
        out: the file; None for the one in `results/speed`.
        device: on which it was measured.

    Raises:
        UserError: the file cannot be written.
    """
    name = f"{kind}{measured['model']}-{measured['recipe']}.json"
    path = out or REPOSITORY / "results" / "speed" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {**measured, **dataclasses.asdict(provenance(device))}
    write_atomic(path, (json.dumps(content, indent=2) + "\n").encode())
    print(f"written to {path}")


def read_speed_files(folder: Path, kind: str) -> Iterator[dict[str, Any]]:
    """Yield what the files of one kind in a folder say, in the order of their names.

    Raises:
        UserError: one cannot be read, or lacks a key.
    """
    for path in sorted(folder.glob("*.json")):
        if path.name.startswith(PROFILE) != (kind == PROFILE):
            continue
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            missing = [key for key in KEYS[kind] if key not in found]
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise UserError(
                f"{path} cannot be read ({error}): measure again, or delete it"
            ) from error
        if missing:
            raise UserError(f"{path} lacks {', '.join(missing)}: measure again, or delete it")
        yield found
