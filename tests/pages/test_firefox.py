"""A smoke test of each page in Firefox, where it is installed: it loads, counts and answers."""

import shutil

import pytest

from task3_MNIST.files import REPOSITORY
from tests.helpers.inference import DIGITS, draw_at_once
from tests.helpers.pages import opened

REFERENCE = REPOSITORY / "results" / "reference"


@pytest.fixture(scope="module")
def firefox(playwright):
    """Return an installed Firefox, which Playwright speaks to by WebDriver BiDi."""
    path = shutil.which("firefox-esr") or shutil.which("firefox")
    if path is None:
        pytest.skip("Firefox is not installed: apt-get install firefox-esr")
    browser = playwright.firefox.launch(channel="moz-firefox", executable_path=path)
    yield browser
    browser.close()


def test_inference_page(firefox):
    with opened(firefox, REFERENCE / "model_inference.html") as page:
        badge = page.locator("#badge")
        assert 0 < float(badge.get_attribute("data-max-difference")) < 1e-4
        assert 0 < float(badge.get_attribute("data-max-gradient-difference")) < 1e-4
        seven = [[(0.2 + 0.6 * x, 0.15 + 0.7 * y) for x, y in stroke] for stroke in DIGITS[7]]
        assert draw_at_once(page, seven) == {"mlp": "7", "cnn": "7"}


def test_comparison_page(firefox):
    with opened(firefox, REFERENCE / "model_comparison.html", charts=True) as page:
        before = page.locator("tbody tr:visible").count()
        page.select_option("#family", "cnn")
        page.wait_for_function("location.hash.includes('cnn')")
        assert 0 < page.locator("tbody tr:visible").count() < before


def test_studies_page(firefox):
    with opened(firefox, REFERENCE / "studies.html", charts=True) as page:
        assert page.locator("section[id] svg.main-svg").count() > 0
