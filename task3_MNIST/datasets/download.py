"""Keep a data set's raw files on disk: read the right ones, get the missing and altered again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from task3_MNIST.datasets.sources import Source, SourceError, fashion_sources, mnist_sources
from task3_MNIST.errors import UserError
from task3_MNIST.files import write_atomic

TRAIN_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST_FILES = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@dataclass(frozen=True, eq=False)
class RawFiles:
    """The four files of a data set.

    Attributes:
        name: the data set's, for people.
        folder: its folder below the data sets, in torchvision's layout.
        sha256: of each decompressed file, by its name.
        sources: yields where they can come from; see `sources.py`.
        way: what else a user can do where no source answers; a sentence's end.
    """

    name: str
    folder: str
    sha256: dict[str, str]
    sources: Callable[[Path], Iterator[tuple[str, Source]]]
    way: str = ""

    def raw(self, data_dir: Path) -> Path:
        """Return the folder of the raw files."""
        return data_dir / self.folder / "raw"


def _sums(*sums: str) -> dict[str, str]:
    return dict(zip((*TRAIN_FILES, *TEST_FILES), sums, strict=True))


MNIST = RawFiles(
    "MNIST",
    "MNIST",
    _sums(
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    mnist_sources,
)
FASHION_MNIST = RawFiles(
    "Fashion-MNIST",
    "FashionMNIST",
    _sums(
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
    fashion_sources,
    "; on Debian and Ubuntu `apt-get install dataset-fashion-mnist` brings them",
)


def read_verified(
    data_dir: Path,
    names: Iterable[str],
    *,
    replace_altered: bool = True,
    files: RawFiles = MNIST,
) -> dict[str, bytes]:
    """Return the content of the named files by name, got again where they are missing.

    Only the named files are opened, and only bytes whose SHA-256 is right are returned or stored.

    Args:
        data_dir: the folder of the data sets.
        names: keys of `files.sha256`.
        replace_altered: get altered files again. `False` refuses them, as evaluation does: a test
            set that somebody changed is not to be replaced in silence.
        files: whose they are.

    Raises:
        UserError: no source gave a file, the folder cannot be used, or an altered file is refused.
    """
    folder = files.raw(data_dir)
    contents, missing = {}, []
    for name in names:
        content = _read(folder / name)
        if content is not None and _is_right(files, name, content):
            contents[name] = content
        elif content is None or replace_altered:
            missing.append(name)
        else:
            raise UserError(
                f"{folder / name} is not {files.name}'s (wrong SHA-256): "
                "delete it and run again to fetch it"
            )
    return contents | _fetch(files, folder, missing)


def fetch_missing(data_dir: Path, names: Iterable[str], files: RawFiles = MNIST) -> None:
    """Get the named files that are not there; those that are stay unopened.

    Raises:
        UserError: as `read_verified`.
    """
    folder = files.raw(data_dir)
    _fetch(files, folder, [name for name in names if not (folder / name).exists()])


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(
            f"cannot read {path}: {error.strerror}: fix that, or choose another data folder"
        ) from error


def _is_right(files: RawFiles, name: str, content: bytes) -> bool:
    return hashlib.sha256(content).hexdigest() == files.sha256[name]


def _fetch(files: RawFiles, folder: Path, names: list[str]) -> dict[str, bytes]:
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
    for source, give in files.sources(folder):
        try:
            for name, content in give([name for name in names if name not in contents]):
                if _is_right(files, name, content):
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
        f"cannot fetch {files.name}: fix the network and run again, or put {', '.join(missing)} "
        f"(plain or .gz) into {folder.resolve()}{files.way}; tried {'; '.join(answers)}"
    )
