"""Run a script's main function: every failure is one line and an exit code.

Scripts import it before anything else, and it imports nothing that takes long: torch takes seconds
to import, and Ctrl-C must be answered meanwhile.
"""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from task3_MNIST.errors import UserError, explain

INTERRUPTED = 130  # 128 + SIGINT, as shells report it
DEBUG = "--debug"


def before_imports(name: str) -> None:
    """Let the imports that follow end at Ctrl-C, and take less time; `run_script` ends both.

    A KeyboardInterrupt would not do while a script imports what it needs: it passes through the
    code of libraries, and some of them make another error of it. So the process ends at once.

    And Python looks for garbage again and again among the objects that torch makes, in vain: a
    sixth of the time of its import.

    Args:
        name: the script's `__name__`. Nothing is done if it is imported by another file; but a
            process that `speedrun.py` starts (`__mp_main__`) ends at Ctrl-C as its parent does.
    """
    if name == "__main__":
        gc.disable()
    # what a shell starts in the background ignores Ctrl-C, and so it stays
    heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heeded and name in ("__main__", "__mp_main__"):
        # nothing has begun that would need an orderly end
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))


def run_script(main: Callable[[], None]) -> NoReturn:
    """Run a script's main function and exit: 0, 1 for a failure, 2 for a wrong call, 130."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a console of Windows may lack a character; standard error is like this already
        sys.stdout.reconfigure(errors="replace")
    gc.freeze()  # what is imported stays to the end: not even the end needs to look at it
    gc.enable()
    pressed = []

    def interrupt(*_: Any) -> NoReturn:
        pressed.append(True)
        raise KeyboardInterrupt

    try:
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, interrupt)
        main()
        print(end="", flush=True)
    except KeyboardInterrupt:
        # what a script saves on Ctrl-C it has saved and said by now
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # whoever read our output has gone: nothing is left to say it to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if pressed:  # a library made another error of it, as it may during imports
            sys.exit(INTERRUPTED)
        if DEBUG in sys.argv:
            traceback.print_exc()
        print(f"error: {explain(error, f'{DEBUG} shows where')}", file=sys.stderr)
        sys.exit(error.exit_code if isinstance(error, UserError) else UserError.exit_code)
    finally:
        gc.freeze()  # Python would look through all objects once more: most of a second
    sys.exit(0)
