"""A Dask scheduler and workers, each a process of this machine, or of a network namespace of it."""

import contextlib
import os
import re
import subprocess
import sys

from tests.helpers.scripts import REPOSITORY, wait_until

READY = {"scheduler": re.compile(r"Scheduler at: +(\S+)"), "worker": re.compile("Registered to:")}


class Dask(subprocess.Popen):
    """A process of `dask scheduler` or `dask worker`, which is ready when this returns."""

    def __init__(self, part, *words, folder, prefix=(), project=REPOSITORY, port=0):
        arguments = [*map(str, words), *PARTS[part]]
        if part == "scheduler":
            arguments += ["--port", str(port)]
        else:
            arguments += ["--local-directory", str(folder)]
        self.log = folder / f"{part}-{len(list(folder.glob('*.log')))}.log"
        with self.log.open("w", encoding="utf-8") as log:
            super().__init__(
                [*prefix, sys.executable, "-m", f"distributed.cli.dask_{part}", *arguments],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(project)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(lambda: READY[part].search(self.said()), self)

    def said(self):
        """Return its log."""
        return self.log.read_text(encoding="utf-8")

    @property
    def address(self):
        """Of a scheduler, as it says."""
        return READY["scheduler"].search(self.said())[1]

    def __exit__(self, *error):
        with contextlib.suppress(ProcessLookupError):
            self.kill()
        super().__exit__(*error)


# one thread, as a run has; a nanny would start a killed worker again
WORKER = ("--nthreads", "1", "--no-nanny", "--no-dashboard")
PARTS = {"scheduler": ("--no-dashboard",), "worker": WORKER}


def stand_in(run, data_dir, device, name, before):
    """Be a run, which waits for files and then leaves one. Workers import this."""
    for path in before:
        wait_until(path.exists)
    name.touch()
