"""The machine and the versions behind a measurement, and the device a script runs on."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from task3_MNIST.core.commands import as_typed
from task3_MNIST.core.config import RECIPES, TrainConfig
from task3_MNIST.core.data import DATASETS
from task3_MNIST.core.errors import UsageError

REPOSITORY = Path(__file__).resolve().parents[2]
CODE = ("task1_MLP", "task2_CNN", "task3_MNIST", "requirements.txt")
RECORDED_PACKAGES = ("torch", "torchvision", "numpy", "scikit-learn")


def choose_device(name: str) -> torch.device:
    """Return the device for `auto`, `cpu`, `cuda` or `mps`; auto is cuda if there is one, else cpu.

    MPS is used when asked for only: for models of this size the CPU of the same Mac is about as
    fast, and gives the same bits every time.

    Raises:
        UsageError: the machine has no such device.
    """
    cuda = torch.cuda.is_available()
    if name == "auto":
        name = "cuda" if cuda else "cpu"
    available = {"cpu": True, "cuda": cuda, "mps": torch.backends.mps.is_available()}
    if not available[name]:
        raise UsageError(f"--device {name}: PyTorch finds none here; use --device auto or cpu")
    return torch.device(name)


def settle(config: TrainConfig, device: torch.device) -> TrainConfig:
    """Return the config with `auto` replaced by what suits the device: what a run writes down."""
    if config.precision != "auto":
        return config
    precision = "bfloat16" if has_bfloat16(device) else "float32"
    return dataclasses.replace(config, precision=precision)


def has_bfloat16(device: torch.device) -> bool:
    """Return whether the device multiplies bfloat16 in hardware; elsewhere it is slow."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    instructions = torch.cpu.get_capabilities()
    return any(instructions.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def describe(device: torch.device) -> dict[str, Any]:
    """Return what a run's `config.json` says of its surroundings."""
    return {
        "versions": {
            "python": platform.python_version(),
            **{package: _version(package) for package in RECORDED_PACKAGES},
        },
        "platform": platform.platform(),
        "cpu": cpu_name(),
        "cpu_count": os.cpu_count(),
        "device": torch.cuda.get_device_name() if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
        "git_commit": git_commit(),
        "command": as_typed(["python", *typed_at_root(sys.argv)]),
    }


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


def git_commit() -> str | None:
    """Return the commit the code is at, with `-dirty` if it was changed; None without git."""
    try:
        commit = _git("rev-parse", "HEAD")
        changed = _git("status", "--porcelain", "--", *CODE)  # results may change meanwhile
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{commit}-dirty" if changed else commit


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, encoding="utf-8", errors="replace", check=True
    )
    return done.stdout.strip()


def readable_path(path: Path) -> str:
    """Return a path as it is typed at the repository's root, from wherever it was given."""
    path = path.resolve()
    if path.is_relative_to(REPOSITORY):
        path = path.relative_to(REPOSITORY)
    return path.as_posix()


# The options that name paths, with the names that each takes as well.
PATH_OPTIONS = {
    **dict.fromkeys(("--data", "--out", "--plots", "--results"), ()),
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
