"""What several test files share."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from task3_MNIST.core import data

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
