"""Errors that a user can cause: one line that names the cause and the cure."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable


class UserError(Exception):
    """A failure the user can fix; its text is one line and is printed without a traceback."""

    exit_code = 1


class UsageError(UserError):
    """A wrong call: an unknown name or a value out of range."""

    exit_code = 2


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """Return the error for a name that is not in the list, with the names closest to it.

    Args:
        kind: what the name should have been, such as `"model"`.
        name: what was given.
        known: every name that would have been accepted.
    """
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(known)}"
    return UsageError(f"unknown {kind} '{name}': {hint}")


def explain(error: Exception, where: str) -> str:
    """Return an error in one line.

    Args:
        error: what was raised.
        where: how to find the place of a fault of the program.
    """
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError):
        return explain_os_error(error)
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{text} (this is a fault of the program: {where})"


def explain_os_error(error: OSError) -> str:
    """Return the cause and the cure of what the system refused, in one line."""
    cures = {  # by name: not every system has all of them
        "ENOSPC": "free some space, or choose another folder",
        "EDQUOT": "free some space, or choose another folder",
        "EACCES": "make it writable, or choose another folder",
        "EROFS": "choose a folder on a disk that can be written",
        "ENOTDIR": "a file stands where a folder is needed; choose another folder",
        "EEXIST": "a file stands where a folder is needed; choose another folder",
    }
    place = f" ({error.filename})" if error.filename else ""
    name = errno.errorcode.get(error.errno)
    cure = cures.get(name, "check the folders named on the command line")
    return f"{error.strerror or error}{place}: {cure}"
