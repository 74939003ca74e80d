"""The page of studies: for each a section with question, answer, figure, table and command."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from task3_MNIST.experiments.studies.answer import Result, answer, read_result
from task3_MNIST.experiments.studies.definition import Study, shipped
from task3_MNIST.experiments.studies.files import StudyFiles
from task3_MNIST.experiments.studies.table import Table, read_table
from task3_MNIST.experiments.studies.verdict import Verdict, verdicts
from task3_MNIST.files import REPOSITORY
from task3_MNIST.formatting import count
from task3_MNIST.report.html import render
from task3_MNIST.report.studies.charts import study_charts

OUT = REPOSITORY / "task3_MNIST" / "studies.html"


@dataclass(frozen=True)
class Answered:
    """A study that was run: its definition, its table, its result and the verdict, if any."""

    name: str
    study: Study
    table: Table
    result: Result
    verdict: Verdict | None = None

    @property
    def answer(self) -> str:
        """What was found, in sentences."""
        return answer(self.study, self.table, self.result, self.verdict)

    @property
    def command(self) -> str:
        """What runs it again; a study of the user's own is named by its file."""
        shipped_names = {path.stem for path in shipped()}
        name = self.name if self.name in shipped_names else f"{self.name}.toml"
        return f"python task3_MNIST/study.py {name}"


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
    tested = [one for one in found if one.result.primary]
    given = [(one.result.primary, one.study.primary.least) for one in tested]
    by_name = {one.name: v for one, v in zip(tested, verdicts(given), strict=True)}
    return [replace(one, verdict=by_name.get(one.name)) for one in found]


def write_page(folder: Path, out: Path) -> list[Answered]:
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
        scripts=(
            "static/copy.js",
            "static/pictures.js",
            "static/charts.js",
            "studies/js/studies.js",
        ),
        plotly=True,
        studies=studies,
        count=count(len(studies), "question"),
    )
    return studies


def _section(one: Answered) -> dict[str, Any]:
    return {
        "name": one.name,
        "charts": study_charts(one.name, one.study, one.table),
        "tables": [vars(table) for table in one.result.tables],
    }
