"""Which training the speed scripts measure: a model, a recipe and its hyperparameters."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from task3_MNIST.files import readable_path
from task3_MNIST.models import registry
from task3_MNIST.training.config import TrainConfig
from task3_MNIST.training.device import settle
from task3_MNIST.training.recipes import choose_recipe


@dataclass(frozen=True)
class Training:
    """A model and how it is trained.

    Attributes:
        model: a name of the registry.
        recipe: the recipe's name.
        recipe_file: where the recipe was read; None for a built-in one.
        config: the hyperparameters; the precision is settled for the device.
    """

    model: str
    recipe: str
    recipe_file: str | None
    config: TrainConfig


def choose_training(model: str | None, recipe: str, device: torch.device) -> Training:
    """Return the training that `--model` and `--recipe` name.

    Args:
        model: None for the one that a recipe's file names, else `cnn`.
        recipe: a name, or the path of a file.
        device: where the model is to be trained.

    Raises:
        UsageError, UserError: as `choose_recipe`; or there is no such model.
    """
    chosen = choose_recipe(recipe)
    model = model or chosen.model or "cnn"
    config = settle(chosen.recipe.config(registry.family_of(model), model), device)
    file = readable_path(chosen.file) if chosen.file else None
    return Training(model, chosen.name, file, config)
