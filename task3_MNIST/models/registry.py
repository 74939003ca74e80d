"""Every model of both tasks, by name."""

from __future__ import annotations

import re

from torch import nn

from task1_MLP import models as mlp_models
from task2_CNN import models as cnn_models
from task3_MNIST.errors import unknown_name
from task3_MNIST.models.sklearn_baselines import refuse_baseline

FAMILIES = {
    "mlp": (mlp_models.MLP, mlp_models),
    "cnn": (cnn_models.CNN, cnn_models),
}


def names(family: str | None = None) -> list[str]:
    """Return the names in the tables of one family or of both; the grids are not listed."""
    chosen = [family] if family else list(FAMILIES)
    return [name for key in chosen for name in FAMILIES[key][1].VARIANTS]


def grids(family: str) -> str:
    """Return the pattern of the family's size grid, as a person reads it."""
    return FAMILIES[family][1].GRID


def by_sizes(family: str) -> str:
    """Return an example of the names that say each layer's size."""
    return FAMILIES[family][1].BY_SIZES


def grid_points(family: str) -> list[str]:
    """Return the names of the family's grid that a model-size study takes."""
    return FAMILIES[family][1].GRID_POINTS


def size_of(name: str) -> tuple[int, int] | None:
    """Return (depth, width) of a model of the size grids; None of any other name."""
    match = re.fullmatch(r"[a-z]+_d(\d)_w(\d+)", name, re.ASCII)
    modules = [module for _, module in FAMILIES.values()]
    tabled = any(name in module.VARIANTS for module in modules)
    if tabled or not match or not any(module.variant(name) for module in modules):
        return None
    return int(match[1]), int(match[2])


def family_of(name: str) -> str:
    """Return `"mlp"` or `"cnn"`.

    Raises:
        UsageError: no table and no grid has the name, and the text lists close ones; or it is a
            baseline's.
    """
    for family, (_, module) in FAMILIES.items():
        if module.variant(name) is not None:
            return family
    refuse_baseline(name)
    others = [example(family) for family in FAMILIES for example in (grids, by_sizes)]
    raise unknown_name("model", name, [*names(), *others])


def build(name: str, classes: int = 10) -> nn.Module:
    """Return a new model with PyTorch's default initialization from the global generator.

    Args:
        name: of a model.
        classes: units of its last layer.

    Raises:
        UsageError: as `family_of`.
    """
    model_class, module = FAMILIES[family_of(name)]
    return model_class(**module.variant(name), num_classes=classes)
