"""Measure a finished run for a study: its rows of the study's table, kept in the run's folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from task3_MNIST.evaluation.robustness.measure import Wanted, measure_robustness
from task3_MNIST.experiments import parallel
from task3_MNIST.experiments.studies.figures import FIGURES, Finished
from task3_MNIST.experiments.studies.probes import PROBES
from task3_MNIST.experiments.train import Job
from task3_MNIST.runs import files
from task3_MNIST.runs.folder import Run

AGAIN = "delete it, and give the command again"
UNCHANGED = Wanted("", None)  # stands for the test images as they are


@dataclass(frozen=True)
class MeasuredRow:
    """Figures of one run on the test images, or on changed ones.

    Attributes:
        kind: as in `Condition`; empty for the test images as they are.
        value: likewise; None.
        figures: by name.
    """

    kind: str
    value: float | list[int] | str | None
    figures: dict[str, float]


@dataclass(frozen=True)
class Measured:
    """What a study measured of a run.

    Attributes:
        weights_sha256: of the weights that were measured.
        rows: as they were wanted.
    """

    weights_sha256: str
    rows: list[MeasuredRow]


@dataclass(frozen=True)
class Measurement:
    """What to measure of each run of a study: called in the worker that trained it.

    Attributes:
        name: the study's.
        figures: names of `FIGURES`.
        wanted: the changes of the test images.
        datasets: those of the study; a probe tries hidden layers on the next one.
    """

    name: str
    figures: tuple[str, ...]
    wanted: tuple[Wanted, ...]
    datasets: tuple[str, ...]

    def path(self, run: Run) -> Path:
        """Return the file of the rows."""
        return run.folder / f"study-{self.name}.json"

    def read(self, run: Run) -> list[MeasuredRow] | None:
        """Return the rows of a run; None if they are not there, or of other weights or figures."""
        if not (run.complete and self.path(run).is_file()):
            return None
        found = files.read(self.path(run), Measured, AGAIN)
        there = [(Wanted.of(row.kind, row.value), set(row.figures)) for row in found.rows]
        needed = [(change, set(self.figures)) for change in self._changes()]
        return (
            found.rows if found.weights_sha256 == run.weights_sha256() and there == needed else None
        )

    def __call__(self, run: Run, job: Job, device: torch.device) -> None:
        """Measure a run whose lock is held, unless it was measured."""
        if self.read(run) is not None:
            return
        finished = Finished(
            run,
            job,
            lambda: parallel.test_images(job),
            lambda: parallel.splits(job, device),
            device,
            self._other(job.dataset),
        )
        if any(FIGURES[name].of_test for name in self.figures):
            run.write_predictions(finished.logits(None).numpy())
            images = [one for one in self.wanted if one.kind not in PROBES]
            if images:  # all at once: the model is loaded once
                measure_robustness(run, images, finished.test(), job.data_dir, device)
        rows = []
        for change in self._changes():
            given = None if change == UNCHANGED else change
            figures = {name: FIGURES[name].compute(finished, given) for name in self.figures}
            rows.append(MeasuredRow(*change, figures))
        files.write(self.path(run), Measured(run.weights_sha256(), rows))

    def _other(self, dataset: str) -> str:
        """Return the data set after this one."""
        if dataset not in self.datasets:
            return dataset
        return self.datasets[(self.datasets.index(dataset) + 1) % len(self.datasets)]

    def _changes(self) -> Sequence[Wanted]:
        return [UNCHANGED, *self.wanted]
