"""Which trained models to ask about a user's own image, and what they answer."""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from task3_MNIST.datasets.image_folders.name import parse
from task3_MNIST.datasets.image_folders.reading import read_image
from task3_MNIST.datasets.outliers import outlier_scores
from task3_MNIST.datasets.photographs.digits import Box
from task3_MNIST.datasets.photographs.reading import Reading, read_digits
from task3_MNIST.datasets.splits import DATASETS, normalize
from task3_MNIST.errors import UsageError, UserError
from task3_MNIST.evaluation.robustness.distortions import rotation
from task3_MNIST.formatting import DIGITS
from task3_MNIST.models.inference import predict
from task3_MNIST.models.sklearn_baselines import refuse_baseline
from task3_MNIST.runs.folder import DEFAULT_DATASET, Run, find_complete, require_runs

DEFAULT_MODELS = ("mlp", "cnn")
ANGLES = (-25, -15, 0, 15, 25)  # degrees that a digit is turned by before it is read


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


@dataclass(frozen=True)
class Answer:
    """What a model reads in a picture.

    Attributes:
        text: the label of each digit, one after the other.
        probability: of the label that the model is least sure of.
    """

    text: str
    probability: float

    def __str__(self) -> str:
        """Return both as a sentence has them."""
        return f"{self.text} ({self.probability:.1%})"


def answer(trained: Trained, images: np.ndarray) -> Answer:
    """Return what a model reads in (n, 28, 28) uint8 images, from left to right.

    A digit's probability is the mean over the image turned by each of `ANGLES`: digits on a turned
    sheet are read better, and a model that is sure of an unclear digit seldom stays so.
    """
    angles = ANGLES if trained.classes == list(DIGITS) else (0,)
    pixels = torch.from_numpy(images)[:, None].float()
    views = torch.cat([rotation(pixels, angle) for angle in angles])
    logits = predict(trained.model, normalize(views, trained.mean, trained.std))
    mean = logits.softmax(1).reshape(len(angles), len(images), -1).mean(0)
    probabilities, labels = mean.max(1)
    names = [trained.classes[label] for label in labels.tolist()]
    return Answer(
        ("" if max(map(len, names)) == 1 else " ").join(names), probabilities.min().item()
    )


def doubted(models: Iterable[Trained], images: np.ndarray) -> float | None:
    """Return the outlier score of the most unusual of (n, 28, 28) images if it is over 1.

    Only MNIST's digits are known well enough: for models of other data sets there is no doubt.
    """
    if {model.dataset for model in models} != {DEFAULT_DATASET}:
        return None
    score = outlier_scores(images).max()
    return float(score) if score > 1 else None


def answers_table(rows: Sequence[tuple[Path, str, Answer | None, str]]) -> str:
    """Return answers as CSV: file, model, predicted, probability, status.

    Args:
        rows: file, model, answer (None if there is none) and status: `read`, `doubted` with
            the outlier score, or what went wrong.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "model", "predicted", "probability", "status"))
    for path, model, said, status in rows:
        found = (said.text, f"{said.probability:.4f}") if said else ("", "")
        writer.writerow((path, model, *found, status))
    return text.getvalue()


def reader_of(models: Iterable[Trained]) -> Callable[[Path], Reading]:
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
    if True in folders:
        return functools.partial(_read_one, preprocess=kinds.pop())
    return read_digits


def _read_one(path: Path, preprocess: str) -> Reading:
    """Return an image of one class, as the images of a folder are read."""
    image = read_image(path, preprocess)
    last = len(image) - 1
    return Reading(image, [Box(0, last, 0, last)], image[None])


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
