"""Photographs of paper: the digits on it are found, and a clean scan is read as it always was."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from task3_MNIST.datasets import preprocessing
from task3_MNIST.datasets.image_files import read_gray
from task3_MNIST.datasets.photographs import background, cleaning, lines
from task3_MNIST.datasets.photographs.reading import find_in, read_digits
from task3_MNIST.datasets.splits import load_train, split_validation
from task3_MNIST.errors import UserError
from tests.helpers.photographs import KINDS, draw, pictures, write


@pytest.fixture(scope="module")
def digits(mnist_dir):
    """Return images and labels of the validation split: nothing is chosen by the test set."""
    _, split = split_validation(load_train("mnist", mnist_dir), dataset="mnist")
    return split.images[:, 0].numpy(), split.labels.numpy()


def enlarged(image, factor):
    size = (image.shape[1] * factor, image.shape[0] * factor)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def test_clean_scans_give_the_same_pixels_as_ever(digits):
    for image in digits[0][:25]:
        for scan in (image, 255 - image, enlarged(255 - image, 9), 200 - enlarged(image, 5) // 2):
            [found] = find_in(scan).images
            np.testing.assert_array_equal(found, preprocessing.prepare(scan))


def test_lines_of_paper_leave_no_trace_on_it(digits):
    """The same digit on plain and on squared paper gives nearly the same image."""
    scan = np.pad(255 - enlarged(digits[0][3], 9), 40, constant_values=255)
    squared = scan.copy()
    squared[10::30] = np.minimum(squared[10::30], 140)
    squared[:, 10::30] = np.minimum(squared[:, 10::30], 140)
    [plain], [found] = find_in(scan).images, find_in(squared).images
    # by one pixel the digit may lie elsewhere, which alone is 10 of 255
    assert np.abs(plain.astype(int) - found).mean() < 15
    assert abs(plain.mean() - found.mean()) < 4


def test_digits_of_a_row_come_in_their_order_with_their_boxes(digits):
    for picture, text in pictures("four digits", *digits, 6):
        reading = find_in(picture[..., 0])
        assert len(reading.images) == len(reading.boxes) == len(text)
        lefts = [box.left for box in reading.boxes]
        assert lefts == sorted(lefts)
        for box in reading.boxes:
            part = reading.picture[box.top : box.bottom + 1, box.left : box.right + 1]
            assert part.min() < reading.picture.mean()


def test_a_shadow_is_paper_and_its_edge_no_ink():
    values = np.full((200, 200), 220.0)
    values[:, 90:] = 110
    assert background.absorbance(values).max() < cleaning.EDGE


@pytest.mark.parametrize("slope", [-0.024, 0.0, 0.016])
def test_a_line_is_found_and_a_curve_is_no_line_of_the_paper(slope):
    mask = np.zeros((120, 200), bool)
    columns = np.arange(200)
    for row in range(3):
        mask[60 + row + lines.shifts(slope, 200), columns] = True
    [line] = lines.find_lines(mask)
    assert (line.length, line.thickness) == (200, 3)
    assert line.slope == pytest.approx(slope, abs=0.005)
    y, x = np.mgrid[:120, :200]
    ring = np.abs(np.hypot(y - 60, (x - 100) / 1.5) - 40) < 6
    assert lines.paper_lines(lines.find_lines(ring), ring.shape) == []
    # where the ring crosses the line it stays, and elsewhere the line goes
    left = lines.erase(np.ones(mask.shape), mask | ring, line)
    assert not left[60, :25].any()
    assert (left & ring).sum() > 0.95 * ring.sum()


def test_what_is_no_row_of_digits_is_refused_with_what_to_do(digits, tmp_path):
    digit = 255 - enlarged(digits[0][0], 5)
    two_rows = np.pad(np.vstack([digit, digit]), 30, constant_values=255)
    for picture, reason in (
        (two_rows, r"digits found in 2 rows: cut the image to one row$"),
        (np.full((300, 200), 230, np.uint8), r"no .* found: write .*darker, or cut the image"),
    ):
        path = write(tmp_path / "picture.png", picture)
        with pytest.raises(UserError, match=rf"picture\.png: {reason}"):
            read_digits(path)


@pytest.mark.parametrize(
    "kind", ["white on transparent", "red on green", "12 bits in 16", "float TIFF"]
)
def test_ink_is_seen_in_files_of_every_kind(digits, kind, tmp_path):
    picture = draw(kind, [digits[0][5]], np.random.default_rng(0))
    gray = read_gray(write(tmp_path / "picture.png", picture))
    assert np.ptp(gray) > 150
    assert len(find_in(gray).images) == 1


def test_a_photograph_of_twelve_megapixels_is_read_within_two_processor_seconds(digits):
    import time

    [(picture, _)] = pictures("squared, clear", *digits, 1)
    large = np.asarray(Image.fromarray(picture).convert("L").resize((3000, 4000)))
    start = time.process_time()
    find_in(large)
    assert time.process_time() - start < 2


def test_every_kind_of_picture_is_made_again_by_its_seed(digits):
    for kind in KINDS:
        first, second = (next(pictures(kind, *digits, 1)) for _ in range(2))
        np.testing.assert_array_equal(first[0], second[0])
        assert first[1] == second[1]
