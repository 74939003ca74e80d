"""Commands as they are typed: what a user copies from a page or a terminal."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence


def as_typed(words: Sequence[str]) -> str:
    """Return words as a command line, quoted for the shells of this system."""
    if sys.platform == "win32":  # cmd and PowerShell: both know double quotes
        return subprocess.list2cmdline(words)
    return shlex.join(words)
