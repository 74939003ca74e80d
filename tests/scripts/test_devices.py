"""Every script with `--device` runs on a GPU, and what it wrote is read without one.

The GPU is pretended (`tests/helpers/pretend_cuda`): it computes on the CPU and refuses what a real
one refuses. All scripts run one after the other in one process, but for those that begin others.
"""

import json
import os
import re
import subprocess
import sys

import pytest
import torch
from PIL import Image, ImageDraw

from task3_MNIST.training.device import choose_device
from tests.helpers.scripts import REPOSITORY, call

DIGITS = ("--dataset", "digits", "--threads", "1", "--batch-size", "64", "--epochs", "1")
# These compute on a device...
ON_DEVICE = {
    "task3_MNIST/train_mlp.py": [
        (*DIGITS, "--model", "mlp_50_50", "--keep-epochs"),
        (*DIGITS, "--model", "linear", "--recipe", "strong", "--full-train"),
    ],
    "task3_MNIST/train_cnn.py": [
        (*DIGITS, "--model", "simple_cnn", "--recipe", "strong"),
        (*DIGITS, "--model", "cnn_whitened", "--recipe", "sprint"),
    ],
    "task3_MNIST/evaluate.py": [("--tta", "1", "digits/mlp_50_50")],
    "task3_MNIST/tune.py": [("--dataset", "digits", "--trials", "2", "--epochs", "2")],
    "task3_MNIST/benchmark.py": [
        [
            "--datasets",
            "digits",
            "--models",
            "linear",
            "--recipes",
            "fast",
            "--seeds",
            "2",
            "--jobs",
            "2",
            "--no-pages",
        ]
    ],
    "task3_MNIST/robustness.py": [
        ("digits/mlp_50_50", "--kinds", "noise", "attack", "corrected_labels", "--jobs", "1")
    ],
    "task3_MNIST/study.py": [
        (name, "--quick", "--datasets", "digits", "--jobs", "1", "--out", "studies.html")
        for name in ("label_noise", "calibration", "weight_sharing")
    ],
    "task3_MNIST/speedrun.py": [
        ("--model", "linear", "--runs", "1", "--rivals", "in-memory", "--out", "speed.json")
    ],
}
# ... these read what was trained there, and need none themselves...
READERS = {
    "task1_MLP/visualize.py": ["--run", "MLP"],
    "task2_CNN/visualize.py": ["--run", "CNN"],
    "task3_MNIST/predict.py": ["digit.png", "--run", "MLP", "--run", "CNN"],
    "task3_MNIST/visualize_comparison.py": ["--out", "c.html", "--plots", "plots"],
    "task3_MNIST/model_inference_visualization.py": ["--out", "i.html", "--plots", "plots"],
}
# ... and these neither.
NO_DEVICE = {
    "task3_MNIST/train_baselines.py": "scikit-learn computes on the CPU",
    "task3_MNIST/profile_step.py": "profiles the CPU",
    "task3_MNIST/export.py": "exports and checks on the CPU",
    "task3_MNIST/update_reference.py": "copies what evaluation wrote",
}

RUN_ALL = """
import json, runpy, sys
for script, arguments in json.loads(sys.argv[1]):
    sys.argv = [script, *arguments]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        print(f"{script} ended with {end.code}", flush=True)
"""


def pretending():
    """Return an environment in which Python has the pretended device."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY / "tests" / "helpers" / "pretend_cuda")}


def run_all(calls, folder):
    """Run scripts in one process with the pretended device and return what they printed."""
    given = [(str(REPOSITORY / script), list(map(str, words))) for script, words in calls]
    done = subprocess.run(
        [sys.executable, "-c", RUN_ALL, json.dumps(given)],
        cwd=folder,
        env=pretending(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout
    for script, _ in given:
        assert f"{script} ended with 0" in done.stdout, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory, mnist_dir):
    """Return results that every script with `--device` wrote on the pretended device."""
    folder = tmp_path_factory.mktemp("pretended")
    calls = []
    for script, all_words in ON_DEVICE.items():
        for words in all_words:
            words = [folder / word if word.startswith("digits/") else word for word in words]
            place = ["--data", mnist_dir]
            if "speedrun" not in script:
                place += ["--results", folder]
            calls.append((script, [*words, *place, "--device", "cuda"]))
    return folder, run_all(calls, folder)


def test_every_script_computes_on_the_device(trained):
    folder, printed = trained
    assert "training and 120 validation images, cuda:0" in printed
    assert "Pretended GPU" in (folder / "speed.json").read_text(encoding="utf-8")
    configs = list(folder.rglob("config.json"))
    assert len(configs) > 6
    assert all("Pretended GPU" in path.read_text(encoding="utf-8") for path in configs)


def test_what_was_trained_there_is_read_without_it(trained):
    folder, _ = trained
    run = {name: next(folder.rglob(f"{name}/*/seed0")) for name in ("mlp_50_50", "simple_cnn")}
    names = {"MLP": run["mlp_50_50"], "CNN": run["simple_cnn"]}
    make_digit(folder / "digit.png")
    calls = []
    for script, words in READERS.items():
        words = [names.get(word, word) for word in words]
        if script.startswith("task3_MNIST") and "predict" not in script:
            words += ["--results", folder]
        calls.append((script, words))
    printed = run_all(calls, folder)
    assert "mlp_50_50 says" in printed


def make_digit(path):
    image = Image.new("L", (100, 100), "white")
    ImageDraw.Draw(image).line([(50, 15), (50, 85)], fill="black", width=9)
    image.save(path)


def test_every_script_is_run_here_or_says_why_not():
    scripts = {
        path.relative_to(REPOSITORY).as_posix()
        for path in REPOSITORY.glob("task*/*.py")
        if re.search(r'__name__ == "__main__"', path.read_text(encoding="utf-8"))
    }
    assert {*ON_DEVICE, *READERS, *NO_DEVICE} == scripts
    for script in scripts:
        assert ("--device" in call(script, "--help").stdout) == (script in ON_DEVICE), script


def test_auto_is_cuda_or_cpu_and_never_mps(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("cpu")
    assert choose_device("mps") == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("cuda")
