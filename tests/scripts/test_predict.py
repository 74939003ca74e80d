"""predict.py answers for the user's own image files, and says which ones it cannot answer for."""

import numpy as np
import pytest
from PIL import Image

from task3_MNIST.datasets.splits import load_test
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
    several = np.zeros((240, 500), dtype=np.uint8)
    several[20:220, 20:220], several[20:220, 280:480] = enlarged(digits[1]), enlarged(digits[2])
    Image.fromarray(several).save(tmp_path / "several.png")

    bad = {
        "blank.png": "no ink",
        "broken.png": "cannot read",
        "text.png": "not an image",
        "several.png": "2 separate digits",
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


def test_out_shows_what_the_models_saw(mnist_results, digits, tmp_path):
    Image.fromarray(enlarged(digits[0])).save(tmp_path / "7 of $5.png")
    out = tmp_path / "new folder" / "seen.png"
    arguments = (tmp_path / "7 of $5.png", "--model", "cnn", "--out", out)
    text = call_ok(PREDICT, *arguments, "--results", mnist_results)
    assert "mlp" not in text
    assert f"written: {out}" in text
    with Image.open(out) as picture:
        dark = np.asarray(picture.convert("L")) < 40
    # most of the picture is the black of one 28 x 28 image
    assert 0.2 < dark.mean() < 0.8


def test_runs_can_be_named(mnist_results, digits, tmp_path):
    Image.fromarray(enlarged(digits[2])).save(tmp_path / "four.png")
    folder = next((mnist_results / "cnn").rglob("model.pt")).parent
    text = call_ok(PREDICT, tmp_path / "four.png", "--run", folder)
    assert text.startswith(f"{tmp_path / 'four.png'}: cnn says 4 (")


def test_a_wrong_choice_of_model_is_one_line(mnist_results, tmp_path):
    assert "lenet5" in refusal(predict(mnist_results, "a.png", "--model", "lenet5"), 1)
    assert "config.json" in refusal(predict(mnist_results, "a.png", "--run", tmp_path), 2)
