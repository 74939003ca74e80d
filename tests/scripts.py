"""Call the project's scripts as a user does: a process of its own, from another folder."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
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
        text=True,
        timeout=timeout,
        **options,
    )


def start(script, *arguments):
    """Start a script in the background; its standard output can be read line by line."""
    return subprocess.Popen(
        command(script, *arguments),
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def run_ok(script, *arguments, **options):
    """Run a script that must succeed and return its standard output."""
    done = run(script, *arguments, **options)
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
