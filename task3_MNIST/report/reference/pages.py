"""Make again what follows from the published results: documents, plots and both pages."""

from __future__ import annotations

from pathlib import Path

from task3_MNIST.datasets.splits import fetch
from task3_MNIST.files import write_atomic
from task3_MNIST.report.comparison.page import OUT as COMPARISON
from task3_MNIST.report.comparison.page import compare
from task3_MNIST.report.inference.page import OUT as INFERENCE
from task3_MNIST.report.inference.page import show
from task3_MNIST.report.reference.tables import STUDIES, with_tables
from task3_MNIST.report.studies.page import OUT as STUDIES_PAGE
from task3_MNIST.report.studies.page import write_page as write_studies
from task3_MNIST.runs.folder import load_model
from task3_MNIST.runs.groups import read_groups


def write_document(path: Path, reference: Path) -> bool:
    """Write a document's tables again if a figure in them changed; return whether it did."""
    before = path.read_text(encoding="utf-8")
    after = with_tables(before, reference)
    if after != before:
        write_atomic(path, after.encode())
    return after != before


def write_pages(reference: Path, data_dir: Path) -> list[dict[str, str]]:
    """Write the plots and both pages, and return the problems that the comparison page names.

    Raises:
        UserError: a table or a file of weights is damaged, or no run has weights.
    """
    groups, _ = read_groups(reference)
    for run in (run for group in groups for run in group.runs if run.weights):
        load_model(run.weights, run.config)  # the page would go without it
    for dataset in sorted({group.dataset for group in groups}):
        fetch(dataset, data_dir, test=True)
    plots = reference / "plots"
    # the comparison links to the studies that are shown
    write_studies(reference / STUDIES, reference / STUDIES_PAGE.name)
    problems = compare(reference, data_dir, reference / COMPARISON.name, plots)
    show(reference, data_dir, (), reference / INFERENCE.name, plots)
    for copy in plots.glob("*.pdf"):
        copy.unlink()  # the repository keeps one form of each picture
    return problems
