"""Many runs, each in a process of one thread, on this machine or a cluster; none stops the others.

`Workers` is the one interface: `Processes` here, `Cluster` in `cluster.py`.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import threading
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import psutil
import torch
from joblib import Parallel, delayed, parallel_config

from task3_MNIST.datasets.splits import Split, dataset_checksum, load_test
from task3_MNIST.errors import UserError, explain
from task3_MNIST.experiments.evaluation import ERROR_NAME, evaluate_and_plot
from task3_MNIST.experiments.train import Job, load_splits, train_run
from task3_MNIST.files import write_atomic
from task3_MNIST.runs.folder import Run, check_same

KILLS = 2  # after so many, a run is taken for the cause
# what follows a run's training, in its worker, while it holds the run's lock
Finish = Callable[[Run, Job, torch.device], None]


@dataclass(frozen=True, eq=False)
class Task:
    """Something to do in a run's folder, on whatever machine.

    Attributes:
        run: whose folder.
        dataset: whose images are needed.
        call: takes the run, the folder of the data sets and the device, where it is done; what it
            returns is why it failed, or None. It can be pickled.
    """

    run: Run
    dataset: str
    call: Callable[[Run, Path, torch.device], str | None]


class Workers(Protocol):
    """What does many tasks: processes of this machine, or a cluster."""

    def describe(self) -> str:
        """Return how many tasks are done at a time, and where."""

    def each(
        self, tasks: Sequence[Task], say: Callable[[str], None]
    ) -> Iterator[tuple[Task, str | None]]:
        """Do tasks, begun in the order given.

        Whoever leaves this iterator before its end, by Ctrl-C too, closes it: that ends the work.

        Args:
            tasks: what to do.
            say: called with what a user should know meanwhile.

        Yields:
            each task as it ends, and why it failed, or None.
        """


@dataclass(frozen=True)
class Processes:
    """Processes of this machine; one needs no other.

    A killed process takes the others with it: all tasks in flight are begun again, and runs go on
    from their checkpoints.

    Attributes:
        count: how many at a time.
        data_dir: the folder of the data sets.
        device: where to compute.
    """

    count: int
    data_dir: Path
    device: torch.device

    def describe(self) -> str:
        """As in `Workers`."""
        return f"{self.count} at a time"

    def each(
        self, tasks: Sequence[Task], say: Callable[[str], None]
    ) -> Iterator[tuple[Task, str | None]]:
        """As in `Workers`."""
        waiting = dict(enumerate(tasks))
        kills: Counter[int] = Counter()
        while waiting:
            begun: list[int] = []
            try:
                with contextlib.closing(self._until_killed(waiting, begun)) as outcomes:
                    for place, failure in outcomes:
                        yield waiting.pop(place), failure
            except BrokenProcessPool:
                say("a worker was killed: what it and the others ran begins again")
                in_flight = [place for place in begun if place in waiting]
                kills.update(in_flight)
                for place in in_flight:
                    if kills[place] == KILLS:
                        yield (
                            waiting.pop(place),
                            f"its process was killed {KILLS} times: if memory ran out, fewer "
                            "--jobs need less",
                        )

    def _until_killed(
        self, waiting: dict[int, Task], begun: list[int]
    ) -> Iterator[tuple[int, str | None]]:
        """Yield places and failures until a process is killed; `begun` receives what is begun."""

        def delayed_tasks() -> Iterator[tuple]:
            for place, task in list(waiting.items()):
                begun.append(place)
                yield delayed(_called)(place, task, self.data_dir, self.device)

        return side_by_side(delayed_tasks(), min(self.count, len(waiting)))


def _called(place: int, task: Task, data_dir: Path, device: torch.device) -> tuple[int, str | None]:
    return place, task.call(task.run, data_dir, device)


def safely(call: Callable[[], None], run: Run) -> str | None:
    """Call with one thread, holding a run's lock; return why it failed, or None.

    What fails leaves its traceback in the run's folder.
    """
    torch.set_num_threads(1)
    try:
        with run.locked(), traceback_left(run):
            call()
    except Exception as error:  # not even a fault of the code stops a night's other runs
        return explain(error, f"{ERROR_NAME} in its folder shows where")
    return None


def evaluate(run: Run, job: Job, device: torch.device) -> None:
    """Evaluate and draw a run."""
    evaluate_and_plot(run, lambda: test_images(job).normalized(device))


def leave_sealed(run: Run, job: Job, device: torch.device) -> None:
    """Do nothing: the test set is not read for the run."""


def finish_runs(
    jobs: Iterable[Job],
    results: Path,
    workers: Workers,
    say: Callable[[str], None],
    finishes: Mapping[Job, Finish] | None = None,
) -> Iterator[tuple[Job, str | None]]:
    """Train and finish runs, begun in the order given; what is there is not done again.

    Args:
        jobs: what to run.
        results: the folder of the run folders.
        workers: who does it.
        say: as in `Workers.each`, and this iterator is closed as that one.
        finishes: what follows the training of a job, if not its evaluation; it can be pickled.

    Yields:
        each job as it ends, and why it failed, or None.
    """
    finishes = finishes or {}
    tasks = {
        Task(
            job.run(results),
            job.dataset,
            functools.partial(_finish_run, job=job, finish=finishes.get(job, evaluate)),
        ): job
        for job in jobs
    }
    with contextlib.closing(workers.each(list(tasks), say)) as outcomes:
        for task, failure in outcomes:
            yield tasks[task], failure


def side_by_side(tasks: Iterable[tuple], processes: int, threads: int = 1) -> Iterator[Any]:
    """Yield what tasks return, as they end; one process needs no other.

    Whoever leaves this iterator before its end, by Ctrl-C too, closes it: that ends the workers.

    Args:
        tasks: made by `joblib.delayed`, each taken when a worker is free for it.
        processes: how many at a time.
        threads: how many each may have; what it computes with PyTorch must say so itself.

    Raises:
        BrokenProcessPool: a worker was killed, and took the others with it.
    """
    with warnings.catch_warnings():
        # of workers that could not be ended, or were ended early: both are said elsewhere
        warnings.filterwarnings("ignore", module="joblib")
        with parallel_config(
            "loky",
            n_jobs=processes,
            inner_max_num_threads=threads,
            initializer=_begin_worker,
            initargs=(os.getpid(),),
        ):
            # a run at a time for each worker, so that the longest are begun first
            parallel = Parallel(
                batch_size=1, pre_dispatch="n_jobs", return_as="generator_unordered"
            )
        with contextlib.ExitStack() as ending:
            with _interrupts_held():
                outcomes = ending.enter_context(contextlib.closing(parallel(tasks)))
            yield from outcomes


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Keep a Ctrl-C until the workers have begun: before, nobody could end them.

    Where signals have a mask, workers inherit it and never see a Ctrl-C. Windows has none: there
    they ignore it as soon as they run code of ours.
    """
    if hasattr(signal, "pthread_sigmask"):
        from multiprocessing import resource_tracker  # not on Windows

        resource_tracker.ensure_running()  # else begun with the workers, and clears the mask
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return
    pressed = []
    handler = signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if pressed:
        raise KeyboardInterrupt


def _begin_worker(parent: int) -> None:
    """Leave Ctrl-C to the parent, and end with it: it may be killed, and its runs are locked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def end_with_parent() -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(parent)
            # not its wait(): a killed process is a zombie until its own parent looks at it
            while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()


def _finish_run(
    run: Run, data_dir: Path, device: torch.device, job: Job, finish: Finish
) -> str | None:
    """Bring a run to its end; return why it failed, or None."""
    job = replace(job, data_dir=data_dir)

    def begin_or_go_on() -> None:
        if run.complete:
            check_same(run, job.identity(_checksum))
        else:
            train_run(run, job, splits(job, device), lambda _: None, _checksum)
        finish(run, job, device)

    return safely(begin_or_go_on, run)


@contextlib.contextmanager
def traceback_left(run: Run) -> Iterator[None]:
    """Leave the traceback of what fails in the run's folder."""
    try:
        yield
    except Exception:
        with contextlib.suppress(UserError):  # a full disk takes no traceback either
            write_atomic(run.folder / ERROR_NAME, traceback.format_exc().encode(errors="replace"))
        raise


# One data set at a time: each takes memory, and runs of one come after each other.


def splits(job: Job, device: torch.device) -> tuple[Split, Split | None]:
    """Return training and validation images of a job, normalized, before any condition."""
    config = job.config
    return _splits(job.dataset, job.data_dir, device, config.full_train, config.validation)


def test_images(job: Job) -> Split:
    """Return the test images of a job's data set as they are read."""
    return _test(job.dataset, job.data_dir)


@functools.lru_cache(maxsize=1)
def _splits(*which: Any) -> tuple[Split, Split | None]:
    return load_splits(*which)


@functools.lru_cache(maxsize=1)
def _checksum(dataset: str, data_dir: Path) -> str:
    return dataset_checksum(dataset, data_dir)


@functools.lru_cache(maxsize=1)
def _test(dataset: str, data_dir: Path) -> Split:
    return load_test(dataset, data_dir, replace_altered=True)
