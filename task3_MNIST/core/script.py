"""Run a script's main function: every failure is one line and an exit code.

Entry points import it before anything else: torch takes seconds to import, and Ctrl-C must be
answered meanwhile.
"""

from __future__ import annotations

import errno
import os
import shlex
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from task3_MNIST.core.errors import UserError

INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def _answer_interrupt(kind: type, error: BaseException, traceback: Any) -> None:
    if issubclass(kind, KeyboardInterrupt):
        os._exit(INTERRUPTED)  # nothing has begun that would need an orderly end
    sys.__excepthook__(kind, error, traceback)


sys.excepthook = _answer_interrupt


def run_script(main: Callable[[], None]) -> NoReturn:
    """Run a script's main function and exit: 0, 1 for a failure, 2 for a wrong call, 130."""
    try:
        main()
        print(end="", flush=True)
    except UserError as error:
        sys.exit(_complain(str(error), error.exit_code))
    except KeyboardInterrupt:
        # what a script saves on Ctrl-C it has saved and said by now
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # whoever read our output has gone: nothing is left to say it to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        sys.exit(_complain(explain_os_error(error), UserError.exit_code))
    sys.exit(0)


def _complain(message: str, code: int) -> int:
    print(f"error: {message}", file=sys.stderr)
    return code


def command_to_go_on() -> str:
    """Return the command line that was given, but for `--overwrite`, which would begin again."""
    return shlex.join(["python", *(word for word in sys.argv if word != "--overwrite")])


def explain_os_error(error: OSError) -> str:
    """Return the cause and the cure of what the system refused, in one line."""
    cures = {
        errno.ENOSPC: "free some space, or choose another folder",
        errno.EDQUOT: "free some space, or choose another folder",
        errno.EACCES: "make it writable, or choose another folder",
        errno.EROFS: "choose a folder on a disk that can be written",
        errno.ENOTDIR: "a file stands where a folder is needed; choose another folder",
        errno.EEXIST: "a file stands where a folder is needed; choose another folder",
    }
    place = f" ({error.filename})" if error.filename else ""
    cure = cures.get(error.errno, "check the folders named on the command line")
    return f"{error.strerror or error}{place}: {cure}"
