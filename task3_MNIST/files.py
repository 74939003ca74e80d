"""Write files that are complete or absent, however the writer ends."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import time
from pathlib import Path

from task3_MNIST.errors import UserError

TRIES, PAUSE = 40, 0.05  # seconds between them


def portable_name(name: str) -> bool:
    """Return whether a file or folder can have this name on every system, Windows too.

    It is at most 100 characters long: something may be added to it.
    """
    plain = re.fullmatch(r"\w[\w.-]{,99}", name, re.ASCII) and not name.endswith(".")
    reserved = re.match(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", name, re.IGNORECASE)
    return bool(plain and not reserved)


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file under a temporary name of its own, flush it to the disk, then rename it.

    A reader sees the old file or the new one, never a part; two processes may write the same path.

    Raises:
        UserError: the file cannot be written: no permission, no such folder, or the disk is full.
    """
    # Not tempfile: its files are readable by their owner only, whatever the umask says.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        _replace(temporary, path)
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror or error}: fix that, or choose another folder"
        ) from error
    finally:
        with contextlib.suppress(OSError):  # renamed, or never made
            temporary.unlink()


def _replace(temporary: Path, path: Path) -> None:
    """Rename a file onto another; Windows refuses while some process reads that, so try again."""
    for _ in range(TRIES - 1):
        try:
            temporary.replace(path)
            return
        except PermissionError:
            time.sleep(PAUSE)
    temporary.replace(path)


REPOSITORY = Path(__file__).resolve().parents[1]


def readable_path(path: Path) -> str:
    """Return a path as it is typed at the repository's root, from wherever it was given."""
    path = path.resolve()
    if path.is_relative_to(REPOSITORY):
        path = path.relative_to(REPOSITORY)
    return path.as_posix()
