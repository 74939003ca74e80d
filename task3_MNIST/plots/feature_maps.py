"""What is inside a CNN: its kernels, and what an image becomes from layer to layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from task3_MNIST.datasets.splits import Split, normalize
from task3_MNIST.models.layers import shape_text
from task3_MNIST.plots import style
from task3_MNIST.plots.run import run_title
from task3_MNIST.plots.weights import show_signed, tile
from task3_MNIST.runs.folder import Run

MOST_CHANNELS = 64
COLUMNS = 16
CELL = 0.62  # inches


def draw_kernels(run: Run, convolution: nn.Conv2d, number: int, out: Path) -> Path:
    """Draw a convolution's kernels, one a column, a row for each input channel.

    Kernels of the first convolution, which have one input channel, fill rows.
    """
    weights = convolution.weight.detach()  # (output channels, input channels, height, width)
    outputs, inputs = weights.shape[:2]
    kernels = strongest(weights.flatten(1).norm(dim=1))
    channels = strongest(weights.transpose(0, 1).flatten(1).norm(dim=1))
    shown = weights[kernels][:, channels].transpose(0, 1)
    columns = min(COLUMNS, len(kernels)) if inputs == 1 else len(kernels)
    sheet = tile(shown.flatten(0, 1).numpy(), columns)

    rows = math.ceil(len(kernels) * len(channels) / columns)
    cell = min(CELL, 12 / max(columns, rows))
    figure = style.new_figure(max(columns * cell, 5.0) + 1.4, max(rows * cell, 0.8) + 1.3)
    axes = figure.add_subplot()
    show_signed(figure, axes, sheet, "weight")
    if inputs > 1:
        axes.set_xlabel("kernel", fontsize=9)
        axes.set_ylabel("input channel", fontsize=9)
    style.add_title(
        figure,
        f"Kernels of convolution {number}: {run_title(run)}",
        f"{len(kernels)} of {outputs} kernels, {len(channels)} of {inputs} input channels; "
        "those with the largest weights where not all fit.",
    )
    return style.save(figure, out / f"kernels_conv{number}.png")


def draw_feature_maps(run: Run, model: nn.Module, test: Split, index: int, out: Path) -> Path:
    """Draw what one test image becomes after each ReLU and pooling, and the model's answer."""
    image, label = test.images[index : index + 1], int(test.labels[index])
    stages, logits = feature_maps(model, normalize(image, test.mean, test.std))
    rows = [math.ceil(min(len(maps), MOST_CHANNELS) / COLUMNS) for _, maps in stages]

    heights = [2 * CELL, *(row * CELL + 0.4 for row in rows)]
    figure = style.new_figure(COLUMNS * CELL + 0.6, sum(heights) + 1.4)
    grid = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    top = grid[0].subgridspec(1, 2, width_ratios=(1, 6))
    picture = figure.add_subplot(top[0])
    picture.imshow(image[0, 0].numpy(), cmap="gray_r")
    picture.set_axis_off()
    _draw_answer(figure.add_subplot(top[1]), logits, label, test.classes)
    for place, (name, maps) in enumerate(stages, 1):
        shown = strongest(maps.flatten(1).mean(1))
        axes = figure.add_subplot(grid[place])
        axes.imshow(tile(maps[shown].numpy(), COLUMNS), cmap="magma", vmin=0, aspect="equal")
        axes.set_anchor("W")
        axes.set_axis_off()
        title = f"{name}: {shape_text(tuple(maps.shape))}"
        if len(shown) < len(maps):
            title += f", the {len(shown)} channels that respond most"
        axes.set_title(title, fontsize=9, loc="left", color=style.INK)
    style.add_title(
        figure,
        f"Feature maps of test image {index}, a {test.classes[label]}: {run_title(run)}",
        "Black is 0; each stage is as bright as its strongest response.",
    )
    return style.save(figure, out / f"feature_maps_{index}.png")


def feature_maps(model: nn.Module, image: Tensor) -> tuple[list[tuple[str, Tensor]], Tensor]:
    """Return what leaves each ReLU and pooling of the convolutional part, and the logits.

    Args:
        model: in evaluation mode.
        image: (1, 1, 28, 28), normalized.

    Returns:
        pairs of a name and maps (channels, height, width); logits (classes,).
    """
    stages: list[tuple[str, Tensor]] = []
    names = {nn.ReLU: "Convolution {} and ReLU", nn.MaxPool2d: "Pooling {}"}
    seen = dict.fromkeys(names, 0)

    def record(module: nn.Module, _: tuple, output: Tensor) -> None:
        if output.dim() == 4:
            seen[type(module)] += 1
            stages.append((names[type(module)].format(seen[type(module)]), output[0].clone()))

    hooks = [
        module.register_forward_hook(record)
        for module in model.modules()
        if isinstance(module, tuple(names))
    ]
    try:
        with torch.no_grad():
            logits = model(image)[0]
    finally:
        for hook in hooks:
            hook.remove()
    return stages, logits


def strongest(strength: Tensor) -> Tensor:
    """Return the places of the largest values, at most `MOST_CHANNELS`, in their own order."""
    return strength.argsort(descending=True)[:MOST_CHANNELS].sort().values


def _draw_answer(axes, logits: Tensor, label: int, classes: Sequence[str]) -> None:
    probabilities = logits.softmax(0).numpy()
    answer = int(probabilities.argmax())
    colors = [style.GRID] * len(probabilities)
    colors[answer] = style.CORRECT if answer == label else style.INCORRECT
    style.plain_axes(axes)
    axes.bar(range(len(probabilities)), probabilities, color=colors)
    long = max(map(len, classes)) > 2
    axes.set_xticks(range(len(probabilities)), classes, rotation=90 if long else 0)
    axes.set_ylim(0, 1)
    style.percent_axis(axes.yaxis)
    sign = "✓ correct" if answer == label else "✗ incorrect"
    axes.set_title(
        f"answer: {classes[answer]}, {style.percent(float(probabilities[answer]))} sure, {sign}",
        fontsize=9,
        loc="left",
        color=style.INK,
    )
