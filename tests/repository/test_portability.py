"""What runs on Windows too: nothing of POSIX without a guard, no text in an unnamed encoding."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from task3_MNIST import files
from task3_MNIST.errors import UserError
from task3_MNIST.models import registry
from task3_MNIST.runs.commands import as_typed
from task3_MNIST.training.recipes import RECIPES
from tests.helpers.posix import FOLDERS, MODULES, NAMES
from tests.helpers.scripts import REPOSITORY

PRODUCT = sorted(
    path
    for folder in ("task1_MLP", "task2_CNN", "task3_MNIST", "tools")
    for path in (REPOSITORY / folder).rglob("*.py")
)
TESTS = sorted((REPOSITORY / "tests").rglob("*.py"))


def source(path):
    return path.read_text(encoding="utf-8")


# ---- names that only POSIX has


def walk(node: ast.AST, guards: str = "") -> Iterator[tuple[ast.AST, str]]:
    """Yield every node below one, and the conditions and handlers around it as text."""
    for name, value in ast.iter_fields(node):
        around = guards
        if isinstance(node, ast.If) and name != "test":
            around += ast.unparse(node.test)
        if isinstance(node, ast.Try) and name == "body":
            around += " ".join(ast.unparse(x.type) for x in node.handlers if x.type)
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child, around
                yield from walk(child, around)


def posix_only(code: str) -> list[str]:
    """Return what some code uses that only POSIX has, unless a guard is around it."""
    found = []
    for node, guards in walk(ast.parse(code)):
        system = any(word in guards for word in ("hasattr", "sys.platform", "os.name"))
        names = []
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and not system:
            names = [(node.value.id, node.attr)]
        if isinstance(node, ast.ImportFrom) and not system:
            names = [(node.module, alias.name) for alias in node.names]
        found += [f"{module}.{name}" for module, name in names if name in NAMES.get(module, ())]
        if isinstance(node, ast.Import | ast.ImportFrom) and "ImportError" not in guards:
            modules = {alias.name for alias in node.names} | {getattr(node, "module", None)}
            found += [] if system else sorted(MODULES & modules)
        text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        guarded = system or "OSError" in guards
        if text and node.value.startswith(FOLDERS) and not guarded:
            found.append(node.value)
    return found


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("signal.pthread_sigmask(0, {2})", ["signal.pthread_sigmask"]),
        ("def f():\n  while os.getppid() == 1: pass", ["os.getppid"]),
        ("from os import fork", ["os.fork"]),
        ("import fcntl", ["fcntl"]),
        ("from resource import getrusage", ["resource"]),
        ("cures = {errno.EDQUOT: 1}", ["errno.EDQUOT"]),
        ("Path('/proc/cpuinfo')", ["/proc/cpuinfo"]),
        ("if hasattr(signal, 'SIGHUP'):\n  signal.SIGHUP", []),
        ("if hasattr(signal, 'SIGHUP'):\n  pass\nsignal.SIGHUP", ["signal.SIGHUP"]),
        ("if sys.platform != 'win32':\n  import pwd", []),
        ("try:\n  import pwd\nexcept ImportError:\n  pwd = None", []),
        ("try:\n  open('/proc/cpuinfo')\nexcept OSError:\n  pass", []),
        ("os.replace('a', 'b')", []),
    ],
)
def test_what_only_posix_has_is_found_unless_it_is_guarded(code, found):
    assert posix_only(code) == found


def test_the_product_uses_nothing_that_only_posix_has_without_a_guard():
    found = {str(path): names for path in PRODUCT if (names := posix_only(source(path)))}
    assert found == {}


# One process for all, since each imports torch: the grid in it and in workers, and a study.
WITHOUT_POSIX = """
import sys
from tests.helpers.scripts import call_ok
from task3_MNIST import errors
from task3_MNIST.experiments import parallel
assert not hasattr(parallel.signal, "pthread_sigmask") and not hasattr(errors.errno, "EDQUOT")
results = sys.argv[1]
grid = ("--models", "linear", "--recipes", "fast", "--datasets", "digits", "--no-pages")
for jobs in (1, 2):
    seeds = ("--seeds", 2 * jobs - 1, "--jobs", jobs)
    call_ok("task3_MNIST/benchmark.py", *grid, *seeds, "--results", results)
study = ("--dataset", "digits", "--epochs", 1, "--trials", 1, "--jobs", 2)
call_ok("task3_MNIST/tune.py", *study, "--results", results)
"""


def test_the_grid_and_the_study_run_without_what_only_posix_has(tmp_path):
    places = os.pathsep.join([str(REPOSITORY / "tests" / "helpers" / "windows"), str(REPOSITORY)])
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_POSIX, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": places},
        capture_output=True,
        encoding="utf-8",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list(tmp_path.rglob("test.json"))) == 3
    assert (tmp_path / "tuning/mlp-digits/trials.csv").exists()


# ---- text


def mode_of(call: ast.Call, place: int) -> str:
    given = [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
    values = given or call.args[place : place + 1]
    return values[0].value if values and isinstance(values[0], ast.Constant) else "r"


def unnamed_encodings(code: str) -> list[str]:
    """Return the calls that read or write text in whatever encoding a machine has."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Call):
            continue
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        called = ast.unparse(node.func)
        name = called.rpartition(".")[2]
        text = (
            name in ("read_text", "write_text")
            or (name in ("NamedTemporaryFile", "TemporaryFile") and "b" not in mode_of(node, 0))
            or (called == "open" and "b" not in mode_of(node, 1))
            or (name == "open" and "." in called and "b" not in mode_of(node, 0))
            or getattr(keywords.get("text"), "value", None) is True
            or "universal_newlines" in keywords
        )
        binary = called in ("Image.open", "gzip.open", "os.open", "archive.open")
        if text and not binary and "encoding" not in keywords:
            found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("open('x')", True),
        ("open('x', 'wb')", False),
        ("path.open('w', newline='')", True),
        ("path.open(mode='rb')", False),
        ("path.read_text()", True),
        ("path.read_text(encoding='utf-8')", False),
        ("subprocess.run(['x'], text=True)", True),
        ("subprocess.run(['x'], encoding='utf-8')", False),
        ("NamedTemporaryFile('w')", True),
    ],
)
def test_text_in_an_unnamed_encoding_is_found(code, found):
    assert bool(unnamed_encodings(code)) == found


def test_every_text_that_is_read_or_written_names_its_encoding():
    paths = [*PRODUCT, *TESTS]
    found = {str(path): calls for path in paths if (calls := unnamed_encodings(source(path)))}
    assert found == {}


def test_a_character_that_the_console_lacks_ends_no_script():
    code = "from task3_MNIST.cli.app import run_script; run_script(lambda: print('3 − 1 × 2'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        encoding="cp1252",
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "3 ? 1 × 2\n", "")


# ---- files and commands


def test_a_file_that_another_process_reads_is_replaced_a_little_later(tmp_path, monkeypatch):
    """As Windows has it, which refuses while a file is open."""
    path, refused, replace = tmp_path / "metrics.jsonl", [], Path.replace

    def in_use(self, target):
        if len(refused) < 3:
            refused.append(target)
            raise PermissionError(13, "in use", str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", in_use)
    monkeypatch.setattr(files, "PAUSE", 0)
    files.write_atomic(path, b"content")
    assert (path.read_bytes(), len(refused)) == (b"content", 3)
    monkeypatch.setattr(files, "TRIES", 2)
    refused.clear()
    with pytest.raises(UserError, match=r"cannot write .*in use"):
        files.write_atomic(path, b"other")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_names_of_files_are_such_as_every_system_takes():
    names = {part for path in (REPOSITORY / "results").rglob("*") for part in path.parts[1:]}
    for name in names | set(registry.names()) | set(RECIPES):
        assert not re.search(r'[<>:"|?*\\]|[. ]$|^(con|nul|aux|prn)(\.|$)', name, re.IGNORECASE)


def test_commands_are_quoted_for_the_shells_of_the_system(monkeypatch):
    words = ["python", "x.py", "--data", r"C:\My data"]
    assert as_typed(words) == r"python x.py --data 'C:\My data'"
    monkeypatch.setattr(sys, "platform", "win32")
    assert as_typed(words) == r'python x.py --data "C:\My data"'
