"""torch.export: the network and its weights in one file, which PyTorch runs without this code."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

METADATA = "metadata.json"  # the extra file in the archive


def to_bytes(model: nn.Module, example: Tensor, metadata: Mapping[str, str]) -> bytes:
    """Return a model as an archive of `torch.export` that takes any number of images.

    Args:
        model: in evaluation mode, on the CPU.
        example: at least two of its inputs.
        metadata: the content of `metadata.json` in the archive.
    """
    sizes = {0: torch.export.Dim.DYNAMIC}
    program = torch.export.export(model, (example,), dynamic_shapes=(sizes,))
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # where in which file of this machine it was made
    archive = io.BytesIO()
    torch.export.save(program, archive, extra_files={METADATA: json.dumps(dict(metadata))})
    return archive.getvalue()


def from_bytes(content: bytes, _: nn.Module) -> Callable[[Tensor], Tensor]:
    """Return what gives the logits (B, classes) of inputs (B, 1, 28, 28)."""
    return torch.export.load(io.BytesIO(content)).module()
