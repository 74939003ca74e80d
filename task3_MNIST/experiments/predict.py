"""Which trained models to ask about a user's own image, and what they answer."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from task3_MNIST.datasets.image_files import read_digit
from task3_MNIST.datasets.image_folders.name import parse
from task3_MNIST.datasets.image_folders.reading import read_image
from task3_MNIST.datasets.splits import DATASETS, normalize
from task3_MNIST.errors import UsageError, UserError
from task3_MNIST.models.inference import predict
from task3_MNIST.models.sklearn_baselines import refuse_baseline
from task3_MNIST.runs.folder import DEFAULT_DATASET, Run, find_complete, require_runs

DEFAULT_MODELS = ("mlp", "cnn")


@dataclass(frozen=True)
class Trained:
    """A model with the mean and deviation of its training images, and the names of its classes.

    `dataset` is the name of what it was trained on, which says how an image is preprocessed.
    """

    model: nn.Module
    mean: float
    std: float
    classes: list[str]
    dataset: str


def answer(trained: Trained, image: np.ndarray) -> tuple[str, float]:
    """Return the class that a model sees in a (28, 28) uint8 image, and its probability."""
    pixels = torch.from_numpy(image).reshape(1, 1, 28, 28)
    logits = predict(trained.model, normalize(pixels, trained.mean, trained.std))
    probability, label = logits.softmax(1)[0].max(0)
    return trained.classes[int(label)], float(probability)


def reader_of(models: Iterable[Trained]) -> Callable[[Path], np.ndarray]:
    """Return what reads an image file as the models' training images were read.

    Raises:
        UsageError: the models were trained on images that were preprocessed differently.
    """
    folders = {model.dataset not in DATASETS for model in models}
    kinds = {parse(model.dataset).preprocess for model in models}
    if len(kinds) > 1 or len(folders) > 1:
        raise UsageError(
            "the models were trained on images that were read differently: ask those of each data "
            "set in a call of its own"
        )
    return functools.partial(read_image, preprocess=kinds.pop()) if True in folders else read_digit


def models_of(folders: Sequence[Path]) -> dict[str, Trained]:
    """Return the models of run folders, by the model's name where it is unique, else by folder.

    Raises:
        UsageError: a folder is no run.
        UserError: a run is not complete, or its weights cannot be used.
    """
    runs = [Run(folder) for folder in folders]
    for run in runs:
        if not run.started:
            raise UsageError(f"{run.folder} is not a run folder: it has no config.json")
        if not run.complete:
            raise UserError(f"{run.folder} is not complete: run its training command again first")
    names = [run.config().model for run in runs]
    if len(set(names)) < len(names):
        names = [str(run.folder) for run in runs]
    return {name: _load(run) for name, run in zip(names, runs, strict=True)}


def best_models(results: Path, names: Sequence[str] | None) -> dict[str, Trained]:
    """Return models by name, each of its best run on MNIST by validation.

    If all runs are of one other data set, they are of that one.

    Args:
        results: folder of the run folders.
        names: of the models; None means the default ones, as far as there are runs of them.

    Raises:
        UsageError: there is no run at all.
        UserError: there is no complete run of a model named, or of none of the default ones.
    """
    for name in names or ():
        refuse_baseline(name)
    require_runs(results)
    runs, faults = find_complete(results)
    # runs without validation cannot be chosen by it
    ranked = sorted(runs, key=lambda run: run.summary().val_accuracy or 0.0)
    networks = [run for run in ranked if not run.baseline]
    datasets = {run.config().dataset for run in networks}
    dataset = datasets.pop() if len(datasets) == 1 else DEFAULT_DATASET
    best = {run.config().model: run for run in networks if run.config().dataset == dataset}
    wanted = names or DEFAULT_MODELS
    missing = [name for name in wanted if name not in best]
    if missing if names else len(missing) == len(wanted):
        if faults:
            raise faults[0]
        known = f"; there is {', '.join(best)}, to be chosen with --model" if best else ""
        raise UserError(
            f"no complete run of {' or '.join(missing)} on MNIST in {results}: train one with "
            "python task3_MNIST/train_mlp.py or train_cnn.py, or name a run on another data set "
            f"with --run{known}"
        )
    return {name: _load(best[name]) for name in wanted if name in best}


def _load(run: Run) -> Trained:
    config = run.config()
    mean, std, names = config.pixel_mean, config.pixel_std, config.class_names
    return Trained(run.model(), mean, std, names, config.dataset)
