"""Random deformation of whole batches, as tensors, on the tensors' own device."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from task3_MNIST.core.config import TrainConfig
from task3_MNIST.core.data import MEAN, STD

BLACK = -MEAN / STD  # a background pixel after normalisation


def augment(images: Tensor, config: TrainConfig) -> Tensor:
    """Return the images, each deformed in its own way as the config says.

    Args:
        images: (B, 1, 28, 28) float32, normalised; left as they are.
        config: its `rotation`, `translate` and `scale`; all zero returns `images` itself.
    """
    if not (config.rotation or config.translate or config.scale):
        return images
    matrices = random_affine(len(images), config, images.device)
    grid = F.affine_grid(matrices, list(images.shape), align_corners=False)  # (B, 28, 28, 2)
    # grid_sample fills with 0, which is grey once normalised: let black be 0 meanwhile
    return F.grid_sample(images - BLACK, grid, align_corners=False) + BLACK


def random_affine(count: int, config: TrainConfig, device: torch.device) -> Tensor:
    """Return (count, 2, 3) matrices from output to input positions, uniform within the limits.

    Positions run from -1 to 1 over the image's side, as `affine_grid` has them.
    """
    # one draw for all: rotation, scale, shift right, shift down, each from -1 to 1
    unit = torch.rand(4, count, device=device) * 2 - 1
    angle = unit[0] * math.radians(config.rotation)
    shrink = 1 / (1 + unit[1] * config.scale)
    cosine, sine = angle.cos() * shrink, angle.sin() * shrink
    right, down = unit[2] * 2 * config.translate, unit[3] * 2 * config.translate
    rows = torch.stack([cosine, -sine, right, sine, cosine, down], dim=1)  # (count, 6)
    return rows.view(count, 2, 3)
