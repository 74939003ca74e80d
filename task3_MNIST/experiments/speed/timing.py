"""Time a training over many fresh processes; `TIMER` says what the seconds cover.

The test set is sealed: a run trains and validates, and leaves its weights in a temporary file.
After the last run the test set is read once, and all weights are evaluated on it.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from task3_MNIST.datasets.splits import load_test
from task3_MNIST.experiments.speed.dataloader_baseline import time_dataloader_epoch
from task3_MNIST.experiments.speed.files import Speedrun, TimedRun
from task3_MNIST.experiments.train import load_splits
from task3_MNIST.files import readable_path
from task3_MNIST.models import registry
from task3_MNIST.models.inference import loss_and_accuracy, predict
from task3_MNIST.models.size import parameter_count
from task3_MNIST.runs.provenance import provenance
from task3_MNIST.training.loop import fit, seed_generators
from task3_MNIST.training.recipes import Resolved

WARM_UP_STEPS = 20
TIMER = (
    "The timer starts before the first training step and stops after the last epoch's validation: "
    "it covers ordering, augmentation, forward, backward, updates, validation and the copies of "
    "weights and optimizer that each epoch leaves. It leaves out imports, reading the data, "
    f"building the model, a warm-up of {WARM_UP_STEPS} steps on a model that is thrown away, and "
    "the evaluation on the test set."
)


def measure_speed(
    training: Resolved,
    runs: int,
    dataloader_model: str | None,
    data_dir: Path,
    device: torch.device,
    on_run: Callable[[int, float, float], None],
) -> Speedrun:
    """Time the runs one after the other, each in a fresh process, then evaluate them all.

    Args:
        training: what to train.
        runs: how many; their seeds are 0 to runs - 1.
        dataloader_model: the model whose epoch by the DataLoader baseline is timed as well;
            None to leave that out.
        data_dir: the folder in which MNIST lies, fetched before.
        device: where to train.
        on_run: called after each run with its seed, seconds and validation accuracy (fraction).

    Raises:
        UserError: MNIST cannot be read, the loss diverged, or torchvision, which the baseline
            needs, cannot be imported.
    """

    def dataloader_epoch() -> list[float]:
        if dataloader_model is None:
            return []
        return [in_fresh_process(time_dataloader_epoch, dataloader_model, data_dir, device)]

    with tempfile.TemporaryDirectory() as folder:
        weights = [Path(folder) / f"seed{seed}.pt" for seed in range(runs)]
        before = dataloader_epoch()
        timed = []
        for seed, path in enumerate(weights):
            timed.append(in_fresh_process(time_run, training, seed, data_dir, device, path))
            on_run(seed, *timed[-1])
        # once more at the end: a machine that changed its speed meanwhile shows
        after = dataloader_epoch()
        tested = accuracies_on_test_set(training.model, weights, data_dir, device)
    return Speedrun(
        model=training.model,
        recipe=training.recipe,
        recipe_file=training.recipe_file and readable_path(training.recipe_file),
        parameters=parameter_count(registry.build(training.model)),
        timer=TIMER,
        runs=[TimedRun(*run, accuracy) for run, accuracy in zip(timed, tested, strict=True)],
        dataloader_model=dataloader_model,
        dataloader_epoch_seconds=before + after,
        provenance=provenance(device),
    )


def in_fresh_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what the function returns in a new Python process with as many threads as this one."""
    with concurrent.futures.ProcessPoolExecutor(
        max_workers=1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=torch.set_num_threads,
        initargs=(torch.get_num_threads(),),
    ) as pool:
        return pool.submit(function, *arguments).result()


def time_run(
    training: Resolved, seed: int, data_dir: Path, device: torch.device, weights: Path
) -> tuple[float, float]:
    """Train once, write the selected epoch's weights to a file; return what `on_run` is told.

    Returns:
        The seconds of training, and the validation accuracy of the selected epoch, a fraction.
    """
    config = dataclasses.replace(training.config, seed=seed)
    train, val = load_splits("mnist", data_dir, full_train=False, device=device)
    few = train[torch.arange(WARM_UP_STEPS * config.batch_size) % len(train)]
    warm_up = dataclasses.replace(config, epochs=1)
    list(fit(registry.build(training.model).to(device), few, val, warm_up))

    seed_generators(seed, 0)
    model = registry.build(training.model).to(device)
    started = time.perf_counter()
    *_, last = fit(model, train, val, config)
    seconds = time.perf_counter() - started
    selected = last.checkpoint["selected"]
    torch.save({name: value.cpu() for name, value in selected["state_dict"].items()}, weights)
    return seconds, last.checkpoint["history"][selected["epoch"] - 1]["val_accuracy"]


def accuracies_on_test_set(
    model_name: str, weights: list[Path], data_dir: Path, device: torch.device
) -> list[float]:
    """Return the fraction of MNIST's test images that each file's weights classify correctly."""
    test = load_test("mnist", data_dir).normalized(device)
    accuracies = []
    for path in weights:
        model = registry.build(model_name)
        model.load_state_dict(torch.load(path, weights_only=True))
        _, accuracy = loss_and_accuracy(predict(model.to(device), test.images), test.labels)
        accuracies.append(accuracy)
    return accuracies
