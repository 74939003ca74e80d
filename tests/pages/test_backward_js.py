"""The page's backward pass gives PyTorch's gradients with respect to the image."""

import numpy as np
import pytest
import torch
from torch import nn

from task3_MNIST.datasets.splits import load_test
from task3_MNIST.models import registry
from task3_MNIST.report.inference.weights import export_model
from tests.helpers.inference import randomize_batch_norm, with_scripts

RUN = """([layers, weights, images, above]) => {
  const floats = new Float32Array(Page.decodeBase64(weights).buffer);
  const network = Forward.buildNetwork(layers, floats);
  return images.map((image) =>
    Array.from(Backward.inputGradient(network, Float32Array.from(image), Float32Array.from(above))),
  );
}"""


@pytest.fixture(scope="module")
def page(browser):
    return with_scripts(browser, "inference/js/forward.js", "inference/js/backward.js")


def largest_difference(page, model, images):
    """Return by how much the page's gradients of weighted logits differ from PyTorch's.

    In fractions of the greatest: those of untrained models can be small.
    """
    torch.manual_seed(0)
    randomize_batch_norm(model)
    images = images.clone().requires_grad_()
    logits = model.eval()(images)
    above = torch.randn(logits.shape[1])
    (expected,) = torch.autograd.grad((logits @ above).sum(), images)
    expected = expected.flatten(1).numpy()
    layers, weights = export_model(model)
    given = [layers, weights, images.detach().flatten(1).tolist(), above.tolist()]
    return np.abs(np.array(page.evaluate(RUN, given)) - expected).max() / np.abs(expected).max()


def noise():
    torch.manual_seed(1)
    return torch.randn(3, 1, 28, 28)


@pytest.mark.parametrize("name", [*registry.names(), "mlp_d3_w64", "cnn_d3_w9"])
def test_gradients_equal_pytorchs_for_every_model(page, name):
    assert largest_difference(page, registry.build(name), noise()) < 1e-4


@pytest.mark.parametrize("name", registry.names())
def test_flat_backgrounds_whose_values_are_all_equal_change_nothing(page, name):
    images = load_test("digits", None).normalized().images[:3]
    assert largest_difference(page, registry.build(name), images) < 1e-4


@pytest.mark.parametrize(
    "layers",
    [
        (nn.Conv2d(1, 7, (3, 5), stride=(2, 1), padding=(1, 2)), nn.MaxPool2d((14, 28))),
        (nn.Conv2d(1, 7, 3), nn.ZeroPad2d((-1, -2, -3, 0)), nn.MaxPool2d(23)),
        (nn.Conv2d(1, 7, 4, stride=3, bias=False), nn.BatchNorm2d(7), nn.MaxPool2d(9)),
        (nn.Conv2d(1, 7, 3), nn.ReLU(), nn.BatchNorm2d(7), nn.MaxPool2d(26)),
        (nn.BatchNorm2d(1, affine=False), nn.Conv2d(1, 7, 5), nn.MaxPool2d(3, 2), nn.MaxPool2d(11)),
        # windows that overlap: a value can be the greatest of several
        (nn.MaxPool2d(5, 1), nn.Conv2d(1, 7, 4, stride=4), nn.ReLU(), nn.MaxPool2d(6)),
    ],
)
def test_strides_paddings_and_pooling_are_pytorchs(page, layers):
    model = nn.Sequential(*layers, nn.Dropout(0.5), nn.Flatten(), nn.Linear(7, 10))
    assert largest_difference(page, model, noise()) < 1e-4


def test_of_equal_values_in_a_window_the_first_has_the_gradient(page):
    torch.manual_seed(1)
    images = torch.randint(0, 3, (3, 1, 28, 28)).float()  # ties in nearly all windows
    for pool in (nn.MaxPool2d(2), nn.MaxPool2d(3, 2), nn.MaxPool2d((4, 7), (3, 2))):
        width = pool(images)[0].numel()
        model = nn.Sequential(nn.ReLU(), pool, nn.Flatten(), nn.Linear(width, 10))
        assert largest_difference(page, model, images) < 1e-4
