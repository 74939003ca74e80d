"""The commands, tables and links of README and docs are right."""

import concurrent.futures
import csv
import multiprocessing
import re
import shlex
import shutil
from statistics import mean

import pytest

from task3_MNIST.errors import UserError
from task3_MNIST.report.reference.tables import MARKS, TABLES, with_tables
from task3_MNIST.runs.groups import read_groups
from task3_MNIST.runs.tables import RUNS
from tests.helpers.scripts import REPOSITORY, call, run_ok, succeeded

PATHS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
DOCUMENTS = {path: path.read_text(encoding="utf-8") for path in PATHS}
README = DOCUMENTS[REPOSITORY / "README.md"]
ALL = "\n".join(DOCUMENTS.values())
REFERENCE = REPOSITORY / "results" / "reference"


def commands():
    """Return each of the commands of the shell blocks that run a script, once."""
    blocks = re.findall(r"```(?:sh|powershell)\n(.*?)```", ALL, re.S)
    lines = [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]
    return list(dict.fromkeys(line for line in lines if re.match(r"python task\d_", line)))


# so that each takes seconds: one short epoch, few seeds, and results of the test's own
SHORTER = {
    "train_mlp.py": ("--epochs", "1", "--batch-size", "1000"),
    "train_cnn.py": ("--epochs", "1", "--batch-size", "1000"),
    "train_baselines.py": ("--models", "logistic_regression", "--dataset", "digits"),
    "benchmark.py": ("--models", "linear", "cnn_10_20", "--datasets", "digits"),
    # the same study's name, whatever it is tuned on
    "study.py": ("--datasets", "digits"),
    "tune.py": ("--dataset", "digits", "--study", "mlp", "--trials", "2", "--epochs", "1"),
}


# these start processes of their own
PARALLEL = ("benchmark.py", "tune.py", "speedrun.py", "study.py", "robustness.py")


@pytest.fixture(scope="module")
def checkout(mnist_dir, tmp_path_factory):
    """Return a copy of the code with the real data: commands write where they say they do."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in ("task1_MLP", "task2_CNN", "task3_MNIST"):
        shutil.copytree(REPOSITORY / name, copy / name, ignore=shutil.ignore_patterns("*.html"))
    shutil.copy(REPOSITORY / "CITATION.cff", copy)
    (copy / "data").symlink_to(mnist_dir)
    return copy


@pytest.fixture(scope="module")
def in_checkout():
    """Return what runs a script of the copy, all in one process: starting one takes seconds.

    It is another process than this one, which has imported the repository's own modules. What
    starts processes itself has one to itself, as on a user's machine.
    """
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as pool:

        def run_there(script, *arguments):
            if script.name in PARALLEL:
                return run_ok(script, *arguments)
            return succeeded(pool.submit(call, script, *arguments).result())

        yield run_there


@pytest.mark.timeout(1800)  # three dozen commands
def test_the_commands_of_the_readme_run_in_their_order(checkout, in_checkout, tmp_path):
    ran = []
    for line in commands():
        script, *arguments = shlex.split(line)[1:]
        name = script.rpartition("/")[2]
        if "--cluster" in arguments or "--qmnist50k" in arguments:
            continue  # tests of their own have other hosts, and files laid out like QMNIST's
        if name == "speedrun.py":
            arguments = ["--model", "linear", "--runs", "1"]
        if "mine.toml" in arguments:  # the study that the documents show
            [text] = re.findall(r"```toml\n(question.*?)```", ALL, re.S)
            (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
            arguments[arguments.index("mine.toml")] = str(tmp_path / "mine.toml")
        if name == "predict.py":
            arguments = [str(write_digit(tmp_path / "digit.png"))]
        if "--list" not in arguments:
            arguments += [a for a in SHORTER.get(name, ()) if a]
        if name.startswith("train_") and ("--model" in arguments or "--recipe" in arguments):
            arguments += ["--dataset", "digits"]  # MNIST would say no more
        if name == "export.py":  # the runs have other names here, and any is as good
            [found, *_] = sorted((checkout / "results/runs").rglob("seed0/test.json"))
            arguments[0] = str(found.parent)
        if "--tta" in arguments:  # so the runs named by the README lie elsewhere
            *_, model, _ = arguments[-1].split("/")
            arguments[-1] = f"results/runs/digits/{model}"
        if "--seeds" in arguments:
            arguments[arguments.index("--seeds") + 1] = "1"
        # the results of the copy
        arguments = [
            str(checkout / word) if word.startswith("results/") else word for word in arguments
        ]
        in_checkout(checkout / script, *arguments)
        ran.append(name)
    assert {"train_mlp.py", "train_cnn.py", "predict.py", "evaluate.py"} <= set(ran)
    assert (checkout / "results" / "runs" / "summary.csv").exists()
    for page in ("model_comparison.html", "model_inference.html"):
        assert (checkout / "task3_MNIST" / page).stat().st_size > 100_000
    for word in re.findall(r"`(\w+/\S+?\.(?:md|py|html))`", ALL):
        assert (checkout / word).exists() or (REPOSITORY / word).exists(), word


def test_the_first_blocks_say_the_same_with_and_without_make_on_every_system():
    start = README.split("## Start")[1].split("\n## ")[0]
    _, posix, windows = re.findall(r"```\w+\n(.*?)```", start, re.S)
    scripts = [
        [line for line in block.splitlines() if line.startswith("python ")]
        for block in (posix, windows)
    ]
    assert scripts[0] == scripts[1]
    assert len(scripts[0]) == 5


def write_digit(path):
    """Write a picture of a real digit and return its path."""
    from PIL import Image
    from sklearn.datasets import load_digits

    pixels = (load_digits().images[0] * 15.9).astype("uint8")
    Image.fromarray(255 - pixels).resize((200, 200)).save(path)
    return path


def test_the_tables_are_what_the_reference_results_say():
    for text in DOCUMENTS.values():
        assert with_tables(text, REFERENCE) == text, "run python task3_MNIST/update_reference.py"
    assert all(MARKS.format(name=name) in ALL for name in TABLES)


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 150


@pytest.fixture
def reference(tmp_path):
    """Return a copy of the tables that a test may change."""
    copied = tmp_path / "reference"
    copied.mkdir()
    for path in REFERENCE.iterdir():
        if path.suffix in (".csv", ".npz"):
            shutil.copy(path, copied)
    return copied


@pytest.mark.parametrize(
    ("name", "group", "start"),
    [
        ("accuracy", ("mlp", "fast"), "| `mlp` |"),
        ("ensembles", ("cnn_strong", "strong+full-train"), "| `cnn_strong` | `strong+full-train`"),
        ("published", ("mlp", "fast"), "| `mlp` | `fast` |"),
    ],
)
def test_a_table_follows_the_published_runs(name, group, start, reference):
    with (reference / RUNS).open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        if (row["model"], row["name"]) == group:
            row |= {"test_accuracy": "0.12", "train_seconds": "4321.0"}
    with (reference / RUNS).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    before, after = TABLES[name](REFERENCE), TABLES[name](reference)
    changed = {line for line in after.splitlines() if line not in before.splitlines()}
    assert len(changed) == 1
    assert start in changed.pop()


def test_a_model_size_study_has_a_table_of_its_own():
    assert "| `mlp_d1_` |" in TABLES["size"](REFERENCE)
    assert "_d1_" not in TABLES["accuracy"](REFERENCE)


def test_a_table_without_a_column_is_refused_in_one_line(reference):
    path = reference / RUNS
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("train_seconds,", "x,", 1), encoding="utf-8")
    with pytest.raises(UserError, match=r"runs.csv is damaged .*train_seconds.*: "):
        with_tables(ALL, reference)


def test_every_link_and_picture_is_there():
    links = [
        path.parent / link
        for path, text in DOCUMENTS.items()
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", text)
    ]
    assert len(links) > 20
    assert [link for link in links if not link.exists()] == []


def test_the_model_of_add_a_model_is_one_row():
    row = re.search(r'```python\n    "cnn_wide": (.*?),\n```', README, re.S)[1]
    from task2_CNN.models import CNN, Conv, Pool

    model = CNN(**eval(row, {"dict": dict, "Conv": Conv, "Pool": Pool}))
    assert sum(p.numel() for p in model.parameters()) > 100_000


def test_the_snippet_that_reads_a_run_works(checkout):
    block = next(b for b in re.findall(r"```python\n(.*?)```", ALL, re.S) if "torch.load" in b)
    run = next((checkout / "results/runs/cnn").rglob("test.json")).parent
    exec(block.replace('"results/runs/cnn/fast/seed0/"', repr(f"{run}/")), {})


def test_two_lines_of_pandas_answer_a_question(monkeypatch):
    block = next(b for b in re.findall(r"```python\n(.*?)```", README, re.S) if "read_csv" in b)
    monkeypatch.chdir(REPOSITORY)
    *lines, question = block.strip().splitlines()
    names = {}
    exec("\n".join(lines), names)
    answer = eval(question, names)
    groups, _ = read_groups(REFERENCE)
    assert len(answer) == len(groups)
    for group in groups:
        accuracies = group.tests("test_accuracy")
        found = answer.loc[(group.model, group.name)]
        assert (found["mean"], found["count"]) == (pytest.approx(mean(accuracies)), len(accuracies))
