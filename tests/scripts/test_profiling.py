"""What a step costs, and what `auto` precision becomes."""

import pytest
import torch

from task3_MNIST.datasets.splits import Split, load_train
from task3_MNIST.experiments.speed import profiling
from task3_MNIST.experiments.speed.files import Profile, read_speed_files
from task3_MNIST.experiments.speed.profiling import KINDS, OTHER, profile_steps, train_flops
from task3_MNIST.models import registry
from task3_MNIST.training.config import TrainConfig
from task3_MNIST.training.device import resolve_precision
from task3_MNIST.training.recipes import RecipeFile, Resolved, write_recipe
from tests.helpers.scripts import call_ok


def test_flops_of_a_step_are_those_of_its_matrix_products():
    model = registry.build("mlp_80_20")
    images = Split(torch.randn(8, 1, 28, 28), torch.arange(8), 0.0, 1.0)
    weights = [784 * 80, 80 * 20, 20 * 10]
    # forward, gradient of the weights, gradient of the input but for the images'
    expected = 2 * (sum(weights) * 2 + sum(weights[1:]))
    assert train_flops(model, TrainConfig(batch_size=8), images) == expected


def test_the_script_writes_rates_and_shares_that_add_up(mnist_dir, tmp_path):
    recipe = tmp_path / "mine.json"
    content = RecipeFile("mine", "mlp_50_50", {"batch_size": 128, "optimizer": "adamw"})
    write_recipe(recipe, content)
    out = tmp_path / "speed" / "profile-mine.json"
    given = ("--recipe", recipe, "--threads", 1, "--data", mnist_dir, "--out", out)
    assert "GFLOP/s" in call_ok("task3_MNIST/profile_step.py", *given)
    [found] = read_speed_files(out.parent, Profile)
    assert (found.model, found.recipe, found.batch_size) == ("mlp_50_50", "mine", 128)
    assert sum(found.shares.values()) == pytest.approx(1)
    assert set(found.shares) <= {*KINDS, OTHER}
    assert found.shares["convolutions and matrix products"] > 0.1
    assert found.shares["optimizer"] > 0.01
    rate = found.images_per_second * found.flops_per_image
    assert found.flops_per_second == pytest.approx(rate)
    assert 0 < found.fraction_of_peak < 1


def test_a_profile_names_augmentation_only_where_there_is_some(mnist_dir, monkeypatch):
    monkeypatch.setattr(profiling, "STEPS", 10)  # names, not rates
    monkeypatch.setattr(profiling, "PEAK_SIDE", 64)
    train = load_train("mnist", mnist_dir).normalized()
    for rotation in (0.0, 5.0):
        config = TrainConfig(rotation=rotation)
        shares = profile_steps(Resolved("linear", "mine", "mine", config, None), train).shares
        assert "gathering the batch" in shares
        assert (shares.get("augmentation", 0) > 0.05) == (rotation > 0)


@pytest.mark.parametrize(
    ("instructions", "precision"),
    [({"avx512_bf16": True}, "bfloat16"), ({"avx512_bf16": False, "avx2": True}, "float32")],
)
def test_auto_precision_is_chosen_by_the_processor(instructions, precision, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: instructions)
    cpu = torch.device("cpu")
    assert resolve_precision(TrainConfig(precision="auto"), cpu) == TrainConfig(precision=precision)
    for given in ("float32", "bfloat16"):
        config = TrainConfig(precision=given)
        assert resolve_precision(config, cpu) is config
