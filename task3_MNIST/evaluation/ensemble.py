"""Ensembles of the seeds of one model: the mean of their probabilities."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import torch

from task3_MNIST.datasets.splits import Split
from task3_MNIST.errors import UserError
from task3_MNIST.evaluation.evaluate import log_probabilities, with_test_prefix
from task3_MNIST.evaluation.metrics import evaluate
from task3_MNIST.models import sklearn_baselines
from task3_MNIST.runs import files
from task3_MNIST.runs.files import Ensemble
from task3_MNIST.runs.folder import Run, read_ensemble


def write_ensembles(runs: Iterable[Run], test: Split) -> list[Path]:
    """Write `ensemble.json` next to the seeds of each run given; return the files.

    All evaluated seeds in a run's parent folder count, not only the runs given. One seed is no
    ensemble, and a seed that cannot be read leaves its ensemble unwritten: the pages and
    `evaluate.py` say what is wrong with it.

    Args:
        runs: of the data set that `test` belongs to.
        test: the test images; only the labels are used.
    """
    written = []
    for folder in dict.fromkeys(run.folder.parent for run in runs):
        members = [Run(path.parent) for path in folder.glob("*/test.json")]
        try:
            if content := ensemble(members, test):
                files.write(folder / "ensemble.json", content)
                written.append(folder / "ensemble.json")
        except UserError:
            continue
    return written


def without_ensemble(runs: Iterable[Run]) -> list[Run]:
    """Return the runs of many seeds whose `ensemble.json` is missing or of other predictions.

    One run for each folder of seeds; a script that was killed before it wrote it leaves it so.
    """
    due = []
    for folder, run in {run.folder.parent: run for run in runs}.items():
        members = [Run(path.parent) for path in folder.glob("*/test.json")]
        if len(members) > 1 and _recorded(folder) != _digests(members):
            due.append(run)
    return due


def _recorded(folder: Path) -> dict[str, str] | None:
    """Return the digests of which an `ensemble.json` says that it was made; None without one."""
    try:
        found = read_ensemble(folder)
    except UserError:
        return None
    return found and found.predictions_sha256


def _digests(members: Iterable[Run]) -> dict[str, str | None]:
    """Return the SHA-256 of each run's logits by its folder's name; None without the file."""
    files = {run.folder.name: run.folder / "logits.npz" for run in members}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
        for name, path in sorted(files.items())
    }


def ensemble(members: list[Run], test: Split) -> Ensemble | None:
    """Return the figures of the mean probabilities; None for fewer than two runs with any.

    Raises:
        UserError: a member's logits cannot be read, or are of other images.
    """
    seeds = {member.config().seed: member for member in members}
    if len(seeds) < 2 or any(member.test().ece is None for member in members):
        return None
    logits = [torch.from_numpy(seeds[seed].logits()) for seed in sorted(seeds)]
    if any(len(part) != len(test) for part in logits):
        raise UserError("a member has predictions of other images")
    mean = torch.stack(logits).double().softmax(2).mean(0)  # (N, classes)
    # a network's 0 was rounded to that; a baseline's means that no tree or neighbor voted so
    baseline = any(member.config().family == sklearn_baselines.FAMILY for member in members)
    found = with_test_prefix(
        evaluate(mean.log() if baseline else log_probabilities(mean), test.labels.cpu())
    )
    kept = ("test_accuracy", "test_loss", "correct", "n", "ece")
    return Ensemble(
        seeds=sorted(seeds),
        predictions_sha256=_digests(members),
        **{key: found[key] for key in kept},
    )
