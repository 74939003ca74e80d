"""What a step costs, and what `auto` precision becomes."""

import json

import pytest
import torch

from task3_MNIST.datasets.splits import Split, load_train
from task3_MNIST.experiments.speed import profiling
from task3_MNIST.experiments.speed.profiling import KINDS, OTHER, profile_steps, train_flops
from task3_MNIST.models import registry
from task3_MNIST.training.config import TrainConfig
from task3_MNIST.training.device import settle
from task3_MNIST.training.recipes import write_recipe
from tests.helpers.scripts import REPOSITORY, call_ok

CPU = torch.device("cpu")


def test_flops_of_a_step_are_those_of_its_matrix_products():
    model = registry.build("mlp_80_20")
    images = Split(torch.randn(8, 1, 28, 28), torch.arange(8))
    weights = [784 * 80, 80 * 20, 20 * 10]
    # forward, gradient of the weights, gradient of the input but for the images'
    expected = 2 * (sum(weights) * 2 + sum(weights[1:]))
    assert train_flops(model, TrainConfig(batch_size=8), images) == expected


def test_the_script_writes_rates_and_shares_that_add_up(mnist_dir, tmp_path):
    out = tmp_path / "profile.json"
    recipe = tmp_path / "mine.json"
    write_recipe(recipe, "mine", "mlp_50_50", {"batch_size": 128, "optimizer": "adamw"}, {})
    given = ("--recipe", recipe, "--threads", 1, "--data", mnist_dir, "--out", out)
    assert "GFLOP/s" in call_ok("task3_MNIST/profile_step.py", *given)
    report = json.loads(out.read_text(encoding="utf-8"))
    assert (report["model"], report["recipe"], report["batch_size"]) == ("mlp_50_50", "mine", 128)
    text = (REPOSITORY / "docs" / "run_folder.md").read_text(encoding="utf-8")
    assert [key for key in report if f"`{key}`" not in text] == []
    assert sum(report["shares"].values()) == pytest.approx(1)
    assert set(report["shares"]) <= {*KINDS, OTHER}
    assert report["shares"]["convolutions and matrix products"] > 0.1
    assert report["shares"]["optimizer"] > 0.01
    rate = report["images_per_second"] * report["flops_per_image"]
    assert report["flops_per_second"] == pytest.approx(rate)
    assert 0 < report["fraction_of_peak"] < 1


@pytest.mark.parametrize(
    ("instructions", "precision"),
    [({"avx512_bf16": True}, "bfloat16"), ({"avx512_bf16": False, "avx2": True}, "float32")],
)
def test_auto_precision_is_settled_by_the_processor(instructions, precision, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: instructions)
    assert settle(TrainConfig(precision="auto"), CPU) == TrainConfig(precision=precision)
    for given in ("float32", "bfloat16"):
        config = TrainConfig(precision=given)
        assert settle(config, CPU) is config


def test_a_profile_names_augmentation_only_where_there_is_some(mnist_dir, monkeypatch):
    monkeypatch.setattr(profiling, "STEPS", 10)  # names, not rates
    monkeypatch.setattr(profiling, "PEAK_SIDE", 64)
    train = load_train("mnist", mnist_dir)
    kinds = {
        rotation: profile_steps("linear", TrainConfig(rotation=rotation), train)["shares"]
        for rotation in (0.0, 5.0)
    }
    assert "augmentation" not in kinds[0.0]
    assert kinds[5.0]["augmentation"] > 0.05
    assert all("gathering the batch" in shares for shares in kinds.values())
