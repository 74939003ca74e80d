"""The machine and the versions behind a measurement, and the device a script runs on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from task3_MNIST.datasets.splits import DATASETS
from task3_MNIST.files import REPOSITORY, readable_path
from task3_MNIST.runs.commands import as_typed
from task3_MNIST.runs.files import Provenance
from task3_MNIST.training.recipes import RECIPES

HOST = "TASK3_MNIST_HOST"  # a variable of a cluster's workers: the machine's name
CODE = ("task1_MLP", "task2_CNN", "task3_MNIST", "requirements.txt")


def provenance(device: torch.device) -> Provenance:
    """Return the machine, the versions and the command of what is measured now."""
    return Provenance(
        python=platform.python_version(),
        torch=_version("torch"),
        torchvision=_version("torchvision"),
        numpy=_version("numpy"),
        scikit_learn=_version("scikit-learn"),
        platform=platform.platform(),
        cpu=cpu_name(),
        cpu_count=os.cpu_count(),
        device=torch.cuda.get_device_name() if device.type == "cuda" else device.type,
        threads=torch.get_num_threads(),
        git_commit=git_commit(),
        command=as_typed(["python", *typed_at_root(sys.argv)]),
        host=os.environ.get(HOST),
    )


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None  # torchvision, which training on MNIST does without


def cpu_name() -> str:
    """Return the processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def git_commit(checkout: Path = REPOSITORY) -> str | None:
    """Return the commit the code is at, with `-dirty` if it was changed; None without git."""
    try:
        commit = _git(checkout, "rev-parse", "HEAD")
        # results may change meanwhile
        changed = _git(checkout, "status", "--porcelain", "--", *CODE)
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{commit}-dirty" if changed else commit


def _git(checkout: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(
        command, cwd=checkout, capture_output=True, encoding="utf-8", errors="replace", check=True
    )
    return done.stdout.strip()


# The options that name paths, with the names that each takes as well.
PATH_OPTIONS = {
    **dict.fromkeys(
        ("--certificates", "--checkout", "--data", "--out", "--plots", "--results"), ()
    ),
    **dict.fromkeys(("--dataset", "--datasets"), DATASETS),
    **dict.fromkeys(("--recipe", "--recipes"), tuple(RECIPES)),
}


def typed_at_root(words: Sequence[str]) -> list[str]:
    """Return a script and its arguments with all paths as typed at the repository's root."""
    script, *arguments = words
    typed, option = [readable_path(Path(script))], ""
    for word in arguments:
        if not word.startswith("--"):
            typed.append(_rebased(option, word))
            continue
        option, equals, value = word.partition("=")
        typed.append(f"{option}={_rebased(option, value)}" if equals else word)
    return typed


def _rebased(option: str, value: str) -> str:
    """Return the value of an option with the paths in it as typed at the repository's root."""
    if option not in PATH_OPTIONS:
        return value
    names = PATH_OPTIONS[option]
    if not names:
        return readable_path(Path(value))
    # the plural ones take several with commas, which a folder may have in its name
    parts = [value] if Path(value).exists() else value.split(",")
    return ",".join(
        part if not part or part in names else readable_path(Path(part).expanduser())
        for part in parts
    )
