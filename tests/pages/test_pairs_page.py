"""Which models differ significantly, on the comparison page: each compared with the best."""

import csv
import io
import re
import shutil

import numpy as np
import pytest

from task3_MNIST.datasets.splits import load_test
from task3_MNIST.evaluation.pairs import compare_with_best, planned_comparison, prepare
from task3_MNIST.report.comparison.data import comparison
from task3_MNIST.report.comparison.page import write_page
from task3_MNIST.runs.groups import read_groups
from tests.helpers.made_runs import add_model
from tests.helpers.pages import (
    evidence_of,
    lowest_contrast,
    open_table,
    opened,
    tabbed_controls,
    text_of,
)
from tests.helpers.scripts import REPOSITORY

# share of the test images that a run has wrong, and number of seeds
MODELS = {"best": (0.05, 3), "twin": (0.05, 3), "middle": (0.20, 3), "single": (0.35, 1)}


@pytest.fixture(scope="module")
def four(source, tmp_path_factory):
    """Return results of four models; `best` and `twin` are the same one."""
    results = tmp_path_factory.mktemp("four") / "runs"
    generator = np.random.default_rng(0)
    for name, (wrong, seeds) in MODELS.items():
        add_model(results, source, name, wrong, seeds, generator)
    return results


@pytest.fixture(scope="module")
def four_file(four, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "four.html"
    write_page(*read_groups(four), REPOSITORY / "data", path)
    return path


def data_of(results):
    [dataset] = comparison(*read_groups(results), REPOSITORY / "data")["datasets"]
    return dataset


def without(results, tmp_path, *names):
    return shutil.copytree(results, tmp_path / "runs", ignore=shutil.ignore_patterns(*names))


def pair_of(dataset, a, b):
    names = [entry["name"] for entry in dataset["entries"]]
    wanted = {names.index(a), names.index(b)}
    return next(pair for pair in dataset["pairs"] if {pair["a"], pair["b"]} == wanted)


def test_each_model_is_compared_with_the_best_by_validation(browser, four_file):
    with opened(browser, four_file) as page:
        rows = page.locator("#pairs tbody tr").all()
        texts = {row.locator("th").inner_text(): row.inner_text() for row in rows}
        band = page.locator("#pairs tr.band th").all_inner_texts()
        table = page.locator("#table tbody tr").all()
        in_table = {row.get_attribute("data-model"): row.inner_text() for row in table}
    names = list(texts)
    assert set(names[:2]) == {"best", "twin"}  # sorted by accuracy
    assert names[2:] == ["middle", "single"]
    # all have the same validation accuracy: the first of the most seeds stands
    assert sum("the best by validation" in text for text in texts.values()) == 1
    assert "significantly worse" in texts["middle"]
    assert "not significantly different" in texts["twin"] + texts["best"]
    assert set(band) == {"best", "twin"}
    for shown in (texts, in_table):
        assert "one seed" in shown["single"]  # which says nothing about a model
        assert "significantly worse" in shown["middle"]


def test_an_interval_against_the_best_leaves_out_0_just_where_it_says_significant(four, mnist_dir):
    reference = read_groups(REPOSITORY / "results" / "reference")[0]
    labels = load_test("mnist", mnist_dir).labels.numpy()
    for groups, truth in (
        (read_groups(four)[0], load_test("digits", REPOSITORY / "data").labels.numpy()),
        (reference, labels),
    ):
        _, rows = compare_with_best(prepare(groups, truth), range(len(groups)))
        assert rows
        for row in rows:
            assert row.significant == (not row.low <= 0 <= row.high)


def test_a_click_on_a_name_compares_it_with_the_best(browser, four_file):
    with opened(browser, four_file) as page:
        page.get_by_role("button", name="single").press("Enter")
        chosen = [
            page.locator(f"#{name} option:checked").inner_text() for name in ("pick-a", "pick-b")
        ]
        assert chosen[0] in ("best", "twin")
        assert chosen[1] == "single"
        assert re.match(
            rf"With one seed, {chosen[0]} reads [\d.]+ % of test digits, single [\d.]+ %: \+",
            text_of(page, "#verdict-sentence"),
        )
        evidence = evidence_of(page)
        assert "single has one seed, so the test compares these two trained networks" in evidence
        reached, controls = tabbed_controls(page)
        assert reached == controls


def test_two_that_were_not_planned_are_compared_with_correction(browser, four, four_file):
    dataset = data_of(four)
    planned = {dataset["entries"][place]["name"] for place in dataset["chosen"]}
    a, b = sorted({"best", "twin", "middle"} - planned)[0], sorted(planned)[-1]
    with opened(browser, four_file) as page:
        page.select_option("#pick-a", label=a)
        page.select_option("#pick-b", label=b)
        evidence = evidence_of(page)
    assert re.search(r"ignificant after correction for 3 pairs \(p [<=] [\d.]+, Holm\)\.", evidence)
    assert re.search(
        r"a new run of \w+ is better than a new run of \w+ with probability (over )?\d+\.\d %\.",
        evidence,
    )


def test_where_all_have_one_seed_a_click_compares_with_the_first_of_the_two(
    browser, source, tmp_path
):
    for name in ("one", "two", "three"):
        add_model(tmp_path / "runs", source, name, 0.1, 1, np.random.default_rng(len(name)))
    path = tmp_path / "page.html"
    write_page(*read_groups(tmp_path / "runs"), REPOSITORY / "data", path)
    with opened(browser, path) as page:
        first = page.locator("#pick-a option:checked").inner_text()
        other = next(name for name in ("one", "two", "three") if name != first)
        page.get_by_role("button", name=other, exact=True).click()
        assert page.locator("#pick-b option:checked").inner_text() == other
        assert first in text_of(page, "#verdict-sentence")


def test_the_finding_counts_the_pairs(browser, four_file):
    with opened(browser, four_file) as page:
        assert text_of(page, "#pairs h3") == (
            "2 of 3 pairs of models differ significantly, after correction for 3 pairs"
        )


def test_the_table_behind_it_has_every_pair(browser, four, four_file):
    dataset = data_of(four)
    with opened(browser, four_file) as page:
        table = open_table(page.locator("#pairs"))
        heads = table.locator("thead th").all_inner_texts()
        rows = [
            dict(zip(heads, row.locator("td").all_inner_texts(), strict=True))
            for row in table.locator("tbody tr").all()
        ]
    assert len(rows) == 6
    for row in rows:
        pair = pair_of(dataset, row["model"], row["other model"])
        assert float(row["difference, points"]) == pytest.approx(
            100 * abs(pair["difference"]), rel=1e-3
        )
        interval = [float(row[key]) for key in ("95\u00a0% interval from", "interval to")]
        assert (row["significantly different"] == "yes") == (not interval[0] <= 0 <= interval[1])
        networks = "single" in (row["model"], row["other model"])
        assert row["of"] == ("two networks" if networks else "models")
        for column in (
            "p, corrected for all pairs",
            "after correction",
            "probability of superiority",
        ):
            assert (row[column] == "–") == networks
        if networks:  # McNemar's test is all there is
            assert row["p"] == row["McNemar p"]
        else:
            assert float(row["p"]) <= float(row["p, corrected for all pairs"])
            assert (row["after correction"] == "yes") == pair["significant_among_all"]


def test_a_pair_that_only_the_correction_leaves_out_says_so(browser, four, source, tmp_path):
    results = without(four, tmp_path, "twin", "middle", "single")
    add_model(results, source, "near", 0.09, 3, np.random.default_rng(60))  # p = 0.03
    [alone] = data_of(results)["pairs"]
    assert alone["significant"]
    assert not [text for text in alone["evidence"] if "correction" in text]

    for seed in range(6):
        add_model(results, source, f"near{seed}", 0.09, 3, np.random.default_rng(seed))
    dataset = data_of(results)
    pair = pair_of(dataset, "best", "near")
    assert pair["significant"]
    assert not pair["significant_among_all"]
    assert "is better than" in pair["evidence"][0]
    others = [
        other
        for other in dataset["pairs"]
        if other["significant"] and not other["significant_among_all"] and not other["planned"]
    ]
    assert others
    for other in others:
        assert "not significantly different" in other["headline"]
        assert "Not significant after correction for 28 pairs" in " ".join(other["evidence"])
    path = tmp_path / "page.html"
    write_page(*read_groups(results), REPOSITORY / "data", path)
    with opened(browser, path) as page:
        page.select_option("#pick-a", label="best")
        texts = page.locator("#table tbody td").all_inner_texts()
        assert any(text.endswith(", n.s.") for text in texts)
        # the planned comparison needs no correction
        planned = {dataset["entries"][place]["name"] for place in dataset["chosen"]}
        assert planned == {"best", "near"}
        row = page.locator("#table tbody tr[data-model='near'] td")
        assert any(text.endswith("*") for text in row.all_inner_texts())


def test_two_models_have_a_verdict_and_no_table_of_pairs(browser, four, tmp_path):
    results = without(four, tmp_path, "middle", "single")
    assert data_of(results)["significance"] is None
    path = tmp_path / "two.html"
    write_page(*read_groups(results), REPOSITORY / "data", path)
    with opened(browser, path) as page:
        assert page.locator("#pairs").is_hidden()
        assert page.locator("nav a[href='#pairs']").is_hidden()
        heads = page.locator("#table thead th").all_inner_texts()
        assert not [head for head in heads if "Compared with the best" in head]
        assert "not significantly different" in text_of(page, "#verdict-sentence")
        basis = evidence_of(page)
        assert "are not significantly different" in basis
        assert " p = " in basis
        assert "p is the larger one of two t-tests: over the seeds, and over seeds and" in basis
        assert "The two runs of median accuracy" in basis
        assert "bootstrap over seeds and test images: 95 % confidence interval" in basis
        assert re.search(r"better than a new run of \w+ with probability \d+\.\d %", basis)


def test_untested_models_have_no_row(four, tmp_path):
    results = without(four, tmp_path)
    for test in results.glob("digits/twin/*/*/test.json"):
        test.unlink()
    dataset = data_of(results)
    names = [entry["name"] for entry in dataset["entries"]]
    rows = dataset["significance"]["rows"]
    assert [names[row["place"]] for row in rows] == ["best", "middle", "single"]


def test_marks_are_copied_with_the_table(browser, four_file):
    permissions = ["clipboard-read", "clipboard-write"]
    with opened(browser, four_file, permissions=permissions) as page:
        page.click("[data-copy=csv]")
        rows = list(csv.DictReader(io.StringIO(page.evaluate("navigator.clipboard.readText()"))))
    marks = {row["model"]: row["mark"] for row in rows}
    assert marks["middle"] == "significantly worse"
    assert all(marks.values())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_band_is_readable_in_both_themes(browser, four_file, scheme):
    with opened(browser, four_file, color_scheme=scheme) as page:
        ratio, text = lowest_contrast(page)
        assert ratio >= 4.5, text
        ground = "row => getComputedStyle(row.querySelector('td')).backgroundColor"
        rows = page.locator("#pairs tbody tr")
        assert rows.first.evaluate(ground) != rows.last.evaluate(ground)


def test_the_planned_comparison_of_the_reference_is_of_its_strongest_models(mnist_dir):
    groups, _ = read_groups(REPOSITORY / "results" / "reference")
    a, b = planned_comparison(groups)
    name = "strong+full-train"  # chosen by the validated runs of the same models
    assert [(groups[x].model, groups[x].name) for x in (a, b)] == [
        ("mlp_strong", name),
        ("cnn_strong", name),
    ]
    labels = load_test("mnist", mnist_dir).labels.numpy()
    found = prepare(groups, labels).models(b, a)
    low, high = found.interval()
    assert low > 0
    assert f"{found.mean * 100:.2f} percentage points [{low * 100:.2f}, {high * 100:.2f}]" in (
        REPOSITORY / "docs" / "results.md"
    ).read_text(encoding="utf-8")


def test_three_seeds_show_a_large_difference_with_the_help_of_their_recipe(mnist_dir):
    groups, _ = read_groups(REPOSITORY / "results" / "reference")
    places = {(group.model, group.name): place for place, group in enumerate(groups)}
    wide, narrow = places["cnn_d2_w8", "fast-v1"], places["mlp_d1_w64", "fast-v1"]
    assert len(groups[wide].evaluated) == len(groups[narrow].evaluated) == 3
    labels = load_test("mnist", mnist_dir).labels.numpy()
    assert prepare(groups, labels).models(wide, narrow).p < 0.05 / 1_275
    alone = prepare([groups[wide], groups[narrow]], labels).models(0, 1)
    assert alone.p > 0.05 / 1_275
