"""The page's forward pass and its preparation of images are PyTorch's and Python's own."""

import base64
import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from task3_MNIST.datasets import preprocessing
from task3_MNIST.datasets.photographs.digits import find_digits
from task3_MNIST.datasets.splits import load_test
from task3_MNIST.errors import UserError
from task3_MNIST.models import registry
from task3_MNIST.report.inference.weights import CannotExportError, export_model
from tests.helpers.inference import randomize_batch_norm, with_scripts

RUN = """([layers, weights, images]) => {
  const floats = new Float32Array(Page.decodeBase64(weights).buffer);
  const network = Forward.buildNetwork(layers, floats);
  return images.map((image) => Array.from(Forward.forward(network, Float32Array.from(image))));
}"""
PREPARE = """([height, width, text]) => {
  const { extractInk, frame, findDigits } = Preprocessing;
  const ink = extractInk({ height, width, values: Page.decodeBase64(text) });
  return ink && { pixels: Array.from(frame(ink)), digits: findDigits(ink) };
}"""


@pytest.fixture(scope="module")
def page(browser):
    return with_scripts(browser, "inference/js/forward.js", "inference/js/preprocessing.js")


def largest_difference(page, model):
    """Return by how much the page's logits differ from PyTorch's over random images."""
    torch.manual_seed(0)
    randomize_batch_norm(model)
    images = torch.randn(3, 1, 28, 28)
    layers, weights = export_model(model)
    logits = page.evaluate(RUN, [layers, weights, images.flatten(1).tolist()])
    with torch.inference_mode():
        return np.abs(np.array(logits) - model.eval()(images).numpy()).max()


@pytest.mark.parametrize("name", [*registry.names(), "mlp_d3_w64", "cnn_d3_w9"])
def test_logits_equal_pytorchs_for_every_model(page, name):
    assert largest_difference(page, registry.build(name)) < 1e-5


@pytest.mark.parametrize(
    "layers",
    [
        (nn.Conv2d(1, 7, (3, 5), stride=(2, 1), padding=(1, 2)), nn.MaxPool2d((14, 28))),
        (nn.Conv2d(1, 7, 3), nn.ZeroPad2d((-1, -2, -3, 0)), nn.MaxPool2d(23)),
        (nn.Conv2d(1, 7, 4, stride=3, bias=False), nn.BatchNorm2d(7), nn.MaxPool2d(9)),
        (nn.Conv2d(1, 7, 3), nn.ReLU(), nn.BatchNorm2d(7), nn.MaxPool2d(26)),
        (nn.BatchNorm2d(1, affine=False), nn.Conv2d(1, 7, 5), nn.MaxPool2d(3, 2), nn.MaxPool2d(11)),
    ],
)
def test_strides_paddings_and_pooling_are_pytorchs(page, layers):
    model = nn.Sequential(*layers, nn.Dropout(0.5), nn.Flatten(), nn.Linear(7, 10))
    assert largest_difference(page, model) < 1e-5


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ((nn.Flatten(), nn.Linear(784, 10), nn.GELU()), "GELU"),
        ((nn.Conv2d(1, 4, 3, dilation=2), nn.Flatten(), nn.Linear(2304, 10)), "dilated"),
        ((nn.Conv2d(1, 4, 3, padding="same"), nn.Flatten(), nn.Linear(3136, 10)), "zeros"),
        ((nn.MaxPool2d(3, ceil_mode=True), nn.Flatten(), nn.Linear(100, 10)), "pooling"),
        ((nn.ZeroPad2d(2), nn.Flatten(), nn.Linear(1024, 10)), "pads"),
        ((nn.Linear(28, 10), nn.Flatten()), "flat values"),
        ((nn.BatchNorm2d(1, track_running_stats=False),), "running averages"),
        ((nn.TransformerEncoderLayer(28, 1),), "order"),
    ],
)
def test_what_the_page_cannot_run_is_refused_with_the_reason(layers, reason):
    with pytest.raises(CannotExportError, match=reason):
        export_model(nn.Sequential(*layers))


def gray_images(mnist_dir):
    """Yield real digits as MNIST has them, enlarged, placed, inverted, noisy, on uneven paper."""
    split = load_test("mnist", mnist_dir)
    pixels = split.images.numpy()
    random = np.random.default_rng(0)
    for index in range(60):
        digit = pixels[index, 0]
        yield digit
        height, width = random.integers(30, 700, 2)
        side = int(random.integers(20, min(height, width) + 1))
        top, left = random.integers(0, height - side + 1), random.integers(0, width - side + 1)
        sheet = np.zeros((height, width))
        enlarged = Image.fromarray(digit).resize((side, side), Image.BICUBIC)
        sheet[top : top + side, left : left + side] = enlarged
        y, x = np.mgrid[:height, :width]
        noise = random.normal(0, 6, sheet.shape)
        photo = 220 - 90 * x / width - 40 * y / height - 0.35 * sheet + noise / 2
        for gray in (sheet, 255 - 0.7 * sheet, sheet + noise, photo):
            yield gray.clip(0, 255).astype(np.uint8)


def test_images_are_prepared_to_the_same_pixels_in_page_and_python(page, mnist_dir):
    compared = 0
    for gray in gray_images(mnist_dir):
        text = base64.b64encode(gray.tobytes()).decode()
        prepared = page.evaluate(PREPARE, [*gray.shape, text])
        try:
            ink = preprocessing.extract_ink(gray)
        except UserError:
            assert prepared is None
            continue
        difference = np.abs(preprocessing.frame(ink).astype(int).ravel() - prepared["pixels"])
        assert difference.max() <= 2
        boxes = [dataclasses.asdict(box) for box, _ in find_digits(ink)]
        assert prepared["digits"] == boxes
        compared += 1
    assert compared > 250


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 2), (64, 64)])
def test_a_blank_image_has_no_ink(page, shape):
    gray = np.full(shape, 200, dtype=np.uint8)
    text = base64.b64encode(gray.tobytes()).decode()
    assert page.evaluate(PREPARE, [*gray.shape, text]) is None
