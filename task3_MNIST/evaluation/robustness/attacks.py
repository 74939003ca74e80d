"""Attacks: the smallest changes of pixels that make a model err (Szegedy et al. 2014).

All stay within epsilon of each pixel, from 0 to 1, and leave it in that range. They are computed
in float32, in evaluation mode, with the gradient through the normalization.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STEPS = 40
STARTS = 3
STEP = 2.5  # times epsilon over the steps: far enough to reach the edge and come back
BATCH = 250


class OnPixels(nn.Module):
    """A model that takes pixels from 0 to 1 and normalizes them itself."""

    def __init__(self, model: nn.Module, mean: float, std: float) -> None:
        super().__init__()
        self.model, self.mean, self.std = model.eval(), mean, std
        self.requires_grad_(False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return logits (B, classes) of pixels (B, 1, 28, 28)."""
        return self.model((pixels - self.mean) / self.std)


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the loss (B,) that training minimizes and an attack makes large."""
    return F.cross_entropy(logits, labels, reduction="none")


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """Return how far (B,) the highest other logit is above the label's.

    Unlike cross-entropy its gradient does not vanish where the model is sure (Carlini and Wagner
    2017, arXiv 1608.04644).
    """
    place = labels[:, None]
    own = logits.gather(1, place).squeeze(1)
    return logits.scatter(1, place, -torch.inf).amax(1) - own


Loss = Callable[[Tensor, Tensor], Tensor]


def fgsm(model: nn.Module, pixels: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    """Return the images after one step along the gradient's sign (Goodfellow et al. 2015).

    Args:
        model: takes pixels, see `OnPixels`.
        pixels: (B, 1, 28, 28), 0..1.
        labels: (B,).
        epsilon: how much each pixel may change.
    """
    signs = gradient(model, pixels, labels, cross_entropy).sign()
    return (pixels + epsilon * signs).clamp(0, 1)


def pgd(
    model: nn.Module,
    pixels: Tensor,
    labels: Tensor,
    epsilon: float,
    loss: Loss,
    generator: torch.Generator,
    steps: int = STEPS,
) -> Tensor:
    """Return the images after steps along the gradient from a random start (Madry et al. 2018).

    Args:
        model: as for `fgsm`, as are pixels, labels and epsilon.
        pixels: see `fgsm`.
        labels: see `fgsm`.
        epsilon: see `fgsm`.
        loss: what to make large: `cross_entropy` or `margin`.
        generator: draws the start, uniform within epsilon.
        steps: how many, each of 2.5 epsilon / steps.
    """
    low, high = (pixels - epsilon).clamp(min=0), (pixels + epsilon).clamp(max=1)
    drawn = torch.rand(pixels.shape, generator=generator).to(pixels.device)
    attacked = (pixels + epsilon * (2 * drawn - 1)).clamp(low, high)
    for _ in range(steps):
        signs = gradient(model, attacked, labels, loss).sign()
        attacked = (attacked + STEP * epsilon / steps * signs).clamp(low, high)
    return attacked


def gradient(model: nn.Module, pixels: Tensor, labels: Tensor, loss: Loss) -> Tensor:
    """Return the gradient of the loss with respect to the pixels."""
    pixels = pixels.detach().requires_grad_()
    return torch.autograd.grad(loss(model(pixels), labels).sum(), pixels)[0]


def attack(
    model: nn.Module,
    pixels: Tensor,
    labels: Tensor,
    epsilon: float,
    seed: int,
    steps: int = STEPS,
) -> dict[str, Tensor]:
    """Return for each attack whether (N,) the model still classifies each image correctly.

    Args:
        model: takes pixels, see `OnPixels`.
        pixels: (N, 1, 28, 28), 0..1.
        labels: (N,).
        epsilon: how much each pixel may change.
        seed: of the random starts.
        steps: of each run of PGD.

    Returns:
        `fgsm`, and `pgd` and `margin` with each start's number; an image is robust if all of
        them are true.
    """
    generator = torch.Generator().manual_seed(seed)
    found: dict[str, list[Tensor]] = {}
    for images, truth in zip(pixels.split(BATCH), labels.split(BATCH), strict=True):
        attacked = {"fgsm": fgsm(model, images, truth, epsilon)}
        for name, loss in (("pgd", cross_entropy), ("margin", margin)):
            for start in range(STARTS):
                attacked[f"{name}{start}"] = pgd(
                    model, images, truth, epsilon, loss, generator, steps
                )
        with torch.inference_mode():
            for name, changed in attacked.items():
                correct = model(changed).argmax(1) == truth
                found.setdefault(name, []).append(correct)
    return {name: torch.cat(parts) for name, parts in found.items()}
