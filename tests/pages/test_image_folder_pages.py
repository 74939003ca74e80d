"""A folder of letters, from one command to both pages: the classes have their names everywhere."""

import json
import re

import pytest
from PIL import Image

from task3_MNIST.runs.folder import Run
from tests.helpers.inference import draw
from tests.helpers.letters import LETTERS, draw_letters
from tests.helpers.pages import data_of_file, open_table, opened
from tests.helpers.scripts import call, call_ok, refusal

COMPARISON = "task3_MNIST/visualize_comparison.py"
INFERENCE = "task3_MNIST/model_inference_visualization.py"
PREDICT = "task3_MNIST/predict.py"


@pytest.fixture(scope="module")
def letters(tmp_path_factory):
    return draw_letters(tmp_path_factory.mktemp("images") / "letters")


@pytest.fixture(scope="module")
def trained(letters, tmp_path_factory):
    """Return results on the letters, and what training printed."""
    results = tmp_path_factory.mktemp("letters") / "runs"
    given = ("--dataset", letters, "--skip-broken", "--threads", 1, "--results", results)
    printed = "".join(
        call_ok(f"task3_MNIST/train_{family}.py", *given) for family in ("mlp", "cnn")
    )
    return results, printed


def test_what_was_found_is_said_and_the_letters_are_learned(trained, letters):
    results, printed = trained
    assert "161 training files make an epoch of 2 steps: 50 epochs, not 3 (--epochs " in printed
    assert (
        f"found in {letters}: 5 classes (A, B, C, D, E); 160 training images (32 of each class); "
        "40 test images (8 of each class); 64 x 64 pixels\n"
    ) in printed
    assert "left out, as they cannot be used: training/B/broken.jpg (" in printed
    assert "warning" not in printed
    runs = [Run(path.parent) for path in results.rglob("test.json")]
    assert len(runs) == 2
    for run in runs:
        assert run.config().class_names == list(LETTERS)
        assert run.test().test_accuracy >= 0.9
        assert len(run.test().confusion) == 5
        assert run.logits().shape == (40, 5)


def test_a_broken_image_stops_what_does_not_leave_it_out(letters, tmp_path):
    given = ("--dataset", letters, "--results", tmp_path)
    for script in ("train_mlp.py", "train_baselines.py"):
        line = refusal(call(f"task3_MNIST/{script}", *given), 1)
        assert "1 of 201 images of" in line
        assert "training/B/broken.jpg (" in line
        assert "--skip-broken" in line


def test_a_saved_run_needs_no_folder_to_answer(trained, letters, tmp_path):
    away = letters.rename(tmp_path / "away")
    try:
        files = [path for letter in "BE" for path in sorted((away / "testing" / letter).iterdir())]
        lines = call_ok(PREDICT, *files, "--model", "cnn", "--results", trained[0]).splitlines()
        said = [line.partition("cnn says ")[2][0] for line in lines]
        assert sum(map(str.__eq__, said, "B" * 8 + "E" * 8)) >= 14
    finally:
        away.rename(letters)


def test_the_comparison_page_names_the_letters(browser, trained, tmp_path):
    out = tmp_path / "comparison.html"
    call_ok(COMPARISON, "--results", trained[0], "--out", out, "--plots", tmp_path / "plots")
    with opened(browser, out, charts=True) as page:
        assert "letters" in page.title()
        chart = page.locator("[data-chart=confusion-a]")
        for axis in ("xtick", "ytick"):
            assert chart.locator(f".{axis} text").all_text_contents() == list(LETTERS)
        header = open_table(chart).locator("thead th").all_text_contents()
        assert header[1:] == list(LETTERS)
        heatmap = page.locator("[data-chart=classes] .xtick text")
        assert heatmap.all_text_contents() == list(LETTERS)
        page.select_option("#cost [data-switch]", "efficiency-parameters")
        about = page.locator("[data-chart=efficiency-parameters]").text_content()
        assert "above guessing (20\u00a0%)" in about


def test_the_inference_page_names_the_letters(browser, trained, tmp_path):
    out = tmp_path / "inference.html"
    call_ok(INFERENCE, "--results", trained[0], "--out", out, "--plots", tmp_path / "plots")
    with Image.open(tmp_path / "plots" / "predictions.png") as picture:
        assert picture.width > 1000
    with opened(browser, out) as page:
        assert page.title().startswith("Draw a character: two models trained on letters")
        names = page.locator("#answers .card").first.locator(".bars .name").all_text_contents()
        assert names == list(LETTERS)
        assert "same logits as PyTorch" in page.locator("#badge").text_content()
        options = page.locator("#gallery-digit option").all_text_contents()
        assert options == ["all", *LETTERS]
        page.select_option("#gallery-who", "all")
        page.select_option("#gallery-digit", label="D")
        labels = page.locator(".tiles .label").all_text_contents()
        assert labels == ["label D"] * 8
        page.locator(".tiles button").first.click()
        said = page.locator("#status", has_text=re.compile(": [A-E], .*: [A-E]$"))
        said.wait_for(state="attached")


@pytest.mark.parametrize("script", [COMPARISON, INFERENCE])
def test_a_run_of_other_classes_is_named_and_left_out(script, trained, tmp_path):
    """The folder changed since: its labels are not those that the model learned."""
    [config] = trained[0].glob("*/mlp/*/seed0/config.json")
    content = config.read_text(encoding="utf-8")
    changed = json.loads(content) | {"classes": ["A", "B", "C", "D", "F"]}
    try:
        config.write_text(json.dumps(changed), encoding="utf-8")
        out = tmp_path / "page.html"
        call_ok(script, "--results", trained[0], "--out", out, "--plots", tmp_path / "plots")
        assert "trained on other classes: A, B, C, D, F" in data_of_file(out)
    finally:
        config.write_text(content, encoding="utf-8")


def levels(page):
    """Return the levels of the model input, from a copy: Chromium warns of a second reading."""
    return page.evaluate("""() => {
      const context = new OffscreenCanvas(28, 28).getContext("2d");
      context.drawImage(document.querySelector("#model-input canvas"), 0, 0);
      return [...context.getImageData(0, 0, 28, 28).data];
    }""")


def test_images_that_were_only_resized_are_so_on_the_page_too(browser, letters, tmp_path):
    """The page and predict.py answer alike, and a drawing is dark on light as the images are."""
    results, out = tmp_path / "runs", tmp_path / "inference.html"
    given = ("--dataset", letters, "--skip-broken", "--preprocess", "resize", "--threads", 1)
    call_ok("task3_MNIST/train_mlp.py", *given, "--results", results)
    call_ok(INFERENCE, "--results", results, "--out", out, "--plots", tmp_path / "plots")
    files = [letters / "testing" / letter / "034.png" for letter in LETTERS]
    lines = call_ok(PREDICT, *files, "--results", results).splitlines()
    with opened(browser, out) as page:
        assert not page.locator("#preprocess").is_visible()
        card = page.locator("#answers .card").first
        for path, line in zip(files, lines, strict=True):
            page.set_input_files("#file", path)
            letter, probability = line.partition("mlp says ")[2][:-2].split(" (")
            wanted = letter + probability.replace("100.0%", ">99.9%")
            page.wait_for_function(
                "wanted => document.querySelector('#answers .verdict').textContent"
                ".replace(/\\s/g, '').startsWith(wanted)",
                arg=wanted,
            )
        page.locator("#clear").click()
        assert set(levels(page)) == {255}  # paper
        draw(page, [[(0.2, 0.5), (0.8, 0.5)]])
        assert levels(page)[0] == 255
        assert min(levels(page)[::4]) < 60  # ink
        assert card.get_attribute("data-prediction")
