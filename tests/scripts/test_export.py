"""export.py: files that give the model's answers, and a model card that is true."""

import dataclasses
import json
import re
import shutil
import sys
from pathlib import Path

import onnxruntime
import pytest
import torch
import yaml

from task3_MNIST.datasets.splits import load_test
from task3_MNIST.exports.formats import FORMATS
from task3_MNIST.models.inference import predict
from task3_MNIST.runs.folder import Run
from tests.helpers.scripts import REPOSITORY, SMALL, call, call_ok, refusal

EXPORT = "task3_MNIST/export.py"
ALL = ("--format", "onnx", "--format", "torch-export", "--format", "safetensors")


@pytest.fixture(scope="module")
def files(source):
    """Return the folder of a run's exported files and what was printed."""
    printed = call_ok(EXPORT, source, *ALL)
    yield source / "export", printed
    shutil.rmtree(source / "export")


@pytest.fixture(scope="module")
def card(files):
    """Return a model card's fields for hubs, and its text."""
    _, fields, text = (files[0] / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(fields), text


def snippets(text):
    return re.findall(r"```python\n(.*?)```", text, re.S)


def test_what_was_written_and_how_it_agrees_is_printed(files):
    folder, printed = files
    *lines, last = printed.splitlines()
    names = ["model.onnx", "model.pt2", "model.safetensors"]
    for line, name in zip(lines, names, strict=True):
        assert line.startswith(f"written: {folder / name}: the model's classes on all 360 test")
        assert float(line.rpartition(" ")[2]) < 1e-4
    assert last == f"written: {folder / 'README.md'}"
    assert {path.name for path in folder.iterdir()} == {*names, "README.md"}


def test_the_code_of_the_card_reads_each_file(files, card, source, monkeypatch):
    monkeypatch.chdir(files[0])
    first, *others = snippets(card[1])
    assert len(others) == 3
    test = load_test("digits", REPOSITORY / "data")
    expected = predict(Run(source).model(), test.normalized().images)
    for snippet in others:
        names = {}
        exec(first, names)
        assert names["pixels"].shape == (1, 1, 28, 28)
        names["images"] = test.normalized().images.numpy()
        exec(snippet, names)
        found = torch.as_tensor(names["logits"])
        assert torch.allclose(found, expected, atol=1e-4)


def test_the_fields_for_hubs_are_true(card, source):
    fields, _ = card
    run = Run(source)
    [model] = fields["model-index"]
    [result] = model["results"]
    [metric] = result["metrics"]
    assert metric["value"] == run.test().test_accuracy
    assert "360 test images, one seed" in metric["name"]
    assert fields["license"] == "mit"
    assert fields["pipeline_tag"] == "image-classification"
    assert {"cnn", "onnx", "safetensors"} <= set(fields["tags"])


def test_the_card_says_what_is_known_of_the_run(card, source):
    _, text = card
    config, summary, test = Run(source).config(), Run(source).summary(), Run(source).test()
    assert f"{summary.parameters:,} parameters" in text
    assert f"| incorrect | {test.n - test.correct} images |" in text
    assert "n=1" in text
    [command] = re.findall(r"```sh\n(.*)\n```", text)
    assert command.startswith("python task3_MNIST/train_cnn.py --model cnn ")
    assert f"--seed {config.seed}" in command
    assert f"epoch {summary.selected_epoch} of {summary.epochs_trained}" in text
    assert Run(source).weights_sha256() in text
    assert config.dataset_sha256 in text
    assert "CC BY 4.0" in text
    assert str(REPOSITORY) not in text


def test_with_preprocessing_a_file_takes_pixels_as_they_are(source, tmp_path):
    out = tmp_path / "new" / "folder"
    call_ok(EXPORT, source, "--with-preprocessing", "--out", out)
    session = onnxruntime.InferenceSession(out / "model.onnx")
    test = load_test("digits", REPOSITORY / "data")
    [logits] = session.run(["logits"], {"pixels": test.images.numpy()})
    assert (logits.argmax(1) == Run(source).classes()).all()
    props = session.get_modelmeta().custom_metadata_map
    assert props["test_accuracy"] == str(Run(source).test().test_accuracy)
    assert json.loads(props["labels"]) == [str(digit) for digit in range(10)]
    assert (props["model"], props["seed"], props["license"]) == ("cnn", "0", "MIT")
    text = (out / "README.md").read_text(encoding="utf-8")
    names = {}
    for snippet in snippets(text):
        exec(snippet.replace("model.onnx", str(out / "model.onnx")), names)
    assert names["logits"].shape == (1, 10)


def test_a_model_of_shuffled_pixels_takes_ordinary_images_elsewhere_too(tmp_path, monkeypatch):
    given = ("--model", "linear", "--epochs", 1, "--shuffle-pixels", "all")
    call_ok("task3_MNIST/train_mlp.py", *SMALL, *given, "--results", tmp_path)
    [folder] = (path.parent for path in tmp_path.rglob("test.json"))
    call_ok(EXPORT, folder, "--format", "safetensors")
    monkeypatch.chdir(folder / "export")
    text = Path("README.md").read_text(encoding="utf-8")
    assert "It was trained on shuffled pixels" in text
    test = load_test("digits", REPOSITORY / "data")
    names = {"images": test.normalized().images.numpy()}
    exec(snippets(text)[1], names)
    assert (names["logits"].argmax(1).numpy() == Run(folder).classes()).all()


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        ((), 2, "RUN"),
        (("{tmp}",), 2, "config.json"),
        (("{results}",), 2, "name one, such as"),
        (("{run}", "--format", "keras"), 2, "torch-export"),
        (("{run}", "--format", "safetensors", "--with-preprocessing"), 2, "leave out"),
    ],
)
def test_a_wrong_call_is_one_line_that_says_what_to_do(given, code, says, source, tmp_path):
    places = {"run": source, "results": source.parents[3], "tmp": tmp_path}
    assert says in refusal(call(EXPORT, *(word.format(**places) for word in given)), code)


def test_a_run_that_was_not_finished_or_evaluated_is_refused_with_the_command(source, tmp_path):
    copy = tmp_path / "digits" / "cnn" / "fast" / "seed0"
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("export"))
    (copy / "test.json").unlink()
    assert f"python task3_MNIST/evaluate.py {copy}" in refusal(call(EXPORT, copy), 1)
    (copy / "summary.json").unlink()
    assert "python task3_MNIST/train_cnn.py" in refusal(call(EXPORT, copy), 1)
    assert not (copy / "export").exists()


def test_a_missing_package_is_named_with_the_command_that_installs_it(source, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    line = refusal(call(EXPORT, source, "--format", "onnx"), 1)
    assert "onnxruntime" in line
    assert "pip install -r requirements-export.txt" in line
    monkeypatch.setitem(sys.modules, "safetensors", None)
    assert "safetensors" in refusal(call(EXPORT, source, "--format", "safetensors"), 1)


def test_a_file_with_other_answers_is_not_written(source, tmp_path, monkeypatch):
    """As if a format turned the logits round."""
    honest = FORMATS["torch-export"]

    def turned(content, model):
        network = honest.from_bytes(content, model)
        return lambda images: -network(images)

    broken = dataclasses.replace(honest, from_bytes=turned)
    monkeypatch.setitem(FORMATS, "torch-export", broken)
    done = call(EXPORT, source, "--format", "torch-export", "--out", tmp_path)
    line = refusal(done, 1)
    assert "model.pt2 would give 360 test images another class" in line
    assert "choose another --format" in line
    assert list(tmp_path.iterdir()) == []
