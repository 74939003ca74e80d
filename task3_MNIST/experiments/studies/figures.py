"""The figures that a study can measure, by name: each from one finished run."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from task3_MNIST.datasets.splits import Split
from task3_MNIST.errors import UserError
from task3_MNIST.evaluation.calibration import (
    brier_score,
    calibration_error,
    temperature_of,
)
from task3_MNIST.evaluation.robustness.measure import Wanted, changed_pixels, measure_robustness
from task3_MNIST.experiments.studies.probes import PROBES, probe_accuracy
from task3_MNIST.experiments.train import Job
from task3_MNIST.models.inference import loss_and_accuracy, predict
from task3_MNIST.runs.folder import Run
from task3_MNIST.training.conditions import under_conditions
from task3_MNIST.training.config import TrainConfig


@dataclass(frozen=True, eq=False)
class Finished:
    """A trained run and the images to measure it on, each loaded when it is needed.

    Attributes:
        run: its folder; whoever measures holds its lock.
        job: what was trained.
        test: loads the test images, uint8.
        splits: loads training and validation images, normalized, before any condition.
        device: where to compute.
        other_dataset: on which a probe tries the hidden layers.
    """

    run: Run
    job: Job
    test: Callable[[], Split]
    splits: Callable[[], tuple[Split, Split | None]]
    device: torch.device
    other_dataset: str
    _logits: dict[Wanted | None, Tensor] = field(default_factory=dict)

    def logits(self, change: Wanted | None) -> Tensor:
        """Return the logits (N, classes) of the test images, on the CPU."""
        if change not in self._logits:
            test = self.test()
            images = test.normalized(self.device).images
            if change:
                plain = test.images.float() / 255
                pixels, _ = changed_pixels(plain, change, self.job.data_dir)
                images = ((pixels - test.mean) / test.std).to(self.device)
            self._logits[change] = predict(self.run.model().to(self.device), images).cpu()
        return self._logits[change]

    @functools.cached_property
    def temperature(self) -> float:
        """The temperature that suits the validation images best, with the labels of training."""
        _, val = under_conditions(*self.splits(), in_order(self.job.config))
        return temperature_of(predict(self.run.model().to(self.device), val.images), val.labels)

    def scaled(self, change: Wanted | None) -> Tensor:
        """Return the logits of the test images divided by the temperature."""
        return self.logits(change) / self.temperature

    @functools.cached_property
    def epochs(self) -> EpochAnswers:
        """What each kept epoch answers; see `EpochAnswers`."""
        return _epoch_answers(self)


def in_order(config: TrainConfig) -> TrainConfig:
    """Return a config whose images have their pixels in order: a trained model shuffles itself."""
    return dataclasses.replace(config, shuffle_pixels="no")


@dataclass(frozen=True)
class EpochAnswers:
    """Of each kept epoch: accuracies on images, and what training labels it has learned by heart.

    Attributes:
        noisy_validation: with the labels that training had.
        clean_validation: with the original labels.
        test: on the test images.
        memorized: of the last epoch: the share of the incorrect training labels it answers.
    """

    noisy_validation: list[float]
    clean_validation: list[float]
    test: list[float]
    memorized: float


def _epoch_answers(finished: Finished) -> EpochAnswers:
    config = in_order(finished.job.config)
    noisy_train, noisy_val = under_conditions(*finished.splits(), config)
    clean = dataclasses.replace(config, label_noise=0.0)
    train, val = under_conditions(*finished.splits(), clean)
    kept = finished.run.kept_epochs()
    if not kept:
        raise UserError(f"{finished.run.folder} kept no epochs: delete it and run the study again")
    test = finished.test().normalized(finished.device)
    noisy, clean, tested = [], [], []
    memorized = 0.0
    for _, path in kept:
        model = finished.run.load_weights(path).to(finished.device)
        answers = predict(model, val.images)
        noisy.append(loss_and_accuracy(answers, noisy_val.labels)[1])
        clean.append(loss_and_accuracy(answers, val.labels)[1])
        tested.append(loss_and_accuracy(predict(model, test.images), test.labels)[1])
    changed = noisy_train.labels != train.labels
    if changed.any():
        answers = predict(model, train.images[changed]).argmax(1)
        memorized = (answers == noisy_train.labels[changed]).float().mean().item()
    return EpochAnswers(noisy, clean, tested, memorized)


def _test_accuracy(finished: Finished, change: Wanted | None) -> float:
    if change is None:
        test = finished.test()
        return loss_and_accuracy(finished.logits(None), test.labels)[1]
    if change.kind in PROBES:
        return probe_accuracy(
            finished.run, finished.job, finished.other_dataset, change, finished.device
        )
    found = measure_robustness(
        finished.run, [change], finished.test(), finished.job.data_dir, finished.device
    )
    return next(c.accuracy for c in found.conditions if Wanted.of(c.kind, c.value) == change)


def _val_accuracy(finished: Finished, _: Wanted | None) -> float:
    return finished.run.summary().val_accuracy


def _val_lead(finished: Finished, change: Wanted | None) -> float:
    return _val_accuracy(finished, None) - _test_accuracy(finished, None)


def _chosen_by(validation: str) -> Callable[[Finished, Wanted | None], float]:
    def accuracy(finished: Finished, _: Wanted | None) -> float:
        by = getattr(finished.epochs, validation)
        return finished.epochs.test[by.index(max(by))]

    return accuracy


def _of_logits(
    measure: Callable[[Tensor, Tensor], float], scaled: bool = False
) -> Callable[[Finished, Wanted | None], float]:
    def figure(finished: Finished, change: Wanted | None) -> float:
        logits = finished.scaled(change) if scaled else finished.logits(change)
        return measure(logits, finished.test().labels)

    return figure


def _nll(logits: Tensor, labels: Tensor) -> float:
    return loss_and_accuracy(logits, labels)[0]


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        title: what it is, for people.
        compute: from a run, and a change of the test images or None.
        percent: whether it is a fraction that is shown in percent.
        of_test: whether it needs the test set.
        of_epochs: whether it needs each epoch's weights.
    """

    title: str
    compute: Callable[[Finished, Wanted | None], float]
    percent: bool = True
    of_test: bool = True
    of_epochs: bool = False


FIGURES: dict[str, Figure] = {
    "test_accuracy": Figure("test accuracy", _test_accuracy),
    "val_accuracy": Figure("validation accuracy", _val_accuracy, of_test=False),
    "val_lead": Figure("validation accuracy minus test accuracy", _val_lead),
    "nll": Figure("test loss (NLL)", _of_logits(_nll), percent=False),
    "brier": Figure("Brier score", _of_logits(brier_score), percent=False),
    "calibration_error": Figure("calibration error", _of_logits(calibration_error)),
    "scaled_nll": Figure(
        "test loss (NLL) with temperature", _of_logits(_nll, scaled=True), percent=False
    ),
    "scaled_calibration_error": Figure(
        "calibration error with temperature", _of_logits(calibration_error, scaled=True)
    ),
    "by_noisy_validation": Figure(
        "test accuracy of the epoch chosen by noisy validation labels",
        _chosen_by("noisy_validation"),
        of_epochs=True,
    ),
    "by_clean_validation": Figure(
        "test accuracy of the epoch chosen by clean validation labels",
        _chosen_by("clean_validation"),
        of_epochs=True,
    ),
    "memorized": Figure(
        "incorrect training labels learned by heart",
        lambda finished, _: finished.epochs.memorized,
        of_epochs=True,
    ),
    "train_seconds": Figure(
        "seconds of training",
        lambda finished, _: finished.run.summary().train_seconds,
        percent=False,
        of_test=False,
    ),
}
