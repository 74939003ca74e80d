"""Architecture diagrams of every model, and the two tasks' visualize.py."""

import re
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from task3_MNIST.models import registry
from task3_MNIST.models.layers import layers
from task3_MNIST.models.size import parameter_count
from task3_MNIST.plots import style
from task3_MNIST.plots.architecture import draw_diagram
from task3_MNIST.plots.feature_maps import feature_maps
from task3_MNIST.plots.weights import tile
from task3_MNIST.runs.folder import find
from tests.helpers.scripts import call, call_ok, refusal

MLP = "task1_MLP/visualize.py"
CNN = "task2_CNN/visualize.py"
EVERY_MODEL = [*registry.names(), "mlp_d4_w1024", "cnn_d3_w64"]


def trained(results, model):
    return next(run.folder for run in find(results) if run.config().model == model)


def assert_picture(path):
    with Image.open(path) as image:
        image.load()
        assert image.format == "PNG"
        assert image.width >= 500 and image.height >= 250


@pytest.mark.parametrize("name", EVERY_MODEL)
def test_diagram_shows_every_layer_and_the_exact_total(name, tmp_path, monkeypatch):
    figures = []
    save = style.save
    monkeypatch.setattr(style, "save", lambda *given: (figures.append(given[0]), save(*given))[1])
    model = registry.build(name)
    assert_picture(draw_diagram(name, model, tmp_path / "architecture.png"))

    rows = layers(model)
    total = parameter_count(model)
    assert sum(row.parameters for row in rows) == total
    assert rows[-1].output_shape == (10,)
    written = [text.get_text() for text in figures[0].axes[0].texts]
    assert written.count(f"{total:,}") >= 1
    assert f"{total:,} parameters" in figures[0].get_suptitle()
    for row in rows:
        assert row.kind in written


def test_lenet5s_layers_are_the_papers():
    rows = [row for row in layers(registry.build("lenet5")) if row.kind != "ReLU"]
    assert [(row.detail, row.output_shape, row.parameters) for row in rows] == [
        ("6 kernels of 1 × 5 × 5, padding 2", (6, 28, 28), 156),
        ("over 2 × 2", (6, 14, 14), 0),
        ("16 kernels of 6 × 5 × 5", (16, 10, 10), 2_416),
        ("over 2 × 2", (16, 5, 5), 0),
        ("120 kernels of 16 × 5 × 5", (120, 1, 1), 48_120),
        ("", (120,), 0),
        ("120 → 84", (84,), 10_164),
        ("84 → 10", (10,), 850),
    ]


def test_reading_the_layers_changes_nothing_in_the_model():
    model = registry.build("advanced_cnn").train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    layers(model)
    assert model.training
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_a_layer_used_twice_is_counted_once():
    shared = nn.Linear(784, 784)
    model = nn.Sequential(nn.Flatten(), shared, nn.ReLU(), shared, nn.Linear(784, 10))
    assert sum(row.parameters for row in layers(model)) == parameter_count(model)


def test_tiles_keep_every_value_and_leave_the_gaps_blank():
    images = np.arange(5 * 28 * 28, dtype=float).reshape(5, 28, 28)
    sheet = tile(images, columns=3)
    assert sheet.shape == (2 * 28 + 3, 3 * 28 + 2 * 3)
    assert (sheet[:28, 31:59] == images[1]).all()
    assert (sheet[31:, :28] == images[3]).all()
    assert np.count_nonzero(~np.isnan(sheet)) == images.size


def test_feature_maps_are_what_the_next_layer_receives():
    model = registry.build("cnn").eval()
    image = torch.randn(1, 1, 28, 28)
    stages, logits = feature_maps(model, image)
    assert [(name, tuple(maps.shape)) for name, maps in stages] == [
        ("Convolution 1 and ReLU", (6, 24, 24)),
        ("Pooling 1", (6, 12, 12)),
        ("Convolution 2 and ReLU", (16, 8, 8)),
        ("Pooling 2", (16, 4, 4)),
    ]
    with torch.no_grad():
        assert torch.equal(stages[-1][1], model.features(image)[0])
        assert torch.equal(logits, model(image)[0])


def test_mlp_script_draws_diagram_and_weights_of_the_first_run_it_finds(digits_results, tmp_path):
    output = call_ok(MLP, "--results", digits_results, "--out", tmp_path / "out")
    files = {path.name for path in (tmp_path / "out").glob("*.png")}
    assert files == {"architecture.png", "first_layer_weights.png"}
    for name in files:
        assert_picture(tmp_path / "out" / name)
        assert str(tmp_path / "out" / name) in output
    assert f"showing {trained(digits_results, 'mlp')}" in output


def test_cnn_script_draws_kernels_and_feature_maps_into_the_runs_plots(digits_results, tmp_path):
    folder = shutil.copytree(trained(digits_results, "cnn"), tmp_path / "seed0")
    call_ok(CNN, "--run", folder, "--digit", 7)
    made = {path.name for path in (folder / "plots").iterdir()}
    assert {"architecture.png", "kernels_conv1.png", "kernels_conv2.png"} <= made
    maps = [name for name in made if re.fullmatch(r"feature_maps_\d+\.png", name)]
    assert len(maps) == 1
    for name in (*maps, "architecture.png", "kernels_conv1.png", "kernels_conv2.png"):
        assert_picture(folder / "plots" / name)


def test_without_a_run_only_the_diagram_is_drawn_and_the_script_says_so(tmp_path):
    out = tmp_path / "out"
    output = call_ok(CNN, "--model", "lenet5", "--results", tmp_path, "--out", out)
    assert {path.name for path in out.iterdir()} == {"architecture.png", "architecture.pdf"}
    assert "no complete run of lenet5 found" in output


@pytest.mark.parametrize(
    ("script", "arguments", "reason"),
    [
        (MLP, ["--model", "mpl"], "did you mean mlp"),
        (MLP, ["--model", "lenet5"], "use task2_CNN/visualize.py"),
        (CNN, ["--run", "{mlp}"], "use task1_MLP/visualize.py"),
        (
            MLP,
            ["--run", "{mlp}", "--model", "linear"],
            "is a run of mlp, not of linear",
        ),
        (MLP, ["--run", "{mlp}/plots"], "is not a run folder"),
        (CNN, ["--run", "{cnn}", "--index", "100000"], "--index 100000"),
        (CNN, ["--run", "{cnn}", "--class", "12"], "unknown class '12': did you mean "),
    ],
)
def test_a_wrong_call_is_refused_in_one_line(script, arguments, reason, digits_results, tmp_path):
    folders = {model: trained(digits_results, model) for model in ("mlp", "cnn")}
    arguments = [argument.format(**folders) for argument in arguments]
    assert reason in refusal(call(script, *arguments, "--out", tmp_path), 2)


def test_an_incomplete_run_is_refused_with_the_cure(digits_results, tmp_path):
    folder = shutil.copytree(trained(digits_results, "mlp"), tmp_path / "seed0")
    (folder / "summary.json").unlink()
    line = refusal(call(MLP, "--run", folder), 1)
    assert "is not complete: run its training command again" in line
