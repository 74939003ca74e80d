"""Exported networks give PyTorch's answers, say what they are, and do without this project."""

import json
import subprocess
import sys

import onnx
import pytest
import safetensors.torch
import torch

from task3_MNIST.datasets.splits import load_test
from task3_MNIST.exports.formats import FORMATS, WithPreprocessing, compare
from task3_MNIST.models import registry
from task3_MNIST.models.inference import predict
from task3_MNIST.runs.folder import load_tensors
from tests.helpers.scripts import REPOSITORY

METADATA = {"input": "images", "model": "a name", "labels": '["お", "き"]'}
WEIGHTS = REPOSITORY / "results" / "reference" / "weights"
PROGRAMS = [name for name, found in FORMATS.items() if found.runs]


@pytest.fixture(scope="module")
def test_set(mnist_dir):
    return load_test("mnist", mnist_dir)


def exported(name, model, images, metadata=METADATA):
    """Return the content of a file."""
    return FORMATS[name].to_bytes(model, torch.zeros_like(images[:2]), metadata)


def untrained(name, images):
    """Return a network with a seed's weights, and batch norm that has seen images."""
    torch.manual_seed(0)
    model = registry.build(name)
    with torch.no_grad():
        model.train()(images)
    return model.eval()


@pytest.mark.parametrize("name", [*registry.names(), "lenet5_local"])
def test_every_network_of_the_tables_is_the_same_in_onnx(name, test_set):
    images = test_set[torch.arange(100)].normalized().images
    model = untrained(name, images)
    found = compare("onnx", exported("onnx", model, images), model, images)
    assert found.other_classes == 0
    assert found.difference < 1e-5 * max(1, predict(model, images).abs().max())


@pytest.mark.parametrize(
    ("file", "preprocessing"), [("mlp-fast-seed3.pt", False), ("cnn-fast-seed0.pt", True)]
)
def test_a_trained_network_is_the_same_on_all_test_images(file, preprocessing, test_set):
    saved = load_tensors(WEIGHTS / file)
    model = registry.build(saved["model"])
    model.load_state_dict(saved["state_dict"])
    images = test_set.normalized().images
    expected = predict(model, images)
    if preprocessing:
        model = WithPreprocessing(model, test_set.mean, test_set.std).eval()
        images = test_set.images
        assert images.dtype == torch.uint8
        assert torch.allclose(predict(model, images), expected, atol=1e-4)
    assert (expected.argmax(1) == test_set.labels).float().mean() > 0.98
    content = exported("onnx", model, images)
    found = compare("onnx", content, model, images)
    assert (found.images, found.other_classes) == (10_000, 0)
    assert found.difference < 1e-4
    alone = FORMATS["onnx"].from_bytes(content, model)(images[:1])
    assert torch.allclose(alone, expected[:1], atol=1e-4)  # any number of images, one too


def test_a_program_of_torch_export_and_weights_of_safetensors_are_the_same_bit_for_bit(test_set):
    images = test_set[torch.arange(101)].normalized().images
    model = untrained("cnn_fast", images)
    program = exported("torch-export", model, images)
    for some in (images, images[:1]):
        assert compare("torch-export", program, model, some).difference == 0
    weights = exported("safetensors", model, images)
    other = registry.build("cnn_fast")
    read = safetensors.torch.load(weights)
    other.load_state_dict(read)
    for name, tensor in model.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor)
    assert compare("safetensors", weights, model, images).difference == 0


def test_a_file_of_other_weights_is_noticed(test_set):
    images = test_set[torch.arange(100)].normalized().images
    content = exported("safetensors", untrained("linear", images), images)
    torch.manual_seed(1)
    found = compare("safetensors", content, registry.build("linear").eval(), images)
    assert found.difference > 0.01
    assert found.other_classes > 0


ALONE = """
import sys
import numpy as np, onnxruntime, torch
images = torch.linspace(-1, 2, 3 * 784).view(3, 1, 28, 28)
network = torch.export.load("model.pt2").module()
session = onnxruntime.InferenceSession("model.onnx")
found = network(images).detach().numpy(), session.run(["logits"], {"images": images.numpy()})[0]
assert np.allclose(*found, atol=1e-5), found
assert not [name for name in sys.modules if name.startswith("task")]
"""


def test_files_do_without_this_project_and_tell_nothing_of_the_machine(test_set, tmp_path):
    images = test_set[torch.arange(8)].normalized().images
    model = untrained("cnn_nano", images)
    for name in PROGRAMS:
        content = exported(name, model, images)
        assert str(REPOSITORY).encode() not in content
        assert len(content) < 100_000  # no images, and nothing next to the file
        (tmp_path / FORMATS[name].file).write_bytes(content)
    command = [sys.executable, "-I", "-c", ALONE]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr


def test_metadata_is_in_every_file(test_set, tmp_path):
    images = test_set[torch.arange(8)].normalized().images
    model = untrained("linear", images)
    graph = onnx.load_from_string(exported("onnx", model, images))
    assert {part.key: part.value for part in graph.metadata_props} == METADATA
    assert graph.opset_import[0].version == 26
    assert graph.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    path = tmp_path / "model.safetensors"
    path.write_bytes(exported("safetensors", model, images))
    with safetensors.safe_open(path, "pt") as opened:
        assert opened.metadata() == METADATA
    path = tmp_path / "model.pt2"
    path.write_bytes(exported("torch-export", model, images))
    extra = {"metadata.json": ""}
    torch.export.load(path, extra_files=extra)
    assert json.loads(extra["metadata.json"]) == METADATA
