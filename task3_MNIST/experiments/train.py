"""One run from its config to its summary: resumed where it stood, every file complete."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import nn

from task3_MNIST.datasets.splits import (
    Split,
    canonical_name,
    dataset_checksum,
    load_train,
    split_validation,
)
from task3_MNIST.errors import UsageError
from task3_MNIST.files import readable_path
from task3_MNIST.models import registry
from task3_MNIST.models.size import (
    count_flops,
    model_bytes,
    parameter_count,
    trained_parameter_count,
)
from task3_MNIST.runs.files import (
    Config,
    Identity,
    Summary,
    checked_epochs,
    refused,
    written_classes,
)
from task3_MNIST.runs.folder import (
    TRAIN_AGAIN,
    Run,
    check_same,
    load_state,
    load_tensors,
    run_folder,
)
from task3_MNIST.runs.provenance import provenance
from task3_MNIST.training.conditions import under_conditions
from task3_MNIST.training.easy_images import images_of_epoch
from task3_MNIST.training.loop import EpochMetrics, build_optimizer, fit, seed_generators
from task3_MNIST.training.recipes import Resolved, resolve_config


@dataclasses.dataclass(frozen=True)
class Job(Resolved):
    """What to train: all of it decides the result, and `config.json` says it.

    Attributes:
        dataset: a data set's name or folder.
        data_dir: where data sets lie.
        keep_epochs: whether each epoch's weights are kept, for test curves.
    """

    dataset: str
    data_dir: Path
    keep_epochs: bool = False

    def run(self, results: Path) -> Run:
        """Return where it is trained: its folder below the results."""
        return run_folder(results, self.dataset, self.model, self.name, self.config.seed)

    def identity(self, checksum: Callable[[str, Path], str] = dataset_checksum) -> Identity:
        """Return the part of `config.json` that decides the numbers.

        Args:
            checksum: how the data set's is found; whoever asks for many jobs passes it cached.
        """
        return Identity(
            model=self.model,
            family=registry.family_of(self.model),
            dataset=self.dataset,
            dataset_sha256=checksum(self.dataset, self.data_dir),
            recipe=self.recipe,
            name=self.name,
            seed=self.config.seed,
            hyperparameters=dataclasses.asdict(self.config),
        )

    def outcome(self, results: Path) -> str:
        """Return what came of it, in a line."""
        run = self.run(results)
        return (
            f"test accuracy {run.test().test_accuracy:.2%}, trained in "
            f"{run.summary().train_seconds:.1f} s"
        )


def make_job(
    model: str,
    recipe: str,
    overrides: dict[str, Any],
    dataset: str,
    data_dir: Path,
    device: torch.device,
    keep_epochs: bool = False,
) -> Job:
    """Return the job of a model and a recipe; see `resolve_config` and `Job`.

    Raises:
        UsageError: there is no such model, recipe or data set, or a value is out of range.
        UserError: the recipe's file cannot be used.
    """
    resolved = resolve_config(model, recipe, overrides, device)
    dataset = usable_name(dataset)
    return Job(**vars(resolved), dataset=dataset, data_dir=data_dir, keep_epochs=keep_epochs)


def usable_name(dataset: str) -> str:
    """Return the name by which a run's data set is found from any working directory.

    Raises:
        UsageError: there is no such data set, or it is the root of a disk.
    """
    name = canonical_name(dataset)
    if not Path(name).name:
        raise UsageError(
            f"the data set {name} is the root of a disk: put its folders into one with a name"
        )
    return name


def load_splits(
    dataset: str,
    data_dir: Path,
    device: torch.device,
    full_train: bool = False,
    validation: str = "random",
) -> tuple[Split, Split | None]:
    """Return (train, validation), normalized, on the device; no validation with `full_train`.

    `validation` says which images validate, as in `TrainConfig`.
    """
    images = load_train(dataset, data_dir)
    # split before they are moved: scikit-learn reads labels, and reads them on the CPU only
    if full_train:
        return images.normalized(device), None
    train, val = split_validation(images, validation, dataset)
    return train.normalized(device), val.normalized(device)


def train_run(
    run: Run,
    job: Job,
    splits: tuple[Split, Split | None],
    on_epoch: Callable[[EpochMetrics], None],
    checksum: Callable[[str, Path], str] = dataset_checksum,
) -> Summary:
    """Train the run, or go on where it stood, and return its summary.

    Args:
        run: its folder; the caller holds its lock.
        job: what to train.
        splits: train and validation, on the device to train on; see `load_splits`.
        on_epoch: called with an epoch's metrics once its files are written.
        checksum: as in `Job.identity`.

    Raises:
        UserError: the folder holds another run, its checkpoint is corrupt, or the loss
            diverged.
    """
    train, val = under_conditions(*splits, job.config)
    device = train.images.device
    checkpoint = _start(run, job, train, checksum)
    seed_generators(job.config, 0)
    model = registry.build(job.model, len(train.classes)).to(device)

    state = checkpoint or {}
    history = [EpochMetrics(**metrics) for metrics in state.get("history", [])]
    for epoch in fit(model, train, val, job.config, checkpoint):
        state = epoch.checkpoint
        history.append(epoch.metrics)
        if job.keep_epochs:
            number = epoch.metrics.epoch
            (run.folder / "epochs").mkdir(exist_ok=True)
            weights = {"model": job.model, "state_dict": epoch.weights}
            run.write_tensors(f"epochs/epoch_{number:04d}.pt", weights)
        # the checkpoint carries the metrics: whatever is cut off after it is written again
        run.write_tensors("checkpoint.pt", state)
        run.write_metrics(history)
        on_epoch(epoch.metrics)
    images = images_of_epoch(len(train), job.config.drop_easy)
    return _finish(run, job, model, history, state["selected"], images)


def _start(
    run: Run, job: Job, train: Split, checksum: Callable[[str, Path], str]
) -> dict[str, Any] | None:
    """Write `config.json` and return the checkpoint to go on from, if there is one."""
    identity = job.identity(checksum)
    if run.started:
        check_same(run, identity)
    config = Config(
        **vars(identity),
        **vars(provenance(train.images.device)),
        pixel_mean=train.mean,
        pixel_std=train.std,
        classes=written_classes(job.dataset, train.classes),
        recipe_file=readable_path(job.recipe_file) if job.recipe_file else None,
    )
    run.write("config.json", config)
    path = run.folder / "checkpoint.pt"
    if not path.exists():
        return None
    checkpoint = load_tensors(path)
    try:
        history = _check(checkpoint, job, len(train.classes), path)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise refused(path, error, TRAIN_AGAIN) from error
    run.write_metrics(history)
    return checkpoint


def _check(checkpoint: dict[str, Any], job: Job, classes: int, path: Path) -> list[EpochMetrics]:
    """Return the epochs of a checkpoint; raise whatever shows that training cannot go on from it.

    An optimizer loads another model's state without complaint, and its fused step can then end
    the process. So it is compared with that of one whose step is known to be good.
    """
    history = checked_epochs(msgspec.convert(checkpoint["history"], list[EpochMetrics]))
    if not 0 < checkpoint["selected"]["epoch"] <= len(history) <= job.config.epochs:
        raise ValueError("it has other epochs than the run")
    model = registry.build(job.model, classes)
    load_state(model, checkpoint["selected"]["state_dict"], path)
    if job.config.ema:
        load_state(model, checkpoint["averaged"], path)
    load_state(model, checkpoint["model"], path)
    optimizer = build_optimizer(model, job.config)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    if _outline(checkpoint["optimizer"]) != _outline(optimizer.state_dict()):
        raise ValueError("its optimizer does not fit the run")
    return history


def _outline(state: Any) -> Any:
    """Return an optimizer's state without what training changes in it."""
    if isinstance(state, torch.Tensor):
        return state.shape, state.dtype, bool(state.isfinite().all())
    if isinstance(state, dict):
        return {key: _outline(value) for key, value in state.items() if key != "lr"}
    if isinstance(state, list | tuple):
        return [_outline(value) for value in state]
    return state


def _finish(
    run: Run,
    job: Job,
    model: nn.Module,
    history: list[EpochMetrics],
    selected: dict[str, Any],
    images: int,
) -> Summary:
    """Write the selected weights and the summary, then drop the checkpoint."""
    run.write_tensors("model.pt", {"model": job.model, "state_dict": selected["state_dict"]})
    chosen = history[selected["epoch"] - 1]
    seconds = sum(metrics.seconds for metrics in history)
    summary = Summary(
        parameters=parameter_count(model),
        trained_parameters=trained_parameter_count(model),
        flops=count_flops(model),
        model_bytes=model_bytes(model),
        train_seconds=seconds,
        images_per_second=images * len(history) / seconds,
        epochs_trained=len(history),
        selected_epoch=selected["epoch"],
        val_accuracy=chosen.val_accuracy,
        val_loss=chosen.val_loss,
    )
    run.write("summary.json", summary)
    (run.folder / "checkpoint.pt").unlink(missing_ok=True)
    return summary
