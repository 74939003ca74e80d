"""The inference page reads a picture as predict.py does, or says that predict.py reads it."""

import base64
import itertools

import numpy as np
import pytest

from task3_MNIST.datasets.photographs.reading import read_digits
from task3_MNIST.datasets.splits import load_train, split_validation
from task3_MNIST.errors import UserError
from tests.helpers.pages import opened
from tests.helpers.photographs import KINDS, STYLES, pictures, write
from tests.helpers.scripts import call_ok

EACH = 3  # pictures of a kind in a style
CLOSE = 4.0  # of 255, the mean difference of two images that are one to a model
# what both read: kinds of clean scans
CLEAN = ("clean", "chalk", "low contrast")


@pytest.fixture(scope="module")
def path(digits_results, tmp_path_factory):
    """Return the inference page of models on digits: it reads files as any does."""
    folder = tmp_path_factory.mktemp("page")
    given = ("--results", digits_results, "--out", folder / "page.html", "--plots", folder)
    call_ok("task3_MNIST/model_inference_visualization.py", *given)
    return folder / "page.html"


def read_on_page(page, path):
    """Return the (28, 28) image that the page makes of a file, or why it takes none."""
    return page.evaluate(
        """async ([name, text]) => {
          const file = new File([Page.decodeBase64(text)], name);
          try {
            const { pixels } = await Files.pictureOfFile(file, { resized: false, single: true });
            return [...pixels];
          } catch (error) {
            return error.message;
          }
        }""",
        [path.name, base64.b64encode(path.read_bytes()).decode()],
    )


def test_the_page_and_predict_agree_on_what_the_page_takes(browser, path, mnist_dir, tmp_path):
    _, split = split_validation(load_train("mnist", mnist_dir), dataset="mnist")
    digits = split.images[:, 0].numpy(), split.labels.numpy()
    agreed, taken = [], {}
    with opened(browser, path) as page:
        for kind, (name, style) in itertools.product(KINDS, STYLES.items()):
            for number, (picture, _) in enumerate(pictures(kind, *digits, EACH, style)):
                file = write(tmp_path / f"{kind}-{name}-{number}.png", picture)
                found = read_on_page(page, file)
                if isinstance(found, str):
                    assert "predict.py" in found or "No ink" in found or "not an image" in found
                    continue
                taken[kind] = taken.get(kind, 0) + 1
                try:
                    images = read_digits(file).images
                except UserError:
                    images = np.empty((0, 28, 28))
                pixels = np.array(found).reshape(28, 28)
                same = len(images) == 1 and np.abs(images[0] - pixels.astype(float)).mean() < CLOSE
                agreed.append((same, file.name))
    assert all(taken.get(kind) == EACH * len(STYLES) for kind in CLEAN), taken
    other = [name for same, name in agreed if not same]
    assert len(other) <= 0.01 * len(agreed), (len(agreed), other)
