"""What several test files share."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

# Before torch is imported, for the tests and every script they start: two workers whose OpenMP
# threads wait for each other take many times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import pytest
from filelock import FileLock
from matplotlib.figure import Figure
from playwright.sync_api import Browser, Playwright, sync_playwright

from task3_MNIST.datasets.sources import FASHION_PACKAGE
from task3_MNIST.datasets.splits import fetch
from task3_MNIST.plots import style
from tests.helpers.scripts import SMALL, call_ok, command

REPOSITORY = Path(__file__).resolve().parents[1]

# What takes longest comes first, so that the workers end at about the same time.
FIRST = (
    *("default_training", "test_readme", "test_benchmark", "test_comparison_page"),
    *("test_tuning", "test_baselines", "test_train", "test_plots", "test_model_size"),
    *("test_hosts", "test_cluster", "test_loop", "test_errors", "test_damage"),
)

# A shell starts what it runs in the background with Ctrl-C ignored, and scripts would inherit that.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# an example may take long because other programs have the processor
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


# Runs a command and prints its peak in bytes, from a process that is small itself: Linux counts
# what the parent had when it started the command as the command's own.
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(peak if sys.platform == "darwin" else 1024 * peak)  # macOS counts bytes, Linux KiB
"""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep on one worker what shares fixtures: each file, and all that the default training is for.

    The order is the same with one worker as with many.
    """
    groups = {}
    for item in items:
        needs_training = "default_training" in item.fixturenames
        groups[item] = "default_training" if needs_training else item.path.stem
        item.add_marker(pytest.mark.xdist_group(groups[item]))
    names = [*FIRST, *dict.fromkeys(groups.values())]
    items.sort(key=lambda item: names.index(groups[item]))


@pytest.fixture(scope="session")
def mnist_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data folder with the real MNIST, fetched where missing; tests never alter it."""
    folder = REPOSITORY / "data"
    # the folder above each worker's own is the same for all: the second waits for the first
    with FileLock(tmp_path_factory.getbasetemp().parent / "mnist.lock"):
        fetch("mnist", folder, test=True)
    return folder


@pytest.fixture(scope="session")
def fashion_archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the four archives of Debian's package dataset-fashion-mnist."""
    if FASHION_PACKAGE.is_dir():
        return FASHION_PACKAGE
    folder = tmp_path_factory.mktemp("fashion")
    try:
        for command in ("apt-get update", "apt-get download dataset-fashion-mnist"):
            subprocess.run(command.split(), cwd=folder, capture_output=True, check=False)
        [package] = folder.glob("*.deb")
        subprocess.run(["dpkg", "-x", package, folder], check=True)
    except (OSError, ValueError):
        pytest.skip("Debian's package dataset-fashion-mnist cannot be had")
    return folder / FASHION_PACKAGE.relative_to("/")


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
    mlp = ("--epochs", 3, "--seeds", 2, "--keep-epochs")
    call_ok("task3_MNIST/train_mlp.py", *SMALL, *mlp, "--results", results)
    call_ok("task3_MNIST/train_cnn.py", *SMALL, "--epochs", 1, "--results", results)
    return results


@pytest.fixture(scope="session")
def source(digits_results: Path) -> Path:
    """Return the folder of a real run on digits, to make others of."""
    [folder] = digits_results.glob("digits/cnn/*/seed0")
    return folder


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, Figure]:
    """Return a dict that every figure joins when it is saved, by the stem of its file."""
    figures, save = {}, style.save

    def record(figure: Figure, path: Path) -> object:
        figures[path.stem] = figure
        return save(figure, path)

    monkeypatch.setattr(style, "save", record)
    return figures


@pytest.fixture(scope="session")
def default_training(
    mnist_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, int]]:
    """Train `mlp` and `cnn` by default on the real MNIST; return results and peak bytes of each.

    By the default number of threads, whatever the tests have, which on a machine that other tests
    keep busy must not spin while they wait for each other.
    """
    results = tmp_path_factory.mktemp("mnist-results")
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    environment["GOMP_SPINCOUNT"] = "1000"
    peak = {}
    for family in ("mlp", "cnn"):
        script = f"task3_MNIST/train_{family}.py"
        call = command(script, "--data", mnist_dir, "--results", results)
        measured = subprocess.run(
            [sys.executable, "-c", PEAK, *call], stdout=subprocess.PIPE, env=environment, check=True
        )
        peak[family] = int(measured.stdout)
    return results, peak


@pytest.fixture(scope="session")
def mnist_results(default_training: tuple[Path, dict[str, int]]) -> Path:
    """Return results on the real MNIST: `mlp` and `cnn` by the default recipe."""
    return default_training[0]


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Return what drives browsers; there can be only one in a process."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Return an installed Chromium without a screen; tests make a context of their own in it."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next((path for name in names if (path := shutil.which(name))), None)
    path = found or playwright.chromium.executable_path
    if not Path(path).exists():
        pytest.fail("no Chromium for the tests of the pages: run tools/install_chromium.sh")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    browser = playwright.chromium.launch(executable_path=path, args=arguments)
    yield browser
    browser.close()
