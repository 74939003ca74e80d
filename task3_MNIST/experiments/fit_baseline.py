"""One baseline from its fit to its test figures: in one process, since its model is not kept."""

from __future__ import annotations

import dataclasses
import pickle
import queue
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from task3_MNIST.datasets.splits import Split, dataset_checksum
from task3_MNIST.errors import UserError
from task3_MNIST.evaluation.evaluate import with_test_prefix
from task3_MNIST.evaluation.metrics import evaluate
from task3_MNIST.models import sklearn_baselines
from task3_MNIST.runs.files import Config, Evaluation, Identity, Summary, written_classes
from task3_MNIST.runs.folder import Run, check_same, run_folder
from task3_MNIST.runs.provenance import provenance

BATCH = 250  # images at a time, as networks are measured
PASSES, WARM_UP = 200, 20  # of one image alone, likewise


@dataclasses.dataclass(frozen=True)
class BaselineJob:
    """What to fit: all of it decides the result, and `config.json` says it.

    Attributes:
        model: a name of the table of baselines.
        seed: of what it draws.
        dataset: a data set's name or folder.
        data_dir: where data sets lie.
        threads: of the processor.
    """

    model: str
    seed: int
    dataset: str
    data_dir: Path
    threads: int

    def run(self, results: Path) -> Run:
        """Return where it is measured: its folder below the results."""
        return run_folder(results, self.dataset, self.model, sklearn_baselines.NAME, self.seed)

    def identity(self, checksum: Callable[[str, Path], str] = dataset_checksum) -> Identity:
        """Return the part of `config.json` that decides the numbers, as `train.Job` does."""
        row = sklearn_baselines.baseline(self.model)
        return Identity(
            model=self.model,
            family=sklearn_baselines.FAMILY,
            dataset=self.dataset,
            dataset_sha256=checksum(self.dataset, self.data_dir),
            recipe=sklearn_baselines.NAME,
            name=sklearn_baselines.NAME,
            seed=self.seed,
            hyperparameters={"estimator": row.estimator, **row.settings},
        )


def run_baseline(
    run: Run,
    job: BaselineJob,
    splits: tuple[Split, Split],
    test: Callable[[], Split] | None,
    tick: Callable[[], None] = lambda: None,
    checksum: Callable[[str, Path], str] = dataset_checksum,
) -> list[str]:
    """Fit and measure a baseline and write the files of its run, `summary.json` the last.

    Args:
        run: its folder; the caller holds its lock.
        job: what to fit.
        splits: train and validation, uint8.
        test: called for the test images once it is fitted; None leaves the test set sealed.
        tick: called every second of the fit.
        checksum: as in `training.Job.identity`.

    Returns:
        what scikit-learn warned of, a line each.

    Raises:
        UserError: the folder holds another run, or the images are all of one class.
    """
    train, val = splits
    identity = job.identity(checksum)
    if run.started:
        check_same(run, identity)
    run.clear()  # what an interrupted one left
    if len(train.labels.unique()) < 2:
        raise UserError(f"{job.dataset} has training images of one class only: add others")
    surroundings = provenance(torch.device("cpu"))
    config = Config(
        **vars(identity),
        **vars(surroundings),
        pixel_mean=train.mean,
        pixel_std=train.std,
        classes=written_classes(job.dataset, train.classes),
    )
    run.write("config.json", config)
    estimator = sklearn_baselines.build(job.model, job.seed, job.threads)
    seconds, warned = _aside(lambda: _fit(estimator, train, job.threads), tick)
    with threadpool_limits(limits=job.threads):
        row = sklearn_baselines.baseline(job.model)
        summary = _summary(estimator, seconds, val, row.probabilities)
        if test:
            _evaluate(run, estimator, test(), row.probabilities)
    # last: the model is gone with this process, so a complete run must have its test figures
    run.write("summary.json", summary)
    return warned


def pixels(images: Tensor) -> np.ndarray:
    """Return uint8 images (N, 1, 28, 28) as gray levels (N, 784) float32 in 0..1."""
    return (images.numpy() / 255).astype(np.float32).reshape(len(images), -1)


def scores(estimator: Any, inputs: np.ndarray, probabilities: bool, classes: int = 10) -> Tensor:
    """Return what a fitted classifier says of each class, (N, classes) float64, the highest first.

    The logarithm of its probabilities, minus infinity for none; or the values of its decision
    function. A class that it was never shown gets none.
    """
    if probabilities:
        with np.errstate(divide="ignore"):
            found = np.log(estimator.predict_proba(inputs).astype(np.float64))
    else:
        found = estimator.decision_function(inputs)
        if found.ndim == 1:  # of two classes: how far it is for the second
            found = np.stack([-found, found], axis=1)
    of_all = np.full((len(inputs), classes), -np.inf)
    of_all[:, estimator.classes_] = found
    return torch.from_numpy(of_all)


def _aside(work: Callable[[], Any], tick: Callable[[], None]) -> Any:
    """Return what the work returns, done in a thread of its own while this one waits.

    Compiled code does not look for Ctrl-C: begun here, a fit would answer it minutes later. The
    thread is a daemon, so that nobody who leaves waits for it.
    """
    outcomes: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def do() -> None:
        try:
            outcomes.put((work(), None))
        except BaseException as error:
            outcomes.put((None, error))

    threading.Thread(target=do, daemon=True).start()
    while True:
        try:
            result, error = outcomes.get(timeout=1)
        except queue.Empty:
            tick()
            continue
        if error:
            raise error
        return result


def _fit(estimator: Any, train: Split, threads: int) -> tuple[float, list[str]]:
    """Fit and return the seconds it took, and what scikit-learn warned of."""
    inputs, labels = pixels(train.images), train.labels.numpy()
    # OpenMP's limit is of a thread: it is set in the one that computes
    with threadpool_limits(limits=threads), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        started = time.perf_counter()
        estimator.fit(inputs, labels)
        seconds = time.perf_counter() - started
    return seconds, [" ".join(str(warning.message).split()) for warning in caught]


def _summary(estimator: Any, seconds: float, val: Split, probabilities: bool) -> Summary:
    found = evaluate(_all_scores(estimator, val, probabilities), val.labels, probabilities)
    # only a linear classifier has a number of values, and of operations, that data does not decide
    weights = getattr(estimator, "coef_", None)
    return Summary(
        parameters=None if weights is None else weights.size + estimator.intercept_.size,
        flops=None if weights is None else 2 * weights.size,
        model_bytes=_pickled_bytes(estimator),
        train_seconds=seconds,
        images_per_second=None,
        epochs_trained=None,
        selected_epoch=None,
        val_accuracy=found["accuracy"],
        val_loss=found["loss"],
    )


def _evaluate(run: Run, estimator: Any, test: Split, probabilities: bool) -> None:
    """Write the predictions, the logits and `test.json`."""
    single, classes = pixels(test.images[:1]), len(test.classes)
    for _ in range(WARM_UP):
        scores(estimator, single, probabilities, classes)
    latencies = [
        _seconds(lambda: scores(estimator, single, probabilities, classes)) for _ in range(PASSES)
    ]
    started = time.perf_counter()
    found = _all_scores(estimator, test, probabilities)
    seconds = time.perf_counter() - started
    run.write_predictions(found.numpy())
    figures = Evaluation(
        **with_test_prefix(evaluate(found, test.labels, probabilities)),
        latency_seconds=float(np.median(latencies)),
        latency_seconds_p95=float(np.quantile(latencies, 0.95)),
        throughput=len(test) / seconds,
        latency_device="cpu",
        latency_threads=torch.get_num_threads(),
    )
    run.write("test.json", figures)


def _all_scores(estimator: Any, split: Split, probabilities: bool) -> Tensor:
    inputs = pixels(split.images)
    batches = (inputs[start : start + BATCH] for start in range(0, len(inputs), BATCH))
    classes = len(split.classes)
    return torch.cat([scores(estimator, batch, probabilities, classes) for batch in batches])


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


class _Counter:
    """A file that counts what is written to it and keeps none of it."""

    def __init__(self) -> None:
        self.bytes = 0

    def write(self, content: bytes | memoryview) -> int:
        size = memoryview(content).nbytes
        self.bytes += size
        return size


def _pickled_bytes(estimator: Any) -> int:
    """Return how long its pickle is, the only form in which scikit-learn stores every classifier.

    It is counted, neither written nor ever loaded.
    """
    counter = _Counter()
    pickle.Pickler(counter, protocol=5).dump(estimator)
    return counter.bytes
