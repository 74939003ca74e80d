"""Training on the page: PyTorch's gradients, seeds that repeat, a page that answers meanwhile."""

import base64
import dataclasses
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from task3_MNIST.datasets.splits import Split, load_test, load_train, split_validation
from task3_MNIST.errors import UserError
from task3_MNIST.report.inference import training_images as module
from task3_MNIST.report.inference.data import build_page
from task3_MNIST.report.inference.training_images import stratified_places, training_images
from tests.helpers.inference import make_run, with_scripts, write_page
from tests.helpers.pages import lowest_contrast, opened, text_of

NAMES = ("random", "train/matrix", "train/layers", "train/loop")
SCRIPTS = [f"inference/js/{name}.js" for name in NAMES]
CLASSES = 10
COUNT = 5  # images of the minibatch whose gradients are compared

# all gradients of a network with given parameters, and its logits and loss
GRADIENTS = """([family, parameters, images, labels]) => {
  const { makeRandom } = Random;
  const { crossEntropy } = TrainLayers;
  const classes = 10, count = labels.length;
  const network = family === "mlp"
    ? TrainLoop.makeMlp(classes, 8, makeRandom(0), 42)
    : TrainLoop.makeCnn(classes, 8, makeRandom(0));
  network.parameters.forEach(({ values }, i) => values.set(parameters[i]));
  const gradient = new Float32Array(count * classes);
  let loss;
  // twice: nothing of one minibatch may be left in the next
  for (let time = 0; time < 2; time++) {
    const logits = network.forward(Float32Array.from(images), count);
    loss = crossEntropy(logits, labels, count, classes, gradient);
    network.backward(gradient, count);
  }
  return [loss, ...network.parameters.map(({ gradient }) => Array.from(gradient))];
}"""

# a short training, as the worker does it, without the worker
TRAIN = """([settings, steps]) => {
  const data = { train: window.split, validation: window.split, classes: 10, mean: 0.3, std: 0.35 };
  const training = TrainLoop.makeTraining(data, settings);
  training.evaluate();
  for (let i = 0; i < steps; i++) training.step();
  training.evaluate();
  return { losses: training.losses, accuracies: training.accuracies, seen: training.seen };
}"""

SETTINGS = {"rate": 0.02, "batch": 32, "seed": 0, "shuffled": False}


@pytest.fixture(scope="module")
def scripts(browser):
    return with_scripts(browser, *SCRIPTS)


@pytest.fixture(scope="module")
def digits_page(tmp_path_factory):
    """Return the file of a page on scikit-learn's digits, and its data."""
    folder = tmp_path_factory.mktemp("train")
    make_run(folder / "runs", "linear", load_test("digits", None))
    built = build_page(folder / "runs", None)
    return write_page(built, folder / "page.html"), built.data["training"]


@pytest.fixture
def page(browser, digits_page):
    """Return the page with the section in view and the networks in it, untrained."""
    with opened(browser, digits_page[0]) as page:
        show(page)
        yield page


def show(page):
    page.locator("#train").scroll_into_view_if_needed()
    page.wait_for_selector("#train[data-seen='0']")


def seen(page):
    return int(page.get_attribute("#train", "data-seen"))


def wait_until_seen(page, images):
    page.wait_for_function(
        "images => Number(document.getElementById('train').dataset.seen) >= images", arg=images
    )


# Layers


class ChannelsLast(nn.Module):
    """What the page's linear layer sees behind its pooling: the channels are last."""

    def forward(self, maps):
        """Return maps (B, C, H, W) as (B, H * W * C)."""
        return maps.permute(0, 2, 3, 1).flatten(1)


def pytorch_network(family):
    torch.manual_seed(0)
    if family == "mlp":
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 42), nn.ReLU(), nn.Linear(42, CLASSES))
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 5), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Conv2d(8, 16, 5), nn.MaxPool2d(2), nn.ReLU()),
        *(ChannelsLast(), nn.Linear(256, 112), nn.ReLU(), nn.Linear(112, CLASSES)),
    )


def flat(tensor):
    """Return a parameter or its gradient in the page's order: channels last."""
    if tensor.dim() == 4:
        tensor = tensor.permute(0, 2, 3, 1)
    return tensor.detach().flatten().tolist()


@pytest.mark.parametrize("family", ["mlp", "cnn"])
def test_gradients_are_pytorchs(scripts, family):
    network = pytorch_network(family)
    images, labels = torch.randn(COUNT, 1, 28, 28), torch.randint(CLASSES, (COUNT,))
    loss = F.cross_entropy(network(images), labels)
    loss.backward()
    parameters = list(network.parameters())
    given = [flat(parameter) for parameter in parameters]
    computed, *gradients = scripts.evaluate(
        GRADIENTS, [family, given, flat(images), labels.tolist()]
    )
    assert computed == pytest.approx(loss.item(), abs=1e-5)
    assert len(gradients) == len(parameters)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        expected = np.array(flat(parameter.grad))
        assert np.abs(expected).max() > 1e-3
        assert np.abs(expected - gradient).max() < 1e-5


def test_momentum_is_pytorchs(scripts):
    values, gradients = torch.randn(7), torch.randn(3, 7)
    weight = nn.Parameter(values.clone())
    optimizer = torch.optim.SGD([weight], lr=0.1, momentum=0.9)
    for gradient in gradients:
        weight.grad = gradient
        optimizer.step()
    changed = scripts.evaluate(
        """([values, gradients]) => {
          const parameter = { values: Float32Array.from(values), gradient: new Float32Array(7) };
          const step = TrainLayers.makeOptimizer([parameter], 0.9);
          for (const gradient of gradients) {
            parameter.gradient.set(gradient);
            step(0.1);
          }
          return Array.from(parameter.values);
        }""",
        [values.tolist(), gradients.tolist()],
    )
    assert changed == pytest.approx(weight.tolist(), abs=1e-5)


@pytest.mark.parametrize("sizes", [(1, 1, 1), (4, 2, 128), (5, 3, 129), (26, 10, 300), (3, 25, 7)])
def test_matrix_products_are_numpys_in_every_layout(scripts, sizes):
    rows, columns, depth = sizes
    random = np.random.default_rng(0)
    a, b = random.normal(size=(rows, depth)), random.normal(size=(depth, columns))
    for turned in (False, True):
        left, right = (a.T, b.T) if turned else (a, b)
        product = scripts.evaluate(
            """([left, right, wide, narrow, rows, columns, depth, turned]) => {
              const { matrix, transposed, addProduct } = TrainMatrix;
              const turn = (each) => (turned ? transposed(each) : each);
              const sum = new Float32Array(rows * columns).fill(1);
              const [a, b] = [[left, wide], [right, narrow]].map(([values, width]) =>
                turn(matrix(Float32Array.from(values), width)));
              addProduct(matrix(sum, columns), a, b, rows, columns, depth);
              return Array.from(sum);
            }""",
            [
                *(left.ravel().tolist(), right.ravel().tolist()),
                *(left.shape[1], right.shape[1], rows, columns, depth, turned),
            ],
        )
        assert np.allclose(np.array(product).reshape(rows, columns), a @ b + 1, atol=1e-4)


# Training


FEW = 100


@pytest.fixture(scope="module")
def few(scripts):
    """Return the page of the scripts with a few training digits in it."""
    split = load_train("digits", None)[torch.arange(FEW)]
    packed = [base64.b64encode(split.images.numpy().tobytes()).decode(), split.labels.tolist()]
    scripts.evaluate(
        """([pixels, labels]) => {
          window.split = { pixels: Page.decodeBase64(pixels), labels };
        }""",
        packed,
    )
    return scripts


def test_the_same_seed_gives_the_same_curves_and_another_seed_others(few):
    def train(**changed):
        return few.evaluate(TRAIN, [SETTINGS | changed, 5])

    first = train()
    assert first == train()
    assert first["seen"] == FEW + 32  # an epoch's last minibatch is smaller
    others = [train(seed=1), train(shuffled=True), train(rate=0.01), train(batch=16)]
    assert all(other["losses"] != first["losses"] for other in others)


def test_both_networks_learn(few):
    accuracies = few.evaluate(TRAIN, [SETTINGS, 60])["accuracies"]
    assert max(accuracies[0][1:]) < 0.35  # before training: about chance
    assert min(accuracies[-1][1:]) > 0.85


# Images


def test_images_are_of_both_training_splits_stratified_and_the_same_each_time(mnist_dir):
    data = training_images("mnist", mnist_dir)
    assert data == training_images("mnist", mnist_dir)
    train, validation = split_validation(load_train("mnist", mnist_dir))
    for split, name, count in ((train, "train", 5000), (validation, "validation", 1000)):
        packed = data[name]
        pixels = np.frombuffer(base64.b64decode(packed["pixels"]), np.uint8)
        assert pixels.shape == (count * 784,)
        places = stratified_places(split.labels.numpy(), count)
        assert len(set(places.tolist())) == count
        assert (split.images[places].numpy().ravel() == pixels).all()
        assert split.labels[places].tolist() == packed["labels"]
        shares = np.bincount(packed["labels"]) / count
        assert np.allclose(shares, np.bincount(split.labels) / len(split), atol=1.5 / count)


def test_without_enough_images_or_without_any_the_section_is_one_sentence(
    browser, digits_page, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "LEAST_TRAIN", 1318)
    assert "it has 1,317 images for training" in training_images("digits", None)["reason"]

    def unreadable(dataset, data_dir):
        raise UserError("the folder is gone")

    monkeypatch.setattr(module, "load_train", unreadable)
    make_run(tmp_path, "linear", load_test("digits", None))
    with opened(browser, write_page(build_page(tmp_path, None), tmp_path / "page.html")) as page:
        assert text_of(page, "#train") == (
            "Train them here\n\nThis data set cannot be trained on in the page: its training "
            "images cannot be read (the folder is gone)."
        )


def test_a_class_with_one_image_is_a_reason_and_no_error(monkeypatch):
    split = load_train("digits", None)
    labels = split.labels.clone().clamp(max=8)
    labels[0] = 9
    lonely = dataclasses.replace(split, labels=labels)
    assert isinstance(lonely, Split)
    monkeypatch.setattr(module, "load_train", lambda *_: lonely)
    assert "cannot be read" in training_images("digits", None)["reason"]


# The section


def test_the_worker_runs_under_the_policy_and_training_helps(page):
    policy = page.get_attribute("meta[http-equiv]", "content")
    assert "worker-src blob:;" in policy
    assert "unsafe-eval" not in policy
    before = accuracies(page)
    assert max(before) < 0.4
    page.click("#train-start")
    wait_until_seen(page, 4000)
    page.click("#train-start")
    page.wait_for_function("() => document.getElementById('train-status').textContent")
    after = accuracies(page)
    assert min(after) > 0.75
    assert re.fullmatch(
        r"[\d,]+ images seen; validation accuracy: MLP [\d.]+\s%, CNN [\d.]+\s%",
        page.text_content("#train-status"),
    )


def accuracies(page):
    return [
        float(page.get_attribute(f".train-model[data-family={family}]", "data-accuracy"))
        for family in ("mlp", "cnn")
    ]


def test_pause_stops_and_a_step_is_one_minibatch(page):
    page.click("#train-step")
    wait_until_seen(page, 32)
    assert seen(page) == 32
    page.click("#train-start")
    wait_until_seen(page, 100)
    assert page.inner_text("#train-start") == "Pause"
    page.click("#train-start")
    assert page.inner_text("#train-start") == "Start"
    page.wait_for_selector("#train[data-training=false]")
    stopped = seen(page)
    page.click("#train-step")
    page.wait_for_function(
        "seen => Number(document.getElementById('train').dataset.seen) !== seen", arg=stopped
    )
    assert seen(page) - stopped in (32, 1317 % 32)  # an epoch's last minibatch is smaller


def test_parameters_weights_and_examples_are_shown(page, digits_page):
    said = {
        family: text_of(page, f".train-model[data-family={family}]") for family in ("mlp", "cnn")
    }
    assert "784 pixels, 42 hidden units, 10 classes: 33,400 parameters" in said["mlp"]
    assert "33,338 parameters" in said["cnn"]
    counts = [sum(p.numel() for p in pytorch_network(name).parameters()) for name in said]
    assert counts == [33_400, 33_338]
    assert page.locator("[data-family=mlp] canvas").count() == 12
    assert page.locator("[data-family=cnn] canvas").count() == 8
    assert page.locator(".train-examples canvas").count() == 7
    labels = digits_page[1]["train"]["labels"], digits_page[1]["validation"]["labels"]
    intro = text_of(page, "#train h2 + p")
    assert f"{len(labels[0]):,} training images" in intro
    assert f"{len(labels[1]):,} images of the validation split" in intro


def test_restart_and_settings_begin_again_and_the_rate_goes_on(page):
    page.click("#train-step")
    wait_until_seen(page, 32)
    page.select_option("#train [name=rate]", "0.1")
    page.click("#train-step")
    wait_until_seen(page, 64)
    before = painted(page)
    page.fill("#train [name=seed]", "5")
    page.keyboard.press("Tab")
    page.wait_for_selector("#train[data-seen='0']")
    other_seed = painted(page)
    assert other_seed != before
    examples = page.evaluate(PAINTED, ".train-examples canvas")
    page.check("#train [name=shuffled]")
    page.wait_for_function(
        f"before => ({PAINTED})('.train-examples canvas').join() !== before",
        arg=",".join(map(str, examples)),
    )
    shuffled = page.evaluate(PAINTED, ".train-examples canvas")
    assert sorted(shuffled) == sorted(examples)  # the same pixels in another order
    assert painted(page) == other_seed  # and the same weights
    page.fill("#train [name=seed]", "-3")
    page.keyboard.press("Tab")
    assert page.input_value("#train [name=seed]") == "0"


PAINTED = """(selector) => {
  const canvas = document.querySelector(selector);
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  return Array.from(context.getImageData(0, 0, canvas.width, canvas.height).data);
}"""


def painted(page):
    return page.evaluate(PAINTED, "[data-family=mlp] canvas")


def test_a_rate_that_is_too_large_is_said(page):
    page.select_option("#train [name=rate]", "0.3")
    page.select_option("#train [name=batch]", "8")
    page.evaluate("document.querySelector('#train [name=rate] option:last-child').value = 1e6")
    page.dispatch_event("#train [name=rate]", "change")
    for _ in range(8):
        page.click("#train-step")
    page.locator("#train-problem", has_text="smaller learning rate").wait_for()


def test_everything_works_with_the_keyboard_alone(page):
    page.focus("#train-step")
    page.keyboard.press("Enter")
    wait_until_seen(page, 32)
    page.focus("#train-start")
    page.keyboard.press("Space")
    wait_until_seen(page, 64)
    assert page.get_attribute("#train", "data-running") == "true"
    page.keyboard.press("Space")
    assert page.get_attribute("#train", "data-running") == "false"
    page.focus("#train [name=shuffled]")
    page.keyboard.press("Space")
    page.wait_for_selector("#train[data-seen='0']")
    names = page.evaluate(
        """() => [...document.querySelectorAll("#train input, #train select")]
          .map((each) => each.labels[0].textContent.trim().split("\\n")[0])"""
    )
    assert names == ["Learning rate", "Batch size", "Seed", "Shuffle pixels"]


def test_a_report_costs_the_page_little(page):
    """Each is one task: the page's thread, and not the machine's other programs, is measured."""
    page.click("#train-step")
    wait_until_seen(page, 32)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def thread_seconds():
        metrics = session.send("Performance.getMetrics")["metrics"]
        return {metric["name"]: metric["value"] for metric in metrics}["ThreadTime"]

    before = thread_seconds()
    for number in range(2, 12):
        page.click("#train-step")
        wait_until_seen(page, 32 * number)
    assert (thread_seconds() - before) / 10 < 0.1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_phone_and_has_contrast(browser, digits_page, theme):
    size = {"width": 390, "height": 800}
    with opened(browser, digits_page[0], viewport=size, color_scheme=theme) as page:
        show(page)
        page.click("#train-step")
        wait_until_seen(page, 32)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        ratio, text = lowest_contrast(page)
        assert ratio >= 4.5, text
