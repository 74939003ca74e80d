"""Evaluate a finished run on the sealed test set: the one place besides the pages that may."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from task3_MNIST.datasets import writers
from task3_MNIST.datasets.splits import Split
from task3_MNIST.errors import UserError
from task3_MNIST.evaluation.metrics import evaluate, measure_speed
from task3_MNIST.models.inference import loss_and_accuracy, predict
from task3_MNIST.runs.files import MOST, SCHEMA
from task3_MNIST.runs.folder import Run
from task3_MNIST.training.augmentation import BLACK


def evaluate_run(run: Run, test: Split, average_shifts: int = 0) -> dict[str, Any]:
    """Write the run's `predictions.npz` and `test.json`, and return the latter's content.

    Args:
        run: a complete run of the data set that `test` belongs to.
        test: on the device to measure on.
        average_shifts: if not 0, also measure the mean of the probabilities over all shifts of
            an image by up to so many pixels.

    Raises:
        UserError: the run is not complete, or its weights cannot be used.
    """
    if not run.complete:
        raise UserError(f"{run.folder} is not complete: run its training command again first")
    device = test.images.device
    model = run.model().to(device)
    labels = test.labels.cpu()
    logits = _logits(model, test, run.folder / "model.pt")
    result = {
        "schema": SCHEMA,
        **evaluate(logits, labels),
        **measure_speed(model, test.images),
        "latency_device": device.type,
        "latency_threads": torch.get_num_threads(),
    }
    if average_shifts:
        logits_of_mean = shift_averaged(model, test.images, average_shifts).cpu()
        loss, accuracy = loss_and_accuracy(logits_of_mean, labels)
        figures = {"test_accuracy": accuracy, "test_loss": loss}
        result["shift_averaged"] = {"pixels": average_shifts, **figures}
    curve = []
    half = torch.from_numpy(writers.first_half(run.config()["dataset"], len(labels)))
    for epoch, path in run.kept_epochs():
        kept_logits = _logits(run.load_weights(path).to(device), test, path)
        test_loss, test_accuracy = loss_and_accuracy(kept_logits, labels)
        halves = [loss_and_accuracy(kept_logits[part], labels[part])[1] for part in (half, ~half)]
        figures = {"test_loss": test_loss, "test_accuracy": test_accuracy}
        curve.append({"epoch": epoch, **figures, "half_accuracies": halves})
    if curve:
        result["epochs"] = curve
    run.write_predictions(logits.numpy())
    # last: a run with test.json has its predictions too
    run.write_json("test.json", result)
    return result


def shift_averaged(model: nn.Module, images: Tensor, pixels: int) -> Tensor:
    """Return the logarithm (N, 10) of the mean probabilities over shifted copies of each image.

    All (2 `pixels` + 1)² shifts of up to `pixels` right and down count alike; what moves in is
    background.
    """
    side = images.shape[-1]
    around = F.pad(images, (pixels,) * 4, value=BLACK)
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


def _logits(model: nn.Module, test: Split, path: Path) -> Tensor:
    """Return the logits (N, 10), on the CPU, of the weights that the path holds."""
    logits = predict(model, test.images).cpu()
    if not logits.abs().max() < MOST:  # NaN is not less either
        raise UserError(
            f"{path} holds weights whose logits are not finite or too large to measure: train "
            "the run again with --overwrite"
        )
    return logits
