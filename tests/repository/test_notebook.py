"""The notebook runs from any directory, and what it shows is what the reference results say."""

import ast
import json
import sys

import nbformat
import pytest

from tests.helpers.scripts import REPOSITORY
from tools.notebook import NOTEBOOK, executed

STALE = "the notebook shows other results than there are: run `make notebook`"


@pytest.fixture(scope="module")
def committed():
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def fresh(mnist_dir, tmp_path_factory):
    # far from where the notebook lies: it must find the repository from anywhere
    return executed(NOTEBOOK, tmp_path_factory.mktemp("elsewhere"))


def code_cells(notebook):
    return {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}


def texts(cell):
    """Return what a cell prints and the tables it shows."""
    tables = [output.data for output in cell.outputs if "text/html" in output.get("data", {})]
    printed = [output.text for output in cell.outputs if "text" in output]
    return printed + [table["text/plain"] for table in tables]


def start():
    """Return the code of the first cell."""
    return next(iter(code_cells(nbformat.read(NOTEBOOK, as_version=4)).values())).source


def test_it_starts_with_five_imports_at_most_and_reads_runs_with_pandas(committed):
    imports = [node for node in ast.walk(ast.parse(start())) if hasattr(node, "names")]
    assert 0 < len(imports) <= 5
    assert 'pd.read_csv(REFERENCE / "runs.csv")' in code_cells(committed)["runs"].source


@pytest.mark.parametrize("told", ["nothing", "Jupyter", "VS Code", "folder"])
def test_it_finds_the_repository_from_any_folder(told, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.chdir(REPOSITORY / "docs" if told == "folder" else tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    if told == "Jupyter":
        monkeypatch.setenv("JPY_SESSION_NAME", str(NOTEBOOK))
    names = {"__vsc_ipynb_file__": str(NOTEBOOK)} if told == "VS Code" else {}
    if told == "nothing":
        with pytest.raises(AssertionError, match="open the notebook in its repository, or start"):
            exec(start(), names)
        return
    exec(start(), names)
    assert names["ROOT"] == REPOSITORY


def test_its_tables_are_what_the_reference_results_say(committed, fresh):
    ran = code_cells(fresh)
    from_reference = [
        cell
        for cell in code_cells(committed).values()
        if "reference" in cell.metadata.get("tags", ())
    ]
    assert len(from_reference) >= 5
    for cell in from_reference:
        assert texts(cell), cell.id
        assert texts(cell) == texts(ran[cell.id]), f"{cell.id}: {STALE}"


def test_every_cell_was_run_in_order_and_every_figure_is_there(committed, fresh):
    for notebook in (committed, fresh):
        cells = code_cells(notebook)
        assert [cell.execution_count for cell in cells.values()] == [*range(1, len(cells) + 1)], (
            STALE
        )
        pictures = {
            name
            for name, cell in cells.items()
            if any("image/png" in output.get("data", {}) for output in cell.outputs)
        }
        assert pictures == {
            *("accuracy-figure", "curves", "size", "confusion", "study-figure", "mistakes"),
        }


def test_it_trains_a_model_and_shows_validation_alone(fresh):
    [printed] = texts(code_cells(fresh)["train"])
    assert printed.startswith("mlp_50_50: 42,310 parameters, 55,000 images to learn from\n")
    accuracies = [float(line.split()[-2]) for line in printed.splitlines()[1:]]
    assert len(accuracies) == 2
    assert 94 < accuracies[0] < accuracies[1] < 99
    assert "test" not in printed


def test_it_is_small_and_tells_nothing_of_the_machine_it_ran_on(committed, fresh):
    assert NOTEBOOK.stat().st_size < 500_000
    for notebook in (committed, fresh):
        outputs = [output for cell in code_cells(notebook).values() for output in cell.outputs]
        assert not [output for output in outputs if output.get("name") == "stderr"]
    for trace in (str(REPOSITORY), "/home/", "/tmp/", "site-packages"):
        assert trace not in json.dumps(committed)
