"""Damaged files: named in one line with the cure, and no reason to lose what is not damaged."""

import io
import json
import re
import shutil

import numpy as np
import pytest
import torch

from task3_MNIST.report.comparison.charts.cost_axes import COSTS
from task3_MNIST.report.comparison.charts.tradeoffs import RATES, efficiency, tradeoff
from task3_MNIST.report.comparison.data import comparison
from task3_MNIST.report.comparison.rows import make_entries
from task3_MNIST.report.inference.data import build_page
from task3_MNIST.runs.folder import Run, find
from task3_MNIST.runs.groups import read_groups
from tests.helpers.scripts import SMALL, call, call_ok, refusal

TRAIN = "task3_MNIST/train_mlp.py"
EVALUATE = "task3_MNIST/evaluate.py"
PREDICT = "task3_MNIST/predict.py"
VISUALIZE = "task1_MLP/visualize.py"
COMPARISON = "task3_MNIST/visualize_comparison.py"
INFERENCE = "task3_MNIST/model_inference_visualization.py"
EPOCHS = 3  # of digits_results' MLP


@pytest.fixture
def results(digits_results, tmp_path):
    """Return a copy of two seeds of `mlp` and one of `cnn`, to be damaged."""
    return shutil.copytree(digits_results, tmp_path / "runs")


@pytest.fixture
def broken(results):
    """Return the folder to be damaged: the first seed of `mlp`."""
    return next(run.folder for run in find(results) if run.config().model == "mlp")


def assert_refused(done, *says):
    line = refusal(done, 1)
    for text in says:
        assert text in line


def assert_no_complaint(done):
    assert (done.returncode, done.stderr) == (0, "")


def without(key):
    return lambda content: {name: value for name, value in content.items() if name != key}


def having(**changes):
    return lambda content: content | changes


def archive(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


JSON_FILES = [
    ("config.json", without("dataset")),
    ("config.json", having(seed="0")),
    ("config.json", having(schema=1)),
    ("summary.json", without("epochs_trained")),
    ("summary.json", having(selected_epoch=99)),
    ("test.json", having(test_accuracy=2)),
    ("test.json", having(correct=361)),
    ("test.json", having(confusion=[[1]])),
]
DAMAGE = [
    *JSON_FILES,
    ("config.json", b"{"),
    ("metrics.jsonl", b'{"epoch": 1, "val_loss": "low"}\n'),
    ("predictions.npz", b"nonsense"),
    ("predictions.npz", archive(classes=np.full(360, 10, np.uint8))),
]


def damage(folder, name, change):
    path = folder / name
    if callable(change):
        content = change(json.loads(path.read_text(encoding="utf-8")))
        path.write_text(json.dumps(content), encoding="utf-8")
    else:
        path.write_bytes(change)


@pytest.mark.parametrize(("name", "change"), DAMAGE)
def test_both_pages_name_a_damaged_file_and_show_the_other_runs(results, broken, name, change):
    damage(broken, name, change)
    groups, problems = read_groups(results)
    [problem] = problems
    assert problem.run == broken.relative_to(results).as_posix()
    assert name in problem.what
    assert "\n" not in problem.what
    assert problem.command
    shown = comparison(groups, problems, None)
    assert [entry["family"] for entry in shown["datasets"][0]["entries"]] == ["cnn", "mlp"]
    page = build_page(results, None)
    assert [model["model"] for model in page.data["models"]] == ["mlp", "cnn"]
    assert page.data["problems"] == [vars(problem)]


@pytest.mark.parametrize(("name", "change"), JSON_FILES)
def test_a_repeated_training_command_names_a_damaged_file(results, broken, name, change):
    damage(broken, name, change)
    given = (*SMALL, "--epochs", EPOCHS, "--keep-epochs", "--results", results)
    cure = "evaluate.py" if name == "test.json" else "--overwrite"
    assert_refused(call(TRAIN, *given), str(broken / name), cure)


def test_every_script_names_a_damaged_config(broken):
    damage(broken, "config.json", having(schema=1))
    says = (str(broken / "config.json"), "is of another version (schema 1, not 2)", "--overwrite")
    assert_refused(call(EVALUATE, broken), *says)
    assert_refused(call(VISUALIZE, "--run", broken), *says)
    assert_refused(call(PREDICT, "digit.png", "--run", broken), *says)


def test_visualize_passes_over_a_damaged_run_and_refuses_if_no_other_is_left(
    results, broken, tmp_path
):
    damage(broken, "config.json", without("dataset"))
    given = ("--results", results, "--out", tmp_path / "out")
    done = call(VISUALIZE, *given)
    assert_no_complaint(done)
    assert "seed1" in done.stdout
    shutil.rmtree(broken.parent / "seed1")
    assert_refused(call(VISUALIZE, *given), str(broken / "config.json"))


def test_both_page_scripts_end_well_next_to_damaged_runs(results, broken, tmp_path):
    damage(broken, "predictions.npz", b"")
    damage(broken.parent / "seed1", "summary.json", without("epochs_trained"))
    for number, script in enumerate((COMPARISON, INFERENCE)):
        page = tmp_path / f"{number}.html"
        done = call(script, "--results", results, "--out", page, "--plots", tmp_path / "plots")
        assert_no_complaint(done)
        assert page.exists()


# Weights and checkpoints


def change_tensors(path, change):
    content = torch.load(path, weights_only=True)
    change(content)
    torch.save(content, path)


def not_finite(state):
    next(iter(state.values())).view(-1)[0] = float("nan")


def far_too_large(state):
    for tensor in state.values():
        tensor.fill_(1e30)


@pytest.mark.parametrize("change", [not_finite, far_too_large])
def test_weights_that_cannot_be_measured_are_refused(results, broken, change):
    change_tensors(broken / "model.pt", lambda content: change(content["state_dict"]))
    assert_refused(call(EVALUATE, broken), str(broken / "model.pt"), "not finite", "--overwrite")


def test_the_inference_page_names_weights_that_it_cannot_use(results, broken):
    for seed in (0, 1):
        path = broken.parent / f"seed{seed}" / "model.pt"
        change_tensors(path, lambda content: not_finite(content["state_dict"]))
    page = build_page(results, None)
    assert [model["model"] for model in page.data["models"]] == ["cnn"]
    assert "not finite" in page.data["problems"][0]["what"]


def test_stray_files_among_the_kept_epochs_are_ignored(broken):
    kept = Run(broken).kept_epochs()
    for name in ("epoch_x.pt", "epoch_.pt", "epoch_0001 (copy).pt", "epoch_-001.pt"):
        (broken / "epochs" / name).write_bytes(b"stray")
    assert Run(broken).kept_epochs() == kept
    assert_no_complaint(call(EVALUATE, broken))
    assert [row.epoch for row in Run(broken).test().epochs] == [1, 2, 3]


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """Return results on digits with a run that stopped after the first of two epochs."""
    results = tmp_path_factory.mktemp("interrupted")
    write = Run.write_metrics

    def write_and_stop(run, history):
        write(run, history)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "write_metrics", write_and_stop)
        assert call(TRAIN, *RESUMED, "--results", results).returncode == 130
    return results


RESUMED = (*SMALL, "--epochs", "2", "--no-evaluate")


def of_another_model(content):
    for state in content["optimizer"]["state"].values():
        state["exp_avg"] = torch.zeros(3, 3)


CHECKPOINTS = [
    lambda content: content.pop("optimizer"),
    lambda content: content.update(optimizer={}),
    lambda content: content["optimizer"]["state"][0]["exp_avg"].fill_(float("nan")),
    of_another_model,
    lambda content: content["selected"].update(epoch=7),
    lambda content: content["model"].update(more=torch.zeros(1)),
    lambda content: not_finite(content["selected"]["state_dict"]),
    lambda content: content.update(history=[]),
    lambda content: content.update(history=[{"epoch": 1}]),
]


@pytest.mark.parametrize("change", CHECKPOINTS)
def test_a_damaged_checkpoint_is_named_and_not_gone_on_from(interrupted, tmp_path, change):
    results = shutil.copytree(interrupted, tmp_path / "runs")
    [path] = results.rglob("checkpoint.pt")
    change_tensors(path, change)
    before = path.read_bytes()
    assert_refused(call(TRAIN, *RESUMED, "--results", results), str(path), "--overwrite")
    assert path.read_bytes() == before


def test_an_undamaged_checkpoint_is_gone_on_from(interrupted, tmp_path):
    results = shutil.copytree(interrupted, tmp_path / "runs")
    done = call(TRAIN, *RESUMED, "--results", results)
    assert_no_complaint(done)
    assert "epoch 1/2" not in done.stdout
    assert "epoch 2/2" in done.stdout


# Stored logits


def stored(tmp_path, logits):
    Run(tmp_path).write_predictions(np.array(logits, np.float32))
    return Run(tmp_path).logits()


def test_stored_classes_are_those_of_the_logits_and_of_the_figures(digits_results):
    for run in find(digits_results):
        classes = run.classes()
        assert (classes == run.logits().argmax(1)).all()
        assert np.bincount(classes, minlength=10).tolist() == (
            np.array(run.test().confusion).sum(0).tolist()
        )


@pytest.mark.parametrize("scale", [1e-6, 1, 1e3, 1e14])
def test_rounding_never_changes_the_class(scale, tmp_path):
    logits = np.random.default_rng(0).normal(0, scale, (2000, 10)).astype(np.float32)
    # the last comes out ahead by the least that float32 can show, over any earlier one
    logits[:1000, 9] = np.nextafter(logits[:1000].max(1), np.float32(np.inf))
    kept = stored(tmp_path, logits)
    assert (kept.argmax(1) == logits.argmax(1)).all()
    assert (kept.max(1) == 0).all()
    assert ((kept == 0).sum(1) == 1).all()
    assert np.isfinite(kept).all()


def test_stored_logits_give_the_same_probabilities(tmp_path):
    logits = np.random.default_rng(0).normal(0, 8, (1000, 10)).astype(np.float32)
    kept = torch.tensor(stored(tmp_path, logits)).double().softmax(1)
    assert (kept - torch.tensor(logits).double().softmax(1)).abs().max() < 5e-4


# Figures that a logarithm has no place for


def test_models_no_better_than_guessing_are_left_out_of_efficiency(results, tmp_path):
    call_ok(TRAIN, *SMALL, "--epochs", 1, "--lr", "1e-9", "--results", results)
    [poor] = results.rglob("*lr=1e-09*/seed0/test.json")
    # whatever the first weights happen to say, it is no better than guessing
    damage(poor.parent, poor.name, having(test_accuracy=0.1, correct=36))
    page = tmp_path / "page.html"
    done = call(COMPARISON, "--results", results, "--out", page, "--plots", tmp_path / "plots")
    assert_no_complaint(done)

    entries = make_entries(read_groups(results)[0], None)
    [name] = (entry.name for entry in entries if "1e-09" in entry.name)
    for rate in RATES:
        drawn = efficiency(entries, rate)
        assert name not in [row[0] for row in drawn["table"]["rows"]]
        assert (
            f"Left out, since they are no better than guessing or cost no {rate.word}: {name}."
            in (drawn["about"])
        )
        alone = [entry for entry in entries if entry.name == name]
        assert efficiency(alone, rate) is None
    assert all(tradeoff(entries, cost)["table"]["rows"] for cost in COSTS)


NOTHING = ("train_seconds", "images_per_second", "flops", "model_bytes", "val_loss", "parameters")


def test_zeros_and_perfect_figures_stop_neither_page_nor_pictures(results, broken, tmp_path):
    shutil.rmtree(broken.parent / "seed1")
    perfect = {"test_accuracy": 1.0, "correct": 360, "ece": 0.0, "test_loss": 0.0}
    perfect |= dict.fromkeys(("latency_seconds", "latency_seconds_p95", "throughput"), 0)
    damage(broken, "test.json", having(**perfect))
    damage(broken, "summary.json", having(**dict.fromkeys(NOTHING, 0), val_accuracy=1.0))
    page, plots = tmp_path / "page.html", tmp_path / "plots"
    given = ("--results", results, "--out", page, "--plots", plots)
    assert_no_complaint(call(COMPARISON, *given))
    assert len(list((plots / "digits").glob("*.png"))) == 5

    entries = kept, free = make_entries(read_groups(results)[0], None)
    for cost in COSTS:
        drawn = tradeoff(entries, cost)
        assert [row[0] for row in drawn["table"]["rows"]] == [kept.name]
        assert re.search(rf"Left out, since .*: {re.escape(free.name)}\.", drawn["about"])
    # and once more with no other model, where nothing is left to draw
    shutil.rmtree(results / "digits" / "cnn")
    assert_no_complaint(call(COMPARISON, *given))
