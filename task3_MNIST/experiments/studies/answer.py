"""What a study found, in sentences that follow from its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from task3_MNIST.evaluation.statistics import Interval
from task3_MNIST.experiments.studies.definition import Study
from task3_MNIST.experiments.studies.examples import Example
from task3_MNIST.experiments.studies.figures import FIGURES
from task3_MNIST.experiments.studies.panels import Panel, at, panels
from task3_MNIST.experiments.studies.table import Table
from task3_MNIST.experiments.studies.verdict import PrimaryResult, Verdict
from task3_MNIST.formatting import MINUS, p_value, with_ends
from task3_MNIST.runs import files

AGAIN = "run the study again"


@dataclass(frozen=True)
class ExtraTable:
    """A table that an analysis made: its title, its columns and its rows."""

    title: str
    columns: list[str]
    rows: list[list[Any]]


# what an analysis returns: sentences, and tables behind them
Analysis = tuple[list[str], list[ExtraTable]]


@dataclass(frozen=True)
class Result:
    """`<name>.json` next to a study's table: its definition, and what is computed from runs.

    Attributes:
        study: what its file said, as `Study` has it.
        primary: what came of the primary comparison; None without one, or with too few runs.
        findings: sentences of the analysis.
        tables: of the analysis.
        examples: what the conditions look like.
    """

    study: dict[str, Any]
    primary: PrimaryResult | None = None
    findings: list[str] = field(default_factory=list)
    tables: list[ExtraTable] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)


def read_result(path: Path) -> tuple[Study, Result]:
    """Return what a study's result says, and the study.

    Raises:
        UserError: the file is damaged.
    """
    result = files.read(path, Result, AGAIN)
    try:
        return msgspec.convert(result.study, Study), result
    except ValueError as error:
        raise files.refused(path, error, AGAIN) from error


def primary_sentence(study: Study, result: PrimaryResult, verdict: Verdict) -> str:
    """Return what came of the hypothesis: its verdict, the difference, and what it rests on."""
    primary = study.primary
    figure = FIGURES[primary.figure or study.figures[0]]
    low, high = result.difference.interval()
    found = Interval(result.mean, low, high, result.seeds)
    over = "seeds and writers" if result.by_writer else "seeds"
    difference = show(found, figure.percent, signed=True)
    return (
        f"{verdict.word.capitalize()}: {primary.says} is {difference} "
        f"(95 % interval over {over}, n={result.seeds}); the hypothesis says more than "
        f"{_least(primary.least, figure.percent)} "
        f"({p_value(verdict.p)}, corrected for {_hypotheses(verdict.hypotheses)})."
    )


def description(study: Study, table: Table) -> list[str]:
    """Return a sentence for each model: its figure at both ends of the first panel."""
    panel, figure = panels(study)[0], study.figures[0]
    sentences = (_from_to(model, panel, table, figure) for model in study.models)
    return [sentence for sentence in sentences if sentence]


def _from_to(model: str, panel: Panel, table: Table, figure: str) -> str:
    found = [(point, at(table, model, point, figure)) for point in panel.points]
    found = [(point, interval) for point, interval in found if interval]
    if not found:
        return ""
    percent = FIGURES[figure].percent
    ends = [found[0], found[-1]] if len(found) > 1 else found
    parts = [f"{show(interval, percent)} at {point.label}" for point, interval in ends]
    where = f" ({panel.title})" if panel.title else ""
    return f"{model}{where}: {FIGURES[figure].title} {', '.join(parts)}, n={found[0][1].n}."


def show(interval: Interval, percent: bool, signed: bool = False) -> str:
    """Return an estimate with its interval: in percent, in points if it is a difference."""
    form = "{:+.2f}" if signed else "{:.2f}"
    if not percent:
        return with_ends(interval, form.replace(".2f", ".4f"))
    return with_ends(interval, form, _unit(percent, signed), factor=100)


def _hypotheses(number: int) -> str:
    return "no other hypothesis" if number == 1 else f"{number} hypotheses"


def _unit(percent: bool, signed: bool) -> str:
    return "" if not percent else " points" if signed else " %"


def _least(value: float, percent: bool) -> str:
    """Return the least difference of a hypothesis: `1 point`, `0.5 points`."""
    number = f"{100 * value if percent else value:g}".replace("-", MINUS)
    return f"{number} point{'' if number == '1' else 's'}" if percent else number


def table_rows(study: Study, table: Table) -> tuple[list[str], list[list[Any]]]:
    """Return the columns and rows of a study's table: the means over seeds."""
    titles = [FIGURES[name].title for name in study.figures]
    shown = panels(study)
    columns = [*(["part"] if len(shown) > 1 else []), "condition", "model", *titles, "rate", "n"]
    rows = []
    for panel in shown:
        for point in panel.points:
            for model in study.models:
                found = [at(table, model, point, name) for name in study.figures]
                if None in found:
                    continue
                cells = [
                    show(interval, FIGURES[name].percent)
                    for interval, name in zip(found, study.figures, strict=True)
                ]
                part = [panel.title or panel.axis] if len(shown) > 1 else []
                rate = _rate(table, {"model": model, **point.cell})
                rows.append([*part, point.label, model, *cells, rate, found[0].n])
    return columns, rows


def _rate(table: Table, cell: dict[str, Any]) -> str:
    row = next(row for row in table if row.cell == cell)
    return f"{row.lr:g}"


def answer(study: Study, table: Table, result: Result, verdict: Verdict | None) -> str:
    """Return the answer of a study: its verdict first, then what its analysis found.

    A study with neither is described.
    """
    sentences: Sequence[str] = result.findings
    if result.primary and verdict:
        sentences = [primary_sentence(study, result.primary, verdict), *sentences]
    return " ".join(sentences or description(study, table))
