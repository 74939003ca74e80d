"""Every model of both tables: its size, its logits, its place in the zoo."""

import math

import pytest
import torch

from task1_MLP import models as mlp_models
from task2_CNN import models as cnn_models
from task2_CNN.models import Conv
from task3_MNIST.errors import UsageError
from task3_MNIST.models import registry
from task3_MNIST.models.size import parameter_count, trained_parameter_count

# The sizes that the design, the literature and the README state, besides the closed forms below.
STATED_PARAMETERS = {
    "linear": 7_850,
    "mlp": 535_818,
    "mlp_120_84": 105_214,
    "mlp_50_50": 42_310,
    "mlp_80_20": 64_630,
    "cnn": 44_426,
    "cnn_10_20": 21_840,
    "lenet5": 61_706,
    "cnn_strong": 306_074,
    "cnn_micro": 9_646,
    "cnn_nano": 970,
    "cnn_whitened": 32_630,
}
GRID_NAMES = ["mlp_d1_w32", "mlp_d4_w1024", "cnn_d1_w8", "cnn_d3_w64"]
BY_SIZES = ["mlp_300", "mlp_300-100_drop0.25", "lenet5_12-32-120", "cnn_fast_20-40-60"]
EVERY_MODEL = [*registry.names(), *GRID_NAMES, *BY_SIZES]


def test_lenet5_connected_in_other_ways_has_the_units_of_lenet5():
    stated = {"lenet5_dense": 5_634_974, "lenet5_local": 423_038, "lenet5_strided": 61_706}
    assert set(stated) == set(cnn_models.STUDIED)
    for name, parameters in stated.items():
        assert parameter_count(registry.build(name)) == parameters
        assert registry.build(name)(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_a_local_layer_with_equal_kernels_everywhere_is_a_convolution():
    torch.manual_seed(0)
    shared = torch.nn.Conv2d(2, 3, 5, padding=2)
    local = cnn_models.LocallyConnected(2, 3, kernel=5, padding=2, side=9)
    with torch.no_grad():
        local.weight.copy_(shared.weight.flatten(1).T.expand_as(local.weight))
        local.bias.copy_(shared.bias[:, None].expand_as(local.bias))
    maps = torch.randn(4, 2, 9, 9)
    assert torch.allclose(local(maps), shared(maps), atol=1e-5)


def dense_parameters(inputs, hidden, batch_norm):
    """Return the parameters of linear layers: weights and a bias, or batch norm's pair."""
    total = 0
    for units in hidden:
        total += inputs * units + (2 * units if batch_norm else units)
        inputs = units
    return total + (inputs + 1) * 10


def parameters_by_hand(name):
    """Return the parameter count from the table's row alone, without building the model."""
    row = mlp_models.variant(name)
    if row is not None:
        return dense_parameters(784, row["hidden"], row.get("batch_norm", False))
    row = cnn_models.variant(name)
    batch_norm = row.get("batch_norm", False)
    total, channels, side = 0, 1, 28
    for part in row["features"]:
        if isinstance(part, Conv):
            total += part.channels * channels * part.kernel**2
            if not part.whitened:
                total += part.channels * (2 if batch_norm else 1)
            channels = part.channels
            side = math.floor((side + 2 * part.padding - part.kernel) / part.stride) + 1
            side //= part.pool
        else:
            side = side // part.size if part.size else 1
    return total + dense_parameters(channels * side**2, row.get("hidden", ()), batch_norm)


@pytest.mark.parametrize("name", EVERY_MODEL)
def test_parameter_count_is_what_the_table_row_implies(name):
    assert parameter_count(registry.build(name)) == parameters_by_hand(name)


@pytest.mark.parametrize(("name", "parameters"), STATED_PARAMETERS.items())
def test_parameter_count_is_the_stated_one(name, parameters):
    assert parameter_count(registry.build(name)) == parameters


@pytest.mark.parametrize("name", EVERY_MODEL)
def test_forward_returns_logits_of_ten_classes_for_any_batch(name):
    torch.manual_seed(0)
    model = registry.build(name).eval()
    images = torch.randn(5, 1, 28, 28)
    logits = model(images)
    assert logits.shape == (5, 10)
    # logits, not probabilities: they are of both signs and do not sum to one
    assert logits.min() < 0 < logits.max()
    # each image is answered alone: a batch changes nothing
    torch.testing.assert_close(model(images[2:3]), logits[2:3])


@pytest.mark.parametrize("name", EVERY_MODEL)
def test_every_parameter_is_reached_by_the_gradient(name):
    torch.manual_seed(0)
    model = registry.build(name)
    loss = torch.nn.functional.cross_entropy(
        model(torch.randn(32, 1, 28, 28)), torch.arange(32) % 10
    )
    loss.backward()
    trained = {key: value for key, value in model.named_parameters() if value.requires_grad}
    assert [key for key, value in trained.items() if not value.grad.abs().sum() > 0] == []
    computed = [part for part in getattr(model, "features", []) if has_computed_weights(part)]
    row = cnn_models.variant(name) or {"features": ()}
    whitened = [part for part in row["features"] if isinstance(part, Conv) and part.whitened]
    assert [part.out_channels for part in computed] == [part.channels for part in whitened]


def has_computed_weights(layer):
    """Return whether a layer has weights that are not trained."""
    return any(not weights.requires_grad for weights in layer.parameters())


def test_trained_parameters_are_all_but_the_computed_ones():
    model = registry.build("cnn_whitened")
    assert parameter_count(model) - trained_parameter_count(model) == 12 * 5 * 5
    assert trained_parameter_count(registry.build("cnn")) == parameter_count(registry.build("cnn"))


def test_family_is_known_for_every_name():
    assert {registry.family_of(name) for name in registry.names("mlp")} == {"mlp"}
    assert {registry.family_of(name) for name in registry.names("cnn")} == {"cnn"}
    assert registry.family_of("mlp_d2_w64") == "mlp"


@pytest.mark.parametrize(
    "name",
    ["mlp_d5_w64", "mlp_d2_w31", "mlp_d2_w2048", "cnn_d4_w8", "cnn_d1_w065", "mlp_d1_w3\u0662"],
)
def test_names_outside_the_grid_are_refused(name):
    with pytest.raises(UsageError, match="unknown model"):
        registry.build(name)


def test_a_name_by_sizes_says_them():
    assert mlp_models.variant("mlp_300-100_drop0.25") == dict(hidden=(300, 100), dropout=0.25)
    assert mlp_models.name_by_sizes((300, 100), 0.25) == "mlp_300-100_drop0.25"
    assert mlp_models.name_by_sizes([300]) == "mlp_300"
    assert cnn_models.variant("lenet5_6-16-120") == cnn_models.VARIANTS["lenet5"]
    assert cnn_models.channels_of("lenet5") == (6, 16, 120)
    wide = cnn_models.variant(cnn_models.name_by_sizes("lenet5", (12, 32, 120)))
    assert [part.channels for part in wide["features"] if isinstance(part, Conv)] == [12, 32, 120]


@pytest.mark.parametrize(
    "name",
    [
        *("mlp_", "mlp_0", "mlp_300-", "mlp_300-0100", "mlp_4097", "mlp_99999999999999999999"),
        *("mlp_300_drop0", "mlp_300_drop0.20", "mlp_300_drop1", "mlp_1-1-1-1-1-1-1-1-1"),
        *("lenet5_12", "lenet5_12-32", "lenet5_12-32-1025", "lenet5_12-32-120_drop0.2"),
        *("mlp_80_20_12", "cnn_d2_w8_8-16", "linear_10", "mlp_\u0663"),
    ],
)
def test_names_by_sizes_that_say_nothing_or_too_much_are_refused(name):
    with pytest.raises(UsageError, match="unknown model"):
        registry.build(name)


def test_a_misspelt_name_lists_close_ones():
    with pytest.raises(UsageError, match=r"did you mean .*lenet5"):
        registry.build("lenet")
