"""Fifteen kinds of corrupted digits, like those of MNIST-C (Mu and Gilmer 2019, arXiv 1906.02337).

Where a user has the original files, `data/mnist_c/<kind>/test_images.npy`, those are measured.
Else the functions here make corruptions of the same kinds: the same names and about the same
looks, but other images, so their figures stand next to no published figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from task3_MNIST.errors import UserError
from task3_MNIST.evaluation.robustness.distortions import SIDE, affine, blur, drawn, rotation, scale

ORIGINALS = "mnist_c"  # the folder below the data sets


def shot_noise(pixels: Tensor) -> Tensor:
    """Return the images as few photons would show them."""
    photons = 5.0
    return (torch.poisson(pixels * photons, generator=drawn()) / photons).clamp(0, 1)


def impulse_noise(pixels: Tensor) -> Tensor:
    """Return the images with a tenth of the pixels black or white."""
    chance = torch.rand(pixels.shape, generator=drawn())
    return pixels.masked_fill(chance < 0.05, 0.0).masked_fill(chance > 0.95, 1.0)


def glass_blur(pixels: Tensor) -> Tensor:
    """Return the images as frosted glass shows them: each pixel from up to two pixels away."""
    away = torch.randint(-2, 3, (2, len(pixels), SIDE, SIDE), generator=drawn())
    steps = torch.arange(SIDE)
    down = (steps.view(1, -1, 1) + away[0]).clamp(0, SIDE - 1)
    right = (steps.view(1, 1, -1) + away[1]).clamp(0, SIDE - 1)
    image = torch.arange(len(pixels)).view(-1, 1, 1)
    return blur(pixels[:, 0][image, down, right].unsqueeze(1), 0.7)


def motion_blur(pixels: Tensor) -> Tensor:
    """Return the images smeared over seven pixels, along a direction drawn for each."""
    angles = torch.rand(len(pixels), generator=drawn()) * math.pi
    total = torch.zeros_like(pixels)
    for step in range(-3, 4):
        theta = torch.zeros(len(pixels), 2, 3)
        theta[:, 0, 0] = theta[:, 1, 1] = 1
        theta[:, 0, 2] = step * angles.cos() * 2 / SIDE
        theta[:, 1, 2] = step * angles.sin() * 2 / SIDE
        grid = F.affine_grid(theta, list(pixels.shape), align_corners=False)
        total += F.grid_sample(pixels, grid, align_corners=False)
    return total / 7


def shear(pixels: Tensor) -> Tensor:
    """Return the images slanted by six tenths of their height."""
    return affine(pixels, [[1.0, 0.6], [0.0, 1.0]])


def brightness(pixels: Tensor) -> Tensor:
    """Return the images under a bright light: background and ink move toward white."""
    return 0.4 + 0.6 * pixels


def translate(pixels: Tensor) -> Tensor:
    """Return the images moved by four pixels, to one of four corners drawn for each."""
    corner = torch.randint(0, 4, (len(pixels),), generator=drawn())
    moved = pixels.clone()
    for number in range(4):
        right, down = (4 if number % 2 else -4), (4 if number // 2 else -4)
        chosen = corner == number
        moved[chosen] = F.pad(pixels[chosen], (right, -right, down, -down))
    return moved


def stripe(pixels: Tensor) -> Tensor:
    """Return the images with the middle five columns inverted."""
    inverted = pixels.clone()
    inverted[..., 12:17] = 1 - pixels[..., 12:17]
    return inverted


def fog(pixels: Tensor) -> Tensor:
    """Return the images behind clouds of several sizes."""
    clouds = torch.zeros_like(pixels)
    generator = drawn()
    for cells in (2, 4, 8, 16):
        coarse = torch.rand(len(pixels), 1, cells, cells, generator=generator)
        smooth = F.interpolate(coarse, (SIDE, SIDE), mode="bicubic", align_corners=True)
        clouds += smooth / cells
    clouds -= clouds.amin((2, 3), keepdim=True)
    clouds /= clouds.amax((2, 3), keepdim=True)
    return (0.5 * pixels + 0.6 * clouds).clamp(0, 1)


def spatter(pixels: Tensor) -> Tensor:
    """Return the images with white drops."""
    drops = blur(torch.randn(pixels.shape, generator=drawn()), 1.5)
    drops = drops / drops.std()
    return torch.maximum(pixels, ((drops - 1.2) * 2).clamp(0, 1))


def dotted_line(pixels: Tensor) -> Tensor:
    """Return the images with a dotted white line across, drawn for each."""
    return torch.maximum(pixels, _line(pixels, drawn(), dotted=True))


def zigzag(pixels: Tensor) -> Tensor:
    """Return the images with a white zigzag line across, drawn for each."""
    generator = drawn()
    columns = torch.arange(SIDE).float()
    height = 8 + 12 * torch.rand(len(pixels), 1, generator=generator)
    start = 8 * torch.rand(len(pixels), 1, generator=generator)
    # a triangle wave of eight pixels' period and five pixels' height
    wave = height + ((columns + start) % 8 - 4).abs() * 2.5 - 5
    return torch.maximum(pixels, _along(wave))


def canny_edges(pixels: Tensor) -> Tensor:
    """Return the outlines of the digits, white: the ink that touches background."""
    ink = (pixels > 0.4).float()
    inside = 1 - F.max_pool2d(1 - ink, 3, stride=1, padding=1)
    return ink - inside


def _line(pixels: Tensor, generator: torch.Generator, dotted: bool) -> Tensor:
    """Return images (N, 1, 28, 28) of a straight line from the left edge to the right one each."""
    ends = 4 + 20 * torch.rand(2, len(pixels), 1, generator=generator)
    columns = torch.arange(SIDE).float()
    line = _along(ends[0] + (ends[1] - ends[0]) * columns / (SIDE - 1))
    return line * (columns % 4 < 2) if dotted else line


def _along(heights: Tensor) -> Tensor:
    """Return images (N, 1, 28, 28) of lines about two pixels thick at a height (N, 28) each."""
    rows = torch.arange(SIDE).float().view(1, -1, 1)
    return (1.5 - (rows - heights.unsqueeze(1)).abs()).clamp(0, 1).unsqueeze(1)


CORRUPTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "shot_noise": shot_noise,
    "impulse_noise": impulse_noise,
    "glass_blur": glass_blur,
    "motion_blur": motion_blur,
    "shear": shear,
    "scale": lambda pixels: scale(pixels, 0.6),
    "rotate": lambda pixels: rotation(pixels, 30),
    "brightness": brightness,
    "translate": translate,
    "stripe": stripe,
    "fog": fog,
    "spatter": spatter,
    "dotted_line": dotted_line,
    "zigzag": zigzag,
    "canny_edges": canny_edges,
}


def corrupted(kind: str, pixels: Tensor, data_dir: Path | None = None) -> tuple[Tensor, str]:
    """Return the test images under a corruption, and which: `MNIST-C` or `like MNIST-C's`.

    Args:
        kind: a key of `CORRUPTIONS`.
        pixels: (N, 1, 28, 28) of the test images, 0..1.
        data_dir: the folder of the data sets, in which the original files may lie; None makes
            corruptions of our own.

    Raises:
        UserError: the original file is there and damaged.
    """
    path = data_dir and data_dir / ORIGINALS / kind / "test_images.npy"
    if not path or not path.is_file():
        return CORRUPTIONS[kind](pixels), "like MNIST-C's"
    try:
        images = np.load(path, allow_pickle=False).reshape(len(pixels), 1, SIDE, SIDE)
    except (ValueError, OSError, EOFError) as error:
        raise UserError(
            f"{path} is not MNIST-C's file of {len(pixels):,} images: take it from the original "
            "archive again, or delete it"
        ) from error
    return torch.from_numpy(images.astype(np.float32) / 255), "MNIST-C"
