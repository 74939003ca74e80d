"""Accuracy on a second test set, by its parts: each is another population of writers."""

from __future__ import annotations

import numpy as np

from task3_MNIST.datasets.splits import Split
from task3_MNIST.datasets.writers import Writers, test_writers
from task3_MNIST.evaluation.statistics import accuracy_interval
from task3_MNIST.models.inference import predict
from task3_MNIST.runs import files
from task3_MNIST.runs.files import PartOfSecondTest, SecondTest
from task3_MNIST.runs.folder import Run

FILE = "qmnist50k.json"


def second_test(run: Run, images: Split, writers: Writers) -> SecondTest:
    """Measure a run on the images and write the file; what is there is not measured again.

    Args:
        run: a complete run of a network that was trained on MNIST; the caller holds its lock.
        images: normalized, on the device to compute on.
        writers: who wrote them.

    Raises:
        UserError: the run's weights or the file cannot be used.
    """
    path, weights = run.folder / FILE, run.weights_sha256()
    if path.is_file():
        found = files.read(path, SecondTest, "delete it and measure again")
        if found.weights_sha256 == weights:
            return found
    model = run.model().to(images.images.device)
    correct = (predict(model, images.images).argmax(1) == images.labels).cpu().numpy()
    parts = [
        _part(name, correct[chosen], writers.writer[chosen])
        for name, chosen in populations(writers).items()
        if chosen.any()
    ]
    found = SecondTest(weights_sha256=weights, parts=parts)
    files.write(path, found)
    return found


def populations(writers: Writers) -> dict[str, np.ndarray]:
    """Return the parts of the images by name, each (N,) bool."""
    series = {f"series {one}": writers.series == one for one in np.unique(writers.series)}
    known = np.isin(writers.writer, test_writers("mnist").writer)
    everything = np.ones(len(writers.writer), dtype=bool)
    return {"all": everything, **series, "writers not in MNIST's test images": ~known}


def _part(name: str, correct: np.ndarray, writer: np.ndarray) -> PartOfSecondTest:
    people, clusters = np.unique(writer, return_inverse=True)
    interval = accuracy_interval(correct, clusters)
    return PartOfSecondTest(
        images=name,
        n=len(correct),
        writers=len(people),
        accuracy=interval.mean,
        low=interval.low,
        high=interval.high,
    )
