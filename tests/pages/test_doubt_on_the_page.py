"""The page doubts what predict.py doubts: pictures that are no digits."""

import numpy as np
import pytest

from task3_MNIST.datasets.outliers import outlier_scores
from task3_MNIST.datasets.preprocessing import prepare
from task3_MNIST.datasets.splits import load_test, load_train, split_validation
from task3_MNIST.files import REPOSITORY
from task3_MNIST.report.inference.data import build_page
from task3_MNIST.report.inference.doubt import describe_outliers
from tests.helpers import not_digits
from tests.helpers.inference import DIGITS, draw_at_once, make_run, with_scripts, write_page
from tests.helpers.pages import opened

SMILE = [
    [(0.35, 0.3), (0.35, 0.33)],
    [(0.65, 0.3), (0.65, 0.33)],
    [(0.2, 0.6), (0.35, 0.75), (0.5, 0.8), (0.65, 0.75), (0.8, 0.6)],
]


def test_scores_equal_pythons(browser):
    _, val = split_validation(load_train("mnist", REPOSITORY / "data"))
    digits = val.images[::100].reshape(-1, 28, 28).numpy()
    pictures = not_digits.by_pen(np.random.default_rng(1))
    others = [prepare(picture) for kind in pictures.values() for picture in kind[::10]]
    images = np.concatenate([digits, others])
    page = with_scripts(browser, "inference/js/preprocessing.js", "inference/js/outliers.js")
    scores = page.evaluate(
        "([clouds, images]) => images.map(Outliers.makeScore(clouds))",
        [describe_outliers("mnist"), images.reshape(len(images), -1).tolist()],
    )
    assert scores == pytest.approx(outlier_scores(images), rel=1e-4)


def test_a_smile_is_doubted_and_a_digit_is_not(browser, tmp_path):
    for name in ("mlp", "cnn"):
        make_run(tmp_path, name, load_test("mnist", REPOSITORY / "data"), dataset="mnist")
    path = write_page(build_page(tmp_path, REPOSITORY / "data"), tmp_path / "page.html")
    with opened(browser, path) as page:
        doubt = page.locator("#doubt")
        draw_at_once(page, SMILE)
        doubt.wait_for()
        assert "does not look like a digit" in doubt.inner_text()
        assert float(doubt.get_attribute("data-score")) > 1
        three = [[(0.3 + 0.6 * x, 0.15 + 0.7 * y) for x, y in stroke] for stroke in DIGITS[3]]
        draw_at_once(page, three)
        doubt.wait_for(state="hidden")
        assert 0 < float(doubt.get_attribute("data-score")) <= 1
        page.click("#clear")
        page.wait_for_selector("#doubt[data-score='']", state="attached")
        assert doubt.is_hidden()


def test_other_data_sets_are_not_doubted():
    assert describe_outliers("digits") is None
    assert describe_outliers("fashion_mnist") is None
