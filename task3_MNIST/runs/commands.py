"""Commands as they are typed: what a user copies from a page or a terminal."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from task3_MNIST.datasets.image_folders.name import parse
from task3_MNIST.files import REPOSITORY, readable_path
from task3_MNIST.models import sklearn_baselines
from task3_MNIST.runs.files import Identity
from task3_MNIST.runs.folder import DEFAULT_DATASET


def as_typed(words: Sequence[str]) -> str:
    """Return words as a command line, quoted for the shells of this system."""
    if sys.platform == "win32":  # cmd and PowerShell: both know double quotes
        return subprocess.list2cmdline(words)
    return shlex.join(words)


def command_to_go_on() -> str:
    """Return the command line that was given, but for `--overwrite`, which would begin again."""
    return as_typed(["python", *(word for word in sys.argv if word != "--overwrite")])


def train_command(
    config: Identity, results: Path, overwrite: bool = False, recipe_file: str | None = None
) -> str:
    """Return the command that trains this one run.

    Args:
        config: of the run.
        results: the folder of its run folders.
        overwrite: whether what is there is trained again.
        recipe_file: where the recipe was read, if not from `config`.
    """
    recipe, *changed = config.name.split("+")
    if config.family == sklearn_baselines.FAMILY:
        words = ["python", "task3_MNIST/train_baselines.py", "--models", config.model]
    else:
        words = ["python", f"task3_MNIST/train_{config.family}.py", "--model", config.model]
        # a recipe of the user's own is found by its file alone
        words += ["--recipe", recipe_file or getattr(config, "recipe_file", None) or recipe]
    for setting in changed:
        name, *value = setting.split("=", 1)  # a switch has none
        words += [f"--{name}", *value]
    if config.dataset != DEFAULT_DATASET:
        words += parse(config.dataset).words()
    words += ["--seed", str(config.seed)]
    if results.resolve() != REPOSITORY / "results" / "runs":
        words += ["--results", readable_path(results)]
    return as_typed(words + (["--overwrite"] if overwrite else []))
