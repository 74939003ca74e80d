"""robustness.py: figures of changed test images in a run's folder, measured once."""

import json
import shutil

import numpy as np
import pytest

from tests.helpers.scripts import call, call_ok, refusal

SCRIPT = "task3_MNIST/robustness.py"


@pytest.fixture
def run(digits_results, tmp_path):
    """Return the folder of a run of `mlp` on digits that a test may change."""
    [folder] = digits_results.glob("digits/mlp/*/seed0")
    return shutil.copytree(folder, tmp_path / "digits" / "mlp" / "fast" / "seed0")


def content(run):
    return json.loads((run / "robustness.json").read_text(encoding="utf-8"))


def test_each_change_is_measured_once(run):
    said = call_ok(SCRIPT, run, "--kinds", "rotation", "occlusion", "--jobs", 1)
    found = content(run)
    assert [row["kind"] for row in found["conditions"]] == ["rotation"] * 10 + ["occlusion"] * 4
    assert "rotation" in said and "occlusion" in said
    with np.load(run / "robustness.npz") as arrays:
        for row in found["conditions"]:
            correct = np.unpackbits(arrays[f"{row['kind']}={row['value']:g}"], count=row["n"])
            assert correct.mean() == pytest.approx(row["accuracy"])
    written = (run / "robustness.json").stat().st_mtime_ns
    assert call_ok(SCRIPT, run, "--kinds", "rotation", "--jobs", 1)
    assert (run / "robustness.json").stat().st_mtime_ns == written
    call_ok(SCRIPT, run, "--kinds", "inversion", "--jobs", 1)
    assert content(run)["conditions"][:-1] == found["conditions"]


def test_other_weights_are_measured_again(run, digits_results):
    call_ok(SCRIPT, run, "--kinds", "inversion", "--jobs", 1)
    before = content(run)
    [other] = digits_results.glob("digits/mlp/*/seed1/model.pt")
    shutil.copy(other, run / "model.pt")
    call_ok(SCRIPT, run, "--kinds", "inversion", "--jobs", 1)
    assert content(run)["weights_sha256"] != before["weights_sha256"]


def test_attacks_leave_the_parts_and_the_share_without_gradient(run):
    call_ok(SCRIPT, run, "--kinds", "attack", "--jobs", 1)
    found = content(run)
    by_value = {}
    for row in found["conditions"]:
        by_value.setdefault(row["value"], {})[row["kind"]] = row["accuracy"]
    for kinds in by_value.values():
        assert set(kinds) == {"fgsm", "pgd", "margin", "attack"}
        assert kinds["attack"] <= min(kinds.values())
    assert 0 <= found["zero_gradients"] <= 1


def test_what_cannot_be_measured_is_one_line(run, tmp_path):
    assert "there is no run" in refusal(call(SCRIPT, "--results", tmp_path / "none"), 2)
    (run / "robustness.json").write_text("{", encoding="utf-8")
    done = call(SCRIPT, run, "--kinds", "inversion", "--jobs", 1)
    assert "robustness.json is damaged" in refusal(done, 1)
