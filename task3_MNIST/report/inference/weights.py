"""Turn a model into the plain layers and float32 weights that `js/forward.js` runs."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from task1_MLP.models import MLP
from task2_CNN.models import CNN

# One layer: what forward.js reads, and float64 weights that later layers may still fold into.
Layer = dict[str, Any]

WITHOUT_EFFECT = (nn.Dropout, nn.Dropout2d, nn.Identity)


class CannotExportError(Exception):
    """The page cannot run the model; the text is the reason, for the page to show."""


def export_model(model: nn.Module) -> tuple[list[Layer], str]:
    """Return the layers of a model, and all their weights.

    A layer has `type` (`crop`, `linear`, `conv`, `scale`, `relu`, `pool`), the shapes `input` and
    `output` of one image, and its type's settings. Batch norm is folded into the layer before
    it, in float64, or becomes a `scale` of each channel; dropout and flattening leave nothing,
    since arrays in the page are flat.

    Args:
        model: an MLP or CNN of the registry, or an `nn.Sequential`, on the CPU.

    Returns:
        the layers, and in base64 the little-endian float32 weight and bias of each in turn, in
        PyTorch's order.

    Raises:
        CannotExportError: a layer or a setting of it has no counterpart in the page.
    """
    layers: list[Layer] = []
    values = torch.zeros(1, 1, 28, 28)
    for module in _chain(model.eval()):
        shape = list(values.shape[1:])
        with torch.inference_mode():
            values = module(values)
        if type(module) in WITHOUT_EFFECT:
            continue
        if type(module) not in CONVERTERS:
            raise CannotExportError(f"the page cannot run its {type(module).__name__} layer")
        layer = CONVERTERS[type(module)](module, shape, layers[-1] if layers else None)
        if layer is not None:
            layers.append({**layer, "input": shape, "output": list(values.shape[1:])})
    return _pack(layers)


def _chain(model: nn.Module) -> list[nn.Module]:
    """Return the layers that the model applies one after the other."""
    if isinstance(model, nn.Sequential):
        return [layer for part in model for layer in _chain(part)]
    if type(model) is MLP:
        return _chain(model.layers)
    if type(model) is CNN:
        return [*_chain(model.features), *_chain(model.classifier)]
    if next(model.children(), None) is not None:
        raise CannotExportError(
            f"the page does not know in which order {type(model).__name__} runs"
        )
    return [model]


def _crop(module: nn.ZeroPad2d, shape: list[int], _: Layer | None) -> Layer:
    left, right, top, bottom = module.padding
    if max(left, right, top, bottom) > 0:
        raise CannotExportError("the page pads as a part of convolutions only")
    return {"type": "crop", "corner": [-top, -left]}


def _linear(module: nn.Linear, shape: list[int], _: Layer | None) -> Layer:
    if len(shape) != 1:
        raise CannotExportError("the page applies linear layers to flat values only")
    return {"type": "linear", **_weights(module)}


def _convolution(module: nn.Conv2d, shape: list[int], _: Layer | None) -> Layer:
    if module.groups != 1 or _pair(module.dilation) != [1, 1]:
        raise CannotExportError("the page cannot run grouped or dilated convolutions")
    if module.padding_mode != "zeros" or isinstance(module.padding, str):
        raise CannotExportError("the page pads convolutions with a number of zeros only")
    settings = {"kernel": module.kernel_size, "stride": module.stride, "padding": module.padding}
    return {
        "type": "conv",
        **{name: _pair(value) for name, value in settings.items()},
        **_weights(module),
    }


def _batch_norm(module: nn.Module, shape: list[int], previous: Layer | None) -> Layer | None:
    if module.running_mean is None or module.running_var is None:
        raise CannotExportError("the page cannot run batch norm without running averages")
    scale = 1 / torch.sqrt(module.running_var.double() + module.eps)
    shift = -module.running_mean.double() * scale
    if module.affine:
        gamma, beta = module.weight.detach().double(), module.bias.detach().double()
        scale, shift = gamma * scale, gamma * shift + beta
    if previous is None or previous["type"] not in ("linear", "conv"):
        return {"type": "scale", "weight": scale, "bias": shift}
    weight = previous["weight"]
    previous["weight"] = weight * scale.reshape(-1, *[1] * (weight.dim() - 1))
    previous["bias"] = previous["bias"] * scale + shift
    return None


def _relu(module: nn.Module, shape: list[int], _: Layer | None) -> Layer:
    return {"type": "relu"}


def _flatten(module: nn.Flatten, shape: list[int], _: Layer | None) -> None:
    if module.start_dim != 1 or module.end_dim not in (-1, len(shape)):
        raise CannotExportError("the page flattens complete images only")


def _max_pool(module: nn.MaxPool2d, shape: list[int], _: Layer | None) -> Layer:
    if _pair(module.padding) != [0, 0] or _pair(module.dilation) != [1, 1] or module.ceil_mode:
        raise CannotExportError("the page cannot run padded, dilated or rounded-up pooling")
    kernel, stride = _pair(module.kernel_size), _pair(module.stride)
    return {"type": "pool", "kernel": kernel, "stride": stride}


CONVERTERS: dict[type, Callable[[Any, list[int], Layer | None], Layer | None]] = {
    nn.ZeroPad2d: _crop,
    nn.Linear: _linear,
    nn.Conv2d: _convolution,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.ReLU: _relu,
    nn.Flatten: _flatten,
    nn.MaxPool2d: _max_pool,
}


def _weights(module: nn.Linear | nn.Conv2d) -> Layer:
    weight = module.weight.detach().double()
    bias = torch.zeros(len(weight)) if module.bias is None else module.bias.detach()
    return {"weight": weight, "bias": bias.double()}


def _pair(value: int | tuple[int, ...]) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)


def _pack(layers: list[Layer]) -> tuple[list[Layer], str]:
    """Return the layers without their tensors, and the tensors as one text."""
    tensors: list[Tensor] = [
        layer[name] for layer in layers for name in ("weight", "bias") if name in layer
    ]
    content = b"".join(tensor.numpy().astype("<f4").tobytes() for tensor in tensors)
    plain = [{k: v for k, v in layer.items() if k not in ("weight", "bias")} for layer in layers]
    return plain, base64.b64encode(content).decode()
