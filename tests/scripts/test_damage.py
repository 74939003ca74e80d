"""Damaged files of runs: named in one line with the cure, and no reason to lose other runs."""

import json
import shutil

import numpy as np
import pytest
import torch

from task3_MNIST.datasets.splits import load_test
from task3_MNIST.report.comparison.data import comparison
from task3_MNIST.report.inference.data import build_page
from task3_MNIST.runs.folder import Run, find
from task3_MNIST.runs.groups import read_groups
from tests.helpers.made_runs import change_json
from tests.helpers.scripts import SMALL, call, call_ok, refusal, stop_after_an_epoch

TRAIN = "task3_MNIST/train_mlp.py"


@pytest.fixture
def results(digits_results, tmp_path):
    """Return a copy of two seeds of `mlp` and one of `cnn`."""
    return shutil.copytree(digits_results, tmp_path / "runs")


@pytest.fixture
def damaged(results):
    """Return the folder to be damaged: the first seed of `mlp`."""
    return next(run.folder for run in find(results) if run.config().model == "mlp")


def assert_refused(done, *says):
    line = refusal(done, 1)
    assert [text for text in says if text not in line] == []


# What a kind of damage does to a file


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-20])


def without(key):
    def damage(path):
        content = json.loads(path.read_text(encoding="utf-8"))
        del content[key]
        path.write_text(json.dumps(content), encoding="utf-8")

    return damage


def having(**changes):
    return lambda path: change_json(path, **changes)


def tensors(change):
    def damage(path):
        content = torch.load(path, weights_only=True)
        change(content)
        torch.save(content, path)

    return damage


DAMAGE = [
    *(("config.json", kind) for kind in (cut_off, without("dataset"), having(seed="0"))),
    *(("config.json", kind) for kind in (having(schema=1), having(family="transformer"))),
    *(("summary.json", kind) for kind in (cut_off, without("epochs_trained"))),
    *(("summary.json", kind) for kind in (having(val_accuracy="high"), having(selected_epoch=9))),
    *(("test.json", kind) for kind in (cut_off, without("n"))),
    *(("test.json", kind) for kind in (having(test_accuracy=2), having(schema=1))),
    *(("metrics.jsonl", kind) for kind in (cut_off, lambda path: path.write_bytes(b"{}\n"))),
]
OF_NO_DIGIT = ("predictions.npz", lambda path: np.savez(path, classes=np.full(360, 10, np.uint8)))


@pytest.mark.parametrize(("name", "damage"), [*DAMAGE, OF_NO_DIGIT, ("predictions.npz", cut_off)])
def test_both_pages_name_a_damaged_file_and_show_the_other_runs(results, damaged, name, damage):
    damage(damaged / name)
    groups, problems = read_groups(results)
    [problem] = problems
    assert problem.run == damaged.relative_to(results).as_posix()
    assert name in problem.what
    assert "\n" not in problem.what
    assert problem.command
    shown = comparison(groups, problems, None)
    assert [entry["family"] for entry in shown["datasets"][0]["entries"]] == ["cnn", "mlp"]
    page = build_page(results, None)
    assert [model["model"] for model in page.data["models"]] == ["mlp", "cnn"]
    assert page.data["problems"] == [vars(problem)]


@pytest.mark.parametrize(("name", "damage"), DAMAGE)
def test_a_repeated_training_command_names_a_damaged_file(results, damaged, name, damage):
    damage(damaged / name)
    done = call(TRAIN, *SMALL, "--epochs", 3, "--keep-epochs", "--results", results)
    cure = "evaluate.py" if name == "test.json" else "--overwrite"
    assert_refused(done, str(damaged / name), cure)


def not_finite(content):
    next(iter(content["state_dict"].values())).view(-1)[0] = float("nan")


def test_weights_that_are_not_finite_are_refused_and_the_page_names_them(results, damaged):
    for seed in ("seed0", "seed1"):  # whichever the page would show
        tensors(not_finite)(damaged.parent / seed / "model.pt")
    done = call("task3_MNIST/evaluate.py", damaged)
    assert_refused(done, str(damaged / "model.pt"), "not finite", "--overwrite")
    page = build_page(results, None)
    assert [model["model"] for model in page.data["models"]] == ["cnn"]
    [problem] = page.data["problems"]
    assert "not finite" in problem["what"]


RESUMED = (*SMALL, "--epochs", "2", "--no-evaluate")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """Return results on digits with a run that stopped after the first of two epochs."""
    results = tmp_path_factory.mktemp("stopped")
    stop_after_an_epoch(TRAIN, *RESUMED, "--results", results)
    return results


def of_another_model(content):
    for state in content["optimizer"]["state"].values():
        state["exp_avg"] = torch.zeros(3, 3)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"not an archive"),
        tensors(of_another_model),
        tensors(lambda content: content.update(history=[])),
    ],
)
def test_a_damaged_checkpoint_is_named_and_left_as_it_was(stopped, tmp_path, damage):
    results = shutil.copytree(stopped, tmp_path / "runs")
    [path] = results.rglob("checkpoint.pt")
    damage(path)
    before = path.read_bytes()
    assert_refused(call(TRAIN, *RESUMED, "--results", results), str(path), "--overwrite")
    assert path.read_bytes() == before


def test_training_is_resumed_from_an_undamaged_checkpoint(stopped, tmp_path):
    results = shutil.copytree(stopped, tmp_path / "runs")
    printed = call_ok(TRAIN, *RESUMED, "--results", results)
    assert "epoch 1/2" not in printed
    assert "epoch 2/2" in printed


def test_stored_logits_and_classes_are_those_of_the_figures(digits_results):
    labels = load_test("digits", None).labels.numpy()
    for run in find(digits_results):
        assert (run.logits().argmax(1) == run.classes()).all()
        assert (run.classes() == labels).sum() == run.test().correct


@pytest.mark.parametrize("scale", [1e-6, 1, 1e3, 1e14])
def test_rounding_logits_never_changes_the_class(scale, source, tmp_path):
    shutil.copy(source / "config.json", tmp_path)  # it says how many classes there are
    logits = np.random.default_rng(0).normal(0, scale, (2000, 10)).astype(np.float32)
    # the last comes out ahead by the least that float32 can show, over any earlier one
    logits[:1000, 9] = np.nextafter(logits[:1000].max(1), np.float32(np.inf))
    Run(tmp_path).write_predictions(logits)
    kept = Run(tmp_path).logits()
    assert (kept.argmax(1) == logits.argmax(1)).all()
    assert ((kept == 0).sum(1) == 1).all()
    assert np.isfinite(kept).all()


def test_perfect_figures_that_cost_nothing_stop_neither_page_nor_pictures(
    results, damaged, tmp_path
):
    """Logarithms have no place for them, nor for a model no better than guessing."""
    shutil.rmtree(damaged.parent / "seed1")
    nothing = dict.fromkeys(("latency_seconds", "latency_seconds_p95", "throughput"), 0)
    perfect = {"test_accuracy": 1.0, "correct": 360, "ece": 0.0, "test_loss": 0.0}
    change_json(damaged / "test.json", **perfect, **nothing)
    free = ("train_seconds", "images_per_second", "flops", "model_bytes", "val_loss", "parameters")
    change_json(damaged / "summary.json", **dict.fromkeys(free, 0), val_accuracy=1.0)
    [guessing] = results.rglob("cnn/*/seed0/test.json")
    change_json(guessing, test_accuracy=0.1, correct=36)
    given = ("--results", results, "--out", tmp_path / "page.html", "--plots", tmp_path / "plots")
    call_ok("task3_MNIST/visualize_comparison.py", *given)
    assert len(list((tmp_path / "plots" / "digits").glob("*.png"))) == 5
