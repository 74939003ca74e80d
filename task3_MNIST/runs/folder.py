"""Run folders: where they are, what they hold, and how they are read and written.

`docs/run_folder.md` has the schema of every file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import pickle
import re
import shutil
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout
from torch import nn

from task3_MNIST.errors import UsageError, UserError
from task3_MNIST.files import write_atomic
from task3_MNIST.models import registry, sklearn_baselines
from task3_MNIST.runs import files
from task3_MNIST.runs.files import ensemble_fault
from task3_MNIST.training.config import TrainConfig

DEFAULT_DATASET = "mnist"
# what else lies in a results folder: measurements of speed, studies of knobs, comparison plots
NOT_RUNS = ("speed", "tuning", "plots")
# what NumPy raises for a file that is no archive, or was cut off or altered
BAD_ARCHIVE = (
    *(OSError, EOFError, ValueError, TypeError, KeyError, AttributeError, RuntimeError),
    *(MemoryError, SyntaxError, tokenize.TokenError, zipfile.BadZipFile, zlib.error),
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

    def config(self) -> dict[str, Any]:
        """Return `config.json`."""
        return self._checked("config.json", _read_json, files.config_fault)

    def summary(self) -> dict[str, Any]:
        """Return `summary.json`."""
        return self._checked("summary.json", _read_json, files.summary_fault)

    def test(self) -> dict[str, Any]:
        """Return `test.json`."""
        return self._checked("test.json", _read_json, files.test_fault)

    def metrics(self) -> list[dict[str, float]]:
        """Return the lines of `metrics.jsonl`, an epoch each; none if there is no such file."""
        if not (self.folder / "metrics.jsonl").is_file():
            return []
        return self._checked("metrics.jsonl", _read_lines, files.history_fault)

    def predictions(self) -> np.ndarray:
        """Return the test logits (N, 10) as float32, in test order; the highest of each is 0.

        Raises:
            UserError: the file is damaged, or holds the classes only, as reference results do.
        """
        _, logits = self._checked("predictions.npz", _read_predictions, _logits_fault)
        return logits.astype(np.float32)

    def classes(self) -> np.ndarray:
        """Return the class (N,) uint8 that the model gives each test image, in test order."""
        key, stored = self._checked("predictions.npz", _read_predictions, _predictions_fault)
        return stored if key == CLASSES_KEY else stored.argmax(1).astype(np.uint8)

    @property
    def published(self) -> bool:
        """Whether this is a copy for others to read: classes, no logits, and mostly no weights."""
        try:
            return _read_predictions(self.folder / "predictions.npz")[0] == CLASSES_KEY
        except BAD_ARCHIVE:
            return False

    def model(self) -> nn.Module:
        """Return the selected model, on the CPU, in evaluation mode.

        Raises:
            UserError: the file is corrupt, carries an object, or holds another model; or the run
                is a baseline's.
        """
        self.require_network()
        return self.load_weights(self.folder / "model.pt")

    @property
    def baseline(self) -> bool:
        """Whether it is a run of a classical baseline, which has no epochs and no weights."""
        return self.config()["family"] == sklearn_baselines.FAMILY

    def require_network(self) -> None:
        """Raise UserError if it is a baseline's: there is no model to load."""
        if self.baseline:
            raise UserError(
                f"{self.folder} is a run of the baseline {self.config()['model']}, whose fitted "
                "model is not kept: train_baselines.py evaluates it right after the fit, and "
                "--overwrite does both again"
            )

    def load_weights(self, path: Path) -> nn.Module:
        """Return the model of a weights file of this run: `model.pt` or a kept epoch."""
        saved = load_tensors(path)
        expected = self.config()["model"]
        names = isinstance(saved, dict) and isinstance(saved.get("model"), str)
        if not names or "state_dict" not in saved:
            raise UserError(
                f"{path} does not hold a model of this project: train the run again with "
                "--overwrite"
            )
        if saved["model"] != expected:
            raise UserError(
                f"{path} holds a {saved['model']}, but the run's config.json says {expected}: "
                "the folder mixes two runs; train it again with --overwrite"
            )
        try:
            model = registry.build(expected)
        except UserError as error:
            raise UserError(f"{self.folder / 'config.json'} names an {error}") from error
        load_state(model, saved["state_dict"], path)
        return model.eval()

    def kept_epochs(self) -> list[tuple[int, Path]]:
        """Return (epoch, weights file) of every epoch kept by `--keep-epochs`, in order."""
        files = (self.folder / "epochs").glob("epoch_*.pt")
        # files of any other name are not of this project
        named = [(re.fullmatch(r"epoch_([0-9]{4,9})\.pt", path.name), path) for path in files]
        return sorted((int(match[1]), path) for match, path in named if match)

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write a JSON file of the run."""
        text = json.dumps(content, indent=2, allow_nan=False) + "\n"
        write_atomic(self.folder / name, text.encode())

    def write_metrics(self, history: list[dict[str, float]]) -> None:
        """Write `metrics.jsonl`, whole, so that it can never end within a line."""
        lines = "".join(json.dumps(metrics) + "\n" for metrics in history)
        write_atomic(self.folder / "metrics.jsonl", lines.encode())

    def write_predictions(self, logits: np.ndarray) -> None:
        """Write the test logits (N, 10) as float16, each image's highest moved to 0.

        Softmax does not change by that, float16 is finest near 0, and no logit is too large for
        it. The highest stays the only one at 0: rounding must not change which class it is.
        """
        lowest = np.finfo(np.float16).min
        below = (logits - logits.max(1, keepdims=True)).clip(min=lowest).astype(np.float16)
        tied = below == 0
        tied[np.arange(len(logits)), logits.argmax(1)] = False
        below[tied] = -np.finfo(np.float16).smallest_subnormal
        write_atomic(self.folder / "predictions.npz", _archive(logits=below))

    def write_classes(self, classes: np.ndarray) -> None:
        """Write the class (N,) uint8 given to each test image in place of the logits."""
        write_atomic(self.folder / "predictions.npz", _archive(**{CLASSES_KEY: classes}))

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
        """Hold the run against every other script that would write it.

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

    def _checked(
        self, name: str, read: Callable[[Path], Any], fault: Callable[[Any], str | None]
    ) -> Any:
        """Return what a file holds, or raise UserError with what is wrong and what mends it."""
        path = self.folder / name
        try:
            content = read(path)
        except FileNotFoundError as error:
            raise UserError(f"{path} is missing: {self._cure(name)}") from error
        except (*BAD_ARCHIVE, RecursionError) as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise UserError(f"{path} is corrupt ({reason}): {self._cure(name)}") from error
        if wrong := fault(content):
            raise UserError(
                f"{path} {wrong}: it is from another version or was altered; {self._cure(name)}"
            )
        return content

    def _cure(self, name: str) -> str:
        evaluated = name in ("test.json", "predictions.npz")
        if evaluated and not self.baseline:
            return "evaluate the run again with evaluate.py"
        return "train the run again with --overwrite"


LOCK_NAME = ".lock"
LOGITS_KEY, CLASSES_KEY = "logits", "classes"  # in predictions.npz


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _read_lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _archive(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _read_predictions(path: Path) -> tuple[str, np.ndarray]:
    """Return what the file stores, logits (N, 10) float16 or classes (N,) uint8, and which."""
    with np.load(path, allow_pickle=False) as arrays:
        key = CLASSES_KEY if CLASSES_KEY in arrays.files else LOGITS_KEY
        return key, arrays[key]


def _logits_fault(content: tuple[str, np.ndarray]) -> str | None:
    key, logits = content
    if key != LOGITS_KEY:
        return "holds the classes only, no logits"
    if logits.ndim != 2 or logits.shape[1] != files.CLASSES or logits.dtype.kind != "f":
        return f"holds {logits.dtype} of the shape {logits.shape}, not logits (N, 10)"
    return None if np.isfinite(logits).all() else "holds logits that are not finite"


def _predictions_fault(content: tuple[str, np.ndarray]) -> str | None:
    key, classes = content
    if key != CLASSES_KEY:
        return _logits_fault(content)
    if classes.ndim != 1 or classes.dtype != np.uint8 or (classes >= files.CLASSES).any():
        return f"holds {classes.dtype} of the shape {classes.shape}, not classes (N,) from 0 to 9"
    return None


def run_folder(results: Path, dataset: str, model: str, name: str, seed: int) -> Run:
    """Return the run of a model, a run name (see `config.run_name`) and a seed."""
    if dataset != DEFAULT_DATASET:
        # a folder of images is named by its last part
        results = results / Path(dataset).name
    return Run(results / model / name / f"seed{seed}")


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


def among_runs(results: Path, paths: Iterable[Path]) -> list[Path]:
    """Return the paths below a results folder without those of what else lies there."""
    return [path for path in paths if path.relative_to(results).parts[0] not in NOT_RUNS]


def refuse_other_schemas(results: Path) -> None:
    """Raise UserError if a run below a folder was written by a version with other files."""
    for run in find(results):
        path = run.folder / "config.json"
        try:
            fault = files.version_fault(_read_json(path))
        except (OSError, ValueError, RecursionError):
            continue  # whoever reads this run will say so
        if fault:
            raise UserError(
                f"{path} {fault}: {results} holds runs of another version; name another folder "
                "with --results, or move them away"
            )


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


def load_state(model: nn.Module, state: Mapping[str, Any], path: Path) -> None:
    """Load a state dict, which was read from a file, into a model.

    Raises:
        UserError: it is of another model, or a weight is not finite.
    """
    try:
        model.load_state_dict(state)
    except (RuntimeError, AttributeError, TypeError, KeyError, ValueError) as error:
        raise UserError(
            f"{path} does not fit the model as it is built now: train the run again with "
            "--overwrite"
        ) from error
    if not all(tensor.isfinite().all() for tensor in model.state_dict().values()):
        raise UserError(
            f"{path} holds weights that are not finite: train the run again with --overwrite"
        )


def load_tensors(path: Path) -> Any:
    """Return what PyTorch saved in a file, if it is tensors and plain types only.

    Raises:
        UserError: the file is missing or corrupt, or carries an object, which could run code.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing: train the run again with --overwrite") from error
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path} holds something other than tensors and plain types, or is corrupt: it was "
            "not loaded, since loading it could run code; train the run again with --overwrite"
        ) from error
    except BAD_ARCHIVE as error:
        raise UserError(
            f"{path} is corrupt and was not used: train the run again with --overwrite"
        ) from error


def check_same(run: Run, identity: dict[str, Any]) -> None:
    """Raise UserError if the folder holds a run of another model, data set or setting."""
    there = run.config()
    for key, wanted in identity.items():
        found = there.get(key)
        if found == wanted:
            continue
        if key == "config":
            # a run of an earlier version lacks the knobs that came since: it had them off
            found = {**dataclasses.asdict(TrainConfig()), **(found or {})}
            if found == wanted:
                continue
            key = next(k for k in {**wanted, **found} if found.get(k) != wanted.get(k))
            found, wanted = found.get(key), wanted.get(key)
        raise UserError(
            f"{run.folder} holds a run with {key} {found}, not {wanted}: use another --results, "
            "or --overwrite to replace it"
        )


def read_ensemble(folder: Path) -> dict[str, Any] | None:
    """Return the content of a folder's `ensemble.json`; None if there is none.

    Raises:
        UserError: it is corrupt or from another version.
    """
    path = folder / "ensemble.json"
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is corrupt: evaluate its runs again") from error
    if fault := ensemble_fault(content):
        raise UserError(f"{path} {fault}: evaluate its runs again")
    return content
