"""The section that changes an image until the models answer differently, and what it says of it."""

import copy
import re

import pytest
import torch
from torch import nn

from task3_MNIST.datasets.splits import load_test
from task3_MNIST.report.inference.data import build_page
from task3_MNIST.report.inference.weights import export_model
from tests.helpers.inference import draw, make_run, with_scripts, write_page
from tests.helpers.pages import lowest_contrast, opened, tabbed_controls

NAMES = ("slices", "forward", "backward", "attacks", "fool_texts")
SCRIPTS = ("static/format.js", *(f"inference/js/{name}.js" for name in NAMES))
SEVEN = [[(0.3, 0.25), (0.5, 0.2), (0.68, 0.22), (0.6, 0.45), (0.5, 0.65), (0.42, 0.85)]]

# runs a search to its end; all that is told of its result is measured again, from the pixels alone
SEARCH = """([layers, weights, pixels, way]) => {
  const floats = new Float32Array(Page.decodeBase64(weights).buffer);
  const network = Forward.buildNetwork(layers, floats);
  const normalize = (fractions) => fractions.map((value) => (value - 0.25) / 0.5);
  const original = Float32Array.from(pixels);
  const search = Attacks[way](network, original, normalize);
  const steps = [];
  let state = search.next();
  for (; !state.done; state = search.next()) if (state.value) steps.push(state.value);
  const answers = steps.map(({ image }) =>
    Forward.argmax(Forward.forward(network, normalize(image))));
  return {
    end: state.value,
    answers,
    told: steps.map(({ answer }) => answer),
    margins: steps.map(({ margin }) => margin),
    images: steps.map(({ image }) => Array.from(image)),
    change: { ...Attacks.measureChange(original, steps.at(-1).image), changes: null },
  };
}"""


@pytest.fixture(scope="module")
def scripts(browser):
    return with_scripts(browser, *SCRIPTS)


@pytest.fixture(scope="module")
def digits_test():
    return load_test("digits", None)


@pytest.fixture(scope="module")
def path(digits_test, tmp_path_factory):
    """Return the page of two small models with random weights."""
    folder = tmp_path_factory.mktemp("fool")
    for name in ("mlp_50_50", "cnn_10_20"):
        make_run(folder / "runs", name, digits_test)
    return write_page(build_page(folder / "runs", None), folder / "page.html")


@pytest.fixture
def page(browser, path):
    with opened(browser, path) as page:
        yield page


def small_cnn():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, stride=2), nn.ReLU(), nn.MaxPool2d(3), nn.Flatten(), nn.Linear(96, 10)
    )


def small_mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 20), nn.ReLU(), nn.Linear(20, 10))


def searched(scripts, model, way, image):
    found = scripts.evaluate(SEARCH, [*export_model(model), image.flatten().tolist(), way])
    return found, torch.tensor(found["images"])


# The searches


@pytest.mark.parametrize("build", [small_mlp, small_cnn])
@pytest.mark.parametrize("way", ["fewestPixels", "smallestChange"])
def test_the_last_image_has_another_answer_and_only_steps_before_it_lower_margins(
    scripts, digits_test, build, way
):
    torch.manual_seed(0)
    model = build()
    for image in digits_test.images[:3] / 255:
        found, images = searched(scripts, model, way, image)
        assert found["end"] == "changed"
        assert found["answers"] == found["told"]
        assert found["answers"][-1] != found["answers"][0]
        with torch.inference_mode():
            said = model((images.reshape(-1, 1, 28, 28) - 0.25) / 0.5).argmax(1).tolist()
        assert said == found["answers"]
        assert images.min() >= 0
        assert images.max() <= 1
        change = images[-1] - images[0]
        assert found["change"]["count"] == (change != 0).sum()
        assert found["change"]["norm"] == pytest.approx(change.norm().item(), rel=1e-5)
        assert found["change"]["most"] == pytest.approx(change.abs().max().item(), rel=1e-5)


def test_each_step_flips_the_pixel_that_lowers_the_margin_most(scripts, digits_test):
    torch.manual_seed(0)
    model = small_cnn()
    _, images = searched(scripts, model, "fewestPixels", digits_test.images[0] / 255)
    flipped = (images[1:] != images[:-1]).nonzero()
    assert flipped[:, 0].tolist() == list(range(len(images) - 1))  # one pixel a step
    assert flipped[:, 1].unique().numel() == len(images) - 1  # each once
    assert set(images[range(1, len(images)), flipped[:, 1]].tolist()) <= {0, 1}
    # the first of them is the best of all 784
    every = images[0].repeat(784, 1)
    every[range(784), range(784)] = (images[0] < 0.5).float()
    with torch.inference_mode():
        logits = model((torch.cat([images[:1], every]).reshape(-1, 1, 28, 28) - 0.25) / 0.5)
    answer = logits[0].argmax()
    others = logits.clone()
    others[:, answer] = -torch.inf
    margins = logits[:, answer] - others.amax(1)
    assert margins[1:].argmin() == flipped[0, 1]


def test_the_smallest_change_is_not_larger_than_the_plain_way_there(scripts, digits_test):
    torch.manual_seed(0)
    for image in digits_test.images[:3] / 255:
        found, images = searched(scripts, small_mlp(), "smallestChange", image)
        norms = (images - images[0]).norm(dim=1)
        changed = norms[[answer != found["answers"][0] for answer in found["answers"]]]
        assert changed.argmin() == len(changed) - 1
        assert len(changed) > 1


def test_the_change_of_a_linear_model_is_its_distance_from_the_boundary(scripts):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 2))
    image = torch.full((1, 28, 28), 0.5)  # no pixel meets 0 or 1 on the way
    found, _ = searched(scripts, model, "smallestChange", image)
    slope = (model[1].weight[0] - model[1].weight[1]).detach() / 0.5
    with torch.inference_mode():
        logits = model((image[None] - 0.25) / 0.5)[0]
    distance = (logits[0] - logits[1]).abs() / slope.norm()
    assert found["change"]["norm"] == pytest.approx(distance.item(), rel=1e-2)


def test_a_model_that_cannot_be_fooled_says_why(scripts):
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    image = torch.zeros(1, 28, 28)
    nn.init.zeros_(model[1].weight)
    for way in ("fewestPixels", "smallestChange"):
        assert searched(scripts, model, way, image)[0]["end"] == "stuck"
    with torch.no_grad():
        model[1].bias[3] = 1e5
    nn.init.normal_(model[1].weight, std=0.01)
    found, images = searched(scripts, model, "fewestPixels", image)
    assert found["end"] == "limit"
    assert found["change"]["count"] == len(images) - 1 == 60
    assert set(found["answers"]) == {3}
    assert searched(scripts, model, "smallestChange", image)[0]["end"] == "limit"


# The sentences


def result(called, start, to, end="changed", count=4, norm=1.2345, most=0.5):
    return {
        **{"called": called, "from": start, "to": to, "end": end},
        **{"count": count, "norm": norm, "most": most},
    }


@pytest.mark.parametrize(
    ("results", "way", "text"),
    [
        (
            [result("the MLP", "7", "9"), result("the CNN", "7", "9", count=11)],
            "pixels",
            "The MLP changed its answer from 7 to 9 after 4 pixels, the CNN after 11.",
        ),
        (
            [result("mlp", "Coat", "Shirt", count=1), result("tuned_mlp", "Bag", "Shirt")],
            "pixels",
            "mlp changed its answer from Coat to Shirt after 1 pixel, tuned_mlp from Bag to Shirt"
            " after 4.",
        ),
        (
            [result("the MLP", "7", "9"), result("the CNN", "7", "9", norm=2)],
            "distance",
            "The MLP changed its answer from 7 to 9 with a change of L2 norm 1.23, the CNN with a"
            " change of 2.",
        ),
        (
            [result("the MLP", "7", "7", "limit", 60), result("the CNN", "7", "9")],
            "pixels",
            "The CNN changed its answer from 7 to 9 after 4 pixels. The MLP still answers 7 after"
            " 60 pixels, where the search ends.",
        ),
        (
            [result("the MLP", "7", "7", "stuck", 2)],
            "pixels",
            "The MLP still answers 7 after 2 pixels, and no other single flip lowers the margin.",
        ),
        (
            [result("the MLP", "7", "7", "limit")],
            "distance",
            "The MLP still answers 7 after 300 gradient steps, where the search ends.",
        ),
    ],
)
def test_the_sentence_follows_the_figures(scripts, results, way, text):
    said = scripts.evaluate("([results, way]) => FoolTexts.verdictOf(results, way)", [results, way])
    assert said == text


def test_models_of_one_family_are_called_by_name(scripts):
    def names(*families):
        models = [{"name": f"{family}_{i}", "family": family} for i, family in enumerate(families)]
        return scripts.evaluate("models => FoolTexts.namesOf(models)", models)

    assert names("mlp", "cnn") == ["the MLP", "the CNN"]
    assert names("cnn", "cnn") == ["cnn_0", "cnn_1"]


# The section


def choose(page, way):
    page.click(f"[name=fool-way][value={way}]")


def finished(page):
    """Start, wait for the end, and return what the section says of each model, by name."""
    page.click("#fool-start")
    page.wait_for_selector("#fool[data-state=done]")
    columns = page.locator("[data-fooled]").all()
    return {
        column.get_attribute("data-fooled"): column.evaluate("node => ({ ...node.dataset })")
        for column in columns
    }


def show_end(page):
    page.locator("#fool-step input").focus()
    page.keyboard.press("End")


def answers_to_shown(page):
    """Return both models' answers to the changed image as it is shown: columns by models."""
    return page.evaluate("""async () => {
      const data = await Page.readData();
      const normalize = Models.normalizer(data);
      const networks = Models.readModels(data).map(Models.networkOf);
      return [...document.querySelectorAll("[data-fooled]")].map((column) => {
        const context = new OffscreenCanvas(28, 28).getContext("2d");
        context.drawImage(column.querySelectorAll("canvas")[1], 0, 0);
        const pixels = context.getImageData(0, 0, 28, 28).data.filter((_, i) => i % 4 === 0);
        return networks.map((network) =>
          data.classes[Forward.argmax(Forward.forward(network, normalize(pixels)))]);
      });
    }""")


def test_badge_gives_the_difference_from_pytorchs_gradients(page):
    assert 0 <= float(page.get_attribute("#badge", "data-max-gradient-difference")) < 1e-4
    assert "gradients with respect to the pixels" in page.inner_text("#badge")


def test_without_a_drawing_it_says_draw_first(page):
    page.click("#clear")
    assert page.inner_text("#fool-verdict") == "Draw first."
    page.click("#fool-start")
    assert page.inner_text("#fool-verdict") == "Draw first."
    assert page.locator("[data-fooled]").count() == 0


def test_fewest_pixels_on_the_page(page):
    draw(page, SEVEN)
    found = finished(page)
    show_end(page)
    sentence = page.inner_text("#fool-verdict")
    answers = answers_to_shown(page)
    assert list(found) == ["mlp_50_50", "cnn_10_20"]
    for i, (name, said) in enumerate(found.items()):
        assert said["end"] == "changed"
        assert answers[i][i] == said["to"] != said["from"]
        column = page.locator(f"[data-fooled={name}]")
        assert f"Changed: {said['count']} pixel" in column.inner_text()
        assert f"{said['count']} changed" in column.inner_text()
        assert re.search(rf"\b{said['count']}\b", sentence)
        # what the other model answers to this image
        other = answers[i][1 - i]
        fooled = other != list(found.values())[1 - i]["from"]
        text = f"answers {other} to this image" + (" instead of" if fooled else ": not fooled")
        assert text in column.inner_text()
    assert sentence.startswith("The MLP changed its answer from ")
    assert ", the CNN " in sentence


def test_smallest_change_on_the_page(page):
    draw(page, SEVEN)
    choose(page, "distance")
    found = finished(page)
    sentence = page.inner_text("#fool-verdict")
    for name, said in found.items():
        assert said["end"] == "changed"
        norm, most = (f"{float(said[key]):.3g}" for key in ("norm", "most"))
        assert 0 < float(most) <= 1
        text = page.locator(f"[data-fooled={name}]").inner_text()
        assert f"L2 norm {norm}, greatest change of a pixel {most}" in text
        assert norm in sentence


def test_a_new_drawing_or_way_resets_and_stop_stops(page):
    draw(page, SEVEN)
    page.click("#fool-start")
    assert page.get_attribute("#fool", "data-state") == "running"
    page.click("#fool-stop")
    assert page.inner_text("#fool-verdict") == "Stopped."
    assert page.evaluate("document.activeElement.id") == "fool-start"
    for change in (
        lambda: page.click("#undo"),
        lambda: (draw(page, SEVEN), page.click("#fool-start"), choose(page, "distance")),
    ):
        change()
        assert page.get_attribute("#fool", "data-state") == "idle"
        assert page.locator("[data-fooled]").count() == 0
        assert page.locator("#fool-play").is_hidden()


def test_other_models_reset_it(browser, digits_test, tmp_path):
    for name in ("mlp_50_50", "cnn_10_20", "mlp_80_20"):
        make_run(tmp_path, name, digits_test)
    built = build_page(tmp_path, None, ("mlp_50_50", "cnn_10_20", "mlp_80_20"))
    with opened(browser, write_page(built, tmp_path / "page.html")) as page:
        draw(page, SEVEN)
        page.click("#fool-start")
        page.locator("select[aria-label='Second model']").select_option("mlp_80_20")
        assert page.get_attribute("#fool", "data-state") == "idle"
        finished(page)
        sentence = page.inner_text("#fool-verdict")
        assert sentence.startswith("mlp_50_50 changed its answer")
        assert "mlp_80_20" in sentence


def test_everything_works_by_keyboard(page):
    draw(page, SEVEN)
    page.focus("[name=fool-way][value=pixels]")
    page.keyboard.press("Tab")
    page.keyboard.press(" ")
    assert page.locator("[data-way=distance]").is_visible()
    assert page.locator("[data-way=pixels]").is_hidden()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#fool[data-state=done]")
    show_end(page)
    last = page.get_attribute("#fool-step input", "aria-valuetext")
    assert re.fullmatch(r"(\d+) of \1", last)
    reached, controls = tabbed_controls(page)
    assert reached == controls
    page.focus("#fool-step input")
    page.keyboard.press("Home")
    assert page.locator("text=Difference: none").count() == 2
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.textContent") == "Play"
    page.keyboard.press(" ")
    assert page.inner_text("#fool-play") == "Pause"
    page.keyboard.press(" ")
    assert page.inner_text("#fool-play") == "Play"


def test_the_animation_runs_to_the_end_or_is_skipped_for_who_wants_no_motion(browser, path):
    at_end = """() => {
      const { value, max } = document.querySelector("#fool-step input");
      return Number(max) > 0 && value === max;
    }"""
    for motion in ("no-preference", "reduce"):
        with opened(browser, path, reduced_motion=motion) as page:
            draw(page, SEVEN)
            choose(page, "distance")
            finished(page)
            if motion == "reduce":
                assert page.evaluate(at_end)
            page.wait_for_function(at_end)
            page.wait_for_function(
                "() => document.getElementById('fool-play').textContent === 'Play'"
            )


def test_a_model_with_other_gradients_than_pytorchs_is_left_out(browser, digits_test, tmp_path):
    for name in ("mlp_50_50", "cnn_10_20"):
        make_run(tmp_path, name, digits_test)
    altered = copy.deepcopy(build_page(tmp_path, None))
    first, second = altered.data["models"]
    first["gradients"] = second["gradients"]
    with opened(browser, write_page(altered, tmp_path / "page.html")) as page:
        assert float(page.get_attribute("#badge", "data-max-gradient-difference")) > 1e-4
        draw(page, SEVEN)
        choose(page, "distance")
        page.click("#fool-start")
        page.wait_for_selector("#fool[data-state=done]")
        assert "The MLP was left out: its gradients differ" in page.inner_text("#fool-verdict")
        assert "The CNN changed its answer" in page.inner_text("#fool-verdict")


# Looks


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_phone_and_its_text_has_contrast(browser, path, theme):
    viewport = {"width": 390, "height": 800}
    with opened(browser, path, viewport=viewport, color_scheme=theme) as page:
        draw(page, SEVEN)
        finished(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        ratio, text = lowest_contrast(page)
        assert ratio >= 4.5, text
