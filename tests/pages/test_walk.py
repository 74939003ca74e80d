"""The walk through a layer: its numbers are the network's own; keys, pointer and play move it."""

import numpy as np
import pytest
import torch
from torch import nn

from task3_MNIST.datasets.splits import load_test
from task3_MNIST.report.inference.data import build_page
from task3_MNIST.report.inference.weights import export_model
from tests.helpers.inference import make_run, randomize_batch_norm, with_scripts, write_page
from tests.helpers.pages import lowest_contrast, opened

# every pixel's sum and what follows it, next to the network's own values
EXPLAIN = """([layers, weights, image]) => {
  const network = Forward.buildNetwork(layers, new Float32Array(Page.decodeBase64(weights).buffer));
  const input = Float32Array.from(image);
  Forward.forward(network, input);
  const rows = [];
  network.forEach((layer, place) => {
    const [channels, height = 1, width = 1] = layer.shape;
    if (layer.type !== "conv" && layer.type !== "linear") return;
    for (let i = 0; i < layer.output.length; i += 3) {
      const at = [Math.floor(i / height / width), Math.floor(i / width) % height, i % width];
      const sum = layer.type === "conv"
        ? Explain.explainPixel(network, place, input, at).sum
        : Explain.explainUnit(network, place, input, at[0]).total;
      const steps = Explain.followValue(network, place, at);
      rows.push({ place, i, sum, steps });
    }
  });
  return [network.map(({ output }) => [...output]), rows];
}"""


@pytest.fixture(scope="module")
def scripts(browser):
    names = ("forward", "explain")
    return with_scripts(browser, *(f"inference/js/{name}.js" for name in names))


@pytest.mark.parametrize(
    "layers",
    [
        (nn.Conv2d(1, 3, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 2, 3), nn.MaxPool2d(10)),
        (nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(3, 2)),
        (nn.Conv2d(1, 3, 5, 2), nn.MaxPool2d(5), nn.BatchNorm2d(3), nn.ReLU()),
        (nn.Flatten(), nn.Linear(784, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Linear(9, 4)),
    ],
)
def test_sums_and_steps_are_the_values_of_the_forward_pass(scripts, layers):
    torch.manual_seed(0)
    model = nn.Sequential(*layers)
    randomize_batch_norm(model)
    exported, weights = export_model(model)
    image = torch.randn(1, 1, 28, 28)
    outputs, rows = scripts.evaluate(EXPLAIN, [exported, weights, image.flatten().tolist()])
    with torch.inference_mode():
        own = model.eval()(image).flatten()
    assert np.allclose(outputs[-1], own, atol=1e-5)
    followed = set()
    for row in rows:
        assert row["sum"] == pytest.approx(outputs[row["place"]][row["i"]], abs=1e-5)
        value = row["sum"]
        for number, step in enumerate(row["steps"], row["place"] + 1):
            if step["type"] == "relu":
                value = max(value, 0)
            elif step["type"] == "scale":
                value = value * step["weight"] + step["bias"]
            elif step["value"] is not None:
                assert step["window"][step["here"]] == pytest.approx(value, abs=1e-5)
                value = max(step["window"])
                assert step["window"][step["best"]] == value
            if step["value"] is not None:
                assert step["value"] == pytest.approx(value, abs=1e-5)
                assert step["value"] in outputs[number]
            followed.add((step["type"], step["value"] is None))
    assert ("relu", False) in followed


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Return a page of an MLP and of a CNN with two convolutions, on digits."""
    folder = tmp_path_factory.mktemp("walk")
    test = load_test("digits", None)
    for name in ("mlp_50_50", "cnn_10_20"):
        make_run(folder, name, test)
    return write_page(build_page(folder, None), folder / "page.html")


def walks(page):
    found = page.locator(".walk").all()
    for walk in found:  # each follows once it is in sight
        walk.scroll_into_view_if_needed()
        walk.locator("[data-step=sum]").wait_for()
    return found


def shown_sum(walk):
    return float(walk.locator("[data-step=sum]").get_attribute("data-value"))


def layer_output(page, model, place):
    """Return a layer's values for the input that the page shows."""
    return page.evaluate(
        """async ([name, place]) => {
          const data = await Page.readData();
          const model = Models.readModels(data).find((each) => each.model === name);
          const image = Page.decodeBase64(data.images).subarray(0, 784);
          const network = Models.networkOf(model);
          Forward.forward(network, Models.normalizer(data)(image));
          return [...network[place].output];
        }""",
        [model, place],
    )


def test_the_sum_shown_is_the_layers_output_and_keys_move_it(browser, path):
    with opened(browser, path) as page:
        units, first, second = walks(page)
        for walk, model, (height, width) in (
            (first, "cnn_10_20", (24, 24)),
            (second, "cnn_10_20", (8, 8)),
        ):
            values = layer_output(page, model, int(walk.get_attribute("data-layer")))
            walk.locator(".walk-target").focus()
            for key in ("ArrowUp",) * 24 + ("ArrowLeft",) * 24 + ("PageUp",) * 20:
                page.keyboard.press(key)
            assert walk.get_attribute("data-position") == "0 0 0"
            page.keyboard.press("PageDown")
            page.keyboard.press("ArrowDown")
            page.keyboard.press("ArrowDown")
            page.keyboard.press("ArrowRight")
            assert walk.get_attribute("data-position") == "1 2 1"
            expected = values[(1 * height + 2) * width + 1]
            assert shown_sum(walk) == pytest.approx(expected, abs=1e-5)
            said = walk.locator("[data-step=sum]").inner_text().replace("−", "-")
            assert said.endswith(f"= {expected:.3f}")
        unit = int(units.get_attribute("data-position"))
        values = layer_output(page, "mlp_50_50", 0)
        assert shown_sum(units) == pytest.approx(values[unit], abs=1e-5)
        assert values[unit] == max(values)
        units.locator(".walk-target").focus()
        page.keyboard.press("ArrowRight")
        unit = int(units.get_attribute("data-position"))
        assert values[unit] == sorted(values)[-2]
        assert shown_sum(units) == pytest.approx(values[unit], abs=1e-5)


def test_the_pointer_chooses_a_pixel_and_a_unit(browser, path):
    with opened(browser, path) as page:
        units, first, _ = walks(page)
        page.locator("#inside figure.view", has=page.locator(".walk[data-layer='0']")).nth(
            1
        ).locator(".maps canvas").nth(3).click(position={"x": 1, "y": 1})
        assert first.get_attribute("data-position") == "3 0 0"
        picture = first.locator(".walk-target canvas")
        box = picture.bounding_box()
        picture.hover(position={"x": box["width"] * 10.5 / 24, "y": box["height"] * 5.5 / 24})
        assert first.get_attribute("data-position") == "3 5 10"
        before = units.get_attribute("data-position")
        page.locator(".maps canvas.chosen + canvas").hover()
        assert units.get_attribute("data-position") != before


def test_play_walks_on_and_next_is_one_step(browser, path):
    with opened(browser, path) as page:
        _, first, _ = walks(page)
        first.locator(".walk-target").focus()
        for _ in range(24):
            page.keyboard.press("ArrowLeft")
        start = first.get_attribute("data-position")
        channel, row, _ = start.split()
        first.get_by_role("button", name="Next pixel").click()
        assert first.get_attribute("data-position") == f"{channel} {row} 1"
        page.clock.install()
        first.get_by_role("button", name="Play").click()
        page.clock.run_for(1_000)
        page.wait_for_selector(f".walk[data-position='{channel} {row} 4']")
        first.get_by_role("button", name="Pause").click()
        stopped = first.get_attribute("data-position")
        page.clock.run_for(5_000)  # many of its steps
        assert first.get_attribute("data-position") == stopped


def test_who_wants_less_motion_has_steps_alone(browser, path):
    with opened(browser, path, reduced_motion="reduce") as page:
        _, first, _ = walks(page)
        assert first.locator(".play").is_hidden()
        before = first.get_attribute("data-position")
        first.get_by_role("button", name="Next pixel").click()
        assert first.get_attribute("data-position") != before


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_numbers_have_contrast_and_a_phone_needs_no_sideways_scroll(browser, path, theme):
    size = {"width": 390, "height": 844}
    with opened(browser, path, color_scheme=theme, viewport=size) as page:
        walks(page)
        ratio, text = lowest_contrast(page)
        assert ratio >= 4.5, text
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
