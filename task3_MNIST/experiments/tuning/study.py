"""A study: Optuna's trials in a database, run by any number of processes.

What a trial is judged by: the refined loss on validation after its last epoch, the cross-entropy
at the temperature that makes it lowest (`metrics.refined_loss`).
Not accuracy: of 5,000 images an MLP misclassifies some 80, so one reading has a standard error
near 0.2 points, more than lies between good settings, and the best of a hundred readings is mostly
best by chance. A loss counts the probability of every answer.
Not the plain loss: it prefers models that doubt enough to models that err less. In a first study on
MNIST an MLP with dropout had 0.0758 and 97.88 %, the untuned one 0.0803 and 98.32 %.
And the last epoch, since the best of ten would be picked by chance too. The winner is to be
trained from several seeds before anything is said of it.

A process that runs a trial leaves a heartbeat in the database. When it stops, for the process was
killed, the next process that begins a trial fails that one and runs it again under a new number.
"""

from __future__ import annotations

import contextlib
import functools
import signal
import threading
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch
from filelock import FileLock
from joblib import delayed
from optuna.exceptions import ExperimentalWarning, StorageInternalError, TrialPruned
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from task3_MNIST.datasets.splits import Split, dataset_checksum
from task3_MNIST.errors import UsageError, UserError
from task3_MNIST.evaluation.metrics import refined_loss
from task3_MNIST.experiments.parallel import side_by_side
from task3_MNIST.experiments.train import load_splits, usable_name
from task3_MNIST.experiments.tuning import search_space
from task3_MNIST.files import portable_name
from task3_MNIST.models import registry
from task3_MNIST.models.inference import predict
from task3_MNIST.models.size import parameter_count
from task3_MNIST.runs.folder import dataset_folder
from task3_MNIST.training.config import TrainConfig
from task3_MNIST.training.device import resolve_precision
from task3_MNIST.training.loop import DivergedError, fit, seed_generators

SCHEMA = 2  # of the search space and of what a trial writes
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
ALIVE = (*FINISHED, TrialState.RUNNING, TrialState.WAITING)

HEARTBEAT = 10  # seconds between two
GRACE = 60  # seconds without one, and a trial's process is taken for dead
RETRIES = 3  # of a trial whose process dies: then the trial is taken for the cause
# Trials that a comparison needs before it may stop one early, and the share of the epochs that
# every trial gets: a high rate looks poor at first.
PRUNE_AFTER_TRIALS = 5
PRUNE_AFTER_EPOCHS = 1 / 3


@dataclass(frozen=True)
class Search:
    """What a study searches; the same in every process that works on it.

    Attributes:
        name: the study's.
        model: `mlp`, whose hidden layers are searched, or a CNN of the table.
        dataset: a data set's name or folder.
        data_dir: where data sets lie.
        epochs: of each trial that is not stopped early.
        seed: of the search, and of each trial's training.
        folder: where the table, the page and the recipe are written.
        storage: a database URL.
    """

    name: str
    model: str
    dataset: str
    data_dir: Path
    epochs: int
    seed: int
    folder: Path
    storage: str

    def settings(self) -> dict[str, Any]:
        """Return what must not change while a study goes on."""
        return {
            "schema": SCHEMA,
            "model": self.model,
            "dataset": self.dataset,
            "dataset_sha256": dataset_checksum(self.dataset, self.data_dir),
            "epochs": self.epochs,
            "seed": self.seed,
        }

    def locked(self) -> FileLock:
        """Return the lock for what two commands given at once must do one after the other."""
        return FileLock(self.folder / ".lock")


def make_search(options: Namespace) -> Search:
    """Return the search of a command line; what is not given is derived from the rest.

    Raises:
        UsageError: a name is unknown or names no file, or the storage is no database URL.
    """
    model = options.model or ("mlp" if options.family != "cnn" else search_space.DEFAULT_CNN)
    search_space.check_model(model)
    if options.family and registry.family_of(model) != options.family:
        raise UsageError(f"{model} is no {options.family.upper()}: leave out --family or --model")
    dataset = usable_name(options.dataset)
    name = options.study or (model if dataset == "mnist" else f"{model}-{dataset_folder(dataset)}")
    if not (portable_name(name) and portable_name(f"tuned-{name}")):
        raise UsageError(
            f"a study cannot be called {name}: give --study up to 90 letters, digits, '-', '_' and "
            "'.', and nothing that Windows reserves"
        )
    folder = options.results / "tuning" / name
    database = URL.create("sqlite", database=str(folder.resolve() / "study.db"))
    return Search(
        name=name,
        model=model,
        dataset=dataset,
        data_dir=options.data,
        epochs=options.epochs,
        seed=TrainConfig(seed=options.seed).seed,  # which checks it
        folder=folder,
        storage=_checked_url(options.storage or database.render_as_string()),
    )


def _checked_url(storage: str) -> str:
    example = "give one such as sqlite:///study.db or postgresql+psycopg://user@host/database"
    try:
        url = make_url(storage)
    except SQLAlchemyError as error:
        raise UsageError(f"--storage {storage} is no database URL: {example}") from error
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise UsageError(f"--storage {storage} would be gone with its process: {example}")
    return storage


# ---- the study


def open_study(search: Search) -> Study:
    """Return the study. If there is none of its name it begins, with the untuned model.

    Raises:
        UsageError: the database needs a driver that is not installed.
        UserError: the database cannot be used, or has a study of that name with other settings.
    """
    settings = search.settings()
    search.folder.mkdir(parents=True, exist_ok=True)
    with search.locked():
        study = _connect(search)
        with database_errors(search.storage):
            if "settings" not in study.user_attrs:
                study.set_user_attr("settings", settings)
            there = study.user_attrs["settings"]
            for key, wanted in settings.items():
                if (found := there.get(key)) != wanted:
                    raise UserError(
                        f"the study {search.name} was begun with {key} {found}, not {wanted}: name "
                        "another with --study"
                    )
            alive = study.get_trials(deepcopy=False, states=ALIVE)
            if not any("untuned" in trial.user_attrs for trial in alive):
                untuned = search_space.untuned(search.model)
                study.enqueue_trial(untuned, user_attrs={"untuned": True})
    return study


def finished_trials(study: Study) -> list[FrozenTrial]:
    """Return the trials that count, by number: those that were complete or stopped early."""
    return study.get_trials(deepcopy=False, states=FINISHED)


def _connect(search: Search) -> Study:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warmup = max(round(search.epochs * PRUNE_AFTER_EPOCHS), 1)
    with database_errors(search.storage):
        return optuna.create_study(
            storage=_open_storage(search.storage),
            study_name=search.name,
            direction="minimize",
            load_if_exists=True,
            sampler=_Sampler(search.seed),
            pruner=MedianPruner(PRUNE_AFTER_TRIALS, warmup),
        )


def _open_storage(storage: str) -> RDBStorage:
    # a process waits for the others that write to the same file
    sqlite = make_url(storage).get_backend_name() == "sqlite"
    engine = {"connect_args": {"timeout": 60}} if sqlite else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # heartbeats are, says Optuna
            return _Storage(
                storage,
                engine,
                heartbeat_interval=HEARTBEAT,
                grace_period=GRACE,
                heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(RETRIES),
            )
    except ImportError as error:
        raise UsageError(
            f"--storage {_shown(storage)} needs a database driver that is not installed "
            f"({_one_line(error.__cause__ or error)}): install it, or use sqlite:///FILE"
        ) from error
    except RuntimeError as error:
        raise _unusable(storage, error) from error  # written by another version of Optuna


class _Storage(RDBStorage):
    """A database that may miss a heartbeat: the next one follows, or the trial says what is up."""

    def record_heartbeat(self, trial_id: int) -> None:
        with contextlib.suppress(SQLAlchemyError, StorageInternalError):
            super().record_heartbeat(trial_id)


class _Sampler(TPESampler):
    """TPE whose choices depend on the study's seed, the trial's number and the trials before it.

    So no two processes draw the same, and one process alone draws the same every time.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(seed=seed)
        self._study_seed = seed

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        (seed,) = np.random.SeedSequence((self._study_seed, trial.number)).generate_state(1)
        super().__init__(seed=int(seed))


@contextlib.contextmanager
def database_errors(storage: str) -> Iterator[None]:
    """Say in one line what a database did not do."""
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        raise _unusable(storage, error.__cause__ or error) from error


def _unusable(storage: str, error: BaseException) -> UserError:
    return UserError(
        f"--storage {_shown(storage)} cannot be used ({_one_line(error)}): check the URL, that its "
        "database is running and that you may write to it"
    )


def _shown(storage: str) -> str:
    return make_url(storage).render_as_string(hide_password=True)


def _one_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


# ---- its trials


def run_trials(
    search: Search, study: Study, most: int, device: torch.device, jobs: int, threads: int | None
) -> Iterator[FrozenTrial]:
    """Run trials until the study has enough that count, those of other commands too.

    Other commands finish the trial that they run, so there may be one more for each of them.
    Whoever leaves this iterator before its end, by Ctrl-C too, closes it: that ends the processes.

    Args:
        search: what is searched.
        study: from `open_study`.
        most: how many trials are enough.
        device: where to compute.
        jobs: how many trials at a time; one needs no other process.
        threads: CPU threads of each; None leaves PyTorch's choice.

    Yields:
        each trial of these processes that counts.

    Raises:
        UserError: the database or a trial fails, or a process was killed.
    """
    while (missing := most - len(finished_trials(study))) > 0:
        tasks = (delayed(_run_trial)(search, most, device, threads) for _ in range(missing))
        try:
            with contextlib.closing(side_by_side(tasks, jobs, threads or 1)) as outcomes:
                yield from (trial for trial in outcomes if trial)
        except BrokenProcessPool as error:
            raise UserError(
                "a process was killed: if memory ran out, fewer --jobs need less; the same command "
                "goes on"
            ) from error


def _run_trial(
    search: Search, most: int, device: torch.device, threads: int | None
) -> FrozenTrial | None:
    """Run a trial; return it if it counts, and None if not or if the study has enough."""
    if threads:
        torch.set_num_threads(threads)
    ran: list[FrozenTrial] = []
    with database_errors(search.storage), _interrupts_noted() as interrupted:
        study, splits = _opened(search, device)
        if len(finished_trials(study)) >= most:
            return None
        run = functools.partial(objective, search=search, splits=splits, stopped=interrupted.is_set)
        try:
            study.optimize(run, n_trials=1, callbacks=[lambda _, trial: ran.append(trial)])
        except ValueError as error:
            # the machine slept, and another process took this trial for dead: it runs it again
            if not str(error).startswith("Cannot tell a"):
                raise
    if interrupted.is_set():
        raise KeyboardInterrupt
    return ran[0] if ran else None


@contextlib.contextmanager
def _interrupts_noted() -> Iterator[threading.Event]:
    """Note Ctrl-C instead of raising it: amid a write it would leave the database locked."""
    noted = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: noted.set())
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)


@functools.lru_cache(maxsize=1)
def _opened(search: Search, device: torch.device) -> tuple[Study, tuple[Split, Split | None]]:
    splits = load_splits(search.dataset, search.data_dir, device)
    return _connect(search), splits


def objective(
    trial: Trial,
    search: Search,
    splits: tuple[Split, Split],
    stopped: Callable[[], bool] = lambda: False,
) -> float:
    """Train what a trial chooses; return its refined loss.

    `stopped` tells after each epoch whether Ctrl-C was pressed.
    """
    train, val = splits
    name, chosen = search_space.suggest(trial, search.model)
    config = TrainConfig(**chosen, epochs=search.epochs, seed=search.seed)
    config = resolve_precision(config, train.images.device)
    seed_generators(config, 0)
    model = registry.build(name, len(train.classes)).to(train.images.device)
    result = {
        **{"model": name, "parameters": parameter_count(model), "epochs": 0, "seconds": 0.0},
        **{"val_loss": None, "val_accuracy": None},
    }
    try:
        for epoch in fit(model, train, val, config):
            loss = refined_loss(predict(model, val.images), val.labels)
            result["epochs"] += 1
            result["seconds"] += epoch.metrics.seconds
            result |= {key: getattr(epoch.metrics, key) for key in ("val_loss", "val_accuracy")}
            trial.report(loss, result["epochs"])
            if stopped():
                raise KeyboardInterrupt
            if result["epochs"] < config.epochs and trial.should_prune():
                raise TrialPruned
    except DivergedError as error:
        # as poor as a setting can be: the search shall know, and go elsewhere
        raise TrialPruned from error
    finally:
        for key, value in result.items():
            trial.set_user_attr(key, value)
    return loss
