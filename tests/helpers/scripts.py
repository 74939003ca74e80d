"""Call the project's scripts as a user does, from another folder: in a process, or in this one."""

import contextlib
import gc
import io
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for path in REPOSITORY.glob("task*/*.py")
    if "run_script(" in path.read_text(encoding="utf-8")
)
# quick and the same on every machine: digits are small, more threads would only wait
SMALL = ("--dataset", "digits", "--threads", "1", "--batch-size", "64")


def command(script, *arguments):
    """Return the command line of a script given by its path from the repository's root."""
    return [sys.executable, str(REPOSITORY / script), *map(str, arguments)]


def run(script, *arguments, cwd="/", timeout=300, **options):
    """Run a script to its end and return the completed process, its output as text."""
    return subprocess.run(
        command(script, *arguments),
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        timeout=timeout,
        **options,
    )


def start(script, *arguments, **options):
    """Start a script in the background; its standard output can be read line by line."""
    return subprocess.Popen(
        command(script, *arguments),
        cwd="/",
        encoding="utf-8",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )


def run_ok(script, *arguments, **options):
    """Run a script that must succeed and return its standard output."""
    return succeeded(run(script, *arguments, **options))


def call(script, *arguments):
    """Run a script to its end in this process and return what `run` does.

    For the many cases to which a process of their own adds nothing: starting one takes seconds.
    """
    output, errors = io.StringIO(), io.StringIO()
    threads = torch.get_num_threads()  # --threads sets them for the whole process
    ctrl_c = signal.getsignal(signal.SIGINT)  # which scripts answer in their own way
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir("/")
        patch.setattr(sys, "path", sys.path.copy())
        patch.setattr(sys, "argv", ["", *map(str, arguments)])  # runpy adds the script
        with (
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(errors),
            pytest.raises(SystemExit) as ended,
        ):
            runpy.run_path(str(REPOSITORY / script), run_name="__main__")
    torch.set_num_threads(threads)
    gc.unfreeze()  # a script ends with its process, this one goes on
    signal.signal(signal.SIGINT, ctrl_c)
    return subprocess.CompletedProcess(
        command(script, *arguments), ended.value.code, output.getvalue(), errors.getvalue()
    )


def call_ok(script, *arguments):
    """Run a script that must succeed in this process and return its standard output."""
    return succeeded(call(script, *arguments))


def stop_after_an_epoch(script, *arguments):
    """Start a training in this process and stop it once the first epoch's checkpoint is written."""
    # not above: a copy of the project that is tested must import its own modules
    from task3_MNIST.runs.folder import Run

    write = Run.write_metrics

    def write_and_stop(run, history):
        write(run, history)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "write_metrics", write_and_stop)
        assert call(script, *arguments).returncode == 130


def succeeded(done):
    """Return the standard output of a script, having checked that it succeeded."""
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def refusal(done, code):
    """Return the one line a script refused with, having checked that it is one."""
    assert done.returncode == code, (done.returncode, done.stderr, done.stdout)
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    return lines[0]


def wait_until(condition, process=None, seconds=300):
    """Wait until something holds; the process, if one is given, must not end before."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
