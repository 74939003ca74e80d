"""Commands as they are typed: what a user copies from a page or a terminal."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from task3_MNIST.files import REPOSITORY, readable_path
from task3_MNIST.models import sklearn_baselines
from task3_MNIST.runs.folder import (
    DEFAULT_DATASET,
)


def as_typed(words: Sequence[str]) -> str:
    """Return words as a command line, quoted for the shells of this system."""
    if sys.platform == "win32":  # cmd and PowerShell: both know double quotes
        return subprocess.list2cmdline(words)
    return shlex.join(words)


def command_to_go_on() -> str:
    """Return the command line that was given, but for `--overwrite`, which would begin again."""
    return as_typed(["python", *(word for word in sys.argv if word != "--overwrite")])


def train_command(config: dict[str, Any], results: Path, overwrite: bool = False) -> str:
    """Return the command that trains this one run."""
    family, (recipe, *knobs) = config["family"], config["name"].split("+")
    if family == sklearn_baselines.FAMILY:
        words = ["python", "task3_MNIST/train_baselines.py", "--models", config["model"]]
    else:
        words = ["python", f"task3_MNIST/train_{family}.py", "--model", config["model"]]
        # a recipe of the user's own is found by its file alone
        words += ["--recipe", config.get("recipe_file") or recipe]
    for knob in knobs:
        name, *value = knob.split("=", 1)  # a switch has none
        words += [f"--{name}", *value]
    if config["dataset"] != DEFAULT_DATASET:
        words += ["--dataset", config["dataset"]]
    words += ["--seed", str(config["seed"])]
    if results.resolve() != REPOSITORY / "results" / "runs":
        words += ["--results", readable_path(results)]
    return as_typed(words + (["--overwrite"] if overwrite else []))
