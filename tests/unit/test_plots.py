"""Pictures from run folders: every file there, and what it says is what the run folder says."""

import json
import math
import shutil
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from task3_MNIST.datasets.splits import load_test
from task3_MNIST.errors import UserError
from task3_MNIST.plots import (
    draw_comparison,
    draw_confusion,
    draw_curves,
    draw_prediction_grid,
    style,
)
from task3_MNIST.plots.comparison import few
from task3_MNIST.plots.learning_curves import colors as colors_of
from task3_MNIST.plots.learning_curves import draw_learning_curves
from task3_MNIST.plots.predictions import COLUMNS, bands
from task3_MNIST.plots.radar import bracket, position
from task3_MNIST.runs.folder import Run, find
from task3_MNIST.runs.groups import read_groups
from tests.helpers.scripts import REPOSITORY

FIGURES = {"accuracy", "training_time", "model_size", "learning_curves", "radar"}


@pytest.fixture
def runs(digits_results):
    """Return the trained runs: two seeds of `mlp`, one of `cnn`."""
    return find(digits_results)


def of_model(runs, model):
    return next(run for run in runs if run.config().model == model)


def texts(figure):
    """Return every text of the figure's first axes, as written."""
    return [text.get_text() for text in figure.axes[0].texts]


def assert_picture(path, width=500, height=250):
    """Assert that a file is a whole PNG of a size a person can read, and not blank."""
    with Image.open(path) as image:
        image.load()
        assert image.format == "PNG"
        assert image.width >= width and image.height >= height
        assert len(image.convert("RGB").getcolors(image.width * image.height)) > 10


def rgb(color):
    return tuple(int(color[place : place + 2], 16) for place in (1, 3, 5))


def colors(path):
    with Image.open(path) as image:
        return {color for _, color in image.convert("RGB").getcolors(10**7)}


def test_training_leaves_its_curves_and_evaluation_the_confusion_matrix(runs):
    for run in runs:
        pictures = list((run.folder / "plots").glob("*.png"))
        assert {path.stem for path in pictures} == {"curves", "confusion_matrix"}
        for path in pictures:
            assert_picture(path)


def test_the_curves_are_the_runs_metrics_and_a_ring_is_around_the_selected_epoch(runs, drawn):
    run = of_model(runs, "mlp")
    draw_curves(run)
    summary = run.summary()
    for axes, measure in zip(drawn["curves"].axes, ("accuracy", "loss"), strict=True):
        *lines, ring = axes.get_lines()
        rows = {"Training": run.metrics(), "Validation": run.metrics()}
        rows["Test"] = run.test().epochs  # kept
        keys = {"Training": "train", "Validation": "val", "Test": "test"}
        assert [line.get_label() for line in lines] == list(keys)
        for line in lines:
            label = line.get_label()
            key = f"{keys[label]}_{measure}"
            key = "train_loss_unsmoothed" if key == "train_loss" else key
            assert list(line.get_ydata()) == [getattr(row, key) for row in rows[label]]
        assert list(ring.get_xdata()) == [summary.selected_epoch]
        assert list(ring.get_ydata()) == [getattr(summary, f"val_{measure}")]
    draw_curves(of_model(runs, "cnn"))
    assert len(drawn["curves"].axes[0].get_lines()) == 3  # no epoch was kept


def test_a_run_of_one_epoch_has_one_tick_and_accuracy_in_percent(runs, drawn):
    draw_curves(of_model(runs, "cnn"))
    axes = drawn["curves"].axes[0]
    low, high = axes.get_xlim()
    assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [1]
    assert axes.get_ylim()[1] <= 1
    assert all(label.get_text().endswith(" %") for label in axes.get_yticklabels())


def test_a_long_name_with_dollar_signs_is_written_whole(runs, drawn, tmp_path):
    run = Run(shutil.copytree(of_model(runs, "cnn").folder, tmp_path / "seed0"))
    name = "fast+epochs=1+batch-size=64+lr=0.0123+weight-decay=0.05+label-smoothing=0.1"
    run.write("config.json", replace(run.config(), name=name, dataset="/images/$5 or $6$"))
    draw_curves(run)
    title = drawn["curves"]._suptitle
    assert "".join(title.get_text().split()).endswith(f"cnn,{name},seed0,$5or$6$")
    for text in (title, drawn["curves"]._supxlabel):
        assert text.get_window_extent().x1 <= drawn["curves"].bbox.x1


def test_confusion_matrix_writes_the_counts_of_test_json_and_colors_errors_only(runs, drawn):
    run = of_model(runs, "cnn")
    draw_confusion(run)
    counts = np.array(run.test().confusion)
    axes = drawn["confusion_matrix"].axes[0]
    written = np.full_like(counts, -1)
    for text in axes.texts:
        column, row = text.get_position()
        written[row, column] = int(text.get_text())
    assert (written == counts).all()
    image = axes.images[0]
    assert np.ma.getmaskarray(image.get_array()).tolist() == np.eye(10, dtype=bool).tolist()
    assert image.get_clim() == (0, max(1, (counts - np.diag(counts.diagonal())).max()))


def test_a_run_without_an_error_still_has_a_confusion_matrix(runs, tmp_path):
    folder = shutil.copytree(of_model(runs, "cnn").folder, tmp_path / "seed0")
    content = json.loads((folder / "test.json").read_text(encoding="utf-8"))
    content["confusion"] = np.diag([36] * 10).tolist()
    (folder / "test.json").write_text(json.dumps(content), encoding="utf-8")
    assert_picture(draw_confusion(Run(folder)))


def test_a_picture_has_its_png_last_since_scripts_look_for_that_to_see_whether_it_is_drawn(
    runs, tmp_path
):
    folder = shutil.copytree(of_model(runs, "cnn").folder, tmp_path / "seed0")
    for path in (folder / "plots").iterdir():
        path.unlink()
    stopped = folder / "plots" / "confusion_matrix.pdf"
    stopped.mkdir()  # so that the PDF cannot be written
    with pytest.raises(UserError, match="cannot write"):
        draw_confusion(Run(folder))
    assert list((folder / "plots").iterdir()) == [stopped]


def test_comparison_groups_the_seeds_and_writes_mean_and_n(runs, digits_results, drawn, tmp_path):
    files = draw_comparison(read_groups(digits_results)[0], tmp_path)
    # another data set than MNIST has a folder of its own
    assert {path.relative_to(tmp_path).as_posix() for path in files} == {
        f"digits/{name}.png" for name in FIGURES
    }
    for path in files:
        assert_picture(path)
        assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    labels = [label.get_text() for label in drawn["accuracy"].axes[0].get_yticklabels()]
    assert sorted(label.partition(" ")[0] for label in labels) == ["cnn", "mlp"]
    seeds = [run.test().test_accuracy for run in runs if run.config().model == "mlp"]
    cnn = of_model(runs, "cnn").test().test_accuracy
    values = texts(drawn["accuracy"])
    assert f"{100 * cnn:.2f} % (n=1)" in values
    assert any(
        value.startswith(f"{50 * sum(seeds):.2f} ± ") and value.endswith("(n=2)")
        for value in values
    )


def test_each_data_set_has_figures_of_its_own(digits_results, tmp_path):
    groups, _ = read_groups(digits_results)
    other = replace(groups[0], dataset="mnist", model="lenet5")
    files = draw_comparison([*groups, other], tmp_path / "plots")
    assert {path.parent.name for path in files} == {"plots", "digits"}


def test_a_run_never_evaluated_is_compared_in_what_needs_no_test_set(digits_results, tmp_path):
    group = read_groups(digits_results)[0][0]
    untested = replace(group, runs=tuple(replace(run, test=None) for run in group.runs))
    files = draw_comparison([untested], tmp_path / "plots")
    assert {path.stem for path in files} == FIGURES - {"accuracy", "radar"}


def test_of_many_models_lines_show_three_of_each_family(drawn, tmp_path):
    """Of the reference's 45 networks: the two that lead, and others by validation, each once."""
    groups = [
        group
        for group in read_groups(REPOSITORY / "results" / "reference")[0]
        if group.curve("epoch")[0]
    ]
    shown, how = few(groups)
    assert [group.family for group in shown] == ["mlp"] * 3 + ["cnn"] * 3
    assert len({group.model for group in shown}) == 6
    assert (shown[0].model, shown[3].model) == ("mlp_strong", "cnn_strong")
    draw_learning_curves(shown, tmp_path / "curves.png", how)
    assert len(drawn["curves"].axes[0].get_lines()) == 6
    assert "3 best of each family" in drawn["curves"].get_supxlabel()
    legend = drawn["curves"].axes[1].get_legend()
    assert len(legend.get_texts()) == 6
    assert len(set(colors_of(shown).values())) == 6


def test_twenty_models_have_a_row_each_that_does_not_overlap_the_next(
    digits_results, drawn, tmp_path
):
    group = read_groups(digits_results)[0][0]
    many = [replace(group, model=f"cnn_d1_w{number + 8}") for number in range(20)]
    for path in draw_comparison(many, tmp_path / "plots"):
        assert_picture(path)
    figure = drawn["accuracy"]
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert len(boxes) == 20
    assert not any(a.overlaps(b) for a, b in pairwise(boxes))


def test_radar_scales_enclose_all_values_and_put_the_better_further_out():
    low, high = bracket([0.013, 0.3])
    assert (low, high) == pytest.approx((0.01, 0.5))
    assert position(low, low, high, more_is_better=True) == 0
    assert position(high, low, high, more_is_better=True) == 1
    assert position(0.02, low, high, more_is_better=False) > position(0.3, low, high, False)
    middle = math.sqrt(low * high)
    assert position(middle, low, high, more_is_better=False) == pytest.approx(0.5)


def test_prediction_grid_is_green_where_right_and_red_where_wrong(runs, drawn, tmp_path):
    test = load_test("digits", REPOSITORY / "data")
    answers = {run.config().model: run.classes() for run in runs if run.config().seed == 0}
    path = draw_prediction_grid(answers, test, "digits", tmp_path / "grid.png")
    assert_picture(path)
    assert {rgb(style.CORRECT), rgb(style.INCORRECT)} <= colors(path)
    right = np.stack([answer == test.labels.numpy() for answer in answers.values()])
    expected = [
        ("✓ " if right[row, place] else "✗ ") + str(answer[place])
        for _, places in bands(right)
        for row, answer in enumerate(answers.values())
        for place in places
    ]
    signed = [text for text in drawn["grid"].axes[0].texts if text.get_text()[:1] in "✓✗"]
    assert sorted(text.get_text() for text in signed) == sorted(expected)
    for text in signed:
        wanted = style.CORRECT if text.get_text().startswith("✓") else style.INCORRECT
        assert text.get_color() == wanted


def test_prediction_grid_shows_the_first_images_of_each_kind_in_test_order():
    right = np.zeros((2, 40), dtype=bool)
    right[0, 10:] = True
    right[1, 25:] = True
    shown = {title: places.tolist() for title, places in bands(right)}
    assert shown == {
        "No model is correct: 10 images": list(range(10)),
        f"Some models are correct: 15 images, the first {COLUMNS}": list(range(10, 22)),
        f"Every model is correct: 15 images, the first {COLUMNS}": list(range(25, 37)),
    }


def test_drawing_never_touches_matplotlibs_global_state(runs, digits_results, tmp_path):
    import matplotlib
    from matplotlib._pylab_helpers import Gcf

    before = dict(matplotlib.rcParams)
    draw_comparison(read_groups(digits_results)[0], tmp_path)
    draw_confusion(runs[0])
    assert dict(matplotlib.rcParams) == before
    # pyplot's list of open figures, which would keep each of them in memory
    assert not Gcf.get_all_fig_managers()
