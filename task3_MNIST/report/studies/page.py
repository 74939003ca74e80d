"""The page of studies: for each a section with question, answer, figure, table and command."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from task3_MNIST.experiments.studies.answer import Result, answer, read_result
from task3_MNIST.experiments.studies.definition import Study
from task3_MNIST.experiments.studies.files import StudyFiles
from task3_MNIST.experiments.studies.table import Table, read_table
from task3_MNIST.experiments.studies.verdict import verdicts
from task3_MNIST.files import REPOSITORY
from task3_MNIST.formatting import count
from task3_MNIST.report.html import render
from task3_MNIST.report.studies.charts import study_charts

OUT = REPOSITORY / "task3_MNIST" / "studies.html"


class Answered:
    """A study that was run: its definition, its table, its result, its answer."""

    def __init__(self, name: str, study: Study, table: Table, result: Result) -> None:
        self.name, self.study, self.table, self.result = name, study, table, result
        self.verdict: tuple[str, float] | None = None

    @property
    def answer(self) -> str:
        """What was found, in sentences."""
        return answer(self.study, self.table, self.result, self.verdict)


def read_studies(folder: Path) -> list[Answered]:
    """Return the studies whose results are in a folder, with verdicts corrected for all of them.

    Raises:
        UserError: a file is damaged.
    """
    found = []
    for path in sorted(folder.glob("*.json")):
        paths = StudyFiles(folder, path.stem)
        study, result = read_result(paths.result)
        found.append(Answered(path.stem, study, read_table(study, paths.table), result))
    tested = [one for one in found if one.result.primary and one.study.primary]
    given = [(one.result.primary, one.study.primary.least) for one in tested]
    for one, verdict in zip(tested, verdicts(given) if given else [], strict=True):
        one.verdict = verdict
    return found


def write_page(folder: Path, out: Path = OUT) -> list[Answered]:
    """Write the page of all studies in a folder, and return them.

    Raises:
        UserError: a file is damaged.
    """
    studies = read_studies(folder)
    render(
        "studies/page.html.j2",
        out,
        title="Why MLPs and CNNs differ: studies",
        data={"studies": [_section(one) for one in studies]},
        styles=("comparison/page.css", "studies/page.css"),
        scripts=("static/charts.js", "studies/js/studies.js"),
        plotly=True,
        studies=studies,
        count=count(len(studies), "study").replace("studys", "studies"),
    )
    return studies


def _section(one: Answered) -> dict[str, Any]:
    return {
        "name": one.name,
        "charts": study_charts(one.name, one.study, one.table),
        "tables": _tables(one.result),
    }


def _tables(result: Result) -> Iterable[dict[str, Any]]:
    return [vars(table) for table in result.tables]
