"""Promises of atomic writing: whole or absent, also when the writer is killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY

from task3_MNIST.errors import UserError
from task3_MNIST.files import write_atomic

# Writes 8 MiB of one byte, then of the next, for ever.
WRITER = """
import sys
from pathlib import Path
from task3_MNIST.files import write_atomic
for turn in range(10**9):
    write_atomic(Path(sys.argv[1]), bytes([turn % 256]) * 2**23)
    print(turn, flush=True)
"""


def test_write_replaces_the_old_content_and_leaves_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    write_atomic(path, b"old")
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("writes", [1, 2, 3, 5])
def test_killed_writer_leaves_a_whole_file(tmp_path: Path, writes: int) -> None:
    path = tmp_path / "model.pt"
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE) as writer:
        for _ in range(writes):
            writer.stdout.readline()
        writer.kill()  # anywhere within the next write
    content = path.read_bytes()
    assert len(content) == 2**23
    assert len(set(content)) == 1


@pytest.mark.parametrize("name", ["missing/file", "file/below"])
def test_impossible_write_is_one_line_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match=r"^cannot write .*: .*choose another folder$"):
        write_atomic(tmp_path / name, b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    """Let the system refuse files over 64 KB, as it refuses them when a disk is full."""
    import resource  # POSIX has it, and other systems can import this file

    def small_files_only() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536))

    path = tmp_path / "model.pt"
    path.write_bytes(b"old")
    command = [sys.executable, "-c", WRITER, str(path)]
    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, encoding="utf-8", preexec_fn=small_files_only
    )
    assert f"UserError: cannot write {path}: File too large: fix that" in done.stderr
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_file_gets_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    write_atomic(tmp_path / "ours", b"")
    (tmp_path / "plain").write_bytes(b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode
