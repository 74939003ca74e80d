"""Where to compute, and in which precision."""

from __future__ import annotations

import dataclasses

import torch

from task3_MNIST.errors import UsageError
from task3_MNIST.training.config import TrainConfig


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


def resolve_precision(config: TrainConfig, device: torch.device) -> TrainConfig:
    """Return the config with `precision="auto"` replaced by the one that suits the device."""
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
