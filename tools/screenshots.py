"""Take the README's two pictures of the pages in results/reference, in full color.

    .venv/bin/python tools/screenshots.py

It needs what `make test` installs, Chromium included (tools/install_chromium.sh), and is to be
run after update_reference.py made the pages again.
"""

import shutil
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

REFERENCE = Path(__file__).resolve().parents[1] / "results" / "reference"
SIZE = {"width": 1280, "height": 1000}
# a 3 as a person draws it, in fractions of the drawing surface's side
THREE = [
    *((0.3, 0.25), (0.5, 0.17), (0.66, 0.3), (0.48, 0.48)),
    *((0.7, 0.65), (0.5, 0.84), (0.28, 0.74)),
]


def main() -> None:
    """Open both pages and write what their first screens show."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    installed = next((path for name in names if (path := shutil.which(name))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        take(page, "model_comparison")
        take(page, "model_inference")


def take(page: Page, name: str) -> None:
    """Open a page, draw where it can be drawn, and write the picture next to it."""
    page.goto((REFERENCE / f"{name}.html").as_uri())
    page.locator("html[data-ready=true]").wait_for()
    canvas = page.locator("#canvas")
    if canvas.count():
        draw(page, canvas.bounding_box())
        page.locator('[data-model][data-prediction="3"]').first.wait_for()
    path = REFERENCE / f"{name}.png"
    page.screenshot(path=path)
    print(f"written: {path}")


def draw(page: Page, box: dict[str, float]) -> None:
    """Draw the 3 with the mouse."""
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in THREE]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=8)
    page.mouse.up()


if __name__ == "__main__":
    main()
