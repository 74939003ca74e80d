"""axe-core, which checks pages for people with disabilities, finds nothing on any page."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from task3_MNIST.files import REPOSITORY
from tests.helpers.pages import opened

REFERENCE = REPOSITORY / "results" / "reference"

# what is folded, or shows in sight only, is checked too
EVERYTHING = """() => {
  for (const node of document.querySelectorAll("details")) node.open = true;
  for (const node of document.querySelectorAll("section[id]")) node.scrollIntoView();
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["model_comparison", "model_inference", "studies"])
def test_axe_finds_no_violation(browser, name, scheme):
    charts = name != "model_inference"
    path = REFERENCE / f"{name}.html"
    with opened(browser, path, charts=charts, color_scheme=scheme) as page:
        if scheme == "light":
            page.evaluate(EVERYTHING)
        found = Axe().run(page).response["violations"]
    assert [
        f"{one['id']}: {', '.join(str(node['target']) for node in one['nodes'][:3])}"
        for one in found
    ] == []
