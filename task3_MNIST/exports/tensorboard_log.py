"""A run as a log of TensorBoard: curves, the confusion matrix, hyperparameters, final figures."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from task3_MNIST.files import write_atomic
from task3_MNIST.plots.run import confusion_figure
from task3_MNIST.runs.files import Config
from task3_MNIST.runs.folder import DEFAULT_DATASET, Run
from task3_MNIST.training.config import TrainConfig

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

LOG = "events.out.tfevents"  # TensorBoard reads what has this in its name
CURVES = {  # tag: column of `metrics.jsonl`
    "accuracy/training": "train_accuracy",
    "accuracy/validation": "val_accuracy",
    "loss/training": "train_loss",
    "loss/training, without label smoothing": "train_loss_unsmoothed",
    "loss/validation": "val_loss",
    "learning rate": "lr",
}
KEPT = {"accuracy/test, kept epochs": "test_accuracy", "loss/test, kept epochs": "test_loss"}
FINAL = {  # tag: file of the run, its key
    "final/test accuracy": ("test", "test_accuracy"),
    "final/test loss": ("test", "test_loss"),
    "final/validation accuracy": ("summary", "val_accuracy"),
    "final/training seconds": ("summary", "train_seconds"),
    "final/parameters": ("summary", "parameters"),
}
IDENTITY = ("model", "family", "dataset", "name", "seed")  # of `config.json`


def log_folder(run: Run, out: Path) -> Path:
    """Return the folder of a run's log: its path below is the name that TensorBoard shows."""
    config = run.config()
    dataset = Path(config.dataset).name
    parts = [] if dataset == DEFAULT_DATASET else [dataset]
    return out.joinpath(*parts, config.model, config.name, f"seed{config.seed}")


def write_log(run: Run, out: Path) -> Path:
    """Write what a run says so far as a log, in place of an earlier one, and return the file.

    Args:
        run: finished or running.
        out: the folder of all logs.

    Raises:
        UserError: a file of the run is damaged, or the log cannot be written.
    """
    from torch.utils.tensorboard import SummaryWriter

    folder = log_folder(run, out)
    with tempfile.TemporaryDirectory() as unfinished:
        # a TensorBoard that shows the earlier log drops what it read from step 0 on
        with SummaryWriter(unfinished, purge_step=0) as writer:
            _write(run, writer)
        [log] = Path(unfinished).iterdir()
        content = log.read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    earlier = list(folder.glob(f"{LOG}.*"))
    path = folder / f"{LOG}.{time.time_ns()}"  # read in the order of their names
    write_atomic(path, content)
    for other in earlier:
        with contextlib.suppress(OSError):  # Windows keeps what a TensorBoard reads
            other.unlink()
    return path


def _write(run: Run, writer: SummaryWriter) -> None:
    config, epochs = run.config(), run.metrics()
    files: dict[str, Any] = {}
    if run.complete:
        files["summary"] = run.summary()
    if run.evaluated:
        files["test"] = run.test()

    # the time at which each epoch ended, as if there had been no break
    seconds = list(itertools.accumulate(row.seconds for row in epochs))
    ended = (run.folder / "metrics.jsonl").stat().st_mtime if epochs else 0.0
    for row, passed in zip(epochs, seconds, strict=True):
        for tag, column in CURVES.items():
            if (value := getattr(row, column)) is not None:
                writer.add_scalar(tag, value, row.epoch, ended - seconds[-1] + passed)
    for row in files["test"].epochs if "test" in files else ():
        for tag, column in KEPT.items():
            writer.add_scalar(tag, getattr(row, column), row.epoch)
    last = len(epochs)
    for tag, (file, key) in FINAL.items():
        if file in files and (value := getattr(files[file], key)) is not None:
            writer.add_scalar(tag, value, last)
    if "test" in files:
        writer.add_figure("confusion matrix", confusion_figure(run), last)
    _write_hyperparameters(config, writer, finished=run.complete)


def _write_hyperparameters(config: Config, writer: SummaryWriter, finished: bool) -> None:
    from torch.utils.tensorboard.summary import hparams

    identity = {name: getattr(config, name) for name in IDENTITY}
    own = {name: _plain(value) for name, value in config.hyperparameters.items()}
    # TensorBoard takes the columns from any one run, so that all runs say the same ones
    columns, _, _ = hparams(dataclasses.asdict(TrainConfig()) | identity, dict.fromkeys(FINAL, 0.0))
    _, start, end = hparams(own | identity, {})
    for summary in [columns, start, *([end] if finished else [])]:
        writer.file_writer.add_summary(summary)


def _plain(value: Any) -> bool | int | float | str:
    return value if isinstance(value, bool | int | float | str) else str(value)
