"""Keep MNIST's four raw files on disk: read the right ones, get the missing and altered again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from task3_MNIST.datasets.sources import SourceError, mnist_sources
from task3_MNIST.errors import UserError
from task3_MNIST.files import write_atomic

# SHA-256 of the decompressed files.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
TRAIN_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST_FILES = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def raw_folder(data_dir: Path) -> Path:
    """Return the folder of the raw files: torchvision's layout."""
    return data_dir / "MNIST" / "raw"


def read_verified(
    data_dir: Path, names: Iterable[str], *, replace_altered: bool = True
) -> dict[str, bytes]:
    """Return the content of the named files by name, got again where they are missing.

    Only the named files are opened, and only bytes whose SHA-256 is right are returned or stored.

    Args:
        data_dir: the folder that holds `MNIST/raw`.
        names: keys of `SHA256`.
        replace_altered: get altered files again. `False` refuses them, as evaluation does: a test
            set that somebody changed is not to be replaced in silence.

    Raises:
        UserError: no source gave a file, the folder cannot be used, or an altered file is refused.
    """
    folder = raw_folder(data_dir)
    contents, missing = {}, []
    for name in names:
        content = _read(folder / name)
        if content is not None and _is_right(name, content):
            contents[name] = content
        elif content is None or replace_altered:
            missing.append(name)
        else:
            raise UserError(
                f"{folder / name} is not MNIST's (wrong SHA-256): "
                "delete it and run again to fetch it"
            )
    return contents | _fetch(folder, missing)


def fetch_missing(data_dir: Path, names: Iterable[str]) -> None:
    """Get the named files that are not there; those that are stay unopened.

    Raises:
        UserError: as `read_verified`.
    """
    folder = raw_folder(data_dir)
    _fetch(folder, [name for name in names if not (folder / name).exists()])


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(
            f"cannot read {path}: {error.strerror}: fix that, or choose another data folder"
        ) from error


def _is_right(name: str, content: bytes) -> bool:
    return hashlib.sha256(content).hexdigest() == SHA256[name]


def _fetch(folder: Path, names: list[str]) -> dict[str, bytes]:
    """Store and return the named files, each from the first source that gives the right bytes."""
    if not names:
        return {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot make the folder {folder}: {error.strerror}: choose another data folder"
        ) from error
    contents: dict[str, bytes] = {}
    answers = []
    for source, give in mnist_sources(folder):
        try:
            for name, content in give([name for name in names if name not in contents]):
                if _is_right(name, content):
                    write_atomic(folder / name, content)
                    contents[name] = content
                else:
                    answers.append(f"{source}: {name} has a wrong SHA-256")
        except SourceError as error:
            answers.append(f"{source}: {error}")
        if len(contents) == len(names):
            return contents
    missing = [name for name in names if name not in contents]
    raise UserError(
        f"cannot fetch MNIST: fix the network and run again, or put {', '.join(missing)} "
        f"(plain or .gz) into {folder.resolve()}; tried {'; '.join(answers)}"
    )
