"""The formats that a trained network is exported to, and the check of what was written."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from task3_MNIST.errors import UserError
from task3_MNIST.exports import onnx_model, torch_program, weights
from task3_MNIST.formatting import listing
from task3_MNIST.models.inference import predict

REQUIREMENTS = "requirements-export.txt"
BATCH = 250


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        file: its name.
        packages: what writing and checking it needs besides `requirements.txt`.
        to_bytes: returns the file's content for a model, two of its inputs and metadata.
        from_bytes: returns what gives the logits of inputs, read from a file's content; the model
            is for formats that hold the weights alone.
        runs: whether it holds the network, not the weights alone.
    """

    file: str
    packages: tuple[str, ...]
    to_bytes: Callable[[nn.Module, Tensor, Mapping[str, str]], bytes]
    from_bytes: Callable[[bytes, nn.Module], Callable[[Tensor], Tensor]]
    runs: bool = True


FORMATS = {
    "onnx": Format(
        "model.onnx",
        ("onnx", "onnxscript", "onnxruntime"),
        onnx_model.to_bytes,
        onnx_model.from_bytes,
    ),
    "torch-export": Format("model.pt2", (), torch_program.to_bytes, torch_program.from_bytes),
    "safetensors": Format(
        "model.safetensors", ("safetensors",), weights.to_bytes, weights.from_bytes, runs=False
    ),
}


class WithPreprocessing(nn.Module):
    """A network that takes pixels as they are, (B, 1, 28, 28) uint8, and normalizes them itself.

    Args:
        model: takes normalized images.
        mean: of the training pixels, scaled to 0..1.
        std: their standard deviation.
    """

    def __init__(self, model: nn.Module, mean: float, std: float) -> None:
        super().__init__()
        self.model, self.mean, self.std = model, mean, std

    def forward(self, pixels: Tensor) -> Tensor:
        """Return logits (B, classes) of pixels (B, 1, 28, 28) from 0 to 255, white ink on black."""
        return self.model((pixels.float() / 255 - self.mean) / self.std)


@dataclass(frozen=True)
class Agreement:
    """How a file's answers differ from those of the model it was made of.

    Attributes:
        images: how many were asked.
        other_classes: on how many of them the class differs.
        difference: the largest one of two logits.
    """

    images: int
    other_classes: int
    difference: float


def require_packages(name: str) -> None:
    """Raise UserError if a package that a format needs is not installed."""
    missing = [part for part in FORMATS[name].packages if importlib.util.find_spec(part) is None]
    if missing:
        raise UserError(
            f"the format {name} needs {listing(missing)}: python -m pip install -r {REQUIREMENTS}"
        )


@torch.inference_mode()
def compare(name: str, content: bytes, model: nn.Module, images: Tensor) -> Agreement:
    """Ask a file, as it would be read from disk, and the model it was made of.

    Args:
        name: of the format.
        content: of the file.
        model: what was exported, in evaluation mode.
        images: (N, 1, 28, 28), as the model takes them.
    """
    asked = FORMATS[name].from_bytes(content, model)
    found = torch.cat([asked(batch) for batch in images.split(BATCH)])
    expected = predict(model, images, BATCH)
    return Agreement(
        images=len(images),
        other_classes=int((found.argmax(1) != expected.argmax(1)).sum()),
        difference=float((found - expected).abs().max()),
    )
