"""Damaged run folders: one line that names the file and the cure, and all other runs go on."""

import io
import json
import re
import shutil

import numpy as np
import pytest
import torch

from task3_MNIST.datasets.splits import load_test
from task3_MNIST.report.comparison.charts.cost_axes import COSTS
from task3_MNIST.report.comparison.charts.tradeoffs import RATES, efficiency, tradeoff
from task3_MNIST.report.comparison.data import comparison
from task3_MNIST.report.comparison.rows import make_entries
from task3_MNIST.report.inference.data import build_page
from task3_MNIST.runs.folder import Run, find
from task3_MNIST.runs.groups import collect
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
    return next(run.folder for run in find(results) if run.config()["model"] == "mlp")


def assert_refused(done, *says):
    line = refusal(done, 1)
    for text in says:
        assert text in line


def assert_no_complaint(done):
    assert (done.returncode, done.stderr) == (0, "")


def without(*keys):
    return lambda content: {key: value for key, value in content.items() if key not in keys}


def having(**changes):
    return lambda content: content | changes


def archive(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def plain_array():
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((360, 10), np.float16))
    return buffer.getvalue()


CONFIG = [
    without("dataset"),
    without("family"),
    having(config=5),
    having(family="transformer"),
    having(seed="0"),
    having(model=["mlp"]),
    having(schema=2),
]
SUMMARY = [
    without("epochs"),
    without("images_per_second"),
    having(val_accuracy="high"),
    having(train_seconds=-1),
    having(selected_epoch=99),
    having(parameters=10**400),
]
TEST = [
    without("n"),
    having(test_accuracy="high"),
    having(test_accuracy=2),
    having(correct=361),
    having(ece=float("nan")),
    having(reliability=5),
    having(reliability=[1]),
    having(epochs={}),
    having(epochs=[{"epoch": 1}]),
    having(confusion=[[1]]),
    having(confusion=[[-1] * 10] * 10),
]
METRICS = ["1\n", "{}\n", "[]\n", '{"epoch": 1, "val_loss": "low"}\n', "nonsense\n", "[" * 100_000]
PREDICTIONS = [
    b"",
    b"nonsense",
    plain_array(),
    archive(other=np.zeros((360, 10), np.float16)),
    archive(logits=np.zeros(360, np.float16)),
    archive(logits=np.zeros((360, 9), np.float16)),
    archive(logits=np.full((360, 10), np.nan, np.float16)),
    archive(logits=np.full((360, 10), "text")),
    archive(logits=np.zeros((360, 10), np.float16))[:-100],
    archive(classes=np.zeros((360, 10), np.uint8)),
    archive(classes=np.zeros(360, np.float16)),
    archive(classes=np.full(360, 10, np.uint8)),
]
JSON_FILES = [
    *(("config.json", change) for change in CONFIG),
    *(("summary.json", change) for change in SUMMARY),
    *(("test.json", change) for change in TEST),
]
DAMAGE = [
    *JSON_FILES,
    *(("metrics.jsonl", content.encode()) for content in METRICS),
    *(("predictions.npz", content) for content in PREDICTIONS),
]


def numbered(cases):
    """Return a name for each case: the content itself would be pages long."""
    return [f"{name}-{number}" for number, (name, _) in enumerate(cases)]


def damage(folder, name, change):
    path = folder / name
    if callable(change):
        path.write_text(
            json.dumps(change(json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8"
        )
    else:
        path.write_bytes(change)


@pytest.mark.parametrize(("name", "change"), DAMAGE, ids=numbered(DAMAGE))
def test_both_pages_name_a_damaged_file_and_show_the_other_runs(results, broken, name, change):
    damage(broken, name, change)
    groups, problems = collect(results)
    (problem,) = problems
    assert problem.run == broken.relative_to(results).as_posix()
    assert name in problem.what
    assert "\n" not in problem.what
    assert problem.command
    shown = comparison(groups, problems, None)
    assert [entry["family"] for entry in shown["datasets"][0]["entries"]] == ["cnn", "mlp"]
    page = build_page(results, None)
    assert [model["model"] for model in page.data["models"]] == ["mlp", "cnn"]
    assert page.data["problems"] == [vars(problem)]


@pytest.mark.parametrize(("name", "change"), JSON_FILES, ids=numbered(JSON_FILES))
def test_a_repeated_training_command_names_a_damaged_file(results, broken, name, change):
    damage(broken, name, change)
    given = (*SMALL, "--epochs", EPOCHS, "--keep-epochs", "--results", results)
    cure = "evaluate.py" if name == "test.json" else "--overwrite"
    assert_refused(call(TRAIN, *given), str(broken / name), cure)


@pytest.mark.parametrize("change", CONFIG)
def test_every_script_names_a_damaged_config(broken, change):
    damage(broken, "config.json", change)
    named = str(broken / "config.json")
    assert_refused(call(EVALUATE, broken), named, "--overwrite")
    assert_refused(call(VISUALIZE, "--run", broken), named, "--overwrite")
    assert_refused(call(PREDICT, "digit.png", "--run", broken), named, "--overwrite")


def test_visualize_passes_over_a_broken_run_and_refuses_if_no_other_is_left(
    results, broken, tmp_path
):
    damage(broken, "config.json", without("dataset"))
    out = tmp_path / "out"
    given = ("--results", results, "--out", out)
    done = call(VISUALIZE, *given)
    assert_no_complaint(done)
    assert "seed1" in done.stdout
    shutil.rmtree(broken.parent / "seed1")
    assert_refused(call(VISUALIZE, *given), str(broken / "config.json"))


def test_both_page_scripts_end_well_beside_a_broken_run(results, broken, tmp_path):
    damage(broken, "predictions.npz", b"")
    damage(broken.parent / "seed1", "summary.json", without("epochs"))
    for number, script in enumerate((COMPARISON, INFERENCE)):
        page = tmp_path / f"{number}.html"
        done = call(script, "--results", results, "--out", page, "--plots", tmp_path / "plots")
        assert_no_complaint(done)
        assert page.exists()


# Weights


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
def test_weights_that_cannot_be_measured_are_refused(broken, change):
    change_tensors(broken / "model.pt", lambda content: change(content["state_dict"]))
    done = call(EVALUATE, broken)
    assert_refused(done, str(broken / "model.pt"), "not finite", "--overwrite")


def test_the_page_says_why_it_cannot_run_weights_that_are_not_finite(results, broken):
    for seed in (0, 1):
        path = broken.parent / f"seed{seed}" / "model.pt"
        change_tensors(path, lambda content: not_finite(content["state_dict"]))
    mlp, cnn = build_page(results, None).data["models"]
    assert "not finite" in mlp["reason"]
    assert "weights" in cnn


def test_stray_files_among_the_kept_epochs_are_ignored(broken):
    right = Run(broken).kept_epochs()
    for name in ("epoch_x.pt", "epoch_.pt", "epoch_0001 (copy).pt", "epoch_-001.pt"):
        (broken / "epochs" / name).write_bytes(b"stray")
    assert Run(broken).kept_epochs() == right
    done = call(EVALUATE, broken)
    assert_no_complaint(done)
    assert [row["epoch"] for row in Run(broken).test()["epochs"]] == [1, 2, 3]


def test_evaluation_goes_without_the_kept_epoch_that_was_selected(broken):
    selected = Run(broken).summary()["selected_epoch"]
    (broken / "epochs" / f"epoch_{selected:04d}.pt").unlink()
    done = call(EVALUATE, broken)
    assert_no_complaint(done)


# Checkpoints


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


def of_another_model(optimizer):
    for state in optimizer["state"].values():
        state["exp_avg"] = torch.zeros(3, 3)


def change_history(change):
    return lambda content: content.update(history=change(content["history"]))


CHECKPOINTS = [
    lambda content: content.pop("optimizer"),
    lambda content: content.pop("selected"),
    lambda content: content["selected"].pop("state_dict"),
    lambda content: content["selected"].update(epoch=7),
    lambda content: content.update(optimizer={}),
    lambda content: content["optimizer"].update(param_groups=[]),
    lambda content: content["optimizer"]["param_groups"][0].pop("betas"),
    lambda content: of_another_model(content["optimizer"]),
    lambda content: content["optimizer"]["state"][0].pop("exp_avg_sq"),
    lambda content: content["optimizer"]["state"][0]["exp_avg"].fill_(float("nan")),
    lambda content: content.update(model={}),
    lambda content: content["model"].update(more=torch.zeros(1)),
    lambda content: not_finite(content["model"]),
    lambda content: not_finite(content["selected"]["state_dict"]),
    change_history(lambda history: 5),
    change_history(lambda history: []),
    change_history(lambda history: [1]),
    change_history(lambda history: [{"epoch": 1}]),
    change_history(lambda history: [history[0] | {"val_loss": "low"}]),
    change_history(lambda history: [history[0] | {"epoch": epoch} for epoch in (1, 2, 3)]),
]


@pytest.mark.parametrize("change", CHECKPOINTS)
def test_a_damaged_checkpoint_is_named_and_not_gone_on_from(interrupted, tmp_path, change):
    results = shutil.copytree(interrupted, tmp_path / "runs")
    (path,) = results.rglob("checkpoint.pt")
    change_tensors(path, change)
    before = path.read_bytes()
    done = call(TRAIN, *RESUMED, "--results", results)
    assert_refused(done, str(path), "--overwrite")
    assert path.read_bytes() == before


def test_the_whole_checkpoint_is_gone_on_from(interrupted, tmp_path):
    results = shutil.copytree(interrupted, tmp_path / "runs")
    done = call(TRAIN, *RESUMED, "--results", results)
    assert_no_complaint(done)
    assert "epoch 1/2" not in done.stdout
    assert "epoch 2/2" in done.stdout


def test_a_knob_from_another_version_is_named(results, broken):
    damage(
        broken, "config.json", lambda content: content | {"config": content["config"] | {"x": 1}}
    )
    given = (*SMALL, "--epochs", EPOCHS, "--results", results)
    assert_refused(call(TRAIN, *given), "with x 1, not None")


# Stored logits


def stored(tmp_path, logits):
    Run(tmp_path).write_predictions(np.array(logits, np.float32))
    return Run(tmp_path).predictions()


def test_stored_logits_give_exactly_the_number_of_test_json(digits_results):
    labels = load_test("digits", None).labels.numpy()
    for run in find(digits_results):
        right = int((run.predictions().argmax(1) == labels).sum())
        assert right == run.test()["correct"]


@pytest.mark.parametrize("scale", [1e-6, 1, 10, 1e3, 1e6, 1e14])
def test_rounding_never_changes_the_class(scale, tmp_path):
    logits = np.random.default_rng(0).normal(0, scale, (2000, 10)).astype(np.float32)
    # the last comes out ahead by the least that float32 can tell, over any earlier one
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


def test_equal_logits_stay_with_the_first(tmp_path):
    assert stored(tmp_path, np.ones((3, 10))).argmax(1).tolist() == [0, 0, 0]


# Figures that a logarithm has no place for


def test_models_no_better_than_guessing_are_left_out_of_efficiency(results, tmp_path):
    given = (*SMALL, "--epochs", 1, "--lr", "1e-9", "--results", results)
    call_ok(TRAIN, *given)
    (poor,) = results.rglob("*lr=1e-09*/seed0/test.json")
    # whatever the first weights happen to say, it is no better than guessing
    damage(poor.parent, poor.name, having(test_accuracy=0.1, correct=36))
    page = tmp_path / "page.html"
    done = call(COMPARISON, "--results", results, "--out", page, "--plots", tmp_path / "plots")
    assert_no_complaint(done)

    groups, _ = collect(results)
    entries = make_entries(groups, None)
    (name,) = (entry.name for entry in entries if "1e-09" in entry.name)
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

    entries = kept, free = make_entries(collect(results)[0], None)
    for cost in COSTS:
        drawn = tradeoff(entries, cost)
        assert [row[0] for row in drawn["table"]["rows"]] == [kept.name]
        assert re.search(rf"Left out, since .*: {re.escape(free.name)}\.", drawn["about"])
    # and once more with no other model, where nothing is left to draw
    shutil.rmtree(results / "digits" / "cnn")
    assert_no_complaint(call(COMPARISON, *given))
