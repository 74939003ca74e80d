"""A model as rows of layers, read off a real forward pass."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Layer:
    """One layer as it was reached by an image.

    Attributes:
        kind: its class, such as `Conv2d`.
        detail: what its arguments say: `6 kernels of 1 × 5 × 5`.
        output_shape: of one image, without the batch.
        parameters: those that no earlier row counts.
    """

    kind: str
    detail: str
    output_shape: tuple[int, ...]
    parameters: int


DETAILS = {
    nn.Conv2d: lambda conv: ", ".join(
        [
            f"{conv.out_channels} kernels of {conv.in_channels // conv.groups} × "
            f"{_square(conv.kernel_size)}",
            *([f"padding {_side(conv.padding)}"] if any(conv.padding) else []),
            *([f"stride {_side(conv.stride)}"] if conv.stride != (1, 1) else []),
            *([] if conv.weight.requires_grad else ["computed from images, not trained"]),
        ]
    ),
    nn.ZeroPad2d: lambda pad: f"{-pad.padding[0]} pixels off each side",
    nn.MaxPool2d: lambda pool: f"over {_square(pool.kernel_size)}",
    nn.Linear: lambda linear: f"{linear.in_features:,} → {linear.out_features:,}",
    nn.BatchNorm1d: lambda norm: f"{norm.num_features} units",
    nn.BatchNorm2d: lambda norm: f"{norm.num_features} channels",
    nn.Dropout: lambda dropout: f"{100 * dropout.p:.4g} % of units, in training",
    nn.Dropout2d: lambda dropout: f"{100 * dropout.p:.4g} % of channels, in training",
    nn.ReLU: lambda _: "",
    nn.Flatten: lambda _: "",
}


def layers(model: nn.Module) -> list[Layer]:
    """Return a row for each layer in the order one image passes them.

    The image is run through with a hook on every module that holds no other, so the rows are
    what the model does and not what its definition looks like. The rows' parameters add up to
    the model's.
    """
    rows: list[Layer] = []
    counted: set[nn.Parameter] = set()

    def record(module: nn.Module, _: tuple, output: Tensor) -> None:
        new = set(module.parameters(recurse=False)) - counted
        counted.update(new)
        detail = DETAILS.get(type(module), nn.Module.extra_repr)(module)
        rows.append(
            Layer(
                kind=type(module).__name__,
                detail=detail,
                output_shape=tuple(output.shape[1:]),
                parameters=sum(parameter.numel() for parameter in new),
            )
        )

    leaves = [module for module in model.modules() if not list(module.children())]
    hooks = [leaf.register_forward_hook(record) for leaf in leaves]
    training = model.training
    try:
        with torch.no_grad():
            # evaluation mode: batch norm cannot learn from one image, and must not change here
            model.eval()(torch.zeros(1, 1, 28, 28, device=next(model.parameters()).device))
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    return rows


def shape_text(shape: tuple[int, ...]) -> str:
    """Return a shape as a person reads it: `6 × 24 × 24`."""
    return " × ".join(f"{size:,}" for size in shape)


def _side(size: int | tuple[int, int]) -> int | str:
    if isinstance(size, int):
        return size
    return size[0] if size[0] == size[1] else f"{size[0]} × {size[1]}"


def _square(size: int | tuple[int, int]) -> str:
    height, width = (size, size) if isinstance(size, int) else size
    return f"{height} × {width}"
