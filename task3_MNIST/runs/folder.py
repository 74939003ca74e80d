"""Run folders: where they are, what they hold, and how they are read and written."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import os
import pickle
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout
from torch import nn

from task3_MNIST.datasets.splits import DATASETS
from task3_MNIST.errors import UsageError, UserError
from task3_MNIST.files import write_atomic
from task3_MNIST.models import registry, sklearn_baselines
from task3_MNIST.runs import files
from task3_MNIST.runs.files import Config, Ensemble, Evaluation, Identity, Summary
from task3_MNIST.training.conditions import reading_images
from task3_MNIST.training.config import TrainConfig
from task3_MNIST.training.loop import EpochMetrics

DEFAULT_DATASET = "mnist"
# what else lies in a results folder: measurements of speed, tuning studies, comparison plots
NOT_RUNS = ("speed", "tuning", "plots")
TRAIN_AGAIN = "train the run again with --overwrite"
EVALUATE_AGAIN = (
    "evaluate the run again with evaluate.py; of a baseline, train_baselines.py --overwrite does it"
)


@dataclass(frozen=True)
class Run:
    """One model trained by one recipe from one seed: a folder."""

    folder: Path

    @property
    def complete(self) -> bool:
        """Whether training ended: the summary is the last file written."""
        return (self.folder / "summary.json").is_file()

    @property
    def started(self) -> bool:
        """Whether there is anything to resume or to show."""
        return (self.folder / "config.json").is_file()

    @property
    def evaluated(self) -> bool:
        """Whether the test set was read for it."""
        return (self.folder / "test.json").is_file()

    def config(self) -> Config:
        """Return `config.json`."""
        return files.read(self.folder / "config.json", Config, TRAIN_AGAIN)

    def summary(self) -> Summary:
        """Return `summary.json`."""
        return files.read(self.folder / "summary.json", Summary, TRAIN_AGAIN)

    def test(self) -> Evaluation:
        """Return `test.json`."""
        path, classes = self.folder / "test.json", len(self.config().class_names)
        found = files.read(path, Evaluation, EVALUATE_AGAIN)
        if len(found.confusion) != classes:
            what = f"has {len(found.confusion)} classes, and config.json has {classes}"
            raise files.refused(path, ValueError(what), EVALUATE_AGAIN)
        return found

    def metrics(self) -> list[EpochMetrics]:
        """Return the epochs of `metrics.jsonl`; none if there is no such file."""
        path = self.folder / "metrics.jsonl"
        return files.read_epochs(path, TRAIN_AGAIN) if path.is_file() else []

    def classes(self) -> np.ndarray:
        """Return the class (N,) uint8 that the model gives each test image, in test order."""
        path = self.folder / "predictions.npz"
        classes = files.read_array(path, "classes", EVALUATE_AGAIN)
        count = len(self.config().class_names)
        if classes.ndim != 1 or classes.dtype != np.uint8 or (classes >= count).any():
            wanted = f"classes (N,) from 0 to {count - 1}"
            found = f"holds {classes.dtype} of shape {classes.shape}, not {wanted}"
            raise files.refused(path, ValueError(found), EVALUATE_AGAIN)
        return classes

    def logits(self) -> np.ndarray:
        """Return the test logits (N, classes), float32, in test order; the highest of each is 0."""
        path = self.folder / "logits.npz"
        logits = files.read_array(path, "logits", EVALUATE_AGAIN)
        count = len(self.config().class_names)
        usable = logits.ndim == 2 and logits.shape[1] == count and logits.dtype.kind == "f"
        if not usable or not np.isfinite(logits).all():
            found = f"holds {logits.dtype} of shape {logits.shape}, not finite logits (N, {count})"
            raise files.refused(path, ValueError(found), EVALUATE_AGAIN)
        return logits.astype(np.float32)

    def model(self) -> nn.Module:
        """Return the selected model, on the CPU, in evaluation mode.

        Raises:
            UserError: the file is damaged, carries an object, or holds another model; or the run
                is a baseline's.
        """
        self.require_network()
        return self.load_weights(self.folder / "model.pt")

    def load_weights(self, path: Path) -> nn.Module:
        """Return the model of a weights file of this run: `model.pt` or a kept epoch."""
        return load_model(path, self.config())

    @property
    def baseline(self) -> bool:
        """Whether it is a run of a classical baseline, which has no epochs and no weights."""
        return self.config().family == sklearn_baselines.FAMILY

    def require_network(self) -> None:
        """Raise UserError if it is a baseline's: there is no model to load."""
        if self.baseline:
            raise UserError(
                f"{self.folder} is a run of the baseline {self.config().model}, whose fitted "
                "model is not kept: train_baselines.py evaluates it right after the fit, and "
                "--overwrite does both again"
            )

    def weights_sha256(self) -> str:
        """Return the SHA-256 of the selected weights: what was measured of others is out of date.

        Raises:
            UserError: the file is missing.
        """
        path = self.folder / "model.pt"
        try:
            return hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise files.refused(path, error, TRAIN_AGAIN) from error

    def kept_epochs(self) -> list[tuple[int, Path]]:
        """Return (epoch, weights file) of every epoch kept by `--keep-epochs`, in order."""
        files = (self.folder / "epochs").glob("epoch_*.pt")
        # files of any other name are not of this project
        named = [(re.fullmatch(r"epoch_([0-9]{4,9})\.pt", path.name), path) for path in files]
        return sorted((int(match[1]), path) for match, path in named if match)

    def write(self, name: str, content: Any) -> None:
        """Write the dataclass of a JSON file of the run."""
        files.write(self.folder / name, content)

    def write_metrics(self, history: list[EpochMetrics]) -> None:
        """Write `metrics.jsonl`."""
        files.write_epochs(self.folder / "metrics.jsonl", history)

    def write_predictions(self, logits: np.ndarray) -> None:
        """Write the predicted classes, and the test logits (N, classes) in a file of their own.

        Logits are kept as float16, each image's highest moved to 0: softmax does not change by
        that, float16 is finest near 0, and no logit is too large for it. The highest stays the
        only one at 0: rounding must not change which class it is.
        """
        lowest = np.finfo(np.float16).min
        below = (logits - logits.max(1, keepdims=True)).clip(min=lowest).astype(np.float16)
        tied = below == 0
        tied[np.arange(len(logits)), logits.argmax(1)] = False
        below[tied] = -np.finfo(np.float16).smallest_subnormal
        files.write_array(self.folder / "logits.npz", logits=below)
        classes = logits.argmax(1).astype(np.uint8)
        files.write_array(self.folder / "predictions.npz", classes=classes)

    def write_tensors(self, name: str, content: dict[str, Any]) -> None:
        """Write tensors and plain types with PyTorch."""
        buffer = io.BytesIO()
        torch.save(content, buffer)
        write_atomic(self.folder / name, buffer.getvalue())

    def clear(self) -> None:
        """Remove what training and evaluation wrote, for `--overwrite`."""
        # the summary goes first: a run half removed must not look complete
        (self.folder / "summary.json").unlink(missing_ok=True)
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != LOCK_NAME:
                path.unlink()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the run for this script: no other one may write it meanwhile.

        Raises:
            UserError: another process holds it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / LOCK_NAME, timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise UserError(
                f"another script is writing {self.folder}: wait for it, or pick another "
                "--seed or --results"
            ) from error
        try:
            # the locked folder has one writer: temporary files are those of a killed one
            for leftover in self.folder.rglob(".*.tmp"):
                leftover.unlink()
            yield
        finally:
            lock.release()


LOCK_NAME = ".lock"


def run_folder(results: Path, dataset: str, model: str, name: str, seed: int) -> Run:
    """Return the run of a model, a run name (see `config.run_name`) and a seed."""
    if dataset != DEFAULT_DATASET:
        results = results / dataset_folder(dataset)
    return Run(results / model / name / f"seed{seed}")


def dataset_folder(dataset: str) -> str:
    """Return the folder of a data set's runs below the results, where it is not the default one.

    A folder of images has the end of its path and a few letters that no other path has: folders
    of one name are different data sets.

    Args:
        dataset: its canonical name.
    """
    if dataset in DATASETS:
        return dataset
    digest = hashlib.sha256(os.fsencode(dataset)).hexdigest()[:6]
    return f"{re.sub('[+=]', '-', Path(dataset).name)}-{digest}"


def find(results: Path) -> list[Run]:
    """Return every run below a folder, in the order of their paths, seeds by number."""
    runs = [Run(path.parent) for path in among_runs(results, results.rglob("config.json"))]
    return sorted(runs, key=lambda run: (run.folder.parent, len(run.folder.name), run.folder.name))


def require_runs(results: Path) -> None:
    """Raise UsageError if a folder has no run at all: it is most likely the wrong one."""
    if not find(results):
        raise UsageError(
            f"there is no run in {results}: train one with `python task3_MNIST/train_mlp.py` or "
            "`python task3_MNIST/train_cnn.py`, or name another folder with --results"
        )


def runs_named(folders: Iterable[Path]) -> list[Run]:
    """Return the runs of folders: each is a run folder, or has some below it.

    Raises:
        UsageError: one has none.
    """
    runs = []
    for folder in folders:
        found = [Run(folder)] if Run(folder).started else find(folder)
        if not found:
            raise UsageError(
                f"{folder} is not a run folder and has none below it: name one that has a "
                "config.json"
            )
        runs += found
    return runs


def runs_to_evaluate(results: Path) -> list[Run]:
    """Return the complete runs below a folder that were never evaluated.

    Raises:
        UsageError: there is no run at all.
    """
    require_runs(results)
    return [run for run in find(results) if run.complete and not run.evaluated]


def among_runs(results: Path, paths: Iterable[Path]) -> list[Path]:
    """Return the paths below a results folder without those of what else lies there."""
    return [path for path in paths if path.relative_to(results).parts[0] not in NOT_RUNS]


def find_complete(results: Path) -> tuple[list[Run], list[UserError]]:
    """Return the complete runs below a folder whose config and summary can be read, as `find`.

    Returns:
        the runs, and for each one left out what is wrong with it.
    """
    readable, faults = [], []
    for run in find(results):
        try:
            run.config()
            if run.complete:
                run.summary()
                readable.append(run)
        except UserError as error:
            faults.append(error)
    return readable, faults


def load_model(path: Path, config: Config) -> nn.Module:
    """Return a run's model with the weights in a file, on the CPU, in evaluation mode.

    It takes ordinary images, also if it was trained on shuffled pixels.

    Raises:
        UserError: the file is damaged, carries an object, or holds another model.
    """
    name, saved = config.model, load_tensors(path)
    if not isinstance(saved, dict) or "state_dict" not in saved or saved.get("model") != name:
        raise UserError(f"{path} does not hold the weights of a {name}: {TRAIN_AGAIN}")
    model = registry.build(name, len(config.class_names))
    load_state(model, saved["state_dict"], path)
    try:
        trained = TrainConfig(**config.hyperparameters)
    except (TypeError, UsageError) as error:  # of a version that has other hyperparameters
        raise UserError(f"{path.parent} was trained by another version ({error})") from error
    return reading_images(model, trained).eval()


def load_state(model: nn.Module, state: Mapping[str, Any], path: Path) -> None:
    """Load a state dict, which was read from a file, into a model.

    Raises:
        UserError: it is of another model, or a weight is not finite.
    """
    try:
        model.load_state_dict(state)
    except Exception as error:  # whatever PyTorch stumbles over in what is no state of this model
        raise UserError(
            f"{path} does not fit the model as it is built now: {TRAIN_AGAIN}"
        ) from error
    if not all(tensor.isfinite().all() for tensor in model.state_dict().values()):
        raise UserError(f"{path} holds weights that are not finite: {TRAIN_AGAIN}")


def load_tensors(path: Path) -> Any:
    """Return what PyTorch saved in a file, if it is tensors and plain types only.

    Raises:
        UserError: the file is missing or damaged, or carries an object, which could run code.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path} holds something other than tensors and plain types, or is damaged: it was "
            f"not loaded, since loading it could run code; {TRAIN_AGAIN}"
        ) from error
    except Exception as error:  # PyTorch raises whatever the damage makes it stumble over
        raise files.refused(path, error, TRAIN_AGAIN) from error


def check_same(run: Run, identity: Identity) -> None:
    """Raise UserError if the folder holds a run of another model, data set or setting."""
    found, wanted = run.config(), dataclasses.asdict(identity)
    for key, value in wanted.items():
        there = getattr(found, key)
        if key == "hyperparameters":
            if identity.family != sklearn_baselines.FAMILY:
                # a run from before a hyperparameter was added has its default
                there = {**dataclasses.asdict(TrainConfig()), **there}
            key = next((k for k in {**value, **there} if there.get(k) != value.get(k)), key)
            there, value = there.get(key, there), value.get(key, value)
        if there != value:
            raise UserError(
                f"{run.folder} holds a run with {key} {there}, not {value}: use another --results, "
                "or --overwrite to replace it"
            )


def read_ensemble(folder: Path) -> Ensemble | None:
    """Return a folder's `ensemble.json`; None if there is none."""
    path = folder / "ensemble.json"
    return files.read(path, Ensemble, "evaluate its runs again") if path.is_file() else None
