"""evaluate.py --qmnist50k: records are confirmed on images that nobody has looked at, once.

The files are laid out as QMNIST's; their other 50,000 images are a few of MNIST's, of which some
are given to writers that MNIST's test images lack.
"""

import json

import numpy as np
import pytest

from task3_MNIST.datasets import writers
from task3_MNIST.datasets.splits import load_test
from tests.helpers.inference import make_run
from tests.helpers.scripts import call, call_ok, refusal

SCRIPT = "task3_MNIST/evaluate.py"
FIRST, OTHER = 10_000, 600  # MNIST's images, and those behind them
NEW = 100  # of the others, by new writers
UBYTE, INT = 0x08, 0x0C  # IDX's types


def write_idx(path, kind, array):
    head = np.array([kind << 8 | array.ndim, *array.shape], dtype=">i4").tobytes()
    path.write_bytes(head + array.tobytes())


@pytest.fixture(scope="module")
def test_images(mnist_dir):
    return load_test("mnist", mnist_dir)


@pytest.fixture
def data(tmp_path, test_images):
    """Return a data folder with QMNIST's test files."""
    raw = tmp_path / "data" / "QMNIST" / "raw"
    raw.mkdir(parents=True)
    images = np.zeros((FIRST + OTHER, 28, 28), np.uint8)
    images[FIRST:] = test_images.images[:OTHER, 0]
    columns = np.zeros((FIRST + OTHER, 8), ">i4")
    known = writers.test_writers("mnist")
    columns[FIRST:, 0] = test_images.labels[:OTHER]
    columns[FIRST:, 1] = np.where(np.arange(OTHER) < OTHER // 2, 1, 4)
    columns[FIRST:, 2] = known.writer[:OTHER]
    columns[FIRST : FIRST + NEW, 2] = 30_000 + np.arange(NEW) // 10
    write_idx(raw / "qmnist-test-images-idx3-ubyte", UBYTE, images)
    write_idx(raw / "qmnist-test-labels-idx2-int", INT, columns)
    return tmp_path / "data"


@pytest.fixture
def run(tmp_path, test_images):
    return make_run(tmp_path / "runs", "linear", test_images, dataset="mnist").folder


def test_each_population_has_its_accuracy_and_it_is_read_once(run, data, test_images):
    said = call_ok(SCRIPT, "--qmnist50k", run, "--data", data)
    parts = {
        one["images"]: one
        for one in json.loads((run / "qmnist50k.json").read_text(encoding="utf-8"))["parts"]
    }
    assert {name: one["n"] for name, one in parts.items()} == {
        "all": OTHER,
        "series 1": OTHER // 2,
        "series 4": OTHER - OTHER // 2,
        "writers not in MNIST's test images": NEW,
    }
    assert parts["writers not in MNIST's test images"]["writers"] == NEW // 10
    with np.load(run / "predictions.npz") as arrays:
        correct = arrays["classes"][:OTHER] == test_images.labels[:OTHER].numpy()
    assert parts["all"]["accuracy"] == pytest.approx(correct.mean())
    assert parts["series 1"]["accuracy"] == pytest.approx(correct[: OTHER // 2].mean())
    assert f"{correct.mean():.2%}" in said
    assert parts["all"]["low"] < parts["all"]["accuracy"] < parts["all"]["high"]
    written = (run / "qmnist50k.json").stat().st_mtime_ns
    assert call_ok(SCRIPT, "--qmnist50k", run, "--data", data) == said
    assert (run / "qmnist50k.json").stat().st_mtime_ns == written


def test_what_cannot_be_confirmed_is_one_line(run, data, digits_results, tmp_path, offline):
    assert "name the runs" in refusal(call(SCRIPT, "--qmnist50k"), 2)
    [digits] = digits_results.glob("digits/cnn/*/seed0")
    done = call(SCRIPT, "--qmnist50k", digits, "--data", data)
    assert "was not trained on MNIST" in refusal(done, 1)
    (data / "QMNIST" / "raw" / "qmnist-test-labels-idx2-int").write_bytes(b"no labels")
    assert "is damaged" in refusal(call(SCRIPT, "--qmnist50k", run, "--data", data), 1)
