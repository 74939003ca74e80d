"""Evaluate a finished run on the sealed test set: the one place besides the pages that may."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from task3_MNIST.core.data import Split
from task3_MNIST.core.engine import loss_and_accuracy, predict
from task3_MNIST.core.errors import UserError
from task3_MNIST.core.metrics import evaluate, measure_speed
from task3_MNIST.core.runs import Run
from task3_MNIST.core.schema import MOST, SCHEMA


def evaluate_run(run: Run, test: Split) -> dict[str, Any]:
    """Write the run's `predictions.npz` and `test.json`, and return the latter's content.

    Args:
        run: a complete run of the data set that `test` belongs to.
        test: on the device to measure on.

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
    curve = []
    for epoch, path in run.kept_epochs():
        kept = run.load_weights(path).to(device)
        test_loss, test_accuracy = loss_and_accuracy(_logits(kept, test, path), labels)
        curve.append({"epoch": epoch, "test_loss": test_loss, "test_accuracy": test_accuracy})
    if curve:
        result["epochs"] = curve
    run.write_predictions(logits.numpy())
    # last: a run with test.json has its predictions too
    run.write_json("test.json", result)
    return result


def _logits(model: nn.Module, test: Split, path: Path) -> Tensor:
    """Return the logits (N, 10), on the CPU, of the weights that the path holds."""
    logits = predict(model, test.images).cpu()
    if not logits.abs().max() < MOST:  # NaN is not less either
        raise UserError(
            f"{path} holds weights whose logits are not finite or too large to measure: train "
            "the run again with --overwrite"
        )
    return logits
