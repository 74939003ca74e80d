"""Studies: every one runs, its answer is what its table says, and a mistake is one line."""

import csv
import json
import re
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from task3_MNIST.errors import UsageError
from task3_MNIST.evaluation.paired_tests import Difference
from task3_MNIST.experiments.studies.definition import Primary, find_study, shipped
from task3_MNIST.experiments.studies.files import StudyFiles
from task3_MNIST.experiments.studies.verdict import PrimaryResult, verdicts
from task3_MNIST.report.studies.page import read_studies
from tests.helpers.scripts import call, call_ok, refusal, run_ok, start, wait_until

pytestmark = pytest.mark.timeout(1500)  # the first test waits for all fifteen

SCRIPT = "task3_MNIST/study.py"
NAMES = [path.stem for path in shipped()]
OWN = """
question = "Does a wider layer help?"
models = ["mlp_d1_w32", "mlp_d1_w64"]
seeds = 2
measure = "test_accuracy"
rates = [1.0]
hold = "The recipe fast."
[vary]
epochs = [1, 2]
"""


@pytest.fixture(scope="module")
def clothes(tmp_path_factory, mnist_dir):
    """Return a folder of images that stands for a second data set: digits, upside down."""
    from PIL import Image

    from task3_MNIST.datasets.splits import load_train

    folder = tmp_path_factory.mktemp("clothes") / "upside_down"
    digits = load_train("digits", mnist_dir)
    for place, (image, label) in enumerate(zip(digits.images, digits.labels, strict=True)):
        if place < 600:
            path = folder / str(label.item()) / f"{place}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image[0].flip(0).numpy()).save(path)
    return folder


@pytest.fixture(scope="module")
def everything(tmp_path_factory, clothes):
    """Return the results of every study, a quick version, on digits."""
    results = tmp_path_factory.mktemp("studies")
    page = results / "studies.html"
    run_ok(
        SCRIPT,
        *("--all", "--quick", "--datasets", "digits", clothes),
        *("--results", results, "--out", page),
        timeout=1200,
    )
    return results / "quick"


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(OWN, encoding="utf-8")
    return path


def test_the_list_has_every_study_with_its_question():
    lines = call_ok(SCRIPT, "--list").splitlines()
    assert len(lines) == len(NAMES) == 15
    for line, name in zip(lines, NAMES, strict=True):
        assert line == f"{name}: {find_study(name).study.question}"


@pytest.mark.parametrize("name", NAMES)
def test_every_study_leaves_its_files(everything, name):
    paths = StudyFiles(everything, name)
    assert paths.table.is_file() and paths.result.is_file()
    with paths.table.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["seed"] for row in rows} == {"0", "1"}
    assert {row["model"] for row in rows} <= set(find_study(name).study.models)
    assert paths.picture.is_file()


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_is_what_the_table_says(everything, name):
    [found] = [one for one in read_studies(everything) if one.name == name]
    assert found.answer
    primary = found.study.primary
    if not primary:
        return
    with StudyFiles(everything, name).table.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    figure = primary.figure or found.study.figures[0]

    def mean(cell):
        trained = {k: v for k, v in cell.items() if not k.startswith("test_")}
        tested = {k.removeprefix("test_"): v for k, v in cell.items() if k.startswith("test_")}
        chosen = [
            float(row[figure])
            for row in rows
            if all(
                row[k] == (v if isinstance(v, str) else json.dumps(v)) for k, v in trained.items()
            )
            and all(
                not row[k]
                for k in found.study.trained_keys
                if k not in trained and k not in found.study.pool
            )
            and (
                [row["change"], row["value"]]
                == [next(iter(tested), ""), *map(text, list(tested.values())[:1] or [None])]
            )
        ]
        assert len(chosen) >= 2
        return np.mean(chosen)

    def text(value):
        return "" if value is None else value if isinstance(value, str) else json.dumps(value)

    wanted = sum(map(mean, primary.plus)) - sum(map(mean, primary.minus))
    assert found.result.primary.mean == pytest.approx(wanted, abs=1e-9)
    said = re.search(r" is ([+−-]\d+\.\d+)( points)?", found.answer)
    value = float(said[1].replace("−", "-"))
    assert value == pytest.approx(wanted * (100 if said[2] else 1), abs=0.006)
    verdict = found.answer.split(":")[0].lower()
    if verdict == "confirmed":
        assert wanted > primary.least
    elif verdict == "refuted":
        assert wanted < primary.least
    else:
        assert verdict == "undecided"


def test_a_verdict_needs_more_than_the_least_difference():
    sure, unsure = (
        PrimaryResult(0.05, ((0.001, 30.0),), 5, True),
        PrimaryResult(0.05, ((0.04, 30.0),), 5, True),
    )
    assert [found.word for found in verdicts([(sure, 0.02), (sure, 0.08), (unsure, 0.02)])] == [
        "confirmed",
        "refuted",
        "undecided",
    ]
    # correction for all studies (Holm): the same p decides less among more
    edge = PrimaryResult(0.02, ((0.0096, 1e6),), 5, True)
    assert Difference(0.02, ((0.0096, 1e6),)).p == pytest.approx(0.037, abs=0.002)
    assert verdicts([(edge, 0.0)])[0].word == "confirmed"
    assert verdicts([(edge, 0.0), (edge, 0.0)])[0].word == "undecided"


def test_a_study_of_ones_own_runs_and_is_on_the_page(own, tmp_path):
    page = tmp_path / "page.html"
    arguments = (own, "--datasets", "digits", "--jobs", 1, "--results", tmp_path, "--out", page)
    said = call_ok(SCRIPT, *arguments)
    assert "mine: mlp_d1_w32: test accuracy" in said
    assert "Does a wider layer help?" in page.read_text(encoding="utf-8")
    assert "0 of them finished" in said
    assert "4 of them finished" not in said
    assert "8 runs, 8 of them finished" in call_ok(SCRIPT, *arguments)


MISTAKES = {
    "seedz = 3\n": "seedz",
    'models = ["mlpp"]\n': "mlpp",
    'measure = "accuracy"\n': "accuracy",
    'seeds = "5-"\n': "seeds",
    'recipes = "quick"\n': "quick",
    'analysis = "magic"\n': "magic",
    '[primary]\nsays = "x"\nleast = 0\nplus = [{ model = "mlp" }]\nminus = []\n': "primary",
    "[vary]\nlearning = [1]\n": "learning",
    "[vary]\nepochs = [0]\n": "epochs",
    '[vary]\ntest_corruption = ["rain"]\n': "rain",
    "[vary]\ntest_shift = [3]\n": "test_shift",
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_that_names_file_and_key(tmp_path, mistake):
    path = tmp_path / "mine.toml"
    if mistake.startswith("["):  # a table goes to the end
        text = OWN.partition("[vary]")[0] + mistake
    else:
        key = mistake.split(" ")[0]
        text = mistake + "".join(
            line for line in OWN.splitlines(True) if not line.startswith(f"{key} ")
        )
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        find_study(str(path))
    assert str(path) in str(refused.value) and MISTAKES[mistake] in str(refused.value)
    assert "\n" not in str(refused.value)


def test_unknown_names_are_refused_before_anything_runs(tmp_path):
    line = refusal(call(SCRIPT, "sample_eficiency", "--results", tmp_path), 2)
    assert "sample_efficiency" in line
    assert "there is no study" in refusal(call(SCRIPT, tmp_path / "gone.toml"), 2)
    assert "name a study" in refusal(call(SCRIPT), 2)
    assert list(tmp_path.iterdir()) == []


def test_killed_and_given_again_the_table_is_the_same(own, tmp_path):
    common = ("--datasets", "digits", "--jobs", 1, "--out", tmp_path / "page.html")
    call_ok(SCRIPT, own, *common, "--results", tmp_path / "whole")
    cut = tmp_path / "cut"
    process = start(SCRIPT, own, *common, "--results", cut)
    wait_until(lambda: len(list(cut.rglob("summary.json"))) >= 3, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    ended = {path: path.stat().st_mtime_ns for path in cut.rglob("study-mine.json")}
    call_ok(SCRIPT, own, *common, "--results", cut)
    assert (cut / "mine.csv").read_bytes() == (tmp_path / "whole" / "mine.csv").read_bytes()
    assert all(path.stat().st_mtime_ns == when for path, when in ended.items())


def test_a_damaged_result_is_one_line(everything, tmp_path):
    copy = shutil.copytree(everything, tmp_path / "copy", ignore=shutil.ignore_patterns("runs"))
    (copy / "seeds.json").write_text("{", encoding="utf-8")
    with pytest.raises(Exception, match=r"seeds\.json is damaged"):
        read_studies(copy)


def test_shipped_files_say_what_a_study_must_say():
    for path in shipped():
        study = find_study(path.stem).study
        assert study.question.endswith("?"), path
        assert (study.primary is None) == (study.hypothesis == ""), path
        assert isinstance(study.primary, Primary | None)
        assert Path(path).read_text(encoding="utf-8").startswith("question"), path
