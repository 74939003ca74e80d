"""`make` makes again what is out of date, and nothing else."""

import os
import shutil
import subprocess

import pytest

from tests.helpers.scripts import REPOSITORY

COMPARISON = "task3_MNIST/model_comparison.html"
INFERENCE = "task3_MNIST/model_inference.html"
SOURCES = ("results/runs/mlp/fast/ensemble.json", "results/runs/cnn/fast/ensemble.json")
PAGE_OF = {"visualize_comparison.py": COMPARISON, "model_inference_visualization.py": INFERENCE}


@pytest.fixture
def checkout(tmp_path):
    """Return a folder with the Makefile, an installation and two evaluated runs, all an hour old.

    Its Python writes down which script it was given, and makes that script's page.
    """
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    for name in ("requirements.txt", ".venv/python", ".venv/runtime", *SOURCES):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
        age(tmp_path / name, 3600)
    for folder in ("task1_MLP", "task2_CNN", "task3_MNIST"):
        (tmp_path / folder).mkdir()
    cases = "".join(f"*{script}) touch {page};;\n" for script, page in PAGE_OF.items())
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\necho "$1" >> made\ncase "$1" in\n{cases}esac\n', encoding="utf-8"
    )
    python.chmod(0o755)
    return tmp_path


def age(path, seconds):
    """Make a file look as if it was written some seconds before now."""
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


def made_by(checkout):
    """Run `make pages` and return the pages that it made."""
    made = checkout / "made"
    made.unlink(missing_ok=True)
    command = ["make", "pages", "PY=./python"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    scripts = made.read_text(encoding="utf-8").split() if made.exists() else []
    return [PAGE_OF[script.rpartition("/")[2]] for script in scripts]


def test_pages_are_made_once(checkout):
    assert made_by(checkout) == [COMPARISON, INFERENCE]
    assert made_by(checkout) == []


def test_a_new_run_makes_both_pages_again(checkout):
    made_by(checkout)
    for page in PAGE_OF.values():
        age(checkout / page, 60)
    (checkout / SOURCES[0]).touch()
    assert made_by(checkout) == [COMPARISON, INFERENCE]


def test_killed_between_two_pages_the_second_is_made_by_the_next_call(checkout):
    made_by(checkout)
    age(checkout / INFERENCE, 120)
    age(checkout / SOURCES[0], -3540)  # a minute ago: after one page, before the other
    age(checkout / COMPARISON, 0)
    assert made_by(checkout) == [INFERENCE]
    (checkout / COMPARISON).unlink()
    assert made_by(checkout) == [COMPARISON]
