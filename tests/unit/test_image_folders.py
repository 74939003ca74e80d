"""Promises of a folder of one's own images: what people have is read, and what is wrong is named.

A layout is a table of folders, each with the files in it. Most are read only, nothing is trained.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from task3_MNIST.datasets.image_folders.layout import read_layout
from task3_MNIST.datasets.image_folders.name import FolderName, parse
from task3_MNIST.datasets.splits import (
    Split,
    canonical_name,
    dataset_checksum,
    describe,
    fetch,
    folder_name,
    load_test,
    load_train,
    split_validation,
)
from task3_MNIST.errors import UsageError, UserError
from task3_MNIST.formatting import dataset_labels
from task3_MNIST.runs.folder import dataset_folder

FORMATS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP", "bmp": "BMP", "tif": "TIFF", "gif": "GIF"}
NAMES = [f"{number}.png" for number in range(10)]


def picture(suffix="png", size=(20, 30)) -> bytes:
    """Return an image file: a stroke of ink on light paper."""
    image = Image.new("L", size, 240)
    line = (0.3 * size[0], 0.2 * size[1], 0.6 * size[0], 0.8 * size[1])
    ImageDraw.Draw(image).line(line, fill=20, width=max(2, size[0] // 8))
    content = io.BytesIO()
    image.save(content, FORMATS[suffix])
    return content.getvalue()


PNG = picture()


def fill(root: Path, layout: dict[str, int | list[str]]) -> Path:
    """Write the folders of a layout: so many PNG files, or files of the names given."""
    root.mkdir(exist_ok=True)
    for folder, files in layout.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for name in files if isinstance(files, list) else [f"{i:02}.png" for i in range(files)]:
            path = root / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            suffix = path.suffix[1:].lower()
            path.write_bytes(picture(suffix) if suffix in FORMATS else b"no image")
    return root


def split_layout(train: str, test: str, classes=("A", "B"), n=(6, 2)) -> dict[str, int]:
    """Return a layout with two parts of so many images of each class."""
    sides = ((train, n[0]), (test, n[1]))
    return {f"{part}/{name}": count for part, count in sides for name in classes}


def flat(*classes: str, n=5) -> dict[str, int]:
    """Return a layout without parts."""
    return dict.fromkeys(classes, n)


LAYOUTS = {
    "digits": (flat(*"0123456789"), tuple("0123456789"), 40, 10),
    "letters": (flat(*"ABCDE"), tuple("ABCDE"), 20, 5),
    "words": (flat("cat", "dog", "ankle boot"), ("ankle boot", "cat", "dog"), 12, 3),
    "numbered": (flat("class_0", "class_1"), ("class_0", "class_1"), 8, 2),
    "two digits each": (flat("00", "01", "09"), ("00", "01", "09"), 12, 3),
    "some digits": (flat("3", "7"), ("3", "7"), 8, 2),
    "more than ten": (
        flat(*(f"{i:02}" for i in range(12))),
        tuple(f"{i:02}" for i in range(12)),
        48,
        12,
    ),
    "other scripts": (flat("é", "あ", "ж"), ("é", "ж", "あ"), 12, 3),
    "signs": (flat("a+b", "a=b", "<i>", "a, b"), ("<i>", "a+b", "a, b", "a=b"), 16, 4),
    "both cases": (flat("A", "a"), ("A", "a"), 8, 2),
    "train and test": (split_layout("train", "test"), ("A", "B"), 12, 4),
    "training and testing": (split_layout("training", "testing"), ("A", "B"), 12, 4),
    "Train and Test": (split_layout("Train", "Test"), ("A", "B"), 12, 4),
    "TRAIN and testing": (split_layout("TRAIN", "testing"), ("A", "B"), 12, 4),
    "subfolders of a class": (
        {"A": ["x/0.png", "x/y/1.png", "2.png", "z/3.png", "z/4.png"], "B": 5},
        ("A", "B"),
        8,
        2,
    ),
    "subfolders in parts": (
        {"train/A": ["x/0.png", "y/1.png"], "train/B": 2, "test/A": ["x/0.png"], "test/B": 1},
        ("A", "B"),
        4,
        2,
    ),
    "all kinds of files": (
        {"A": [f"{i}.{suffix}" for i, suffix in enumerate(FORMATS)], "B": 5},
        ("A", "B"),
        9,
        2,
    ),
    "capital suffixes": ({"A": [f"{i}.PNG" for i in range(5)], "B": 5}, ("A", "B"), 8, 2),
    "hidden files": ({"A": [*NAMES, "._0.png", ".DS_Store"], "B": 5}, ("A", "B"), 12, 3),
    "hidden folders": ({**flat("A", "B"), ".ipynb_checkpoints": 3, ".git": 1}, ("A", "B"), 8, 2),
    "hidden folders of a class": (
        {"A": [*NAMES, ".ipynb_checkpoints/0-checkpoint.png"], "B": 5},
        ("A", "B"),
        12,
        3,
    ),
    "a Mac's zip": ({**flat("A", "B"), "__MACOSX": ["A/._0.png"]}, ("A", "B"), 8, 2),
    "a Mac's zip with parts": (
        {**split_layout("train", "test"), "__MACOSX": ["train/A/._0.png"]},
        ("A", "B"),
        12,
        4,
    ),
    "Windows": ({"A": [*NAMES, "Thumbs.db", "desktop.ini"], "B": 5}, ("A", "B"), 12, 3),
    "a class called train": (flat("car", "plane", "train"), ("car", "plane", "train"), 12, 3),
    "a class called test": (flat("exam", "test"), ("exam", "test"), 8, 2),
    "an empty class": ({**flat("A", "B"), "C": 0}, ("A", "B"), 8, 2),
    "a folder of notes": ({**flat("A", "B"), "notes": ["read.txt"]}, ("A", "B"), 8, 2),
    "files next to classes": ({**flat("A", "B"), ".": ["labels.csv", "0.png"]}, ("A", "B"), 8, 2),
    "a class in train only": (
        {**split_layout("train", "test"), "train/C": 3},
        ("A", "B", "C"),
        15,
        4,
    ),
    "a class in test only": (
        {**split_layout("train", "test"), "test/C": 3},
        ("A", "B", "C"),
        12,
        7,
    ),
    "other folders next to parts": (
        {**split_layout("train", "test"), "extra/A": 3},
        ("A", "B"),
        12,
        4,
    ),
}


@pytest.mark.parametrize("kind", LAYOUTS)
def test_what_people_have_is_read(kind: str, tmp_path: Path) -> None:
    layout, classes, train_images, test_images = LAYOUTS[kind]
    folder = str(fill(tmp_path / "mine", layout))
    fetch(folder, tmp_path, test=True)
    train, test = load_train(folder, tmp_path), load_test(folder, tmp_path)
    assert train.classes == test.classes == classes
    assert (len(train), len(test)) == (train_images, test_images)
    assert set(train.labels.tolist()) | set(test.labels.tolist()) == set(range(len(classes)))
    assert train.images.shape[1:] == (1, 28, 28)
    first = describe(folder, tmp_path, test=True)[0]
    assert f"{len(classes)} classes" in first
    assert f"{train_images} training images" in first
    assert f"{test_images} test images" in first
    assert "20 x 30 pixels" in first


@pytest.mark.parametrize("val", ["val", "valid", "Validation"])
def test_images_of_val_are_those_that_validate(val: str, tmp_path: Path) -> None:
    folder = fill(
        tmp_path / "mine", {**split_layout("train", "test"), f"{val}/A": 1, f"{val}/B": 2}
    )
    images = load_train(str(folder), tmp_path)
    assert len(images) == 15  # what --full-train trains on
    train, chosen = split_validation(images)
    assert train.labels.bincount().tolist() == [6, 6]
    assert chosen.labels.bincount().tolist() == [1, 2]
    [found] = describe(str(folder), tmp_path, test=False)
    assert "3 validation images (1 to 2 of each class)" in found
    assert "test" not in found.partition(": ")[2]


WARNINGS = {
    "empty": (
        {**flat("A", "B"), "C": 0},
        "warning: C has no image: it is not counted as a class",
    ),
    "untrained": (
        {**split_layout("train", "test"), "test/C": 3},
        "warning: no training image of C: no model can learn it, and its 3 test images will all "
        "be errors",
    ),
    "untested": (
        {**split_layout("train", "test"), "train/C": 3},
        "warning: no test image of C: no test figure says how well it is recognized",
    ),
    "imbalanced": (
        {"train/A": 20, "train/B": 2, "test/A": 1, "test/B": 1},
        "warning: A has 20 training images and B has 2: a model that always answers A is correct "
        "on 91% of the training images, so compare accuracy with that, and look at each class in "
        "the confusion matrix",
    ),
    "other kinds": (
        {"A": [*NAMES, "a.heic", "b.heic", "c.txt"], "B": 5},
        "left out: 2 .heic and 1 .txt in the folders of classes (images are PNG, JPEG, WebP, BMP, "
        "TIFF or GIF files)",
    ),
    "stray": (
        {**flat("A", "B"), ".": ["0.png"]},
        "left out: 1 image next to the folders of classes: put them into one of these to use them",
    ),
    "unused": (
        {**split_layout("train", "test"), "extra/A": 3},
        "left out: extra, next to train and test",
    ),
}


@pytest.mark.parametrize("kind", WARNINGS)
def test_what_changes_the_figures_is_said_once(kind: str, tmp_path: Path) -> None:
    layout, line = WARNINGS[kind]
    folder = str(fill(tmp_path / "mine", layout))
    assert describe(folder, tmp_path, test=True)[1:] == [line]


def test_a_data_set_with_a_name_needs_no_description(mnist_dir: Path) -> None:
    assert describe("digits", mnist_dir, test=True) == []


ERRORS = {
    "empty folder": ({}, "has no folders of classes: put the images of each class into a folder"),
    "images only": ({".": 3}, "has no folders of classes: put the images of each class"),
    "no images": ({"A": 0, "B": ["a.heic"]}, r"no images in them \(there are 1 .heic\): put PNG"),
    "one class": ({"A": 5}, "has one class only, A, and nothing to tell it from: add the folder"),
    "one level too high": (
        {"mnist_png/training/A": 3, "mnist_png/testing/A": 3},
        "one class only, mnist_png, .*, or name .*mine/mnist_png if its folders are the classes",
    ),
    "train and no test": (
        {"train/A": 3, "train/B": 3},
        "has train/ and no test/: put test images into .*test, .*, or train with --no-evaluate",
    ),
    "test and no train": (
        {"test/A": 3, "test/B": 3},
        "has test/ and no train/: put training images into .*train, in a folder for each class",
    ),
    "parts without classes": (
        {"train": 3, "test": 3},
        "train has no folders of classes: put its images into folders named by their class",
    ),
    "two names of one part": (
        {**split_layout("train", "test"), "training/A": 1},
        "has train and training, which mean the same: keep one of them",
    ),
    "trained on one class": (
        {"train/A": 3, "test/A": 1, "test/B": 1},
        "has training images of fewer than two classes that can be used: add images of others",
    ),
    "too few for a test": ({"A": 4, "B": 5}, "A has 4 images, too few to take every 5th"),
    "too many classes": (
        {f"{i}": 5 for i in range(257)},
        "has 257 classes, and 256 is the most: leave some out",
    ),
}


@pytest.mark.parametrize("kind", ERRORS)
def test_folder_that_is_no_data_set_is_refused(kind: str, tmp_path: Path) -> None:
    layout, message = ERRORS[kind]
    folder = fill(tmp_path / "mine", layout)
    with pytest.raises(UserError, match=message) as error:
        fetch(str(folder), tmp_path, test=True)
    assert "\n" not in str(error.value)


def test_what_cannot_be_used_is_named_at_once_or_left_out(tmp_path: Path) -> None:
    layout = {**split_layout("train", "test"), "train/A": 8}
    folder = fill(tmp_path / "mine", layout)
    (folder / "train/A/00.png").write_bytes(b"")
    (folder / "train/B/01.png").write_bytes(PNG[:50])
    Image.new("L", (50, 50), 255).save(folder / "train/B/02.png")
    (folder / "test/A/00.png").write_bytes(b"garbage")
    with pytest.raises(UserError) as error:
        fetch(str(folder), tmp_path, test=True)
    text = str(error.value)
    assert text.startswith(f"4 of 18 images of {folder} cannot be used: ")
    for name in (
        "train/A/00.png",
        "train/B/01.png",
        "train/B/02.png (no ink found",
        "test/A/00.png",
    ):
        assert name in text
    assert "leave them out with --skip-broken; if they show no drawings, give --preprocess" in text
    with pytest.raises(UserError, match=r"^3 of 14 images"):  # the test set stays sealed
        fetch(str(folder), tmp_path, test=False)

    name = folder_name(str(folder), None, skip_broken=True)
    fetch(name, tmp_path, test=True)
    train, test = load_train(name, tmp_path), load_test(name, tmp_path)
    assert (len(train), len(test)) == (11, 3)
    _, left_out = describe(name, tmp_path, test=True)
    assert left_out.startswith("left out, as they cannot be used: ")
    assert left_out.count("png (") == 4


def test_images_that_are_no_drawings_are_only_resized(tmp_path: Path) -> None:
    folder = fill(tmp_path / "mine", flat("A", "B"))
    ramp = np.linspace(0, 255, 56, dtype=np.uint8)
    Image.fromarray(np.tile(ramp, (112, 1))).save(folder / "A/00.png")
    Image.new("L", (5, 9), 200).save(folder / "A/01.png")  # smaller, and without any ink
    train = load_train(folder_name(str(folder), "resize", skip_broken=False), tmp_path)
    expected = ramp.reshape(28, 2).mean(1)
    assert np.abs(train.images[0, 0].numpy() - expected).max() <= 1
    assert set(train.images[1].flatten().tolist()) == {200}


def test_the_name_says_how_the_images_are_read(tmp_path: Path, monkeypatch) -> None:
    folder = fill(tmp_path / "c++", flat("A", "B"))
    monkeypatch.chdir(tmp_path)
    name = canonical_name(folder_name("c++", "resize", skip_broken=True))
    assert name == f"{folder}+preprocess=resize+skip-broken"
    assert parse(name) == FolderName(str(folder), "resize", True)
    assert parse(str(folder)) == FolderName(str(folder))
    words = ["--dataset", str(folder), "--preprocess", "resize", "--skip-broken"]
    assert parse(name).words() == words
    assert folder_name(name, None, skip_broken=False) == name
    assert folder_name("c++", "digits", skip_broken=False) == "c++"
    with pytest.raises(UsageError, match="--preprocess is for a folder of images: leave it out"):
        folder_name("mnist", "resize", skip_broken=False)
    with pytest.raises(UsageError, match=r"there is no folder .*gone/away: check its path"):
        canonical_name("gone/away+skip-broken")


def test_folders_of_one_name_have_runs_and_labels_of_their_own() -> None:
    first, second = "/data/a/letters", "/data/b/letters"
    assert (
        dataset_folder(first) != dataset_folder(second) != dataset_folder(f"{second}+skip-broken")
    )
    assert dataset_folder(first).startswith("letters-")
    assert dataset_folder("digits") == "digits" != dataset_folder("/data/digits")
    assert list(dataset_labels(["mnist", first, second]).values()) == [
        *("mnist", "a/letters", "b/letters")
    ]
    assert dataset_labels([first]) == {first: "letters"}


@pytest.mark.skipif(os.name == "nt", reason="Windows asks for a right to make links")
def test_a_link_that_leads_back_is_followed_once(tmp_path: Path) -> None:
    folder = fill(tmp_path / "mine", flat("A", "B"))
    (folder / "A" / "again").symlink_to(folder / "A")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "x.png").write_bytes(PNG)
    (folder / "B" / "more").symlink_to(tmp_path / "more")
    layout = read_layout(folder)
    assert [len(layout.files(part)) for part in ("train", "test")] == [9, 2]


# MNIST's own images in a folder


@pytest.fixture
def images(mnist_dir: Path) -> Split:
    """Return ten images of each label from MNIST's training set, sorted by label."""
    train = load_train("mnist", mnist_dir)
    return train[torch.cat([(train.labels == label).nonzero()[:10, 0] for label in range(10)])]


def write_folder(folder: Path, images: Split) -> Path:
    """Write the images as dark ink on light paper, to <label>/<number>.png."""
    for index, image in enumerate(images.images[:, 0].numpy()):
        path = folder / str(int(images.labels[index])) / f"{index:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(255 - image).save(path)
    return folder


def test_images_get_the_preprocessing_of_mnist(images, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "mine", images)
    train, test = load_train(str(folder), tmp_path), load_test(str(folder), tmp_path)
    assert train.labels.bincount().tolist() == [8] * 10
    assert test.labels.bincount().tolist() == [2] * 10
    expected = images.images[:, 0].numpy().reshape(10, 10, 28, 28).astype(int)
    fifth = [4, 9]  # of every label, by name, is test
    assert np.abs(test.images[:, 0].numpy() - expected[:, fifth].reshape(-1, 28, 28)).mean() < 1.5
    rest = np.delete(expected, fifth, axis=1)
    assert np.abs(train.images[:, 0].numpy() - rest.reshape(-1, 28, 28)).mean() < 1.5


def test_training_never_opens_the_test_images(images, tmp_path: Path) -> None:
    write_folder(tmp_path / "train", images)
    write_folder(tmp_path / "test", images[torch.arange(30)])
    (tmp_path / "test" / "0" / "000.png").write_bytes(b"garbage")
    assert len(load_train(str(tmp_path), tmp_path)) == 100
    with pytest.raises(UserError, match=r"test/0/000.png \(not an image\)"):
        load_test(str(tmp_path), tmp_path)


def test_checksum_follows_training_images_and_classes(images, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "mine", images)
    before = dataset_checksum(str(folder), tmp_path)
    assert dataset_checksum(str(folder), tmp_path) == before
    (folder / "0" / "004.png").write_bytes(b"a test image")
    assert dataset_checksum(str(folder), tmp_path) == before
    (folder / "0" / "000.png").rename(folder / "1" / "000.png")
    assert dataset_checksum(str(folder), tmp_path) != before
