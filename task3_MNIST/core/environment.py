"""The machine and the versions behind a measurement, and the device a script runs on."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from task3_MNIST.core.commands import as_typed
from task3_MNIST.core.config import TrainConfig
from task3_MNIST.core.errors import UsageError

REPOSITORY = Path(__file__).resolve().parents[2]
CODE = ("task1_MLP", "task2_CNN", "task3_MNIST", "requirements.txt")
RECORDED_PACKAGES = ("torch", "torchvision", "numpy", "scikit-learn")


def choose_device(name: str) -> torch.device:
    """Return the device for `auto`, `cpu`, `cuda` or `mps`; auto takes the fastest there is.

    Raises:
        UsageError: the machine has no such device.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(device for device, there in available.items() if there)
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
            **{package: importlib.metadata.version(package) for package in RECORDED_PACKAGES},
        },
        "platform": platform.platform(),
        "cpu": cpu_name(),
        "cpu_count": os.cpu_count(),
        "device": torch.cuda.get_device_name() if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
        "git_commit": git_commit(),
        "command": as_typed(["python", *_readable_arguments()]),
    }


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


def _readable_arguments() -> list[str]:
    return [readable_path(Path(sys.argv[0])), *sys.argv[1:]]
