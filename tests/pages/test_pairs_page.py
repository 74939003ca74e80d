"""All pairs on the comparison page: matrix, groups that cannot be told apart, and what decides."""

import csv
import io
import re
import shutil

import numpy as np
import pytest

from task3_MNIST.report.comparison.data import comparison
from task3_MNIST.report.comparison.page import write_page
from task3_MNIST.runs.groups import collect
from tests.helpers.made_runs import add_model
from tests.helpers.pages import lowest_contrast, open_table, opened, tabbed_controls
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
    write_page(*collect(four), REPOSITORY / "data", path)
    return path


def data_of(results):
    [dataset] = comparison(*collect(results), REPOSITORY / "data")["datasets"]
    return dataset


def without(results, tmp_path, *names):
    return shutil.copytree(results, tmp_path / "runs", ignore=shutil.ignore_patterns(*names))


def text_of(page, selector):
    return page.locator(selector).inner_text().replace("\u00a0", " ")


def matrix_of(page):
    """Return the texts of the matrix: a list for each row, the model's name and group first."""
    rows = page.locator("#pairs .matrix tbody tr").all()
    return [row.locator("th, td").all_inner_texts() for row in rows]


def pair_of(dataset, a, b):
    names = [entry["name"] for entry in dataset["entries"]]
    wanted = {names.index(a), names.index(b)}
    return next(pair for pair in dataset["pairs"] if {pair["a"], pair["b"]} == wanted)


def test_matrix_says_who_is_better_and_who_cannot_be_told_apart(browser, four, four_file):
    with opened(browser, four_file) as page:
        rows = matrix_of(page)
    names = [row[0].split()[-1] for row in rows]
    assert set(names[:2]) == {"best", "twin"}
    assert names[2:] == ["middle", "single"]
    cells = np.array([row[2:] for row in rows])
    assert list(np.diag(cells)) == [""] * 4
    assert cells[0, 1] == cells[1, 0] == "≈"
    difference = abs(pair_of(data_of(four), names[0], "middle")["difference"])
    assert cells[0, 2] == f"+{100 * difference:.2f}"
    assert cells[2, 0] == f"−{100 * difference:.2f}"


def test_groups_share_a_letter_if_and_only_if_their_pair_is_tied(browser, four, four_file):
    dataset = data_of(four)
    with opened(browser, four_file) as page:
        rows = matrix_of(page)
        groups = page.locator("#pairs .groups tbody tr").all_inner_texts()
        heads = page.locator("#table thead th").all_inner_texts()
        in_table = page.locator("#table tbody tr").all()
        [column] = [place for place, head in enumerate(heads) if head.startswith("Group")]
        letters = {
            row.locator("th").inner_text(): row.locator("td").nth(column - 1).inner_text()
            for row in in_table
        }
    assert letters == {row[0].split()[-1]: row[1] for row in rows}
    for a in MODELS:
        for b in set(MODELS) - {a}:
            shared = set(letters[a]) & set(letters[b])
            assert bool(shared) == pair_of(dataset, a, b)["tied"]
    assert letters["best"] == letters["twin"] == "a"
    assert groups[0].startswith("a")
    assert "best and twin" in groups[0] or "twin and best" in groups[0]
    assert "middle, told apart from all others" in groups[1]


def test_a_cell_that_is_pointed_at_says_difference_corrected_p_and_probability(browser, four_file):
    with opened(browser, four_file) as page:
        page.locator("#pairs .matrix tbody tr").nth(0).locator("td[data-row]").nth(2).hover()
        detail = text_of(page, "#pairs .pair-detail")
    assert re.search(r"is better than middle by [\d.]+ percentage points", detail)
    assert re.search(r"t-test p [<=] [\d.]+, Holm-corrected for 6 pairs", detail)
    assert re.search(
        r"A new run of \w+ beats a new run of middle with probability (over )?9\d\.\d %\.", detail
    )


def test_keyboard_walks_the_matrix_and_chooses_the_two_to_compare(browser, four_file):
    with opened(browser, four_file) as page:
        page.locator("#pairs .matrix td[tabindex='0']").focus()
        before = text_of(page, "#pairs .pair-detail")
        for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight"):
            page.keyboard.press(key)  # one step too many: it stays at the edge
        after = text_of(page, "#pairs .pair-detail")
        assert before != after
        assert "middle" in after
        assert "single" in after
        assert page.locator("#pairs .matrix td[tabindex='0']").count() == 1
        page.keyboard.press("Enter")
        chosen = [
            page.locator(f"#{name} option:checked").inner_text() for name in ("pick-a", "pick-b")
        ]
        assert chosen == ["middle", "single"]
        assert text_of(page, "#pick-sentence").startswith("middle is better than single")
        reached, controls = tabbed_controls(page)
        assert reached == controls


def test_readers_get_a_grid_with_named_rows_and_columns(browser, four_file):
    with opened(browser, four_file) as page:
        grid = page.get_by_role("grid", name=re.compile("Differences of all pairs"))
        names = [row[0].split()[-1] for row in matrix_of(page)]
        heads = grid.locator("thead th[aria-label]")
        assert [
            heads.nth(place).get_attribute("aria-label") for place in range(heads.count())
        ] == names
        assert text_of(page, "#pairs h3 >> nth=0") == (
            f"5 of 6 pairs of models can be told apart; {names[0]} cannot be told from {names[1]}"
        )


def test_the_table_behind_the_matrix_has_every_pair(browser, four, four_file):
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
        pair = pair_of(dataset, row["model"], row["against"])
        assert float(row["difference, points"]) == pytest.approx(
            100 * abs(pair["difference"]), rel=1e-3
        )
        assert row["told apart"] == ("no" if pair["tied"] else "yes")
        assert float(row["p"]) <= float(row["p, Holm-corrected"])
        lonely = "single" in (row["model"], row["against"])
        assert (row["probability that a new run beats the other's"] == "–") == lonely
        # with one seed, McNemar's test is the one that decides
        assert (row["p"] == row["exact McNemar p"]) == lonely


def test_a_pair_that_only_the_correction_ties_is_tied_everywhere(browser, four, source, tmp_path):
    results = without(four, tmp_path, "twin", "middle", "single")
    add_model(results, source, "near", 0.09, 3, np.random.default_rng(60))  # p = 0.04
    [alone] = data_of(results)["pairs"]
    assert not alone["tied"]
    assert "Holm" not in alone["verdict"]

    for seed in range(6):
        add_model(results, source, f"near{seed}", 0.09, 3, np.random.default_rng(seed))
    dataset = data_of(results)
    pair = pair_of(dataset, "best", "near")
    assert pair["tied"]
    assert "are tied" in pair["verdict"]
    assert "Holm-corrected for 28 pairs" in pair["verdict"]
    assert "By itself this pair would count as different" in pair["basis"]
    path = tmp_path / "page.html"
    write_page(*collect(results), REPOSITORY / "data", path)
    with opened(browser, path) as page:
        page.select_option("#pick-a", label="best")
        row = page.locator("#table tbody tr[data-model='near'] td")
        assert "tied" in row.all_inner_texts()


def test_two_models_have_a_verdict_and_no_matrix(browser, four, tmp_path):
    results = without(four, tmp_path, "middle", "single")
    assert data_of(results)["significance"] is None
    path = tmp_path / "two.html"
    write_page(*collect(results), REPOSITORY / "data", path)
    with opened(browser, path) as page:
        assert page.locator("#pairs").is_hidden()
        assert page.locator("nav a[href='#pairs']").is_hidden()
        assert "Group" not in page.locator("#table thead th").all_inner_texts()
        assert "are tied" in text_of(page, "#verdict-sentence")
        assert "t-test p = " in text_of(page, "#verdict-sentence")
        basis = text_of(page, "#verdict-basis")
        assert "The t-test decides" in basis
        assert "McNemar's test compares the runs of median accuracy" in basis
        assert re.search(r"bootstrap draws seeds and test images anew, 2,000 times: ", basis)
        assert re.search(r"beats a new run of \w+ with probability \d+\.\d %", basis)


def test_untested_models_have_no_row(four, tmp_path):
    results = without(four, tmp_path)
    for test in results.glob("digits/twin/*/*/test.json"):
        test.unlink()
    dataset = data_of(results)
    names = [entry["name"] for entry in dataset["entries"]]
    assert [names[place] for place in dataset["significance"]["order"]] == [
        "best",
        "middle",
        "single",
    ]


def test_groups_are_copied_with_the_table(browser, four_file):
    permissions = ["clipboard-read", "clipboard-write"]
    with opened(browser, four_file, permissions=permissions) as page:
        page.click("[data-copy=csv]")
        rows = list(csv.DictReader(io.StringIO(page.evaluate("navigator.clipboard.readText()"))))
    assert {row["model"]: row["group"] for row in rows}["best"] == "a"
    assert all(row["group"] for row in rows)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_cells_are_readable_in_both_themes(browser, four_file, scheme):
    with opened(browser, four_file, color_scheme=scheme) as page:
        ratio, text = lowest_contrast(page)
        assert ratio >= 4.5, text
        grounds = page.evaluate(
            """['better', 'worse', 'tied'].map((kind) =>
              getComputedStyle(document.querySelector(`.matrix .${kind}`)).backgroundColor)"""
        )
        assert len(set(grounds)) == 3


def test_a_phone_scrolls_the_matrix_and_not_the_page(browser, four_file):
    with opened(browser, four_file, viewport={"width": 375, "height": 700}) as page:
        assert page.locator("#pairs .matrix").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 375
