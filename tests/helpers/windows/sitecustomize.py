"""Let this project's files see a Python without what only POSIX has: Python runs this at its start.

Libraries, which have their own ways on Windows, see the Python that is there. So do the names that
`tests/repository/test_portability.py` looks for in the source; here the same files run.
"""

import builtins
import importlib
import types
from pathlib import Path

from tests.helpers.posix import MODULES, NAMES

OURS = str(Path(__file__).resolve().parents[3] / "task")  # and on: the folders of the product
imported = builtins.__import__


def without_posix(name: str) -> types.ModuleType:
    """Return a module like the named one, but for what only POSIX has."""
    module, missing = importlib.import_module(name), NAMES[name]
    found = types.ModuleType(name)
    found.__dict__.update({k: v for k, v in vars(module).items() if k not in missing})
    return found


STAND_INS = {name: without_posix(name) for name in NAMES}


def import_as_on_windows(
    name: str, globals: dict | None = None, *others: object, **named: object
) -> object:
    """Import a module; for a file of the project, as Windows has it."""
    if str((globals or {}).get("__file__")).startswith(OURS):
        if name in MODULES:
            raise ModuleNotFoundError(name)
        if name in STAND_INS:
            return STAND_INS[name]
    return imported(name, globals, *others, **named)


builtins.__import__ = import_as_on_windows
