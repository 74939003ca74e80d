"""Gradients with respect to images, to check `js/backward.js` by."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CHECKED_GRADIENTS = 4  # images, of those whose logits are checked: a gradient is 784 numbers


def input_gradients(model: nn.Module, images: Tensor) -> Tensor:
    """Return the gradients (N, 1, 28, 28) of each image's greatest logit, in evaluation mode.

    Args:
        model: returns logits (N, classes), on the CPU.
        images: (N, 1, 28, 28), normalized.
    """
    images = images.clone().requires_grad_()
    # no image's logits depend on another image: the gradient of the sum holds one for each
    greatest = model.eval()(images).amax(1).sum()
    return torch.autograd.grad(greatest, images)[0]
