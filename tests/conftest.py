"""What several test files share."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, sync_playwright

from task3_MNIST.core import data
from task3_MNIST.core.cli import train_main
from task3_MNIST.core.script import run_script
from tests.scripts import SMALL, command

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def mnist_dir() -> Path:
    """Return the data folder with the real MNIST, fetched where missing; tests never alter it."""
    folder = REPOSITORY / "data"
    data.fetch("mnist", folder, test=True)
    return folder


@pytest.fixture
def offline() -> dict[str, str]:
    """Return an environment in which every connection of urllib and pip is refused."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "PIP_PROXY")
    open_doors = ("no_proxy", "NO_PROXY")
    environment = {name: value for name, value in os.environ.items() if name not in open_doors}
    return environment | dict.fromkeys(names, address)


@pytest.fixture(scope="session")
def digits_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return results on digits: `mlp` with two seeds and kept epochs, `cnn` with one epoch."""
    results = tmp_path_factory.mktemp("digits-results")
    mlp = ("--epochs", "3", "--seeds", "2", "--keep-epochs")
    threads = torch.get_num_threads()  # --threads sets them for the whole process
    for family, arguments in (("mlp", mlp), ("cnn", ("--epochs", "1"))):
        # in this process: starting one takes longer than this training
        with pytest.MonkeyPatch.context() as patch:
            given = [*SMALL, *arguments, "--results", str(results)]
            patch.setattr(sys, "argv", [f"train_{family}.py", *given])
            train_main(family)
    torch.set_num_threads(threads)
    return results


@pytest.fixture(scope="session")
def default_training(
    mnist_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, int]]:
    """Train `mlp` and `cnn` by default on the real MNIST; return results and peak bytes of each."""
    results = tmp_path_factory.mktemp("mnist-results")
    peak = {}
    for family in ("mlp", "cnn"):
        script = f"task3_MNIST/train_{family}.py"
        call = command(script, "--data", mnist_dir, "--results", results)
        process = subprocess.Popen(call, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, family
        peak[family] = usage.ru_maxrss * 1024
    return results, peak


@pytest.fixture(scope="session")
def mnist_results(default_training: tuple[Path, dict[str, int]]) -> Path:
    """Return results on the real MNIST: `mlp` and `cnn` by the default recipe."""
    return default_training[0]


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, list[str], str]]:
    """Return a function that runs a script's main here: exit code, lines of errors, output.

    For the many cases in which starting a process would take longer than all the rest.
    """

    def run(main: Callable[[], None], *arguments: object) -> tuple[int, list[str], str]:
        threads = torch.get_num_threads()  # --threads sets them for the whole process
        monkeypatch.setattr(sys, "argv", ["script.py", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            run_script(main)
        torch.set_num_threads(threads)
        printed = capsys.readouterr()
        return ended.value.code, printed.err.splitlines(), printed.out

    return run


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return an installed Chromium without a screen; tests make a context of their own in it."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next((path for name in names if (path := shutil.which(name))), None)
    with sync_playwright() as playwright:
        path = found or playwright.chromium.executable_path
        if not Path(path).exists():
            pytest.fail("no Chromium for the tests of the pages: run tests/install_chromium.sh")
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()
