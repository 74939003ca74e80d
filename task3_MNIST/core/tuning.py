"""A study: trials on one storage, by any number of processes, whatever ends them.

What a trial is judged by: the refined loss on validation after its last epoch, the cross-entropy
at the temperature that makes it lowest (`metrics.refined_loss`).
Not accuracy: of 5,000 images an MLP gets some 80 wrong, so one reading has a standard error near
0.2 points, more than lies between good settings, and the best of a hundred readings is mostly the
luckiest. A loss counts how sure every answer is, and tells settings apart that err as often.
Not the plain loss: it prefers models that doubt enough to models that err less. In a first study on
MNIST an MLP with dropout had 0.0758 and 97.88 %, the untuned one 0.0803 and 98.32 %.
And the last epoch, since the best of ten would be picked by luck too. The winner is to be retrained
over seeds before anything is said of it.

Same command, same bits. What a trial draws is decided by the study's seed, the trial's place and
the trials finished before it; a trial that was cut off counts for nothing, and its place is taken
again. So with one process a study that was killed and started again ends with the same table.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import platform
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch
from filelock import FileLock, Timeout
from joblib import delayed
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from task3_MNIST.core import data, search_space, zoo
from task3_MNIST.core.config import TrainConfig
from task3_MNIST.core.engine import DivergedError, fit, predict, seed_generators
from task3_MNIST.core.environment import settle
from task3_MNIST.core.errors import UserError
from task3_MNIST.core.metrics import refined_loss
from task3_MNIST.core.training import load_splits
from task3_MNIST.core.trial_storage import is_journal, open_storage, storage_error
from task3_MNIST.core.workers import side_by_side

SCHEMA = 1  # of the search space and of what a trial writes
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
STARTED = (*FINISHED, TrialState.RUNNING)

# Trials that a comparison needs before it may prune, and the share of the epochs that every trial
# gets: a high rate looks poor at first.
PRUNE_AFTER_TRIALS = 5
PRUNE_AFTER_EPOCHS = 1 / 3
# A trial of another machine is given up after so long without an epoch, and one that does not
# say whose it is after so long (seconds).
SILENT, UNSIGNED = 3600.0, 60.0
WAIT = 1.0  # seconds between looks at the trials of others
KILLS = 3  # so many in a row, and the trials are taken for the cause


@dataclass(frozen=True)
class Search:
    """What a study searches; the same in every process that works on it.

    Attributes:
        name: the study's.
        model: `mlp`, whose hidden layers are searched, or a CNN of the table.
        dataset: a data set's name or folder.
        data_dir: where data sets lie.
        epochs: of each trial that is not pruned.
        seed: of the search, and of each trial's training.
        storage: a database URL or a journal file.
        folder: for what the processes share besides, and what comes of the study.
    """

    name: str
    model: str
    dataset: str
    data_dir: Path
    epochs: int
    seed: int
    storage: str
    folder: Path

    def settings(self) -> dict[str, Any]:
        """Return what must not change while a study goes on."""
        return {
            "schema": SCHEMA,
            "model": self.model,
            "dataset": self.dataset,
            "dataset_sha256": data.checksum(self.dataset, self.data_dir),
            "epochs": self.epochs,
            "seed": self.seed,
        }


def open_study(search: Search) -> Study:
    """Return the study, begun if there is none of its name.

    Raises:
        UserError: the storage cannot be used, or has a study of that name with other settings.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    search.folder.mkdir(parents=True, exist_ok=True)
    warmup = max(round(search.epochs * PRUNE_AFTER_EPOCHS), 1)
    settings = search.settings()
    storage = open_storage(search.storage)
    with _storage_errors(search), _asking(search):
        study = optuna.create_study(
            storage=storage,
            study_name=search.name,
            direction="minimize",
            load_if_exists=True,
            pruner=MedianPruner(PRUNE_AFTER_TRIALS, warmup),
        )
        if "settings" not in study.user_attrs:
            study.set_user_attr("settings", settings)
        there = study.user_attrs["settings"]
    for key, wanted in settings.items():
        if (found := there.get(key)) != wanted:
            raise UserError(
                f"the study {search.name} was begun with {key} {found}, not {wanted}: name another "
                "with --study"
            )
    return study


def run_trials(
    search: Search,
    most: int,
    device: torch.device,
    processes: int,
    threads: int | None,
    on_killed: Callable[[], None],
) -> Iterator[FrozenTrial]:
    """Run trials until the study has enough finished ones, those of other processes counted.

    Whoever leaves this iterator before its end, by Ctrl-C too, closes it: that ends the workers.

    Args:
        search: what is searched.
        most: how many trials are enough.
        device: where to compute.
        processes: how many trials at a time; one needs no other process.
        threads: CPU threads of each; None leaves PyTorch's choice.
        on_killed: called whenever a worker was killed.

    Yields:
        each trial of these processes, finished.

    Raises:
        UserError: the storage or a trial fails, or workers are killed again and again.
    """
    killed, enough = 0, False

    def tasks() -> Iterator[tuple]:
        while not enough:
            yield delayed(_run_trial)(search, most, device, threads)

    while not enough:
        try:
            with contextlib.closing(side_by_side(tasks(), processes, threads or 1)) as outcomes:
                for trial in outcomes:
                    if trial is None:
                        enough = True
                        continue
                    killed = 0
                    yield trial
        except BrokenProcessPool as error:
            killed += 1
            if killed == KILLS:
                raise UserError(
                    f"workers were killed {KILLS} times without finishing a trial: if memory ran "
                    "out, fewer --jobs need less"
                ) from error
            on_killed()


def _run_trial(
    search: Search, most: int, device: torch.device, threads: int | None
) -> FrozenTrial | None:
    if threads:
        torch.set_num_threads(threads)
    return run_trial(search, most, *_opened(search, device))


@functools.lru_cache(maxsize=1)
def _opened(
    search: Search, device: torch.device
) -> tuple[Study, tuple[data.Split, data.Split | None]]:
    splits = load_splits(search.dataset, search.data_dir, full_train=False, device=device)
    return open_study(search), splits


def run_trial(
    search: Search, most: int, study: Study, splits: tuple[data.Split, data.Split]
) -> FrozenTrial | None:
    """Run the next trial, and return it when it is finished.

    While others run the last trials it waits: should their process be killed, it takes over.

    Args:
        search: what is searched.
        most: finished trials that the study shall have.
        study: from `open_study`.
        splits: train and validation, on the device to train on.

    Returns:
        the trial; None if the study has enough.

    Raises:
        UserError: the storage fails, or the trial does. Then it counts for nothing.
    """
    while True:
        with _storage_errors(search), contextlib.ExitStack() as held:
            with _asking(search):
                _give_up_dead(search, study)
                started = study.get_trials(deepcopy=False, states=STARTED)
                if sum(trial.state.is_finished() for trial in started) >= most:
                    return None
                begun = _begin(search, study, started, held) if len(started) < most else None
            if begun:
                trial, model, knobs = begun
                state, value = _train(search, trial, model, knobs, splits)
                return study.tell(trial, value, state)
        time.sleep(WAIT)


def _begin(
    search: Search, study: Study, started: list[FrozenTrial], held: contextlib.ExitStack
) -> tuple[Trial, str, dict[str, Any]]:
    """Return a trial that takes the first free place, its model and its knobs.

    The caller holds `_asking`, and until the trial ends what is entered into `held`.
    """
    places = {trial.user_attrs.get("place") for trial in started}
    place = next(place for place in itertools.count() if place not in places)
    # a seed of its own for each place: a study that goes on draws what it would have drawn
    (seed,) = np.random.SeedSequence((search.seed, place)).generate_state(1)
    study.sampler = TPESampler(seed=int(seed))
    mark = held.enter_context(_alive(search))
    if place == 0 and not study.get_trials(states=(TrialState.WAITING,)):  # left by a killed one
        study.enqueue_trial(search_space.untuned(search.model))
    trial = study.ask()
    held.enter_context(_failed_if_left(study, trial))
    trial.set_user_attr("place", place)
    trial.set_user_attr("seen", time.time())
    trial.set_user_attr("worker", mark)
    return trial, *search_space.draw(trial, search.model)


@contextlib.contextmanager
def _failed_if_left(study: Study, trial: Trial) -> Iterator[None]:
    """Mark a trial as failed if it ends by an exception, Ctrl-C too."""
    try:
        yield
    except BaseException:
        # Ctrl-C may come when the trial is told already, but not yet returned
        study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
        raise


def _train(
    search: Search,
    trial: Trial,
    name: str,
    knobs: dict[str, Any],
    splits: tuple[data.Split, data.Split],
) -> tuple[TrialState, float | None]:
    """Train what a trial drew; return how it ended, and its refined loss if it completed."""
    train, val = splits
    device = train.images.device
    config = settle(TrainConfig(**knobs, epochs=search.epochs, seed=search.seed), device)
    seed_generators(config.seed, 0)
    model = zoo.build(name).to(device)
    result = {"model": name, "parameters": zoo.parameter_count(model), "knobs": knobs}
    history: list[dict[str, Any]] = []
    state = TrialState.COMPLETE
    try:
        for epoch in fit(model, train, val, config):
            judged = refined_loss(predict(model, val.images), val.labels)
            history.append({**epoch.metrics, "refined_loss": judged})
            trial.report(judged, epoch.metrics["epoch"])
            trial.set_user_attr("seen", time.time())
            if len(history) < config.epochs and trial.should_prune():
                state = TrialState.PRUNED
                break
    except DivergedError:
        # as poor as a setting can be: the search shall know, and go elsewhere
        state, result["diverged"] = TrialState.PRUNED, True
    last = history[-1] if history else {}
    result |= {
        **{key: last.get(key) for key in ("refined_loss", "val_loss", "val_accuracy")},
        "epochs": len(history),
        "seconds": sum(metrics["seconds"] for metrics in history),
    }
    trial.set_user_attr("result", result)
    return state, result["refined_loss"] if state == TrialState.COMPLETE else None


def give_up_dead(search: Search, study: Study) -> None:
    """Mark as failed the trials whose process was killed: their places are free again."""
    with _storage_errors(search), _asking(search):
        _give_up_dead(search, study)


def _give_up_dead(search: Search, study: Study) -> None:
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if _dead(search, trial):
            # another process may have been quicker
            study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
    for path in search.folder.glob(".trial-*.lock"):
        _released(path)


# When this process first saw a running trial, by study and number, in seconds of UTC. Optuna tells
# local time, which jumps by an hour twice a year.
_first_seen: dict[tuple[Search, int], float] = {}


def _dead(search: Search, trial: FrozenTrial) -> bool:
    """Return whether nobody works on a running trial any more; the caller holds `_asking`."""
    mark = trial.user_attrs.get("worker")
    noticed = _first_seen.setdefault((search, trial.number), time.time())
    if mark is None:
        # between a trial's begin and its mark a process holds `_asking`, which all who share a
        # journal share; a database may be another machine's too
        return is_journal(search.storage) or time.time() - noticed > UNSIGNED
    if mark["host"] != platform.node():
        return time.time() - trial.user_attrs.get("seen", noticed) > SILENT
    return _released(Path(mark["lock"]))


@contextlib.contextmanager
def _alive(search: Search) -> Iterator[dict[str, str]]:
    """Hold a lock for the length of a trial; yield its mark, by which others see who works on it.

    The system releases it however the process ends, so a trial of a killed one is known at once.
    """
    path = search.folder.resolve() / f".trial-{secrets.token_hex(8)}.lock"
    try:
        with FileLock(path):
            yield {"host": platform.node(), "lock": str(path)}
    finally:
        _remove(path)


def _released(path: Path) -> bool:
    """Return whether nobody holds a lock any more, and remove its file then."""
    if not path.exists():
        return True
    try:
        with FileLock(path, timeout=0):
            pass
    except Timeout:
        return False
    _remove(path)
    return True


def _remove(path: Path) -> None:
    """Remove a lock's file; Windows refuses while another process looks at it, which removes it."""
    with contextlib.suppress(OSError):
        path.unlink()


@contextlib.contextmanager
def _asking(search: Search) -> Iterator[None]:
    """Hold what one process at a time may do: take a place, or give up those of dead ones."""
    place = Path(search.storage) if is_journal(search.storage) else search.folder / "study"
    with FileLock(place.with_name(f"{place.name}.asking.lock")):
        yield


@contextlib.contextmanager
def _storage_errors(search: Search) -> Iterator[None]:
    """Say in a line what a database did not do."""
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise storage_error(search.storage, error) from error
