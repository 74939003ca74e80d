"""Time a training over many fresh processes; `TIMER` says what the seconds cover.

The test set is sealed: a run trains and validates, and leaves its weights in a temporary file.
After the last run the test set is read once, and all weights are evaluated on it.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import multiprocessing
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from task3_MNIST.datasets.splits import load_test
from task3_MNIST.errors import UserError
from task3_MNIST.experiments.speed.files import RivalTimes, Speedrun, TimedRun
from task3_MNIST.experiments.speed.rivals import RIVALS, InMemory, train_epochs
from task3_MNIST.experiments.train import load_splits
from task3_MNIST.files import readable_path
from task3_MNIST.models import registry
from task3_MNIST.models.inference import loss_and_accuracy, predict
from task3_MNIST.models.size import parameter_count, trained_parameter_count
from task3_MNIST.runs.provenance import git_commit, provenance
from task3_MNIST.training.loop import fit, seed_generators
from task3_MNIST.training.recipes import Resolved

WARM_UP_STEPS = 20
MOST_EPOCHS = 20  # of a rival that does not reach the target
TIMER = (
    "The timer starts before the first training step and stops after the last epoch's validation: "
    "it covers choosing and ordering the images, computing a whitened layer, augmentation, "
    "forward, backward, updates, validation and the copies of weights and optimizer that each "
    "epoch leaves. It leaves out imports, reading the data, building the model, a warm-up of "
    f"{WARM_UP_STEPS} steps on a model that is thrown away, and the evaluation on the test set."
)


class Rival(NamedTuple):
    """What is timed after each of our runs; names as in `RivalTimes`.

    `time` takes a seed. It returns the seconds, and those until the target was reached, or None.
    """

    name: str
    about: str
    model: str
    time: Callable[[int], tuple[float, float | None]]


def measure_speed(
    training: Resolved,
    seeds: range,
    rivals: list[Rival],
    data_dir: Path,
    device: torch.device,
    on_run: Callable[[int, float, float], None],
    target: float | None = None,
) -> Speedrun:
    """Time the runs one after the other, each in a fresh process, then evaluate them all.

    After each run, every rival is timed. So a machine that changes its speed changes it for both.

    Args:
        training: what to train.
        seeds: of the runs.
        rivals: what to time after each run.
        data_dir: the folder in which MNIST lies, fetched before.
        device: where to train.
        on_run: called after each run with its seed, seconds and validation accuracy (fraction).
        target: a validation accuracy, a fraction, until which the seconds are kept too.

    Raises:
        UserError: MNIST cannot be read, the loss diverged, or a rival cannot be timed.
    """
    measured = [RivalTimes(*rival[:3], seconds=[], reached=[]) for rival in rivals]
    with tempfile.TemporaryDirectory() as folder:
        weights = [Path(folder) / f"seed{seed}.pt" for seed in seeds]
        timed = []
        for seed, path in zip(seeds, weights, strict=True):
            run = (training, seed, data_dir, device, path, target)
            timed.append(in_fresh_process(time_run, *run))
            seconds, _, accuracy = timed[-1]
            on_run(seed, seconds, accuracy)
            for rival, times in zip(rivals, measured, strict=True):
                seconds, reached = rival.time(seed)
                times.seconds.append(seconds)
                times.reached.append(reached)
        tested = accuracies_on_test_set(training.model, weights, data_dir, device)
    model = registry.build(training.model)
    return Speedrun(
        model=training.model,
        recipe=training.recipe,
        recipe_file=training.recipe_file and readable_path(training.recipe_file),
        parameters=parameter_count(model),
        trained_parameters=trained_parameter_count(model),
        timer=TIMER,
        target=target,
        first_seed=seeds[0],
        runs=[TimedRun(*run, accuracy) for run, accuracy in zip(timed, tested, strict=True)],
        rivals=measured,
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
    training: Resolved,
    seed: int,
    data_dir: Path,
    device: torch.device,
    weights: Path,
    target: float | None,
) -> tuple[float, float | None, float]:
    """Train once, and write the selected epoch's weights to a file.

    Returns:
        The seconds of training; those until the target was reached, or None; and the validation
        accuracy of the selected epoch, a fraction.
    """
    config = dataclasses.replace(training.config, seed=seed)
    train, val = load_splits("mnist", data_dir, device)
    few = train[torch.arange(WARM_UP_STEPS * config.batch_size) % len(train)]
    # all of these few, or there would be fewer steps
    warm_up = dataclasses.replace(config, epochs=1, drop_easy=0.0)
    list(fit(registry.build(training.model).to(device), few, val, warm_up))

    seed_generators(config, 0)
    model = registry.build(training.model).to(device)
    started = time.perf_counter()
    reached = None
    for epoch in fit(model, train, val, config):
        seconds = time.perf_counter() - started
        if target is not None and reached is None and epoch.metrics.val_accuracy >= target:
            reached = seconds
    selected = epoch.checkpoint["selected"]
    torch.save({name: value.cpu() for name, value in selected["state_dict"].items()}, weights)
    accuracy = epoch.checkpoint["history"][selected["epoch"] - 1]["val_accuracy"]
    return seconds, reached, accuracy


def ordinary_rival(
    name: str, model: str, data_dir: Path, device: torch.device, target: float | None
) -> Rival:
    """Return one of `RIVALS`.

    Args:
        name: of `RIVALS`.
        model: what it trains.
        data_dir: the folder in which MNIST lies, fetched before.
        device: where to train.
        target: a validation accuracy, a fraction. It trains until that is reached, at most
            `MOST_EPOCHS` epochs; without one, it trains one epoch.
    """
    _, about = RIVALS[name]
    timed = partial(in_fresh_process, time_rival, name, model, data_dir, device, target)
    return Rival(name, about, model, timed)


def checkout_rival(
    checkout: Path, model: str, data_dir: Path, device: torch.device, target: float | None
) -> Rival:
    """Return the training of a model, `fast`, by another checkout of this repository.

    Args:
        checkout: its folder, with an environment of its own in `.venv`.
        model: what it trains.
        data_dir: the folder in which MNIST lies, fetched before.
        device: where to train.
        target: a validation accuracy, a fraction, that its last epoch may reach.

    Raises:
        UserError: the folder has no environment.
    """
    pythons = [checkout / ".venv" / name for name in ("bin/python", "Scripts/python.exe")]
    python = next((path for path in pythons if path.exists()), None)
    if python is None:
        raise UserError(
            f"{checkout} has no environment: clone the repository there, make .venv in it, and "
            "install its requirements.txt"
        )
    commit = (git_commit(checkout) or "unknown")[:7]
    timed = partial(time_checkout, checkout, python, model, data_dir, device, target)
    return Rival(f"commit {commit}", "with its own environment, all epochs", model, timed)


def time_checkout(
    checkout: Path,
    python: Path,
    model: str,
    data_dir: Path,
    device: torch.device,
    target: float | None,
    seed: int,
) -> tuple[float, float | None]:
    """Time one run of another checkout's `speedrun.py`, whose seed is always 0.

    Returns:
        The seconds of training; and the same if its validation accuracy reaches the target, or
        None.

    Raises:
        UserError: it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run.json"
        given = {
            "--model": model,
            "--runs": 1,
            "--threads": torch.get_num_threads(),
            "--device": device.type,
            "--data": data_dir.resolve(),
            "--out": out,
        }
        script = checkout / "task3_MNIST" / "speedrun.py"
        command = [python, script, *(word for pair in given.items() for word in pair)]
        done = subprocess.run(map(str, command), capture_output=True, encoding="utf-8")
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
            raise UserError(f"{script} failed: {last[0]}")
        run = json.loads(out.read_bytes())["runs"][0]
    reached = target is not None and run["val_accuracy"] >= target
    return run["seconds"], run["seconds"] if reached else None


def time_rival(
    name: str, model: str, data_dir: Path, device: torch.device, target: float | None, seed: int
) -> tuple[float, float | None]:
    """Train as a rival does; validation is not timed, in the rival's favor.

    Returns:
        The mean seconds of its epochs; those until the target was reached, or None.
    """
    make_batches, _ = RIVALS[name]
    train, val = load_splits("mnist", data_dir, device)
    few = train[torch.arange(WARM_UP_STEPS * 128)]
    next(train_epochs(registry.build(model).to(device), InMemory(few, data_dir)))

    torch.manual_seed(seed)
    network = registry.build(model).to(device)
    epochs: list[float] = []
    for seconds in train_epochs(network, make_batches(train, data_dir)):
        epochs.append(seconds)
        if target is None:
            break
        _, accuracy = loss_and_accuracy(predict(network, val.images), val.labels)
        if accuracy >= target:
            return float(np.mean(epochs)), sum(epochs)
        if len(epochs) == MOST_EPOCHS:
            break
    return float(np.mean(epochs)), None


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
