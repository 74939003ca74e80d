"""Runs on other machines: a Dask scheduler gives them to workers, which send back their files.

Imported with `--cluster` only. `docs/cluster.md` says how to start a cluster.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pkgutil
import platform
import shutil
import sys
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from distributed import Client, Worker, as_completed, get_worker
from distributed.scheduler import KilledWorker

from task3_MNIST.datasets import shipped
from task3_MNIST.datasets.splits import dataset_checksum
from task3_MNIST.errors import UserError, explain
from task3_MNIST.experiments.parallel import Task
from task3_MNIST.files import REPOSITORY, write_atomic
from task3_MNIST.runs.files import SCHEMA
from task3_MNIST.runs.folder import LOCK_NAME, Run
from task3_MNIST.runs.provenance import HOST

SLOT = "run"  # a worker's resource: it has one from when it fits, since a run takes all its threads
LOOK = 2.0  # seconds between two looks for new workers
PATIENCE = 30.0  # seconds without a worker that fits, after which there is none
GONE = (
    "the scheduler is gone: start it and its workers again, then give the same command; what is "
    "finished is kept"
)


@dataclass(frozen=True)
class Versions:
    """What decides the numbers: a worker must have what the client has."""

    torch: str
    numpy: str
    schema: int
    code: str

    def unlike(self, wanted: Versions) -> list[str]:
        """Return what differs, a part of a sentence each."""
        pairs = {name: (getattr(self, name), value) for name, value in vars(wanted).items()}
        return [
            f"{name} {own}, not {value}" for name, (own, value) in pairs.items() if own != value
        ]


def versions() -> Versions:
    """Return those of this machine; `code` is a hash of the source files."""
    digest = hashlib.sha256()
    for path in sorted(REPOSITORY.glob("task*/**/*.py")):
        digest.update(path.relative_to(REPOSITORY).as_posix().encode() + path.read_bytes())
    return Versions(torch.__version__, np.__version__, SCHEMA, digest.hexdigest()[:12])


class Cluster:
    """A connected cluster, as `parallel.Workers`.

    Args:
        client: connected.
        data_dir: the client's folder of the data sets.
        device: what every worker must have and computes on.
        shared: whether the workers see the client's results folder under the same path.
        any_versions: whether workers may have other versions than the client.
        patient: whether to wait for workers without end, as for those of a queue.
    """

    def __init__(
        self,
        client: Client,
        data_dir: Path,
        device: torch.device,
        shared: bool = False,
        any_versions: bool = False,
        patient: bool = False,
    ) -> None:
        self.client, self.data_dir, self.device = client, data_dir, device
        self.shared, self.any_versions, self.patient = shared, any_versions, patient
        self._known: set[str] = set()  # workers, by address, that were asked
        self._fitting: set[str] = set()

    def describe(self) -> str:
        """As in `Workers`."""
        where = f"a run at a time on each worker of {self.client.scheduler.address}"
        return f"{where}; dashboard: {self.client.dashboard_link}"

    def each(
        self, tasks: Sequence[Task], say: Callable[[str], None]
    ) -> Iterator[tuple[Task, str | None]]:
        """As in `Workers`.

        Raises:
            UserError: the scheduler is gone, or no worker fits.
        """
        if not tasks:
            return
        datasets = {
            name: dataset_checksum(name, self.data_dir) for name in {task.dataset for task in tasks}
        }
        with connection():
            self._send(datasets, sorted(self._fitting))
            self._admit(datasets, say)
        waiting, futures = deque(enumerate(tasks)), {}
        outcomes = as_completed(loop=self.client.loop)
        looked = fitted = time.monotonic()
        while waiting or futures:
            if self.client.status != "running":
                raise UserError(GONE)
            # a run for each worker: Dask would put the others in line behind runs in flight, and
            # leave them there when another worker is free
            while waiting and len(futures) < len(self._fitting):
                place, task = waiting.popleft()
                future = self._submit(task, -place)
                futures[future] = task
                outcomes.add(future)
            if time.monotonic() - looked > LOOK:
                with connection():
                    self._admit(datasets, say)
                looked = time.monotonic()
                fitted = looked if self._fitting else fitted
                if looked - fitted > PATIENCE and not self.patient:
                    raise UserError(
                        "no worker fits: start workers as docs/cluster.md says, then give the same "
                        "command; what is finished is kept"
                    )
            with outcomes.thread_condition:  # which it notifies of each future that is done
                if not outcomes.has_ready():
                    outcomes.thread_condition.wait(LOOK)
                    continue
            future = next(outcomes)
            task = futures.pop(future)
            yield task, self._taken(future, task)

    def _submit(self, task: Task, priority: int) -> Any:
        given = {} if self.shared or not task.run.complete else files_of(task.run.folder)
        return self.client.submit(
            _do,
            *(task, self.shared, given, self.device.type),
            key=f"{'/'.join(task.run.folder.parts[-3:])} {uuid.uuid4().hex[:8]}",
            priority=priority,
            resources={SLOT: 1},
            pure=False,
        )

    def _taken(self, future: Any, task: Task) -> str | None:
        """Write what a task's worker sent; return why it failed, or None."""
        try:
            with connection():
                failure, files = future.result()
        except KilledWorker:
            return "each worker that ran it was lost: look at the workers' logs"
        except UserError:
            raise
        except Exception as error:  # not even a fault of the code stops a night's other runs
            if self.client.status != "running":
                raise UserError(GONE) from error
            return explain(error, "the worker's log shows where")
        finally:
            future.release()
        with task.run.locked():
            write_files(task.run.folder, files)
        return failure

    def _admit(self, datasets: Mapping[str, str], say: Callable[[str], None]) -> None:
        """Look for new workers: ask for their versions, send data that they lack, give a slot."""
        there = set(self.client.nthreads())
        self._fitting &= there
        new = sorted(there - self._known)
        self._known = there
        fitting = []
        for address, problem in self._problems(new).items():
            if problem:
                say(f"worker {address} is left out: {problem}")
            else:
                fitting.append(address)
        ready = self._send(datasets, fitting)
        ready = self._answers(_give_slot, list(sys.argv), of=ready)
        self._fitting |= set(ready)

    def _send(self, datasets: Mapping[str, str], addresses: Sequence[str]) -> list[str]:
        """Send workers the data that they lack, and return those that have it all."""
        lacking = self._answers(_lacks, dict(datasets), of=addresses)
        for name in sorted(set().union(*lacking.values())):
            content, sha256 = shipped.packed(name, self.data_dir)
            need = [address for address in lacking if name in lacking[address]]
            got = self._answers(shipped.unpack, name, content, sha256, of=need)
            lacking = {
                one: names for one, names in lacking.items() if one in got or one not in need
            }
        return list(lacking)

    def _answers(self, *question: Any, of: Sequence[str]) -> dict[str, Any]:
        """Return what a function returns on workers, without those that are lost meanwhile."""
        found = self.client.run(*question, workers=list(of), on_error="return") if of else {}
        lost = {address for address, answer in found.items() if isinstance(answer, Exception)}
        self._known -= lost  # if they are there after all, they are asked again
        return {address: answer for address, answer in found.items() if address not in lost}

    def _problems(self, addresses: Sequence[str]) -> dict[str, str | None]:
        """Return why each worker does not fit, or None."""
        if not addresses:
            return {}

        def asked(*question: Any, of: Sequence[str]) -> dict[str, Any]:
            return self.client.run(*question, workers=list(of), on_error="return") if of else {}

        # a function of the standard library can be asked of a worker that has no copy of ours
        found = asked(pkgutil.resolve_name, f"{__name__}:fits", of=addresses)
        no_copy = {
            address: "it has no copy of this project: start it in one, with PYTHONPATH=."
            for address, answer in found.items()
            if isinstance(answer, Exception)
        }
        rest = [address for address in addresses if address not in no_copy]
        wanted = versions()
        answers = asked(fits, wanted, self.device.type, self.any_versions, of=rest)
        return no_copy | {
            address: str(answer) if isinstance(answer, Exception) else answer
            for address, answer in answers.items()
        }


@contextlib.contextmanager
def connection() -> Iterator[None]:
    """Say in one line that the connection is lost: Dask's errors of that are OSErrors."""
    try:
        yield
    except OSError as error:
        raise UserError(GONE) from error


def fits(wanted: Versions, device: str, any_versions: bool) -> str | None:
    """Return why this worker does not fit, or None."""
    unlike = [] if any_versions else versions().unlike(wanted)
    if device == "cuda" and not torch.cuda.is_available():
        unlike.append("no GPU that PyTorch can use")
    return f"it has {'; '.join(unlike)} (--allow-versions takes any)" if unlike else None


def _lacks(datasets: Mapping[str, str]) -> list[str]:
    return [name for name, sum in datasets.items() if not shipped.has(name, sum, DATA)]


async def _give_slot(argv: list[str], dask_worker: Worker) -> None:
    """Let this worker take a run at a time, and let its runs say whose command they obey."""
    sys.argv = argv
    os.environ[HOST] = platform.node()
    await dask_worker.set_resources(**{SLOT: 1})


DATA = REPOSITORY / "data"  # a worker's own


def _do(
    task: Task, shared: bool, given: Mapping[str, bytes], device: str
) -> tuple[str | None, dict[str, bytes]]:
    """Do a task on a worker; return why it failed, or None, and the run's files."""
    where = torch.device(device)
    if shared:
        return task.call(task.run, DATA, where), {}
    scratch = Path(get_worker().local_directory) / uuid.uuid4().hex
    run = Run(scratch.joinpath(*task.run.folder.parts[-3:]))
    try:
        write_files(run.folder, given)
        return task.call(run, DATA, where), files_of(run.folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def files_of(folder: Path) -> dict[str, bytes]:
    """Return a run's files by name, those that were written first before the others."""
    found = [path for path in folder.rglob("*") if path.is_file() and path.name != LOCK_NAME]
    found.sort(key=lambda path: path.stat().st_mtime_ns)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a run's files, each complete or absent, in the order given."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, content)
