"""From finished runs to a study's files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from task3_MNIST.datasets.splits import canonical_name
from task3_MNIST.experiments.studies.analyses.names import ANALYSES
from task3_MNIST.experiments.studies.answer import Result
from task3_MNIST.experiments.studies.definition import NamedStudy, Study
from task3_MNIST.experiments.studies.examples import examples
from task3_MNIST.experiments.studies.figures import FIGURES
from task3_MNIST.experiments.studies.files import StudyFiles
from task3_MNIST.experiments.studies.measure import Measurement
from task3_MNIST.experiments.studies.panels import Panel, at, line_panels
from task3_MNIST.experiments.studies.plan import Planned
from task3_MNIST.experiments.studies.table import Table, make_table, write_table
from task3_MNIST.experiments.studies.verdict import primary_result
from task3_MNIST.models import registry
from task3_MNIST.plots import style
from task3_MNIST.plots.study import DrawnPanel, Line, study_figure
from task3_MNIST.runs import files

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def measurement(name: str, study: Study, planned: Planned) -> Measurement:
    """Return what is measured of the runs of a cell."""
    return Measurement(
        name,
        tuple(study.figures),
        tuple(planned.wanted),
        tuple(map(canonical_name, study.datasets)),
    )


def write_study(named: NamedStudy, cells: Sequence[Planned], paths: StudyFiles) -> Table:
    """Write a study's table, result and picture from what its runs measured; return the table."""
    study = named.study
    by_job = {job: measurement(named.name, study, cell) for cell in cells for job in cell.jobs}
    table = make_table(study, cells, lambda job: by_job[job].read(job.run(paths.runs)))
    write_table(table, study, paths.table)
    primary = primary_result(study, cells, table, paths.runs) if study.primary else None
    analysis = ANALYSES[study.analysis](study, cells, table, paths.runs) if study.analysis else None
    findings, tables = analysis or ([], [])
    style.save(picture(study, table), paths.picture)
    # last: whoever finds it finds the others
    shown = examples(study, cells, paths.runs)
    content = Result(msgspec.to_builtins(study), primary, findings, tables, shown)
    files.write(paths.result, content)
    return table


def picture(study: Study, table: Table) -> Figure:
    """Return the figure of a study: its first measure, with a panel for each part of it."""
    name = study.figures[0]
    drawn = [_drawn(study, panel, table, name) for panel in line_panels(study)]
    meaning = FIGURES[name]
    return study_figure(study.question, meaning.title, meaning.percent, drawn)


def _drawn(study: Study, panel: Panel, table: Table, figure: str) -> DrawnPanel:
    lines = [
        Line(
            model,
            registry.family_of(model),
            [at(table, model, point, figure) for point in panel.points],
        )
        for model in study.models
    ]
    places = [float(point.value) for point in panel.points] if panel.numeric else None
    labels = [point.label for point in panel.points]
    return DrawnPanel(panel.title, panel.axis, labels, places, panel.logarithmic, lines)
