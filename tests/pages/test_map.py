"""The map of the test images: features, neighbors and errors are the models' own."""

import base64
import dataclasses

import numpy as np
import pytest
import torch

from task3_MNIST.datasets.splits import load_test
from task3_MNIST.report.inference import map as image_map
from task3_MNIST.report.inference.data import build_page
from tests.helpers.inference import draw, make_run, write_page
from tests.helpers.pages import lowest_contrast, opened

NAMES = ("mlp_50_50", "cnn_10_20")
SEVEN = [[(0.3, 0.25), (0.5, 0.2), (0.68, 0.22), (0.6, 0.45), (0.5, 0.65), (0.42, 0.85)]]


@pytest.fixture(scope="module")
def digits_test():
    return load_test("digits", None)


@pytest.fixture(scope="module")
def built(digits_test, tmp_path_factory):
    """Return the runs of the map's two models by name, and their page's content."""
    folder = tmp_path_factory.mktemp("map")
    runs = {name: make_run(folder, name, digits_test) for name in NAMES}
    return runs, build_page(folder, None)


@pytest.fixture(scope="module")
def path(built, tmp_path_factory):
    return write_page(built[1], tmp_path_factory.mktemp("page") / "page.html")


@pytest.fixture
def page(browser, path):
    with opened(browser, path) as page:
        for panel in page.locator("[data-map]").all():  # each follows once it is in sight
            panel.scroll_into_view_if_needed()
            panel.locator(".map-near li").first.wait_for()
        yield page


def spaces(built):
    """Yield (model, space) of each map."""
    runs, content = built
    for space in content.data["map"]["spaces"]:
        run = runs[content.data["models"][space["model"]]["model"]]
        yield run.model(), space


def unpacked(text, kind):
    return np.frombuffer(base64.b64decode(text), dtype=kind)


def test_features_in_the_page_are_pytorchs(page, built, digits_test):
    images = digits_test.normalized().images[:16]
    for model, space in spaces(built):
        own = image_map.features(model, images)
        found = page.evaluate(
            """async ([place, images]) => {
              const model = Models.readModels(await Page.readData())[place];
              const network = Models.networkOf(model);
              return images.map(
                (image) => [...Neighbors.featuresOf(network, Float32Array.from(image))],
              );
            }""",
            [space["model"], images.flatten(1).tolist()],
        )
        assert np.abs(np.array(found) - own).max() < 1e-4


def test_neighbors_of_a_drawing_are_those_that_python_finds(page, built, digits_test):
    before = [panel.get_attribute("data-neighbors") for panel in page.locator("[data-map]").all()]
    page.locator("#canvas").scroll_into_view_if_needed()
    draw(page, SEVEN)
    page.locator("#map").scroll_into_view_if_needed()
    for panel, text in zip(page.locator("[data-map]").all(), before, strict=True):
        page.wait_for_function(
            "([panel, text]) => panel.dataset.neighbors !== text",
            arg=[panel.element_handle(), text],
        )
    pixels = page.evaluate("""() => {
      const canvas = document.querySelector("#model-input canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, 28, 28);
      return [...data].filter((_, i) => i % 4 === 0);
    }""")
    levels = torch.tensor(pixels, dtype=torch.uint8).reshape(1, 1, 28, 28)
    image = dataclasses.replace(
        digits_test, images=levels, labels=torch.zeros(1, dtype=torch.int64)
    )
    panels = page.locator("[data-map]").all()
    for (model, space), panel in zip(spaces(built), panels, strict=True):
        values = image_map.features(model, image.normalized().images)[0]
        mean = unpacked(space["mean"], "<f4")
        directions = unpacked(space["directions"], "<f4").reshape(-1, len(mean))
        components = unpacked(space["components"], np.int8).reshape(-1, len(directions))
        point = directions.astype(float) @ (values - mean) / space["unit"]
        order = np.argsort(np.linalg.norm(components - point, axis=1), kind="stable")[:8]
        indices = built[1].data["map"]["index"][order]
        assert panel.get_attribute("data-neighbors") == " ".join(map(str, indices))
        labels = digits_test.labels.numpy()[indices]
        assert panel.locator(".map-near li").all_inner_texts() == [str(label) for label in labels]
    page.click("#clear")
    page.locator("#map").scroll_into_view_if_needed()
    page.wait_for_function("() => !document.querySelector('.map-near li')")


def test_errors_marked_are_those_of_the_models(page, built, digits_test):
    runs, content = built
    chosen = content.data["map"]["index"]
    assert len(chosen) == len(digits_test) == 360
    for name, run in runs.items():
        errors = (run.logits().argmax(1) != digits_test.labels.numpy())[chosen].sum()
        panel = page.locator(f"[data-map^='{name}']")
        assert panel.get_attribute("data-errors") == str(errors)
        assert f"{errors} of 360 misclassified" in panel.inner_text()


def alone(space):
    """Return the place of the point that is farthest from all others."""
    places = np.stack([space["x"], space["y"]], 1)
    apart = np.linalg.norm(places[:, None] - places, axis=-1) + 1e9 * np.eye(len(places))
    return int(apart.min(1).argmax())


def tip(page):
    """Return what the tip says, and the pixels of its image."""
    pixels = page.evaluate("""() => {
      const canvas = document.querySelector(".map-tip canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, 28, 28);
      return [...data].filter((_, i) => i % 4 === 0);
    }""")
    return page.inner_text(".map-tip"), pixels


def test_pointer_and_keys_show_the_image_of_their_point(page, built, digits_test):
    _, content = built
    index = content.data["map"]["index"]
    space = content.data["map"]["spaces"][1]
    canvas = page.locator(".map-points").nth(1)
    canvas.scroll_into_view_if_needed()
    wide = canvas.bounding_box()["width"]
    place = alone(space)
    x, y = ((space[axis][place] + 40) / 1080 * wide for axis in "xy")
    canvas.hover(position={"x": x, "y": y})
    text, pixels = tip(page)
    label = digits_test.labels[index[place]]
    assert f"Test image {index[place]}, labeled {label}" in text
    assert pixels == digits_test.images[index[place]].flatten().tolist()
    for each in content.data["map"]["spaces"]:
        said = each["predicted"][place]
        assert f"{'✓' if said == label else '✗'} {said}" in text
    places = np.stack([space["x"], space["y"]], 1)
    canvas.focus()
    steps = {"ArrowLeft": (-1, 0), "ArrowUp": (0, -1), "ArrowRight": (1, 0), "ArrowDown": (0, 1)}
    moved = 0
    for key in (*steps, "ArrowDown", "ArrowLeft", "ArrowUp", "ArrowRight"):
        page.keyboard.press(key)
        away = places - places[place]
        along = away @ steps[key]
        across = np.abs(away @ steps[key][::-1])
        distance = np.where((along > 0) & (across <= along), np.hypot(*away.T), np.inf)
        if np.isfinite(distance.min()):
            place, moved = int(distance.argmin()), moved + 1
        text, pixels = tip(page)
        assert f"Test image {index[place]}," in text
        assert pixels == digits_test.images[index[place]].flatten().tolist()
    assert moved >= 4
    page.keyboard.press("Escape")
    assert page.locator(".map-tip").is_hidden()


def test_the_map_is_deterministic_and_keeps_neighbors_together():
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 30)
    values = 8 * np.eye(4, 40)[labels] + random.normal(size=(120, 40))
    first, second = image_map.map_model(values), image_map.map_model(values)
    assert first["x"].tolist() == second["x"].tolist()
    assert first["components"] == second["components"]
    places = np.stack([first["x"], first["y"]], 1)
    assert places.min() == 0
    assert places.max() == 1000
    distance = np.linalg.norm(places[:, None] - places, axis=-1) + 1e9 * np.eye(120)
    assert (labels[distance.argmin(1)] == labels).mean() > 0.95


def test_too_few_images_or_features_or_equal_ones_make_no_map(digits_test, built):
    assert image_map.map_model(np.ones((50, 7))) is None
    assert image_map.map_model(np.full((50, 7), np.nan)) is None
    assert image_map.map_model(np.arange(50.0)[:, None]) is None
    few = dataclasses.replace(
        digits_test, images=digits_test.images[:5], labels=digits_test.labels[:5]
    )
    [(model, _), _] = spaces(built)
    assert image_map.build_map({0: model}, {0: few.labels}, few, few.normalized().images) is None


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_map_fits_a_phone_and_its_text_has_contrast(browser, path, theme):
    size = {"width": 390, "height": 844}
    with opened(browser, path, color_scheme=theme, viewport=size) as page:
        canvas = page.locator(".map-points").first
        canvas.focus()
        page.keyboard.press("ArrowLeft")
        assert page.locator(".map-tip").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        ratio, text = lowest_contrast(page)
        assert ratio >= 4.5, text
