"""Run folders: where they are, what they hold, and how they are read and written.

`results/README.md` has the schema of every file.
"""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout
from torch import nn

from task3_MNIST.core import zoo
from task3_MNIST.core.errors import UserError
from task3_MNIST.core.files import write_atomic

SCHEMA = 1
DEFAULT_DATASET = "mnist"


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
        return self._read_json("config.json", ("model", "family", "recipe", "name", "config"))

    def summary(self) -> dict[str, Any]:
        """Return `summary.json`."""
        return self._read_json("summary.json", ("parameters", "train_seconds", "val_accuracy"))

    def test(self) -> dict[str, Any]:
        """Return `test.json`."""
        return self._read_json("test.json", ("test_accuracy", "test_loss", "confusion"))

    def metrics(self) -> list[dict[str, float]]:
        """Return the lines of `metrics.jsonl`, an epoch each; none if there is no such file."""
        path = self.folder / "metrics.jsonl"
        if not path.is_file():
            return []
        try:
            return [json.loads(line) for line in path.read_text().splitlines()]
        except ValueError as error:
            raise self._unreadable(path, error) from error

    def predictions(self) -> np.ndarray:
        """Return the test logits (N, 10) as float32, in test order."""
        path = self.folder / "predictions.npz"
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return arrays["logits"].astype(np.float32)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise self._unreadable(path, error) from error

    def model(self) -> nn.Module:
        """Return the selected model, on the CPU, in evaluation mode.

        Raises:
            UserError: the file is corrupt, carries an object, or holds another model.
        """
        return self.load_weights(self.folder / "model.pt")

    def load_weights(self, path: Path) -> nn.Module:
        """Return the model of a weights file of this run: `model.pt` or a kept epoch."""
        saved = load_tensors(path)
        expected = self.config()["model"]
        if not isinstance(saved, dict) or "state_dict" not in saved or "model" not in saved:
            raise UserError(f"{path} does not hold a model of this project: train the run again")
        if saved["model"] != expected:
            raise UserError(
                f"{path} holds a {saved['model']}, but the run's config.json says {expected}: "
                "the folder mixes two runs; train it again with --overwrite"
            )
        model = zoo.build(expected)
        try:
            model.load_state_dict(saved["state_dict"])
        except (RuntimeError, AttributeError, TypeError) as error:
            raise UserError(
                f"{path} does not fit {expected} as it is built now: train it again with "
                "--overwrite"
            ) from error
        return model.eval()

    def kept_epochs(self) -> list[tuple[int, Path]]:
        """Return (epoch, weights file) of every epoch kept by `--keep-epochs`, in order."""
        files = sorted((self.folder / "epochs").glob("epoch_*.pt"))
        return [(int(path.stem.removeprefix("epoch_")), path) for path in files]

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write a JSON file of the run."""
        text = json.dumps(content, indent=2, allow_nan=False) + "\n"
        write_atomic(self.folder / name, text.encode())

    def write_metrics(self, history: list[dict[str, float]]) -> None:
        """Write `metrics.jsonl`, whole, so that it can never end within a line."""
        lines = "".join(json.dumps(metrics) + "\n" for metrics in history)
        write_atomic(self.folder / "metrics.jsonl", lines.encode())

    def write_predictions(self, logits: np.ndarray) -> None:
        """Write the test logits (N, 10) as float16: enough for four digits of a probability."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, logits=logits.astype(np.float16))
        write_atomic(self.folder / "predictions.npz", buffer.getvalue())

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

    def _read_json(self, name: str, keys: tuple[str, ...]) -> dict[str, Any]:
        path = self.folder / name
        try:
            content = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise self._unreadable(path, error) from error
        missing = [key for key in keys if not isinstance(content, dict) or key not in content]
        if missing:
            raise UserError(
                f"{path} lacks {', '.join(missing)}: it is from another version or was altered; "
                "train the run again with --overwrite"
            )
        return content

    def _unreadable(self, path: Path, error: Exception) -> UserError:
        reason = "is missing" if isinstance(error, FileNotFoundError) else f"is corrupt ({error})"
        cure = (
            "evaluate the run again with evaluate.py"
            if path.name in ("test.json", "predictions.npz")
            else "train the run again with --overwrite"
        )
        return UserError(f"{path} {' '.join(reason.split())}: {cure}")


LOCK_NAME = ".lock"


def run_folder(results: Path, dataset: str, model: str, name: str, seed: int) -> Run:
    """Return the run of a model, a run name (see `config.run_name`) and a seed."""
    if dataset != DEFAULT_DATASET:
        # a folder of images is named by its last part
        results = results / Path(dataset).name
    return Run(results / model / name / f"seed{seed}")


def find(results: Path) -> list[Run]:
    """Return every run below a folder, in the order of their paths, seeds by number."""
    runs = [Run(path.parent) for path in results.rglob("config.json")]
    return sorted(runs, key=lambda run: (run.folder.parent, len(run.folder.name), run.folder.name))


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
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{path} is corrupt and was not used: train the run again with --overwrite"
        ) from error
