"""Changes of test images, each with a strength: where a model's accuracy goes when digits move.

All take pixels (N, 1, 28, 28) from 0, the background, to 1, and return them likewise. What a
change draws at random comes from a generator with a fixed seed: the same images each time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

SIDE = 28
SEED = 20_261_128  # of what is drawn; any would do


def shift(pixels: Tensor, by: Sequence[int]) -> Tensor:
    """Return the images moved by (right, down) whole pixels; what leaves the image is lost."""
    right, down = by
    return F.pad(pixels, (right, -right, down, -down))


def rotation(pixels: Tensor, degrees: float) -> Tensor:
    """Return the images turned counterclockwise about their center."""
    angle = math.radians(degrees)
    return affine(pixels, [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def scale(pixels: Tensor, factor: float) -> Tensor:
    """Return the images enlarged by a factor about their center; below 1 it shrinks them."""
    return affine(pixels, [[1 / factor, 0.0], [0.0, 1 / factor]])


def noise(pixels: Tensor, deviation: float) -> Tensor:
    """Return the images with Gaussian noise of a standard deviation, clipped to 0..1."""
    return (pixels + deviation * torch.randn(pixels.shape, generator=drawn())).clamp(0, 1)


def blur(pixels: Tensor, sigma: float) -> Tensor:
    """Return the images smoothed by a Gaussian of `sigma` pixels."""
    if sigma == 0:
        return pixels
    reach = math.ceil(3 * sigma)
    line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    line = line / line.sum()
    rows = F.conv2d(pixels, line.view(1, 1, 1, -1), padding=(0, reach))
    return F.conv2d(rows, line.view(1, 1, -1, 1), padding=(reach, 0))


def contrast(pixels: Tensor, factor: float) -> Tensor:
    """Return the images with all differences from middle gray multiplied by a factor up to 1."""
    return 0.5 + factor * (pixels - 0.5)


def inversion(pixels: Tensor, amount: float) -> Tensor:
    """Return the images mixed with their negatives: an amount of 1 is black on white."""
    return pixels + amount * (1 - 2 * pixels)


def occlusion(pixels: Tensor, side: int) -> Tensor:
    """Return the images with a black square of `side` pixels, at a place drawn for each."""
    corner = torch.randint(0, SIDE - side + 1, (len(pixels), 2, 1, 1), generator=drawn())
    steps = torch.arange(SIDE)
    down, right = steps.view(1, -1, 1) - corner[:, 0], steps.view(1, 1, -1) - corner[:, 1]
    hidden = (down >= 0) & (down < side) & (right >= 0) & (right < side)  # (N, 28, 28)
    return pixels.masked_fill(hidden.unsqueeze(1), 0.0)


def affine(pixels: Tensor, matrix: list[list[float]]) -> Tensor:
    """Return the images read at positions turned by a 2x2 matrix about their center."""
    rows = torch.tensor(matrix, dtype=pixels.dtype)
    theta = F.pad(rows, (0, 1)).expand(len(pixels), 2, 3)  # no shift
    grid = F.affine_grid(theta, list(pixels.shape), align_corners=False)
    return F.grid_sample(pixels, grid, align_corners=False)


def drawn() -> torch.Generator:
    """Return a generator that draws the same numbers each time."""
    return torch.Generator().manual_seed(SEED)


# by name: the change, and the strengths that robustness.py measures
DISTORTIONS: dict[str, tuple[Callable[[Tensor, float], Tensor], list[float]]] = {
    "rotation": (rotation, [-60, -45, -30, -20, -10, 10, 20, 30, 45, 60]),
    "scale": (scale, [0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.3, 1.4]),
    "noise": (noise, [0.1, 0.2, 0.3, 0.4, 0.5]),
    "blur": (blur, [0.5, 1, 1.5, 2, 3]),
    "contrast": (contrast, [0.8, 0.6, 0.4, 0.2]),
    "inversion": (inversion, [1.0]),
    "occlusion": (occlusion, [4, 8, 12, 16]),
}
FARTHEST = 8  # pixels of a shift, right and down
SHIFTS = [
    [right, down]
    for down in range(-FARTHEST, FARTHEST + 1)
    for right in range(-FARTHEST, FARTHEST + 1)
]
