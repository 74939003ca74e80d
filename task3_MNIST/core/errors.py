"""Errors that a user can cause: one line that names the cause and the cure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A failure the user can mend; its text is one line and is printed without a traceback."""

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
