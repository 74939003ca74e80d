"""A model-size study: separate from the comparison, drawn as lines, and judged by a test."""

import shutil

import numpy as np
import pytest

from task3_MNIST.evaluation.statistics import mean_interval
from task3_MNIST.models import registry
from task3_MNIST.models.size import parameter_count
from task3_MNIST.plots import draw_comparison
from task3_MNIST.plots.model_size import draw_size
from task3_MNIST.report.comparison.data import comparison
from task3_MNIST.report.comparison.page import write_page
from task3_MNIST.report.inference.data import build_page
from task3_MNIST.runs.groups import read_groups
from task3_MNIST.runs.records import ENOUGH_SIZES, RunGroup, split_size_study
from tests.helpers.made_runs import add_model, change_json
from tests.helpers.pages import lowest_contrast, opened, seconds_until_ready, tabbed_controls
from tests.helpers.scripts import REPOSITORY

DATA = REPOSITORY / "data"
# share of the images wrong; of each family the second is as good as the best, the first worse
MLPS = {
    **{"mlp_d1_w32": 0.20, "mlp_d1_w64": 0.04, "mlp_d1_w128": 0.04},
    **{"mlp_d2_w32": 0.15, "mlp_d2_w64": 0.12},
}
CNNS = {"cnn_d1_w8": 0.1, "cnn_d1_w16": 0.08, "cnn_d2_w8": 0.07, "cnn_d2_w16": 0.06}
CNNS |= {"cnn_d3_w8": 0.005}
OTHERS = {"mlp": 0.06, "cnn": 0.03, "linear": 0.75}
SEEDS = 3
SIZE_CHARTS = {
    *("size-parameters", "size-flops", "size-train-seconds", "size-latency-seconds"),
    *("size-efficiency-parameters", "size-efficiency-train-seconds", "size-classes"),
}


def add(results, source, models, seeds=SEEDS, name="fast", best=None):
    """Add models that err as often as is said, with the sizes that their names mean."""
    for model, wrong in models.items():
        generator = np.random.default_rng(0)  # models that err as often err alike
        parameters = parameter_count(registry.build(model))
        add_model(
            *(results, source, model, wrong, seeds, generator),
            config={"family": registry.family_of(model), "name": name},
            summary={"parameters": parameters, "val_accuracy": 0.99 if model == best else 0.9},
        )


@pytest.fixture(scope="module")
def studied(source, tmp_path_factory):
    """Return results with five sizes of each family and three other models."""
    results = tmp_path_factory.mktemp("studied") / "runs"
    add(results, source, MLPS, best="mlp_d1_w128")
    add(results, source, CNNS, best="cnn_d3_w8")
    add(results, source, OTHERS)
    return results


@pytest.fixture(scope="module")
def page_file(studied, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "studied.html"
    write_page(*read_groups(studied), DATA, path)
    return path


def data_of(results):
    [dataset] = comparison(*read_groups(results), DATA)["datasets"]
    return dataset


def chart_of(dataset, name):
    return next(chart for chart in dataset["charts"] if chart["name"] == name)


def names(entries):
    return {entry["name"] for entry in entries}


def groups_of(models, name="fast"):
    return [RunGroup("digits", model, registry.family_of(model), name, ()) for model in models]


def test_every_point_of_the_grids_has_its_size_and_no_other_model_has_one():
    for family in registry.FAMILIES:
        for point in registry.grid_points(family):
            depth, width = registry.size_of(point)
            assert point == f"{family}_d{depth}_w{width}"
    for model in (*registry.names(), "mlp_d9_w64", "cnn_d2_w999", "other_d1_w32", "x"):
        assert registry.size_of(model) is None


def test_a_few_sizes_are_models_like_others_and_many_are_a_study():
    others, sizes = groups_of(OTHERS), groups_of(MLPS)
    assert len(sizes) == ENOUGH_SIZES
    assert split_size_study([*others, *sizes]) == (others, sizes)
    few = [*others, *sizes[:-1]]
    assert split_size_study(few) == (few, [])
    # neither two families nor two recipes make one study together
    mixed = [*few, *groups_of(["cnn_d1_w8"]), *groups_of(["mlp_d4_w32"], name="classic")]
    assert split_size_study(mixed) == (mixed, [])


def test_a_size_study_next_to_next_to_nothing_is_compared_as_well():
    sizes = groups_of(MLPS)
    for others in ([], groups_of(["linear"])):
        everything = [*others, *sizes]
        assert split_size_study(everything) == (everything, sizes)


def test_page_compares_the_others_and_shows_the_study_by_itself(studied):
    dataset = data_of(studied)
    assert names(dataset["entries"]) == set(OTHERS)
    assert names(dataset["size_study"]) == {*MLPS, *CNNS}
    assert len(dataset["pairs"]) == 3
    assert {row[0] for row in chart_of(dataset, "classes")["table"]["rows"]} == set(OTHERS)
    assert {row[0] for row in chart_of(dataset, "curves-loss")["table"]["rows"]} == set(OTHERS)
    assert {row[0] for row in chart_of(dataset, "accuracy-parameters")["table"]["rows"]} == {
        *OTHERS
    }
    ordered = [row[0] for row in chart_of(dataset, "size-classes")["table"]["rows"]]
    assert ordered == [*MLPS, *CNNS]
    ranked = {row[0] for row in chart_of(dataset, "size-efficiency-parameters")["table"]["rows"]}
    assert ranked == {*MLPS, *CNNS}


def test_a_line_goes_through_the_widths_of_a_depth_with_bars_over_the_seeds(studied):
    chart = chart_of(data_of(studied), "size-parameters")
    traces = {trace.get("name"): trace for trace in chart["figure"]["data"]}
    line = traces["MLP, 1 layer"]
    widths = ["mlp_d1_w32", "mlp_d1_w64", "mlp_d1_w128"]
    assert list(line["x"]) == [parameter_count(registry.build(model)) for model in widths]
    groups = {group.model: group for group in read_groups(studied)[0]}
    for place, model in enumerate(widths):
        seeds = mean_interval(groups[model].tests("test_accuracy"))
        assert line["y"][place] == pytest.approx(1 - seeds.mean, rel=1e-4)
        bar = line["error_y"]
        assert bar["array"][place] == pytest.approx(seeds.mean - seeds.low, rel=1e-3)
    assert {"MLP, 2 layers", "CNN, 1 layer", "CNN, 2 layers", "CNN, 3 layers"} <= set(traces)
    points = {trace["text"][0] for trace in chart["figure"]["data"] if trace.get("text")}
    # 75 % wrong would leave the lines a strip of the chart
    assert points == {"mlp", "cnn"}
    assert "Below the plotted range: linear." in chart["about"]


def test_the_smallest_width_that_is_shown_to_be_not_worse_is_named(studied, source, tmp_path):
    text = data_of(studied)["size"]
    assert "Of 5 MLPs with the fast recipe, mlp_d1_w128 (101,770 parameters, " in text
    # digits has 360 test images: too few to show that as many errors are at most a fifth more
    assert "no narrower one of its depth is non-inferior (margin: 20\u00a0% more errors)" in text
    assert text.endswith("is the best by validation, and the narrowest of its depth.")

    # a model that answers alike is shown to be; the first that does not ends the sequence
    results = tmp_path / "runs"
    alike = {"mlp_d1_w32": 0.30, "mlp_d1_w64": 0.20, "mlp_d1_w128": 0.20}
    add(results, source, alike | {"mlp_d2_w32": 0.3, "mlp_d2_w64": 0.3}, best="mlp_d1_w128")
    add(results, source, OTHERS)
    text = data_of(results)["size"]
    smallest = "the smallest non-inferior one of its depth is mlp_d1_w64 (50,890 parameters, "
    assert smallest in text
    assert "(margin: 20\u00a0% more errors; one-sided" in text


def test_study_by_two_recipes_has_a_line_for_each(studied, source, tmp_path):
    results = shutil.copytree(studied, tmp_path / "runs")
    add(results, source, MLPS, name="classic")
    dataset = data_of(results)
    lines = {trace.get("name") for trace in chart_of(dataset, "size-flops")["figure"]["data"]}
    assert {"MLP, 1 layer · fast", "MLP, 1 layer · classic", "CNN, 1 layer · fast"} <= lines
    assert dataset["size"].count("is the best by validation") == 3


def test_page_keeps_the_study_in_its_section_and_in_the_table_where_ticked(browser, page_file):
    with opened(browser, page_file, charts=True) as page:
        rows = page.locator("#table tbody th")
        assert set(rows.all_inner_texts()) == set(OTHERS)
        assert page.locator("#pick-a option").count() == len(OTHERS)
        assert page.locator("#pairs tbody tr").count() == len(OTHERS)
        offered = page.locator("#size [data-switch] option")
        assert {option.get_attribute("value") for option in offered.all()} == SIZE_CHARTS
        assert "is the best by validation" in page.locator("#size-enough").inner_text()
        assert page.locator("nav a[href='#size']").is_visible()

        page.check("#with-size-study")
        assert set(rows.all_inner_texts()) == {*OTHERS, *MLPS, *CNNS}
        page.fill("#filter", "d3")
        assert rows.all_inner_texts() == ["cnn_d3_w8"]
        page.fill("#filter", "")
        page.uncheck("#with-size-study")
        assert rows.count() == len(OTHERS)

        page.click("#size-study-settings summary")
        commands = page.locator("#size-study-settings tbody").last
        assert all(model in commands.inner_text() for model in {*MLPS, *CNNS})
        assert "linear" not in commands.inner_text()
        assert lowest_contrast(page)[0] >= 4.5
        reached, controls = tabbed_controls(page)
        assert reached == controls


def test_without_a_size_study_nothing_speaks_of_one(browser, studied, tmp_path):
    results = shutil.copytree(studied, tmp_path / "runs", ignore=shutil.ignore_patterns("*_d?_w*"))
    path = tmp_path / "page.html"
    write_page(*read_groups(results), DATA, path)
    with opened(browser, path) as page:
        for part in ("#size", "#size-study-control", "nav a[href='#size']"):
            assert page.locator(part).is_hidden()


def test_a_size_study_alone_is_in_the_whole_page(browser, studied, tmp_path):
    results = shutil.copytree(studied, tmp_path / "runs", ignore=shutil.ignore_patterns(*OTHERS))
    path = tmp_path / "page.html"
    write_page(*read_groups(results), DATA, path)
    with opened(browser, path) as page:
        assert page.locator("#pairs tbody tr").count() == len(MLPS) + len(CNNS)
        assert page.locator("#size-study-control").is_hidden()
        assert page.locator("#size").is_visible()
        assert page.locator("#size-study-note").is_hidden()


def test_unevaluated_sizes_are_no_section_and_stop_nothing(studied, tmp_path):
    results = shutil.copytree(studied, tmp_path / "runs")
    for test in results.glob("digits/*_d?_w*/*/*/test.json"):
        test.unlink()
    dataset = data_of(results)
    assert dataset["size"] is None
    assert not [chart for chart in dataset["charts"] if chart["name"].startswith("size-")]
    assert names(dataset["size_study"]) == {*MLPS, *CNNS}
    draw_comparison(read_groups(results)[0], tmp_path / "plots")


def test_one_command_of_many_models_is_one_row(studied, tmp_path):
    results = shutil.copytree(studied, tmp_path / "runs")
    for config in results.glob("digits/*/*/*/config.json"):
        change_json(config, command="python task3_MNIST/benchmark.py --models mlp-grid cnn-grid")
    [(models, seeds, command)] = data_of(results)["size_study_settings"]["commands"]
    assert set(models.split(", ")) == {*MLPS, *CNNS}
    assert seeds == "0 to 2"
    assert command.startswith("python task3_MNIST/benchmark.py")


def test_picture_has_a_line_for_each_depth_and_the_others_leave_the_study_out(
    studied, tmp_path, drawn
):
    files = draw_comparison(read_groups(studied)[0], tmp_path)
    assert tmp_path / "digits" / "size_fast.png" in files
    rows = {label.get_text() for label in drawn["accuracy"].axes[0].get_yticklabels()}
    assert rows == set(OTHERS)
    figure = drawn["size_fast"]
    legend = {text.get_text() for text in figure.legends[0].get_texts()}
    assert {"MLP, 1 layer", "MLP, 2 layers", "CNN, 3 layers", "other models"} <= legend
    assert len(figure.axes) == 4
    for axes in figure.axes:
        assert len(axes.containers) == 5 + 2  # depths of both families; `mlp` and `cnn`
    [line] = [bars[0] for bars in figure.axes[0].containers if len(bars[0].get_xdata()) == 3]
    assert list(line.get_xdata()) == [
        parameter_count(registry.build(model)) for model in MLPS if model.startswith("mlp_d1")
    ]


@pytest.mark.filterwarnings("error")
def test_sizes_that_cost_the_same_have_an_axis_too(studied, tmp_path, drawn):
    results = shutil.copytree(studied, tmp_path / "runs")
    for path in results.rglob("summary.json"):
        change_json(path, train_seconds=3.5409543660136116)  # matplotlib's own limits are one ulp
    study = [group for group in read_groups(results)[0] if group.model in MLPS]
    draw_size(study, [], tmp_path / "size.png")
    low, high = drawn["size"].axes[2].get_xlim()
    assert low < 3.2 < 4 < high


def test_inference_page_leaves_a_size_study_out_unless_it_is_named(studied):
    assert {model["model"] for model in build_page(studied, DATA).data["models"]} == set(OTHERS)
    named = build_page(studied, DATA, ["mlp_d1_w32", "cnn"])
    assert [model["model"] for model in named.data["models"]] == ["mlp_d1_w32", "cnn"]


@pytest.fixture(scope="module")
def seventy_file(source, tmp_path_factory):
    """Return the page of some seventy groups: both grids, and every model by two recipes."""
    results = tmp_path_factory.mktemp("seventy") / "runs"
    generator = np.random.default_rng(0)

    def add_all(models, name):
        shares = generator.uniform(0.02, 0.1, len(models))
        add(results, source, dict(zip(models, shares, strict=True)), seeds=2, name=name)

    add_all(registry.names(), "fast")
    add_all(registry.names(), "classic")
    add_all(
        [point for family in registry.FAMILIES for point in registry.grid_points(family)], "fast"
    )
    path = tmp_path_factory.mktemp("page") / "seventy.html"
    write_page(*read_groups(results), DATA, path)
    return path


def test_seventy_groups_are_ready_in_three_seconds_and_3_5_megabytes(browser, seventy_file):
    assert seventy_file.stat().st_size < 3_500_000
    with opened(browser, seventy_file) as page:
        assert page.locator("#table tbody tr").count() == 2 * len(registry.names())
        # names in a column of their own width, or each row would be four lines high
        assert page.locator("#pairs tbody th").first.bounding_box()["width"] > 150
    assert seconds_until_ready(browser, seventy_file) < 3
