"""predict.py answers for the user's own image files, and says which ones it cannot answer for."""

import csv

import numpy as np
import pytest
from PIL import Image

from task3_MNIST.datasets.photographs.reading import read_digits
from task3_MNIST.datasets.splits import load_test, load_train, split_validation
from task3_MNIST.experiments.predict import answer, best_models
from tests.helpers.photographs import KINDS, pictures, write
from tests.helpers.scripts import call, call_ok, refusal

PREDICT = "task3_MNIST/predict.py"


@pytest.fixture(scope="module")
def digits(mnist_dir):
    """Return three test images of MNIST, (28, 28) uint8: a 7, a 2 and a 4."""
    return load_test("mnist", mnist_dir).images[[0, 1, 4], 0].numpy()


def enlarged(digit, side=200):
    return np.asarray(Image.fromarray(digit).resize((side, side), Image.BICUBIC))


def predict(results, *arguments):
    return call(PREDICT, *arguments, "--results", results)


def test_photos_and_scans_of_every_kind_are_read(mnist_results, digits, tmp_path):
    seven, two, four = (enlarged(digit) for digit in digits)
    Image.fromarray(seven).save(tmp_path / "light on dark.png")
    y, x = np.mgrid[:900, :700]
    paper = 215 - 60.0 * x / 700 - 30.0 * y / 900
    paper[500:700, 80:280] -= 0.5 * two
    noise = np.random.default_rng(0).normal(0, 3, paper.shape)
    photo = Image.fromarray((paper + noise).clip(0, 255).astype(np.uint8))
    photo.save(tmp_path / "photo.jpg")
    turned = photo.transpose(Image.ROTATE_90)
    orientation = turned.getexif()
    orientation[0x0112] = 6  # shown turned by 90 degrees clockwise
    turned.save(tmp_path / "turned.jpg", exif=orientation)
    ink = np.zeros((200, 200, 4), dtype=np.uint8)
    ink[..., 3] = four
    Image.fromarray(ink).save(tmp_path / "transparent.png")

    expected = {"light on dark.png": 7, "photo.jpg": 2, "turned.jpg": 2, "transparent.png": 4}
    files = [tmp_path / name for name in expected]
    lines = call_ok(PREDICT, *files, "--results", mnist_results).splitlines()
    for line, (name, digit) in zip(lines, expected.items(), strict=True):
        assert line.startswith(f"{tmp_path / name}: mlp says {digit} (")
        assert f"cnn says {digit} (" in line
        assert line.endswith("%)")


def test_bad_files_are_named_and_the_others_answered(mnist_results, digits, tmp_path):
    Image.fromarray(enlarged(digits[0])).save(tmp_path / "good.png")
    Image.new("L", (80, 80), 230).save(tmp_path / "blank.png")
    (tmp_path / "broken.png").write_bytes((tmp_path / "good.png").read_bytes()[:200])
    (tmp_path / "text.png").write_text("no image", encoding="utf-8")
    rows = np.zeros((500, 240), dtype=np.uint8)
    rows[20:220, 20:220], rows[280:480, 20:220] = enlarged(digits[1]), enlarged(digits[2])
    Image.fromarray(rows).save(tmp_path / "rows.png")

    bad = {
        "blank.png": "no ink",
        "broken.png": "cannot read",
        "text.png": "not an image",
        "rows.png": "digits found in 2 rows",
        "absent.png": "No such file",
    }
    files = [tmp_path / name for name in (*bad, "good.png")]
    done = predict(mnist_results, *files)
    assert done.returncode == 1
    assert "good.png: mlp says 7" in done.stdout
    errors = done.stderr.strip().splitlines()
    assert len(errors) == len(bad)
    for line, (name, reason) in zip(errors, bad.items(), strict=True):
        assert line.startswith("error: ")
        assert name in line
        assert reason in line


def test_a_row_of_digits_is_a_number_and_csv_has_a_row_for_each_file_and_model(
    mnist_results, digits, tmp_path
):
    several = np.full((240, 700), 235, dtype=np.uint8)
    for place, digit in enumerate(digits):
        several[20:220, 20 + 220 * place : 220 + 220 * place] -= enlarged(digit) // 2
    Image.fromarray(several).save(tmp_path / "several.png")
    Image.new("L", (80, 80), 230).save(tmp_path / "blank.png")
    table = tmp_path / "answers.csv"
    files = (tmp_path / "several.png", tmp_path / "blank.png")
    done = predict(mnist_results, *files, "--csv", table)
    assert f"{files[0]}: mlp says 724 (" in done.stdout
    assert done.returncode == 1
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["file", "model", "predicted", "probability", "status"]
    assert [(row["file"], row["model"]) for row in rows] == [
        (str(path), model) for path in files for model in ("mlp", "cnn")
    ]
    assert [row["predicted"] for row in rows] == ["724", "724", "", ""]
    assert 0.5 < float(rows[0]["probability"]) <= 1
    assert rows[0]["status"] == "read"
    assert "no ink found" in rows[2]["status"]


@pytest.mark.parametrize("kind", KINDS)
def test_paper_that_people_have_is_read(mnist_results, mnist_dir, tmp_path, kind):
    _, split = split_validation(load_train("mnist", mnist_dir), dataset="mnist")
    shown = pictures(kind, split.images[:, 0].numpy(), split.labels.numpy(), 8)
    [model] = best_models(mnist_results, ["cnn"]).values()
    correct = sure_and_wrong = 0
    for number, (picture, text) in enumerate(shown):
        path = write(tmp_path / f"{number}.png", picture)
        said = answer(model, read_digits(path).images)
        correct += said.text == text
        sure_and_wrong += said.text != text and said.probability >= 0.8
    assert correct >= 6
    assert sure_and_wrong <= 1


def test_out_shows_what_the_models_saw(mnist_results, digits, tmp_path):
    Image.fromarray(enlarged(digits[0])).save(tmp_path / "7 of $5.png")
    out = tmp_path / "new folder" / "seen.png"
    arguments = (tmp_path / "7 of $5.png", "--model", "cnn", "--out", out)
    text = call_ok(PREDICT, *arguments, "--results", mnist_results)
    assert "mlp" not in text
    assert f"written: {out}" in text
    with Image.open(out) as picture:
        dark = np.asarray(picture.convert("L")) < 40
    # much of the picture is the black of the image that the model got, and of the file's own paper
    assert 0.2 < dark.mean() < 0.9


def test_runs_can_be_named(mnist_results, digits, tmp_path):
    Image.fromarray(enlarged(digits[2])).save(tmp_path / "four.png")
    folder = next((mnist_results / "cnn").rglob("model.pt")).parent
    text = call_ok(PREDICT, tmp_path / "four.png", "--run", folder)
    assert text.startswith(f"{tmp_path / 'four.png'}: cnn says 4 (")


def test_a_wrong_choice_of_model_is_one_line(mnist_results, tmp_path):
    assert "lenet5" in refusal(predict(mnist_results, "a.png", "--model", "lenet5"), 1)
    assert "config.json" in refusal(predict(mnist_results, "a.png", "--run", tmp_path), 2)
