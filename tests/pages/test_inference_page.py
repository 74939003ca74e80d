"""The inference page in a real browser, with the network off: what it promises to its readers."""

import base64
import copy
import dataclasses
import io
import shlex
import types

import numpy as np
import pytest
from PIL import Image
from torch import nn

from task1_MLP.models import MLP
from task3_MNIST.datasets.splits import load_test
from task3_MNIST.models import registry
from task3_MNIST.report.inference.data import DOUBTFUL, build_page
from tests.helpers.inference import (
    DIGITS,
    draw,
    draw_at_once,
    make_run,
    predictions,
    write_page,
    written,
)
from tests.helpers.pages import (
    lowest_contrast,
    opened,
    processor_seconds,
    seconds_until_ready,
    tabbed_controls,
)
from tests.helpers.scripts import call, call_ok, refusal

SCRIPT = "task3_MNIST/model_inference_visualization.py"
SEVEN = [[(0.3, 0.25), (0.5, 0.2), (0.68, 0.22), (0.6, 0.45), (0.5, 0.65), (0.42, 0.85)]]


@pytest.fixture(scope="module")
def path(mnist_results, tmp_path_factory):
    """Return the page of `mlp` and `cnn`, trained on MNIST by the default recipe."""
    folder = tmp_path_factory.mktemp("page")
    out = folder / "new" / "page.html"
    text = call_ok(SCRIPT, "--results", mnist_results, "--out", out, "--plots", folder / "plots")
    assert f"written: {out}" in text
    with Image.open(folder / "plots" / "predictions.png") as picture:
        assert picture.width > 1000
    return out


@pytest.fixture
def page(browser, path):
    with opened(browser, path) as page:
        yield page


@pytest.fixture(scope="module")
def digits_test():
    return load_test("digits", None)


def difference(page):
    return float(page.get_attribute("#badge", "data-max-difference"))


def seen(page):
    """Return the 28 x 28 image that the models see, as the page shows it."""
    return page.evaluate("""() => {
      // a copy: the browser warns when a canvas itself is read again and again
      const context = new OffscreenCanvas(28, 28).getContext("2d", { willReadFrequently: true });
      context.drawImage(document.querySelector("#model-input canvas"), 0, 0);
      return [...context.getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 0);
    }""")


# Size, speed, correctness


def test_page_is_small_and_ready_soon(browser, path):
    assert path.stat().st_size < 7e6
    assert seconds_until_ready(browser, path) < 1.5


def test_page_gives_pytorchs_logits(page):
    assert page.get_attribute("#badge", "data-checked") == "2"
    assert 0 < difference(page) < 1e-4
    assert "the same logits as PyTorch" in page.inner_text("#badge")


def test_every_model_of_the_registry_gives_pytorchs_logits(browser, digits_test, tmp_path):
    for name in registry.names():
        make_run(tmp_path, name, digits_test)
    built = build_page(tmp_path, None, registry.names())
    assert built.embedded == registry.names()
    with opened(browser, write_page(built, tmp_path / "page.html")) as page:
        page.wait_for_selector(f"#badge[data-checked='{len(registry.names())}']", timeout=60_000)
        assert difference(page) < 1e-4
        for name in registry.names():
            page.locator("select[aria-label='First model']").select_option(name)
            page.focus("#canvas")
            page.keyboard.press("4")
            assert predictions(page)[name] in list("0123456789")


def test_prediction_comes_with_the_stroke(page):
    draw(page, SEVEN)
    assert predictions(page) == {"mlp": "7", "cnn": "7"}
    # and in the very task of its last point
    assert draw_at_once(page, [[(0.1, 0.2), (0.1, 0.8)]]) == {"mlp": "1", "cnn": "1"}
    page.wait_for_selector("[data-model=cnn][data-milliseconds]")
    assert "ms in this browser" in page.locator("[data-model=cnn]").inner_text()
    # with both models, the switch costs what a point of a stroke does; and one pass of the CNN
    page.evaluate("""async () => {
      window.preprocess = document.getElementById("preprocess");
      const cnn = (await Page.readData()).models.find(({ name }) => name === "cnn");
      window.network = Models.networkOf(cnn);
      window.image = new Float32Array(784).fill(1);
    }""")
    switch = "preprocess.dispatchEvent(new Event('change'))"
    assert processor_milliseconds(page, switch) < 40
    assert processor_milliseconds(page, "Forward.forward(network, image)") < 5


def processor_milliseconds(page, expression, times=50):
    """Return how long a page computes an expression: a busy machine does not add to it."""
    before = processor_seconds(page)
    page.evaluate(f"() => {{ for (let i = 0; i < {times}; i++) {expression}; }}")
    return 1000 * (processor_seconds(page) - before) / times


def test_ten_digits_are_read_at_any_size_and_place(page):
    random = np.random.default_rng(0)
    right = {"mlp": [], "cnn": []}
    for digit in DIGITS:
        for size in (0.25, 0.45, 0.7):
            for place in ((0.5, 0.5), (0.28, 0.4), (0.72, 0.4), (0.3, 0.6), (0.7, 0.6)):
                answers = draw_at_once(page, written(digit, size, place, random))
                for name, said in answers.items():
                    right[name].append(said == str(digit))
    assert len(right["cnn"]) == 150
    assert np.mean(right["cnn"]) >= 0.95
    assert np.mean(right["mlp"]) >= 0.90


def test_dots_and_thin_strokes_are_prepared(page):
    draw(page, [[(0.2, 0.8)]])
    assert sum(value > 0 for value in seen(page)) in range(4, 17)
    page.click("#clear")
    draw(page, [[(0.1, 0.2), (0.1, 0.8)]])
    image = np.array(seen(page)).reshape(28, 28)
    assert np.ptp(np.flatnonzero(image.any(1))) + 1 == 20
    assert np.ptp(np.flatnonzero(image.any(0))) + 1 in (3, 4)
    assert predictions(page) == {"mlp": "1", "cnn": "1"}


def test_no_preprocessing_shows_the_models_something_else(page):
    draw(page, [[(x * 0.4, y * 0.4) for x, y in stroke] for stroke in SEVEN])
    preprocessed = np.array(seen(page)).reshape(28, 28)
    page.uncheck("#preprocess")
    shrunk = np.array(seen(page)).reshape(28, 28)
    assert np.ptp(np.flatnonzero(preprocessed.any(1))) + 1 >= 19
    # where it was drawn, at the size it was drawn
    assert np.flatnonzero(shrunk.any(1)).max() < 12
    page.check("#preprocess")
    assert (np.array(seen(page)).reshape(28, 28) == preprocessed).all()


# Ways to put a digit in


def test_the_page_opens_with_the_first_test_image_and_its_answers(page, mnist_dir):
    first = load_test("mnist", mnist_dir)
    assert seen(page) == first.images[0].flatten().tolist()
    assert set(predictions(page).values()) <= set("0123456789")
    draw(page, SEVEN)  # the first stroke starts a new drawing
    strokes = seen(page)
    page.click("#clear")
    draw(page, SEVEN)
    assert seen(page) == strokes


def test_a_phone_shows_the_surface_and_both_answers_without_scrolling(browser, path):
    with opened(browser, path, viewport={"width": 390, "height": 844}) as page:
        for selector in ("#canvas", ".answer .digit", ".answer .confidence"):
            for node in page.locator(selector).all():
                box = node.bounding_box()
                assert box["y"] >= 0
                assert box["y"] + box["height"] <= 844, selector


def test_nothing_drawn_is_no_prediction_and_undo_goes_back(page):
    page.click("#clear")
    assert predictions(page) == {"mlp": "", "cnn": ""}
    draw(page, SEVEN)
    drawn = seen(page)
    draw(page, [[(0.3, 0.5), (0.7, 0.5)]])
    assert seen(page) != drawn
    page.click("#undo")
    assert seen(page) == drawn
    page.click("#clear")
    assert predictions(page) == {"mlp": "", "cnn": ""}
    page.click("#undo")
    assert predictions(page) == {"mlp": "7", "cnn": "7"}
    for _ in range(5):
        page.click("#undo")
    assert predictions(page) == {"mlp": "", "cnn": ""}


def test_finger_draws_and_does_not_scroll(browser, path):
    with opened(browser, path, viewport={"width": 375, "height": 800}, has_touch=True) as page:
        assert page.evaluate("getComputedStyle(canvas).touchAction") == "none"
        page.locator("#canvas").scroll_into_view_if_needed()
        box = page.locator("#canvas").bounding_box()
        touch = page.context.new_cdp_session(page)
        scrolled = page.evaluate("scrollY")
        steps = [("touchStart", SEVEN[0][0])] + [("touchMove", point) for point in SEVEN[0][1:]]
        for kind, (x, y) in steps:
            point = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["width"]}
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        assert predictions(page) == {"mlp": "7", "cnn": "7"}
        assert page.evaluate("scrollY") == scrolled


def test_keyboard_alone_draws_undoes_clears_and_loads(page):
    page.focus("#canvas")
    for key, times in (("ArrowUp", 8), (" ", 1), ("ArrowDown", 16), (" ", 1)):
        for _ in range(times):
            page.keyboard.press(key)
    assert predictions(page) == {"mlp": "1", "cnn": "1"}
    page.keyboard.press("c")
    assert predictions(page)["cnn"] == ""
    page.keyboard.press("z")
    assert predictions(page)["cnn"] == "1"
    page.keyboard.press("6")
    assert "labeled 6" in page.inner_text("#status")
    assert len(seen(page)) == 784


def test_keyboard_reaches_every_control(page):
    reached, controls = tabbed_controls(page)
    assert reached == controls > 60


def image_file(value):
    """Return a small photo of a test image as base64 text: dark on light, off its center."""
    sheet = np.full((300, 400), 225, dtype=np.uint8)
    enlarged = Image.fromarray(value).resize((120, 120), Image.BICUBIC)
    sheet[30:150, 240:360] -= np.asarray(enlarged) // 4 * 3
    stream = io.BytesIO()
    Image.fromarray(sheet).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


@pytest.mark.parametrize("way", ["paste", "drop", "choose"])
def test_image_files_are_taken(page, mnist_dir, way):
    split = load_test("mnist", mnist_dir)
    text = image_file(split.images[1, 0].numpy())
    if way == "choose":
        content = {"name": "two.png", "mimeType": "image/png", "buffer": base64.b64decode(text)}
        page.set_input_files("#file", content)
    else:
        page.evaluate(
            """([way, text]) => {
              const files = new DataTransfer();
              const content = Page.decodeBase64(text);
              files.items.add(new File([content], "two.png", { type: "image/png" }));
              const event = way === "paste"
                ? new ClipboardEvent("paste", { clipboardData: files, bubbles: true })
                : new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true });
              document.body.dispatchEvent(event);
            }""",
            [way, text],
        )
    page.wait_for_selector("[data-model=cnn][data-prediction='2']")
    assert predictions(page) == {"mlp": "2", "cnn": "2"}
    assert page.locator("#file-error").is_hidden()


def test_a_file_that_shows_no_digit_says_why(page):
    page.click("#clear")
    blank, squared = io.BytesIO(), io.BytesIO()
    Image.new("L", (50, 50), 200).save(blank, "PNG")
    paper = np.full((300, 200), 240, dtype=np.uint8)
    paper[10::30], paper[:, 10::30] = 150, 150
    paper[80:220, 90:110] = 30
    Image.fromarray(paper).save(squared, "PNG")
    for name, content, reason in (
        ("blank.png", blank.getvalue(), "No ink found in blank.png"),
        ("text.png", b"no image", "text.png is not an image"),
        ("squared.png", squared.getvalue(), "let predict.py read it, which reads photographs"),
    ):
        page.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": content})
        page.wait_for_function(
            "text => document.getElementById('file-error').innerText.includes(text)", arg=reason
        )
    assert predictions(page) == {"mlp": "", "cnn": ""}


# Gallery


def tiles(page):
    return [
        {**tile, "wrong": [mark.startswith("✗") for mark in tile["marks"]]}
        for tile in page.evaluate("""() => [...document.querySelectorAll(".tile")].map((tile) => ({
          index: Number(tile.dataset.index),
          label: Number(tile.dataset.label),
          marks: [...tile.querySelectorAll(".mark")].map((mark) => mark.textContent),
        }))""")
    ]


def show_all(page):
    while page.locator("#gallery-more").is_visible():
        page.click("#gallery-more")


def test_gallery_holds_every_error_of_both_models(page, mnist_results, mnist_dir):
    labels = load_test("mnist", mnist_dir).labels.numpy()
    wrong = {}
    for family in ("mlp", "cnn"):
        (file,) = (mnist_results / family).rglob("predictions.npz")
        wrong[family] = set(np.flatnonzero(np.load(file)["classes"] != labels).tolist())
    expected = {
        "any-incorrect": wrong["mlp"] | wrong["cnn"],
        "first-only": wrong["mlp"] - wrong["cnn"],
        "second-only": wrong["cnn"] - wrong["mlp"],
        "all-incorrect": wrong["mlp"] & wrong["cnn"],
    }
    for choice, indices in expected.items():
        page.select_option("#gallery-who", choice)
        show_all(page)
        assert {tile["index"] for tile in tiles(page)} == indices
    page.select_option("#gallery-who", "all-correct")
    show_all(page)
    assert len(tiles(page)) > 300
    assert not any(wrong for tile in tiles(page) for wrong in tile["wrong"])


@pytest.mark.parametrize("key", ["C", "c", "Shift+c"])
def test_a_letter_key_works_with_shift_and_caps_lock(page, key):
    draw(page, SEVEN)
    page.locator("#canvas").focus()
    page.keyboard.press(key)
    assert set(predictions(page).values()) == {""}


def test_the_error_of_a_file_goes_when_one_draws_on(page, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("no image", encoding="utf-8")
    page.set_input_files("#file", text)
    page.locator("#file-error").wait_for()
    draw(page, SEVEN)
    assert page.locator("#file-error").is_hidden()


def test_bars_show_in_forced_colors(page):
    draw(page, SEVEN)
    page.emulate_media(forced_colors="active")
    bar, track = page.evaluate(
        """['.best .bar', '.track'].map((name) =>
          getComputedStyle(document.querySelector(name)).backgroundColor)"""
    )
    page.emulate_media(forced_colors="none")
    assert bar != track


def test_gallery_filters_by_digit_confidence_and_doubt(page):
    page.select_option("#gallery-digit", "9")
    assert {tile["label"] for tile in tiles(page)} == {9}
    page.select_option("#gallery-digit", "")
    before = page.inner_text("#gallery-summary")
    page.select_option("#gallery-confidence", "sure")
    assert page.inner_text("#gallery-summary") != before
    page.select_option("#gallery-confidence", "any")
    page.select_option("#gallery-who", "all")
    page.check("#gallery-doubtful")
    assert {tile["index"] for tile in tiles(page)} == set(DOUBTFUL)
    assert len(DOUBTFUL) == 15
    assert "?" in page.locator(".tile").first.inner_text()


def test_gallery_shows_probabilities_on_hover_and_focus_and_loads_on_click(page):
    tile = page.locator(".tile").first
    tile.hover()
    assert page.locator("#tip").is_visible()
    assert "mlp" in page.inner_text("#tip")
    assert "\u00a0%" in page.inner_text("#tip")
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()
    tile.focus()
    assert page.locator("#tip").is_visible()
    said = tile.locator(".mark").all_inner_texts()
    tile.click()
    assert [text.split()[1] for text in said] == list(predictions(page).values())
    stored = page.evaluate(
        """async (index) => {
          const data = await Page.readData();
          const start = 784 * data.index.indexOf(index);
          return [...Page.decodeBase64(data.images).subarray(start, start + 784)];
        }""",
        int(tile.get_attribute("data-index")),
    )
    assert seen(page) == stored
    assert "✗" in page.inner_text("#answers")


# Inside the models, and pushing them


def test_inside_shows_maps_weights_and_occlusion_of_logits(page):
    draw(page, SEVEN)
    for walk in page.locator(".walk").all():  # each part follows once it is in sight
        walk.scroll_into_view_if_needed()
        walk.locator("[data-step=sum]").wait_for()
    page.wait_for_function(
        """() => {
      const maps = [...document.querySelectorAll(".occlusion")];
      return maps.every((map) => Number(map.dataset.most) > 0.5);
    }"""
    )
    titles = page.locator("#inside figcaption strong").all_inner_texts()
    assert "First layer: weights of 40 of 512 units, 28 × 28 each" in titles
    assert "Convolution 1: 6 maps of 24 × 24" in titles
    assert "Convolution 2: 16 maps of 8 × 8" in titles
    assert (
        page.locator("#inside-columns > div:nth-child(2) .maps:not(.single) canvas").count() == 22
    )
    painted = page.evaluate("""() => {
      const canvases = [...document.querySelectorAll("#inside canvas")];
      return canvases.map((canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return data.some((value, i) => i % 4 < 3 && value > 0);
      });
    }""")
    assert np.mean(painted) > 0.8


def test_sliders_change_the_accuracy_of_both_models(page):
    page.locator("#push").scroll_into_view_if_needed()

    def accuracies():
        page.wait_for_function("() => document.getElementById('push').ariaBusy === 'false'")
        values = [
            line.get_attribute("data-accuracy") for line in page.locator("[data-pushed]").all()
        ]
        return [float(value) for value in values]

    unpushed = accuracies()
    assert min(unpushed) > 0.95
    for name, value in (
        ("right", 6),
        ("down", -6),
        ("rotation", 60),
        ("scale", 0.5),
        ("noise", 0.8),
    ):
        page.locator(f"#push [name={name}]").fill(str(value))
        pushed = accuracies()
        assert max(pushed) < min(unpushed), name
        page.click("#push-reset")
        assert accuracies() == unpushed
    page.locator("#push [name=noise]").fill("0.4")
    noisy = accuracies()
    page.click("#push-reset")
    page.locator("#push [name=noise]").fill("0.4")
    assert accuracies() == noisy  # the noise is seeded


# What cannot be shown, and hostile names


class GeluMLP(MLP):
    """An MLP with a layer that the page does not know."""

    def __init__(self, num_classes=10):
        super().__init__(hidden=(20,), num_classes=num_classes)
        self.layers[2] = nn.GELU()


def test_a_model_with_an_unknown_layer_is_listed_with_the_reason(
    browser, digits_test, tmp_path, monkeypatch
):
    table = types.SimpleNamespace(VARIANTS={"gelu": {}}, GRID="", variant={"gelu": {}}.get)
    monkeypatch.setitem(registry.FAMILIES, "mlp", (GeluMLP, table))
    monkeypatch.setattr("task3_MNIST.report.inference.weights.MLP", GeluMLP)
    for name in ("gelu", "cnn_10_20"):
        make_run(tmp_path, name, digits_test, recipe_of="cnn")
    built = build_page(tmp_path, None)
    with opened(browser, write_page(built, tmp_path / "page.html")) as page:
        assert list(predictions(page)) == ["cnn_10_20"]
        assert "gelu (the page cannot run its GELU layer)" in page.inner_text("#notes")
        assert "GELU" in page.inner_text("#model-list")


def test_a_model_that_computes_something_else_is_not_shown(browser, digits_test, tmp_path):
    for name in ("mlp_50_50", "cnn_10_20"):
        make_run(tmp_path, name, digits_test)
    built = build_page(tmp_path, None)
    altered = copy.deepcopy(built)
    altered.data["models"][0]["expected"][3][5] += 0.001
    with opened(browser, write_page(altered, tmp_path / "page.html")) as page:
        assert list(predictions(page)) == ["cnn_10_20"]
        assert difference(page) > 9e-4
        assert "mlp_50_50: its logits differ from PyTorch's" in page.inner_text("#badge")


def test_the_command_for_a_run_that_is_not_shown_can_be_typed(digits_test, tmp_path):
    results = tmp_path / "my runs; echo"
    make_run(results, "cnn_10_20", digits_test)
    run = make_run(results, "mlp_50_50", digits_test)
    run.write_predictions(run.logits()[:-1])
    built = build_page(results, None)
    [problem] = [problem for problem in built.data["problems"] if "mlp" in problem["run"]]
    assert "359 predictions for 360 images" in problem["what"]
    assert shlex.split(problem["command"])[-1] == run.folder.as_posix()


def test_hostile_names_are_text(browser, digits_test, tmp_path):
    make_run(tmp_path, "mlp_50_50", digits_test, name='"><img src=x onerror=alert(1)>')
    hostile = make_run(tmp_path, "cnn_10_20", digits_test)
    name = "</script><script>alert(1)</script>"
    hostile.write("config.json", dataclasses.replace(hostile.config(), name=name))
    built = build_page(tmp_path, None)
    with opened(browser, write_page(built, tmp_path / "page.html")) as page:
        assert '"><img src=x onerror=alert(1)>' in page.inner_text("#answers")
        assert "</script><script>alert(1)</script>" in page.inner_text("#model-list")
        assert page.locator("#main img, #main script").count() == 0


def test_no_evaluated_run_is_one_line(tmp_path):
    line = refusal(call(SCRIPT, "--results", tmp_path, "--out", tmp_path / "page.html"), 2)
    assert "train_mlp.py" in line
    assert not (tmp_path / "page.html").exists()


# Looks


@pytest.mark.parametrize("width", [375, 768, 1280])
def test_no_width_needs_horizontal_scrolling(browser, path, width):
    with opened(browser, path, viewport={"width": width, "height": 800}) as page:
        draw(page, SEVEN)
        page.locator("#push").scroll_into_view_if_needed()
        page.wait_for_selector("[data-pushed]")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_contrast_in_both_themes(browser, path, theme):
    with opened(browser, path, color_scheme=theme) as page:
        page.locator(".tile").first.click()
        page.locator("#push").scroll_into_view_if_needed()
        page.wait_for_selector("[data-pushed]")
        page.locator(".tile").nth(3).hover()
        ratio, text = lowest_contrast(page)
        assert ratio >= 4.5, text
