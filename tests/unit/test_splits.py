"""Promises of the data sets: right shapes, fixed splits, a sealed test set, errors of one line."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import REPOSITORY
from PIL import Image

from task3_MNIST.datasets import sources
from task3_MNIST.datasets.download import FASHION_MNIST, MNIST, TEST_FILES, TRAIN_FILES
from task3_MNIST.datasets.image_files import read_gray
from task3_MNIST.datasets.splits import (
    MNIST_VALIDATION,
    Split,
    dataset_checksum,
    draw_validation,
    fetch,
    load_test,
    load_train,
    split_validation,
    validation_places,
)
from task3_MNIST.errors import UsageError, UserError

# Of the 5,000 validation indices, sorted, as little-endian 64-bit integers.
VALIDATION_SHA256 = "63ecb24004ac11d8fb38480fee8947cdec245c51122701b02733523ce5cfc446"


def link(mnist_dir: Path, data_dir: Path, names: tuple[str, ...]) -> Path:
    """Make a data folder with some of MNIST's real files."""
    raw = MNIST.raw(data_dir)
    raw.mkdir(parents=True)
    for name in names:
        (raw / name).symlink_to(MNIST.raw(mnist_dir) / name)
    return raw


def test_mnist_is_the_real_one_normalized(mnist_dir: Path) -> None:
    train, test = load_train("mnist", mnist_dir), load_test("mnist", mnist_dir)
    assert train.images.shape == (60_000, 1, 28, 28)
    assert test.images.shape == (10_000, 1, 28, 28)
    assert (train.images.dtype, train.labels.dtype) == (torch.uint8, torch.int64)
    normalized = train.normalized().images
    assert normalized.dtype == torch.float32
    assert normalized.mean() == pytest.approx(0, abs=1e-3)
    assert normalized.std() == pytest.approx(1, abs=1e-3)
    assert normalized.min() == pytest.approx(train.black)
    assert train.labels.bincount().tolist() == [
        *(5923, 6742, 5958, 6131, 5842),
        *(5421, 5918, 6265, 5851, 5949),
    ]
    raw = MNIST.raw(mnist_dir) / "t10k-images-idx3-ubyte"
    assert test.images.numpy().tobytes() == raw.read_bytes()[16:]


def test_each_data_set_is_normalized_by_its_own_training_pixels() -> None:
    train, test = load_train("digits", Path()), load_test("digits", Path())
    images = train.normalized().images
    assert images.mean() == pytest.approx(0, abs=1e-4)
    assert images.std() == pytest.approx(1, abs=1e-4)
    assert (test.mean, test.std) == (train.mean, train.std)
    assert (train.mean, train.std) != (0.1307, 0.3081)


def test_validation_images_are_stratified_and_always_the_same(mnist_dir: Path) -> None:
    labels = load_train("mnist", mnist_dir).labels
    numbered = Split(torch.arange(60_000).view(-1, 1, 1, 1), labels, 0.0, 1.0)
    train, val = split_validation(numbered)
    assert (len(train), len(val)) == (55_000, 5_000)
    assert sorted(torch.cat([train.images, val.images]).flatten().tolist()) == list(range(60_000))
    assert val.labels.bincount().tolist() == [494, 562, 496, 511, 487, 452, 493, 522, 487, 496]
    indices = val.images.flatten().numpy().astype("<i8")
    assert hashlib.sha256(indices.tobytes()).hexdigest() == VALIDATION_SHA256
    assert torch.equal(val.labels, labels[val.images.flatten()])


def test_training_never_opens_the_test_files(mnist_dir: Path, tmp_path: Path) -> None:
    raw = link(mnist_dir, tmp_path, TRAIN_FILES)
    for name in TEST_FILES:
        (raw / name).write_bytes(b"garbage")
    fetch("mnist", tmp_path, test=False)
    assert len(load_train("mnist", tmp_path)) == 60_000
    assert [(raw / name).read_bytes() for name in TEST_FILES] == [b"garbage"] * 2
    with pytest.raises(UserError, match=r"t10k-images.* delete it and run again to fetch it$"):
        load_test("mnist", tmp_path)


def test_evaluation_never_opens_the_training_files(mnist_dir: Path, tmp_path: Path) -> None:
    raw = link(mnist_dir, tmp_path, TEST_FILES)
    for name in TRAIN_FILES:
        (raw / name).write_bytes(b"garbage")
    assert len(load_test("mnist", tmp_path)) == 10_000
    assert [(raw / name).read_bytes() for name in TRAIN_FILES] == [b"garbage"] * 2


def test_digits_have_mnist_shape_and_a_fixed_split(tmp_path: Path) -> None:
    fetch("digits", tmp_path, test=True)
    train, test = load_train("digits", tmp_path), load_test("digits", tmp_path)
    assert (train.images.shape, test.images.shape) == ((1437, 1, 28, 28), (360, 1, 28, 28))
    assert train.labels.bincount().tolist() == [142, 146, 142, 146, 145, 145, 145, 143, 139, 144]
    both = np.concatenate([train.images[:, 0].numpy(), test.images[:, 0].numpy()])
    rows, columns = both.any(axis=2).sum(axis=1), both.any(axis=1).sum(axis=1)
    assert set(np.maximum(rows, columns)) == {20}
    assert len(np.unique(both, axis=0)) == 1797  # no image is in both parts
    train, val = split_validation(train)
    assert (len(train), len(val)) == (1317, 120)
    assert list(tmp_path.iterdir()) == []


def test_checksum_tells_training_images_apart(mnist_dir: Path, tmp_path: Path) -> None:
    assert dataset_checksum("mnist", mnist_dir) == MNIST.sha256["train-images-idx3-ubyte"]
    assert dataset_checksum("digits", tmp_path) == (
        "7ab53d775e851981fb8cfc53aeb9563c84bf366e28585734d927c49878d37170"
    )


def test_split_moves_to_a_device() -> None:
    split = Split(torch.zeros(2, 1, 28, 28), torch.zeros(2, dtype=torch.int64), 0.0, 1.0)
    moved = split.normalized("meta")
    assert (moved.images.device.type, moved.labels.device.type) == ("meta", "meta")


def test_too_few_images_to_hold_out_are_refused() -> None:
    split = Split(torch.zeros(21, 1, 28, 28), torch.tensor([0] * 10 + [1] * 10 + [7]), 0.0, 1.0)
    with pytest.raises(UserError, match=r"at least one per class.*: add images of 7$"):
        split_validation(split)


@pytest.mark.parametrize("load", [load_train, load_test, dataset_checksum])
def test_unknown_data_set_names_the_close_ones(load, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^unknown data set 'kmnst': did you mean kmnist"):
        load("kmnst", tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="is a file: give a folder"):
        load(str(tmp_path / "file"), tmp_path)


# Image files


def test_transparent_and_deep_images_are_read_as_seen(tmp_path: Path) -> None:
    ink = np.zeros((4, 4, 4), dtype=np.uint8)
    ink[1, 1] = 255 * np.array([0, 0, 0, 1])  # one opaque black pixel, the rest transparent
    Image.fromarray(ink, "RGBA").save(tmp_path / "transparent.png")
    gray = read_gray(tmp_path / "transparent.png")
    assert (gray[1, 1], gray.sum()) == (0, 15 * 255)
    deep = np.full((3, 3), 65535, dtype=np.uint16)
    deep[0, 0] = 257 * 100
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert read_gray(tmp_path / "deep.png")[0].tolist() == [100, 255, 255]


def test_photo_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera on its side
    Image.fromarray(np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6)).save(
        tmp_path / "photo.png", exif=exif
    )
    assert read_gray(tmp_path / "photo.png")[0].tolist() == [180, 120, 60, 0]


@pytest.mark.parametrize("keep", [20, 0.5, 0.99])
def test_truncated_image_is_one_line(tmp_path: Path, keep: float) -> None:
    path = tmp_path / "photo.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 60), np.uint8)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: keep if keep > 1 else int(keep * len(content))])
    with pytest.raises(UserError, match=r"^cannot read .*photo.jpg: .*: give a PNG or JPEG"):
        read_gray(path)


# The data sets of torchvision, whose servers these tests do not need: the files are MNIST's


def test_kmnist_is_read_by_torchvision_and_refused_when_damaged(mnist_dir, tmp_path) -> None:
    raw = tmp_path / "KMNIST" / "raw"
    raw.mkdir(parents=True)
    for name in MNIST.sha256:
        (raw / name).symlink_to(MNIST.raw(mnist_dir) / name)
    assert len(load_train("kmnist", tmp_path)) == 60_000
    assert len(load_test("kmnist", tmp_path)) == 10_000
    (raw / TEST_FILES[0]).unlink()
    (raw / TEST_FILES[0]).write_bytes(b"\0\0\x08\x03 half")
    with pytest.raises(UserError, match=r"KMNIST/raw is damaged: delete that folder"):
        load_test("kmnist", tmp_path)


def test_fashion_mnist_is_read_from_debians_package_and_refused_when_altered(
    fashion_archives: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "FASHION_PACKAGE", fashion_archives)
    monkeypatch.setattr(sources, "FASHION_MIRROR", "http://127.0.0.1:9/")
    assert len(load_train("fashion_mnist", tmp_path)) == 60_000
    assert load_test("fashion_mnist", tmp_path).labels.bincount().tolist() == [1000] * 10
    altered = FASHION_MNIST.raw(tmp_path) / TEST_FILES[0]
    content = altered.read_bytes()
    altered.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(UserError, match=r"is not Fashion-MNIST's \(wrong SHA-256\)"):
        load_test("fashion_mnist", tmp_path)


def test_without_a_source_the_error_names_debians_package(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(sources, "FASHION_PACKAGE", tmp_path)
    monkeypatch.setattr(sources, "FASHION_MIRROR", "http://127.0.0.1:9/")
    with pytest.raises(UserError, match="apt-get install dataset-fashion-mnist"):
        load_train("fashion_mnist", tmp_path)


def test_qmnist_test_is_the_part_that_mnist_has(mnist_dir: Path, tmp_path: Path) -> None:
    raw = tmp_path / "QMNIST" / "raw"
    raw.mkdir(parents=True)
    images = (MNIST.raw(mnist_dir) / "t10k-images-idx3-ubyte").read_bytes()
    twice = np.array([0x803, 20_000, 28, 28], ">i4").tobytes() + images[16:] * 2
    (raw / "qmnist-test-images-idx3-ubyte").write_bytes(twice)
    labels = np.zeros((20_000, 8), ">i4")
    labels[:, 0] = np.arange(20_000) % 10
    head = np.array([0x0C02, 20_000, 8], ">i4").tobytes()
    (raw / "qmnist-test-labels-idx2-int").write_bytes(head + labels.tobytes())
    test = load_test("qmnist", tmp_path)
    assert test.images.shape == (10_000, 1, 28, 28)
    assert test.labels[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]


def test_offline_torchvision_set_is_one_line_and_leaves_nothing(tmp_path, offline) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from task3_MNIST.datasets.splits import load_train\n"
        "from task3_MNIST.errors import UserError\n"
        "try: load_train('kmnist', Path(sys.argv[1]))\n"
        "except UserError as error: sys.exit(str(error))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=REPOSITORY,
        env=offline,
        capture_output=True,
        encoding="utf-8",
    )
    assert result.returncode == 1
    message = result.stderr.splitlines()[-1]
    assert message.startswith("cannot fetch KMNIST through torchvision (")
    assert message.endswith(f"or put its files into {tmp_path}/KMNIST/raw")
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_kept_validation_images_of_mnist_are_those_that_scikit_learn_draws(mnist_dir):
    labels = load_train("mnist", mnist_dir).labels.numpy()
    kept = validation_places(labels, MNIST_VALIDATION)
    assert kept.tolist() == draw_validation(labels, MNIST_VALIDATION).tolist()
