"""Random deformation of batches of images, as tensors, on the tensors' own device."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from task3_MNIST.training.config import TrainConfig

BENDS = 5  # points across the image whose shifts are drawn; what lies between follows smoothly


def augment(images: Tensor, config: TrainConfig, black: float) -> Tensor:
    """Return the images, each deformed in its own way as the config says.

    Args:
        images: (B, 1, 28, 28) float32, normalized; left as they are.
        config: its `rotation`, `translate`, `scale`, `shear` and `elastic`; all zero returns
            `images` itself.
        black: what a background pixel is once normalized; it fills what moves in.
    """
    affine = config.rotation or config.translate or config.scale or config.shear
    if not (affine or config.elastic):
        return images
    matrices = random_affine(len(images), config, images.device)
    grid = F.affine_grid(matrices, list(images.shape), align_corners=False)  # (B, 28, 28, 2)
    if config.elastic:
        grid = grid + random_bends(len(images), config.elastic, images.device)
    # grid_sample fills with 0, which is gray once normalized: let black be 0 meanwhile
    return F.grid_sample(images - black, grid, align_corners=False) + black


def random_affine(count: int, config: TrainConfig, device: torch.device) -> Tensor:
    """Return (count, 2, 3) matrices from output to input positions, uniform within the limits.

    Positions run from -1 to 1 over the image's side, as `affine_grid` has them. The matrices say
    where an output pixel is read, so what happens to the content is their inverse, in the other
    order: it is shifted first, then slanted, then turned and scaled.
    """
    # one draw for all: rotation, scale, shift right, shift down, slant, each from -1 to 1
    unit = torch.rand(5, count, device=device) * 2 - 1
    angle = unit[0] * math.radians(config.rotation)
    shrink = 1 / (1 + unit[1] * config.scale)
    cosine, sine = angle.cos() * shrink, angle.sin() * shrink
    right, down = unit[2] * 2 * config.translate, unit[3] * 2 * config.translate
    slant = unit[4] * config.shear
    rows = torch.stack(
        [cosine + slant * sine, slant * cosine - sine, right, sine, cosine, down], dim=1
    )  # (count, 6)
    return rows.view(count, 2, 3)


def random_bends(count: int, strength: float, device: torch.device) -> Tensor:
    """Return (count, 28, 28, 2) shifts of positions: an elastic deformation.

    Normal shifts of a coarse grid of points, with `strength` of the side as their standard
    deviation, are interpolated cubically. Simard, Steinkraus and Platt (2003) smooth a shift of
    each pixel with a Gaussian instead, which looks alike and takes far longer.
    """
    shifts = torch.randn(count, 2, BENDS, BENDS, device=device) * (2 * strength)
    size = (28, 28)
    smooth = F.interpolate(shifts, size, mode="bicubic", align_corners=True)  # (count, 2, 28, 28)
    return smooth.permute(0, 2, 3, 1)
