"""The comparison page, in a real browser with the network off."""

import csv
import io
import json
import re
import shutil

import numpy as np
import pytest
import torch

from task3_MNIST.datasets.splits import load_test
from task3_MNIST.models.inference import loss_and_accuracy
from task3_MNIST.report.comparison.page import write_page
from task3_MNIST.runs.folder import Run
from task3_MNIST.runs.groups import read_groups
from task3_MNIST.training.recipes import RECIPES
from tests.helpers.pages import (
    evidence_of,
    lowest_contrast,
    open_table,
    opened,
    seconds_until_ready,
    tabbed_controls,
    text_of,
    unfold,
)
from tests.helpers.scripts import REPOSITORY, SMALL, call, call_ok, refusal

SCRIPT = "task3_MNIST/visualize_comparison.py"
REFERENCE = REPOSITORY / "results" / "reference"
NAUGHTY = "<script>alert(1)</script><b>&amp;"


def make_page(results, out):
    write_page(*read_groups(results), REPOSITORY / "data", out)
    return out


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return results on digits: an MLP and a CNN, two seeds each, the MLP's epochs kept."""
    results = tmp_path_factory.mktemp("trained") / "runs"
    for family, kept in (("mlp", ["--keep-epochs"]), ("cnn", [])):
        call_ok(
            f"task3_MNIST/train_{family}.py",
            *(*SMALL, *kept, "--epochs", 3, "--seeds", 2, "--results", results),
        )
    return results


@pytest.fixture(scope="module")
def page_file(trained, tmp_path_factory):
    return make_page(trained, tmp_path_factory.mktemp("page") / "comparison.html")


@pytest.fixture
def results(trained, tmp_path):
    """Return a copy of the results that a test may change."""
    return shutil.copytree(trained, tmp_path / "runs")


def only_run(results, model, seed=0):
    [folder] = results.glob(f"digits/{model}/*/seed{seed}")
    return folder


def change_json(path, **changes):
    path.write_text(
        json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8"
    )


def copy_model(results, model, name):
    """Copy all runs of a model under another model's name."""
    for config in sorted((results / "digits" / model).rglob("config.json")):
        folder = results / "digits" / f"copy-{len(name)}" / config.parent.name
        shutil.copytree(config.parent, folder)
        change_json(folder / "config.json", model=name)


def shown_models(page):
    return page.locator("#table tbody th").all_inner_texts()


def test_opens_offline_with_no_request_and_no_error(browser, page_file):
    with opened(browser, page_file, charts=True) as page:
        assert sorted(shown_models(page)) == ["cnn", "mlp"]
        drawn = page.locator("figure.chart:visible").count()
        assert drawn == page.locator("figure.chart .main-svg:first-child").count() >= 10


def test_policy_forbids_every_connection(page_file):
    policy = re.search(
        r'Content-Security-Policy" content="([^"]+)"', page_file.read_text(encoding="utf-8")
    )[1]
    assert "default-src &#39;none&#39;" in policy
    assert "connect-src &#39;none&#39;" in policy
    assert "script-src &#39;sha256-" in policy
    assert "unsafe-eval" not in policy


def test_a_script_that_is_not_the_pages_own_does_not_run(browser, page_file, tmp_path):
    changed = tmp_path / "changed.html"
    injected = "<script>window.injected = 1</script></body>"
    changed.write_text(
        page_file.read_text(encoding="utf-8").replace("</body>", injected), encoding="utf-8"
    )
    page = browser.new_page()
    page.goto(changed.as_uri())
    page.wait_for_selector("html[data-ready]")
    assert page.evaluate("window.injected") is None
    page.close()


@pytest.fixture(scope="module")
def twenty(mnist_dir, tmp_path_factory):
    """Return results on MNIST of twenty models, three seeds each.

    One real run of `linear`; the others are copies whose logits were shaken, so that each errs
    on images of its own.
    """
    results = tmp_path_factory.mktemp("twenty") / "runs"
    call_ok("task3_MNIST/train_mlp.py", "--model", "linear", "--results", results)
    source = results / "linear" / "fast" / "seed0"
    labels = load_test("mnist", mnist_dir).labels
    logits = torch.tensor(Run(source).logits())
    generator = torch.Generator().manual_seed(0)
    for number in range(1, 20):
        for seed in range(3):
            folder = results / f"model_{number}" / "fast" / f"seed{seed}"
            shutil.copytree(source, folder)
            family = ("mlp", "cnn")[number % 2]
            change_json(folder / "config.json", model=f"model_{number}", family=family, seed=seed)
            shaken = logits + number / 20 * torch.randn(logits.shape, generator=generator)
            change_json(folder / "test.json", test_accuracy=loss_and_accuracy(shaken, labels)[1])
            Run(folder).write_predictions(shaken.numpy())
    return results


@pytest.fixture(scope="module")
def twenty_file(twenty, tmp_path_factory):
    return make_page(twenty, tmp_path_factory.mktemp("page") / "twenty.html")


def test_twenty_models_are_ready_in_three_seconds_and_3_5_megabytes(browser, twenty_file):
    assert twenty_file.stat().st_size < 3_500_000
    with opened(browser, twenty_file) as page:
        assert len(shown_models(page)) == 20
        options = page.locator("#pick-a option").count()
        assert options == 20
    assert seconds_until_ready(browser, twenty_file) < 3


def test_the_first_screen_says_which_is_better_by_how_much_and_how_sure(browser, page_file):
    with opened(browser, page_file, viewport={"width": 1280, "height": 900}, charts=True) as page:
        sentence = text_of(page, "#verdict-sentence")
        said = r"The best (CNN|MLP) reads [\d.]+ % of test digits, the best (MLP|CNN) [\d.]+ %: "
        assert re.match(said + r"(not significantly different, )?\+[\d.]+ points \[", sentence)
        assert len(sentence.replace(" %", "%").split()) <= 20
        assert page.locator("#facts dt").all_inner_texts() == [
            "errors in 10,000 images",
            "parameters",
            "training time",
        ]
        assert {text.split()[0] for text in page.locator("#facts dd").all_inner_texts()} == {
            "CNN",
            "MLP",
        }
        for part in ("#verdict-sentence", "#facts", "[data-chart=families] .plot"):
            box = page.locator(part).bounding_box()
            assert box["y"] + box["height"] <= 900


def test_the_headline_follows_the_two_that_are_chosen_and_goes_back(browser, twenty_file):
    with opened(browser, twenty_file, charts=True) as page:
        planned = text_of(page, "#verdict-sentence")
        back = page.locator("#pick-best")
        assert back.is_hidden()
        page.select_option("#pick-a", label="model_19")
        assert "model_19" in text_of(page, "#verdict-sentence")
        page.wait_for_selector("html[data-charts]")
        names = page.locator("[data-chart=families] .textpoint").all_text_contents()
        assert len(names) == 2
        assert "model_19" in names
        back.click()
        assert text_of(page, "#verdict-sentence") == planned


def test_any_two_of_many_can_be_compared(browser, twenty_file):
    with opened(browser, twenty_file) as page:
        page.select_option("#pick-a", label="linear")
        page.select_option("#pick-b", label="model_19")
        sentence = text_of(page, "#verdict-sentence")
        # one seed says nothing about a kind of model
        assert re.match(r"With one seed, (linear|model_19) reads [\d.]+ % of test digits", sentence)
        assert "not the kinds of model: train more" in evidence_of(page)
        confusion = page.locator("[data-chart=confusion-b] h3").inner_text()
        assert confusion.startswith("model_19: ")


def test_verdict_is_of_the_models_that_validation_chose(browser, results, tmp_path):
    # the best on the test set, but not on the validation images
    copy_model(results, "cnn", "lucky")
    for summary in results.glob("digits/copy-5/*/summary.json"):
        change_json(summary, val_accuracy=0.01)
    for test in results.glob("digits/copy-5/*/test.json"):
        change_json(test, test_accuracy=1.0)
    with opened(browser, make_page(results, tmp_path / "page.html")) as page:
        assert "lucky" not in text_of(page, "#verdict-sentence")
        assert "chosen by validation accuracy" in evidence_of(page)


def test_identical_models_are_not_significantly_different(browser, results, tmp_path):
    shutil.rmtree(results / "digits" / "cnn")
    copy_model(results, "mlp", "twin")
    for config in results.glob("digits/copy-4/*/config.json"):
        change_json(config, family="cnn")
    with opened(browser, make_page(results, tmp_path / "page.html")) as page:
        sentence = text_of(page, "#verdict-sentence")
        assert re.search(r": not significantly different, \+0.00 points \[", sentence)
        assert "p = 1.00" in evidence_of(page)
        assert page.locator("#table td", has_text="n.s.").count() == 1


def test_verdict_says_how_many_seeds_it_rests_on(browser, page_file, results, tmp_path):
    with opened(browser, page_file) as page:
        evidence = evidence_of(page)
        assert "n = 2 seeds each, 360 test images" in evidence
        assert "bootstrap over seeds and test images" in evidence
        assert "Probability of superiority" in evidence


def test_one_seed_proves_nothing_about_a_kind_of_model(browser, results, tmp_path):
    for seed1 in results.glob("digits/*/*/seed1"):
        shutil.rmtree(seed1)
    with opened(browser, make_page(results, tmp_path / "page.html")) as page:
        sentence = text_of(page, "#verdict-sentence")
        assert re.match(r"With one seed, the best (CNN|MLP) reads [\d.]+ % of test", sentence)
        evidence = evidence_of(page)
        assert re.search(r"(Of two|Two) networks, seed 0 of \w+", evidence)
        assert "n = 1 seed each, 360 test images" in evidence
        assert "is better than" not in evidence
        assert "not the kinds of model: train more seeds of each" in evidence
        assert "superiority" not in evidence


def test_one_model_has_no_verdict_but_an_interval(browser, results, tmp_path):
    shutil.rmtree(results / "digits" / "cnn")
    with opened(browser, make_page(results, tmp_path / "page.html")) as page:
        sentence = text_of(page, "#verdict-sentence")
        assert re.match(r"mlp reaches [\d.]+ % on digits \(95 % confidence interval", sentence)
        assert "no second model" in sentence


def test_names_from_run_folders_are_text(browser, results, tmp_path):
    copy_model(results, "mlp", NAUGHTY)
    for config in results.glob("digits/copy-*/*/config.json"):
        change_json(config, command=NAUGHTY)
    with opened(browser, make_page(results, tmp_path / "page.html"), charts=True) as page:
        assert NAUGHTY in shown_models(page)
        assert NAUGHTY in page.locator("#pick-a option").all_inner_texts()
        page.select_option("#pick-a", label=NAUGHTY)
        assert NAUGHTY in page.locator("[data-chart=confusion-a] h3").inner_text()
        # Plotly's own text too: the row of the heatmap
        assert NAUGHTY in page.locator("[data-chart=classes] .ytick text").all_text_contents()
        unfold(page)
        assert NAUGHTY in page.locator("#settings code").all_inner_texts()


def test_incomplete_and_broken_runs_are_named_with_what_fixes_them(browser, results, tmp_path):
    unfinished, corrupt = only_run(results, "mlp", 1), only_run(results, "cnn", 1)
    (unfinished / "summary.json").unlink()
    (corrupt / "test.json").write_text("{", encoding="utf-8")
    lost = results / "digits" / "lost" / "seed0"
    lost.mkdir(parents=True)
    (lost / "metrics.jsonl").write_text("", encoding="utf-8")
    with opened(browser, make_page(results, tmp_path / "page.html")) as page:
        problems = text_of(page, "#problems")
        assert "training has not ended: 3 of 3 epochs are there" in problems
        assert "task3_MNIST/train_mlp.py --model mlp --recipe fast" in problems
        assert "test.json is damaged" in problems
        assert f"task3_MNIST/evaluate.py {corrupt}" in problems
        assert "config.json is missing" in problems
        # the seeds that are whole still show
        assert sorted(shown_models(page)) == ["cnn", "mlp"]
        assert "n = 1 seed each" in evidence_of(page)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", '{"schema": 1}'),
        ("config.json", "[]"),
        ("summary.json", '{"parameters": NaN, "train_seconds": 1, "val_accuracy": 1}'),
        ("summary.json", "\x00"),
        ("metrics.jsonl", "nonsense\n"),
        ("metrics.jsonl", "[1]\n"),
        ("test.json", '{"test_accuracy": 1, "test_loss": 1, "confusion": [[1]]}'),
        ("predictions.npz", "no archive"),
    ],
)
def test_no_broken_file_stops_the_page(results, tmp_path, name, content):
    broken = only_run(results, "mlp")
    (broken / name).write_text(content, encoding="utf-8")
    page = tmp_path / "page.html"
    [problem] = write_page(*read_groups(results), REPOSITORY / "data", page)
    assert problem["run"] == broken.relative_to(results).as_posix()
    assert name in problem["what"]
    assert page.exists()


def test_script_writes_page_and_pictures_and_names_what_is_broken(results, tmp_path):
    broken = only_run(results, "mlp")
    (broken / "test.json").write_text("{", encoding="utf-8")
    page = tmp_path / "page.html"
    pictures = tmp_path / "pictures"
    printed = call_ok(SCRIPT, "--results", results, "--out", page, "--plots", pictures)
    name = broken.relative_to(results).as_posix()
    assert f"not shown completely: {name}: " in printed
    assert "test.json is damaged" in printed
    assert f"2 models compared in {page}" in printed
    assert len(list((pictures / "digits").glob("*.png"))) == 5


def test_without_runs_the_script_says_what_trains_some(tmp_path):
    line = refusal(call(SCRIPT, "--results", tmp_path, "--out", tmp_path / "page.html"), code=2)
    assert "train_mlp.py" in line
    assert not (tmp_path / "page.html").exists()


def test_data_sets_are_never_mixed(browser, twenty, trained, tmp_path):
    results = shutil.copytree(trained, tmp_path / "runs")
    shutil.copytree(twenty / "linear", results / "linear")
    with opened(browser, make_page(results, tmp_path / "page.html")) as page:
        assert shown_models(page) == ["linear"]
        page.select_option("#dataset", label="digits")
        assert sorted(shown_models(page)) == ["cnn", "mlp"]
        assert "360 test images" in evidence_of(page)


def test_table_sorts_by_any_column(browser, page_file):
    with opened(browser, page_file) as page:
        head = page.locator("#table th", has_text="Parameters")
        head.get_by_role("button").click()
        assert shown_models(page) == ["cnn", "mlp"]
        assert head.get_attribute("aria-sort") == "ascending"
        page.keyboard.press("Enter")  # the focus stays on the column
        assert shown_models(page) == ["mlp", "cnn"]


def test_table_filters_by_name_and_family(browser, page_file):
    with opened(browser, page_file) as page:
        page.fill("#filter", "CN")
        assert shown_models(page) == ["cnn"]
        assert text_of(page, "#table-count") == "1 of 2 models"
        page.fill("#filter", "")
        page.select_option("#family", "mlp")
        assert shown_models(page) == ["mlp"]


def copied(page, kind):
    page.click(f"[data-copy={kind}]")
    return page.evaluate("navigator.clipboard.readText()")


def ticked(page):
    return page.locator("#table tbody tr:has(input:checked)").evaluate_all(
        "rows => rows.map((row) => row.dataset.model)"
    )


def rows_of_classes(page):
    page.wait_for_selector("html[data-charts]")
    return page.locator("[data-chart=classes] .ytick text").all_text_contents()


def test_of_many_models_charts_show_a_dozen_until_more_are_asked_for(browser, twenty_file):
    with opened(browser, twenty_file, charts=True) as page:
        assert len(shown_models(page)) == 20
        assert len(ticked(page)) == len(rows_of_classes(page)) == 12
        page.select_option("#preset", "all")
        assert len(ticked(page)) == len(rows_of_classes(page)) == 20


def test_one_filter_chooses_for_every_chart_and_stands_in_the_address(
    browser, twenty_file, tmp_path
):
    with opened(browser, twenty_file, charts=True) as page:
        led = page.locator("#pick-a option:checked, #pick-b option:checked").all_inner_texts()
        page.select_option("#family", "mlp")
        mlps = ticked(page)
        assert len(mlps) == len(shown_models(page)) == 10
        assert set(rows_of_classes(page)) == {*mlps, *led}  # the two compared always show
        page.select_option("#family", "")
        page.select_option("#preset", "all")
        for name in mlps[:8]:
            page.locator(f"#table tr[data-model='{name}'] input").uncheck()
        chosen, address = ticked(page), page.url
        assert len(chosen) == 12
        assert len(shown_models(page)) == 20  # unticked ones can be ticked again
        page.select_option("#pick-a", label="model_19")
        address = page.url
        sentence = text_of(page, "#verdict-sentence")
    link = tmp_path / "link.html"
    shutil.copy(twenty_file, link)
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto(link.as_uri() + address[address.index("#") :])
    page.wait_for_selector("html[data-ready]")
    assert ticked(page) == chosen
    assert text_of(page, "#verdict-sentence") == sentence
    context.close()


def test_lines_are_those_of_six_models_at_most(browser, twenty_file):
    with opened(browser, twenty_file, charts=True) as page:
        radar = page.locator("[data-chart=radar] .scatterlayer .trace")
        assert radar.count() == 2
        assert "show the two compared: of 12 models" in text_of(page, "#lines-note")
        for name in ticked(page)[:9]:
            page.locator(f"#table tr[data-model='{name}'] input").uncheck()
        page.wait_for_selector("html[data-charts]")
        assert 3 <= radar.count() <= 5
        assert text_of(page, "#lines-note") == ""


def test_an_axis_of_epochs_has_whole_epochs_once(browser, page_file):
    with opened(browser, page_file, charts=True) as page:
        ticks = page.locator("[data-chart=curves-loss] .xtick text").all_text_contents()
    assert ticks == sorted(set(ticks), key=int)


def test_table_copies_as_csv_markdown_and_latex(browser, page_file, trained):
    permissions = ["clipboard-read", "clipboard-write"]
    accuracies = [
        json.loads((only_run(trained, "mlp", seed) / "test.json").read_text(encoding="utf-8"))[
            "test_accuracy"
        ]
        for seed in (0, 1)
    ]
    with opened(browser, page_file, permissions=permissions) as page:
        page.select_option("#family", "mlp")
        [row] = csv.DictReader(io.StringIO(copied(page, "csv")))
        assert row["model"] == "mlp"
        assert int(row["parameters"]) == 535_818
        assert float(row["accuracy"]) == pytest.approx(np.mean(accuracies))
        assert float(row["accuracy_low"]) < min(accuracies)

        heads, rule, cells = copied(page, "markdown").splitlines()
        assert heads.startswith("| Model | Family | Test accuracy ")
        assert set(rule) <= set("|-: ")
        assert cells.startswith(f"| mlp | MLP | {np.mean(accuracies) * 100:.2f} % [")
        assert "| 535,818 |" in cells

        latex = copied(page, "latex")
        assert latex.startswith("\\begin{tabular}{llrr")
        assert f"mlp & MLP & {np.mean(accuracies) * 100:.2f} \\%" in latex
        assert latex.endswith("\\bottomrule\n\\end{tabular}\n")


def largest_confusion(run_folder):
    confusion = np.array(
        json.loads((run_folder / "test.json").read_text(encoding="utf-8"))["confusion"]
    )
    np.fill_diagonal(confusion, 0)
    true, predicted = np.unravel_index(confusion.argmax(), confusion.shape)
    return int(true), int(predicted), int(confusion.max())


def only_seed_page(results, tmp_path):
    for seed1 in results.glob("digits/*/*/seed1"):
        shutil.rmtree(seed1)
    return make_page(results, tmp_path / "page.html")


def test_clicking_a_confusion_cell_shows_its_images(browser, results, tmp_path):
    path = only_seed_page(results, tmp_path)
    true, predicted, count = largest_confusion(only_run(results, "mlp"))
    with opened(browser, path, viewport={"width": 1280, "height": 900}, charts=True) as page:
        title = page.locator("[data-chart=confusion-a] h3").inner_text()
        assert title.startswith("mlp: ")
        assert f"({count} times)" in title
        plot = page.locator("[data-chart=confusion-a] .nsewdrag")
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        page.mouse.click(
            box["x"] + (predicted + 0.5) * box["width"] / 10,
            box["y"] + (true + 0.5) * box["height"] / 10,
        )
        page.wait_for_selector("#thumbnails li")
        assert text_of(page, "#images-title") == f"A {true} misclassified as {predicted} by mlp"
        assert page.locator("#thumbnails li").count() == count


def test_confusion_cells_can_be_chosen_from_the_table_by_keyboard(browser, results, tmp_path):
    path = only_seed_page(results, tmp_path)
    true, predicted, count = largest_confusion(only_run(results, "mlp"))
    with opened(browser, path) as page:
        chart = page.locator("[data-chart=confusion-a]")
        chart.locator("summary").press("Enter")
        cell = chart.locator("tbody tr").nth(true).locator("td").nth(predicted + 1)
        cell.get_by_role("button").press("Enter")
        assert page.locator("#thumbnails li").count() == count
        labels = page.locator("#thumbnails .digit").evaluate_all(
            "nodes => nodes.map((node) => node.getAttribute('aria-label'))"
        )
        assert all(label.endswith(f"labeled {true}") for label in labels)


def test_thumbnails_show_the_test_images(browser, results, tmp_path):
    path = only_seed_page(results, tmp_path)
    images = load_test("digits", REPOSITORY / "data").images
    with opened(browser, path) as page:
        pixels, index = page.evaluate(
            """async () => {
              const { mistakes } = (await Page.readData()).datasets[0];
              const picture = new Image();
              picture.src = mistakes.picture;
              await picture.decode();
              const canvas = new OffscreenCanvas(28, 28).getContext("2d");
              const [x, y] = [7 % mistakes.columns, Math.floor(7 / mistakes.columns)];
              canvas.drawImage(picture, -28 * x, -28 * y);
              const { data } = canvas.getImageData(0, 0, 28, 28);
              return [[...data].filter((_, place) => place % 4 === 0), mistakes.index[7]];
            }"""
        )
    expected = images[index, 0].numpy()
    expected = (expected - images.min().item()) / (images.max() - images.min()).item() * 255
    assert np.abs(np.array(pixels).reshape(28, 28) - expected).max() <= 9  # half a gray of 16


def test_every_chart_has_a_finding_a_label_a_table_and_a_picture(browser, page_file, tmp_path):
    with opened(browser, page_file, accept_downloads=True, charts=True) as page:
        charts = page.locator("figure.chart:visible")
        for place in range(charts.count()):
            chart = charts.nth(place)
            title = chart.locator("h3").inner_text()
            assert len(title) > 15
            label = chart.locator(".plot").get_attribute("aria-label")
            assert label.replace("\u00a0", " ").startswith(title.replace("\u00a0", " "))
            open_table(chart)
            with page.expect_download() as download:
                chart.get_by_role("button", name="Save as PNG").click()
            picture = tmp_path / download.value.suggested_filename
            download.value.save_as(picture)
            assert picture.suffix == ".png"
            assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_switch_shows_one_cost_after_the_other_in_one_place(browser, page_file):
    with opened(browser, page_file, charts=True) as page:
        place = page.locator("#cost figure")
        switch = page.locator("#cost [data-switch]")
        findings = []
        for option in switch.locator("option").all():
            if option.get_attribute("hidden") is None:
                switch.select_option(option.get_attribute("value"))
                page.wait_for_selector("html[data-charts]")
                findings.append(place.locator("h3").inner_text())
                assert place.locator(".plot svg").first.is_visible()
        assert place.count() == 1
        assert len(findings) == 6
        assert len(set(findings)) > 2


def test_what_is_folded_opens_by_its_link_and_on_paper(browser, page_file):
    with opened(browser, page_file) as page:
        settings = page.locator("#settings-content")
        assert settings.is_hidden()
        page.click("nav a[href='#settings']")
        assert settings.is_visible()
        page.locator("#settings summary").first.click()
        assert settings.is_hidden()
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert settings.is_visible()
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert settings.is_hidden()


def test_every_table_behind_a_chart_is_copied_in_three_forms(browser, page_file):
    permissions = ["clipboard-read", "clipboard-write"]
    with opened(browser, page_file, charts=True, permissions=permissions) as page:
        chart = page.locator("[data-chart=families]")
        shown = [
            row.locator("td").all_inner_texts() for row in open_table(chart).locator("tr").all()
        ]
        copied = {}
        for kind in ("csv", "markdown", "latex"):
            chart.locator(f"[data-copy={kind}]").click()
            copied[kind] = page.evaluate("navigator.clipboard.readText()")
    rows = list(csv.reader(io.StringIO(copied["csv"])))
    assert rows[0] == ["family", "model", "accuracy", "low", "high", "seeds"]
    assert {row[1] for row in rows[1:]} == {"mlp", "cnn"}
    for row, cells in zip(rows[1:], shown[1:], strict=True):
        assert float(row[2]) == pytest.approx(float(cells[2]), abs=1e-5)
    assert copied["markdown"].splitlines()[1] == "| --- | --- | ---: | ---: | ---: | ---: |"
    assert copied["latex"].startswith("\\begin{tabular}{llrrrr}")


def test_a_chart_is_saved_as_svg_in_the_width_of_a_paper(browser, page_file, tmp_path):
    dark = {"color_scheme": "dark", "accept_downloads": True}
    with opened(browser, page_file, charts=True, **dark) as page:
        chart = page.locator("[data-chart=families]")
        chart.get_by_label("Width of the picture").select_option("column")
        with page.expect_download() as download:
            chart.get_by_role("button", name="Save as SVG").click()
        picture = tmp_path / download.value.suggested_filename
        download.value.save_as(picture)
    assert picture.name == "families.svg"
    drawn = picture.read_text(encoding="utf-8")
    assert 'width="321"' in drawn  # 85 mm
    assert "fill: rgb(255, 255, 255)" in drawn  # from the dark theme too


@pytest.mark.parametrize("how", ["hover", "focus", "tap"])
def test_a_term_explains_itself(browser, page_file, how):
    with opened(browser, page_file, has_touch=True) as page:
        term = page.locator("#table thead [data-term=flops]")
        getattr(term, how)()
        tip = page.get_by_role("tooltip")
        assert tip.inner_text().startswith("Floating-point operations")
        box = tip.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= page.viewport_size["width"]
        page.keyboard.press("Escape")
        assert tip.is_hidden()


def test_the_figures_can_be_cited(browser, page_file):
    with opened(browser, page_file) as page:
        unfold(page)
        text = text_of(page, "#citation")
    assert text.startswith("@software{")
    assert "4 runs of 2 models; commit " in text
    assert f"PyTorch {torch.__version__.partition('+')[0]}" in text


def test_kept_epochs_show_as_test_curves(browser, page_file):
    with opened(browser, page_file, charts=True) as page:
        chart = page.locator("[data-chart=curves-loss]")
        splits = open_table(chart).locator("tbody tr td:nth-child(2)").all_inner_texts()
        assert splits.count("test") == 3
        assert splits.count("validation") == 6
        before = chart.locator(".scatterlayer .trace").count()
        page.uncheck("#splits [value=test]")
        page.wait_for_selector("html[data-charts]")
        assert chart.locator(".scatterlayer .trace").count() < before


def test_settings_show_what_differs_and_how_to_reproduce(browser, page_file):
    with opened(browser, page_file) as page:
        unfold(page)
        text = text_of(page, "#settings")
        for family in ("mlp", "cnn"):
            assert str(RECIPES["fast"].config(family).lr) in text
        assert "python task3_MNIST/train_mlp.py --dataset digits" in text
        page.locator("#settings summary", has_text="What all share").click()
        assert "torch" in text_of(page, "#settings")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_in_both_themes(browser, page_file, scheme):
    with opened(browser, page_file, color_scheme=scheme, charts=True) as page:
        unfold(page)
        ratio, text = lowest_contrast(page)
        assert ratio >= 4.5, text
        # numbers on a heatmap's strongest cells: they are drawn, so nothing lies behind them
        for end in ("--heat-bad", "--heat-good"):
            page.evaluate(f"document.getElementById('models').style.background = 'var({end})'")
            page.evaluate("document.getElementById('models').style.color = 'var(--text)'")
            page.evaluate("document.getElementById('models').replaceChildren('12')")
            assert lowest_contrast(page)[0] >= 4.5, end


def test_theme_button_changes_page_and_charts(browser, page_file):
    with opened(browser, page_file, color_scheme="light", charts=True) as page:
        page.click("#theme")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        page.wait_for_selector("html[data-charts]")
        fill = "getComputedStyle(document.querySelector('.plot .xtick text')).fill"
        assert page.evaluate(f"{fill} === getComputedStyle(document.body).color")
        ratio, text = lowest_contrast(page)
        assert ratio >= 4.5, text


def test_keyboard_reaches_every_control(browser, page_file):
    with opened(browser, page_file, charts=True) as page:
        reached, controls = tabbed_controls(page)
        assert reached == controls > 20


def test_phone_width_needs_no_sideways_scrolling(browser, page_file):
    with opened(browser, page_file, viewport={"width": 375, "height": 700}, charts=True) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 375


def test_a_browser_that_cannot_unpack_the_page_says_so(browser, page_file):
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.add_init_script("delete window.DecompressionStream")
    page.goto(page_file.as_uri())
    assert "open it in one of 2023 or later" in page.locator("main .notice").inner_text()
    context.close()


def test_prints_dark_on_white(browser, page_file):
    with opened(browser, page_file, color_scheme="dark", charts=True) as page:
        page.emulate_media(media="print", color_scheme="dark")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        ratio, text = lowest_contrast(page)
        assert ratio >= 4.5, text
        assert page.pdf().startswith(b"%PDF")


def test_a_verdict_links_to_the_study_that_explains_it_where_that_is_shown(trained, tmp_path):
    alone = make_page(trained, tmp_path / "alone" / "comparison.html")
    assert "studies.html" not in alone.read_text(encoding="utf-8")
    shown = tmp_path / "both" / "studies.html"
    shown.parent.mkdir()
    shutil.copy(REPOSITORY / "results" / "reference" / "studies.html", shown)
    text = make_page(trained, shown.with_name("comparison.html")).read_text(encoding="utf-8")
    links = re.findall(r'href="studies.html#(\w+)"', text)
    assert {"shuffled_pixels", "shared_errors"} <= set(links)
    ids = set(re.findall(r'id="(\w+)"', shown.read_text(encoding="utf-8")))
    assert set(links) <= ids


HOVERED = """async () => {
  for (const node of document.querySelectorAll("details")) node.open = true;
  const cut = [];
  let hovered = 0;
  for (const plot of document.querySelectorAll(".js-plotly-plot")) {
    plot.scrollIntoView();
    const sheet = plot.querySelector(".main-svg").getBoundingClientRect();
    for (const [curve, trace] of plot._fullData.entries()) {
      if (trace.visible !== true || trace.hoverinfo === "skip") continue;
      const last = (trace.z ?? trace.x ?? trace.r).length - 1;
      const corners = [[0, 0], [0, last], [last, 0], [last, last]];
      for (const pointNumber of trace.z ? corners : [0, last]) {
        Plotly.Fx.hover(plot, [{ curveNumber: curve, pointNumber }], trace.subplot);
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        for (const label of plot.querySelectorAll(".hovertext")) {
          const box = label.getBoundingClientRect();
          hovered += 1;
          if (box.left < sheet.left - 1 || box.right > sheet.right + 1)
            cut.push(label.textContent);
        }
      }
    }
  }
  return [hovered, cut];
}"""


def test_on_a_phone_no_label_at_the_pointer_is_cut(browser):
    path = REFERENCE / "model_comparison.html"
    with opened(browser, path, viewport={"width": 390, "height": 844}, charts=True) as page:
        hovered, cut = page.evaluate(HOVERED)
    assert hovered > 20
    assert cut == []
