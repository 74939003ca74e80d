"""Evaluate a finished run on the sealed test set: the one place besides the pages that may."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from task3_MNIST.datasets import writers
from task3_MNIST.datasets.splits import Split
from task3_MNIST.errors import UserError
from task3_MNIST.evaluation.metrics import evaluate, measure_speed
from task3_MNIST.models.inference import loss_and_accuracy, predict
from task3_MNIST.runs.files import MOST, Evaluation, KeptEpoch
from task3_MNIST.runs.folder import TRAIN_AGAIN, Run


def evaluate_run(run: Run, test: Split, tta_pixels: int = 0) -> Evaluation:
    """Write the run's predictions, logits and `test.json`, and return the latter's content.

    Args:
        run: a complete run of the data set that `test` belongs to.
        test: normalized, on the device to measure on.
        tta_pixels: if not 0, also measure with test-time augmentation: the mean of the
            probabilities over all shifts of an image by up to so many pixels.

    Raises:
        UserError: the run is not complete, or its weights cannot be used.
    """
    if not run.complete:
        raise UserError(f"{run.folder} is not complete: run its training command again first")
    check_classes(run, test)
    device = test.images.device
    model = run.model().to(device)
    labels = test.labels.cpu()
    logits = _logits(model, test, run.folder / "model.pt")
    augmented = {}
    if tta_pixels:
        tta_logits = average_over_shifts(model, test, tta_pixels).cpu()
        tta_loss, tta_accuracy = loss_and_accuracy(tta_logits, labels)
        augmented = dict(tta_pixels=tta_pixels, tta_accuracy=tta_accuracy, tta_loss=tta_loss)
    half = torch.from_numpy(writers.first_half(run.config().dataset, len(labels)))
    epochs = [
        _kept_epoch(epoch, _logits(run.load_weights(path).to(device), test, path), labels, half)
        for epoch, path in run.kept_epochs()
    ]
    figures = Evaluation(
        **with_test_prefix(evaluate(logits, labels)),
        **measure_speed(model, test.images),
        latency_device=device.type,
        latency_threads=torch.get_num_threads(),
        **augmented,
        epochs=epochs,
    )
    run.write_predictions(logits.numpy())
    # last: a run with test.json has its predictions too
    run.write("test.json", figures)
    return figures


def check_classes(run: Run, test: Split) -> None:
    """Raise UserError if a run was trained on other classes than the test images have."""
    config = run.config()
    if config.class_names != list(test.classes):
        trained, found = (", ".join(names) for names in (config.class_names, test.classes))
        raise UserError(
            f"{run.folder} was trained on the classes {trained}, and {config.dataset} has {found}: "
            f"make the folder as it was, or {TRAIN_AGAIN}"
        )


def with_test_prefix(figures: dict) -> dict:
    """Return what `evaluate` found with the names that test figures have."""
    renamed = {"accuracy": "test_accuracy", "loss": "test_loss"}
    return {renamed.get(key, key): value for key, value in figures.items()}


def average_over_shifts(model: nn.Module, test: Split, pixels: int) -> Tensor:
    """Return the logarithm (N, classes) of the mean probabilities over shifts of each image.

    All (2 `pixels` + 1)² shifts of up to `pixels` right and down count alike; what moves in is
    background.
    """
    side = test.images.shape[-1]
    around = F.pad(test.images, (pixels,) * 4, value=test.black)
    steps = range(2 * pixels + 1)
    shifted = (
        predict(model, around[:, :, down : down + side, right : right + side]).softmax(1)
        for down in steps
        for right in steps
    )
    return log_probabilities(sum(shifted) / len(steps) ** 2)


def log_probabilities(probabilities: Tensor) -> Tensor:
    """Return logarithms in float32, finite also of a probability that was rounded to 0."""
    return probabilities.float().clamp(min=torch.finfo(torch.float32).tiny).log()


def _kept_epoch(epoch: int, logits: Tensor, labels: Tensor, half: Tensor) -> KeptEpoch:
    loss, accuracy = loss_and_accuracy(logits, labels)
    first, second = (loss_and_accuracy(logits[part], labels[part])[1] for part in (half, ~half))
    return KeptEpoch(
        epoch=epoch,
        test_loss=loss,
        test_accuracy=accuracy,
        first_half_accuracy=first,
        second_half_accuracy=second,
    )


def _logits(model: nn.Module, test: Split, path: Path) -> Tensor:
    """Return the logits (N, classes), on the CPU, of the weights that the path holds."""
    logits = predict(model, test.images).cpu()
    if not logits.abs().max() < MOST:  # NaN is not less either
        raise UserError(
            f"{path} holds weights whose logits are not finite or too large to measure: "
            f"{TRAIN_AGAIN}"
        )
    return logits
