"""What a model costs: parameters, bytes, floating-point operations."""

from __future__ import annotations

import torch
from torch import nn

from task3_MNIST.models.inference import predict


def count_flops(model: nn.Module) -> int:
    """Return the floating-point operations of one image's forward pass.

    Counted by PyTorch: matrix products and convolutions, a multiplication and an addition
    each; activations, pooling and normalization are left out.
    """
    from torch.utils.flop_counter import FlopCounterMode  # a quarter of a second to import

    device = next(model.parameters()).device
    counter = FlopCounterMode(display=False)
    with counter:
        predict(model, torch.zeros(1, 1, 28, 28, device=device))
    return counter.get_total_flops()


def model_bytes(model: nn.Module) -> int:
    """Return the bytes of all parameters and buffers, as they lie in memory."""
    return sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values())


def parameter_count(model: nn.Module) -> int:
    """Return the number of parameters; batch norm's running averages are not counted."""
    return sum(parameter.numel() for parameter in model.parameters())


def trained_parameter_count(model: nn.Module) -> int:
    """Return the number of parameters that are trained: not those of a whitened convolution."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
