"""Where the trials of a study are kept: a journal file, or any database that Optuna takes."""

from __future__ import annotations

import os
from pathlib import Path

from filelock import FileLock
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy.exc import SQLAlchemyError

from task3_MNIST.core.errors import UsageError, UserError


def open_storage(storage: str) -> BaseStorage:
    """Return the storage of a database URL, or of a journal file, which is made if missing.

    Raises:
        UsageError: the URL needs a driver that is not installed.
        UserError: there is no such kind of database, it does not answer or is another program's,
            or the file is no journal.
    """
    if is_journal(storage):
        return _open_journal(Path(storage))
    try:
        return RDBStorage(storage)
    except ImportError as error:
        raise UsageError(
            f"--storage {_shown(storage)} needs a database driver that is not installed "
            f"({_one_line(error.__cause__ or error)}): install it, or use sqlite:///FILE"
        ) from error
    except (SQLAlchemyError, RuntimeError, ValueError) as error:
        raise storage_error(storage, error) from error


def is_journal(storage: str) -> bool:
    """Return whether a storage is a journal file; else it is a database URL."""
    return "://" not in storage


def storage_error(storage: str, error: Exception) -> UserError:
    """Return the error for a database that did not do what it was asked."""
    return UserError(
        f"--storage {_shown(storage)} cannot be used ({_one_line(error)}): check the URL and "
        "that its database is running, or leave --storage out for a journal file"
    )


def _shown(storage: str) -> str:
    """Return a URL without the password that it may hold."""
    scheme, _, rest = storage.rpartition("://")
    place = rest.rpartition("@")[2]
    return f"{scheme}://{place}" if scheme else place


def _one_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _open_journal(path: Path) -> JournalStorage:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        with path.open("rb") as stream:
            start = stream.read(len(FIRST_KEY))
        if not FIRST_KEY.startswith(start):
            # appending would spoil a file of somebody else
            raise UserError(f"{path} is no journal of a study: name another file with --storage")
    try:
        return JournalStorage(JournalFileBackend(str(path), _JournalLock(path)))
    except OSError:
        raise
    except Exception as error:  # whatever an altered line makes of Optuna's replay
        raise UserError(
            f"{path} is no journal of a study, or was altered ({type(error).__name__}): name "
            "another with --storage, or restore it"
        ) from error


FIRST_KEY = b'{"op_code":'  # as Optuna begins every line


class _JournalLock:
    """What whoever writes the journal holds; the system releases it when its holder is killed.

    Optuna's own are files, which a killed process leaves: all others wait half a minute for it.
    """

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._lock = FileLock(journal.with_name(f"{journal.name}.lock"))

    def acquire(self) -> bool:
        self._lock.acquire()
        self._drop_torn_line()
        return True

    def release(self) -> None:
        self._lock.release()

    def _drop_torn_line(self) -> None:
        """Cut off what a process wrote that was killed within a line: the next would join it."""
        with self._journal.open("rb+") as stream:
            size = stream.seek(0, os.SEEK_END)
            if not size:
                return
            stream.seek(size - 1)
            if stream.read(1) != b"\n":
                stream.seek(0)
                stream.truncate(stream.read().rfind(b"\n") + 1)
