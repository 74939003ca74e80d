"""The comparison page's data: from run folders to what its template and scripts show."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from task3_MNIST.datasets.splits import Split, load_test
from task3_MNIST.errors import UserError
from task3_MNIST.evaluation.pairs import (
    ComparedWithBest,
    Comparison,
    Pair,
    compare_all,
    compare_with_best,
    planned_comparison,
    prepare,
)
from task3_MNIST.formatting import dataset_labels, listing, unbroken
from task3_MNIST.report.comparison.charts.cost_axes import COSTS
from task3_MNIST.report.comparison.charts.curves import learning_curves
from task3_MNIST.report.comparison.charts.errors import class_heatmap, confusion_frame
from task3_MNIST.report.comparison.charts.families import family_strips
from task3_MNIST.report.comparison.charts.profile import radar, reliability
from task3_MNIST.report.comparison.charts.tradeoffs import RATES, efficiency, tradeoff
from task3_MNIST.report.comparison.cite import citation
from task3_MNIST.report.comparison.ensembles import ensemble_table, selection_table
from task3_MNIST.report.comparison.model_size import Study, enough, make_study, size_charts
from task3_MNIST.report.comparison.published import COLUMNS, published_rows
from task3_MNIST.report.comparison.rows import Entry, as_data, make_entries, tidy
from task3_MNIST.report.comparison.settings import compare_settings, describe_recipes
from task3_MNIST.report.comparison.significance import significance
from task3_MNIST.report.comparison.verdicts import (
    evidence,
    headline,
)
from task3_MNIST.report.images import pack_mistakes
from task3_MNIST.runs.folder import DEFAULT_DATASET
from task3_MNIST.runs.groups import Problem
from task3_MNIST.runs.records import RunGroup, RunRecord, split_size_study


def comparison(
    groups: Sequence[RunGroup], problems: Sequence[Problem], data_dir: Path
) -> dict[str, Any]:
    """Return everything the page holds.

    Args:
        groups: what is shown, at least one.
        problems: what cannot be shown.
        data_dir: where data sets lie; their test images are read.

    Returns:
        `datasets`, MNIST first, each with `name`, `images` (their number), `entries`,
        `size_study` (models of a model-size study, which are not compared with the entries),
        `pairs`, `significance` (of all pairs; None for fewer than three models), `chosen` (the
        two of the verdict, or None), `charts`, `size` (which size is enough, in sentences; None
        without a study), `ensembles`, `published`, `mistakes`, `settings` and
        `size_study_settings`; `problems`, the runs that are not shown or not completely, each
        with `run`, `what` and `command`; `confusion_frame`, a figure; `citation`, in BibTeX.
    """
    problems = list(problems)
    names = sorted({group.dataset for group in groups}, key=lambda name: name != DEFAULT_DATASET)
    datasets, called = [], dataset_labels(names)
    for name in names:
        members = [group for group in groups if group.dataset == name]
        dataset, found = _dataset(name, called[name], members, data_dir)
        datasets.append(dataset)
        problems += found
    return {
        "datasets": datasets,
        "problems": [dataclasses.asdict(problem) for problem in problems],
        "confusion_frame": confusion_frame(),
        "citation": citation(groups),
    }


def _dataset(
    name: str, called: str, groups: list[RunGroup], data_dir: Path
) -> tuple[dict[str, Any], list[Problem]]:
    test = None
    try:
        test = load_test(name, data_dir)
        groups, problems = _fitting(groups, test)
    except UserError as error:
        # curves and figures still show; what needs the images does not
        problems = [Problem(f"data set {name}", f"no images to compare on: {error}", "")]
    compared, study = split_size_study(groups)
    separate = study if len(compared) < len(groups) else []
    labels = test.labels.numpy() if test else None
    all_entries = make_entries([*compared, *separate], labels)
    entries = all_entries[: len(compared)]
    sizes = make_study(all_entries, study)
    tested = [entry for entry in entries if entry.median]
    # a study's models say how much those of their recipe vary, also where they are not compared
    prepared = prepare([entry.group for entry in all_entries], labels) if test else None
    places = range(len(compared))
    pairs = compare_all(prepared, places) if prepared else []
    with_best = compare_with_best(prepared, places) if prepared else None
    chosen = planned_comparison(compared) if pairs else None
    return {
        "name": called,
        "images": tested[0].median.test.n if tested else 0,
        "classes": list(test.classes) if test else groups[0].class_names,
        "entries": [as_data(entry) for entry in entries],
        "size_study": [as_data(entry) for entry in all_entries[len(compared) :]],
        "pairs": [_pair_data(pair, entries, prepared.images, pairs, chosen) for pair in pairs],
        "significance": significance(entries, pairs, with_best),
        "chosen": chosen,
        "recipes": describe_recipes(entry.group.name for entry in all_entries),
        "charts": [
            learning_curves(entries, "accuracy"),
            learning_curves(entries, "loss"),
            *(_test_charts(tested, with_best) if tested else []),
            *(size_charts(sizes) if sizes else []),
        ],
        "size": _size(sizes, prepared),
        "ensembles": ensemble_table(entries, labels),
        "selection": selection_table(entries),
        "published": _published(groups) if name == DEFAULT_DATASET else None,
        "mistakes": _mistakes(tested, test) if test and tested else None,
        "settings": compare_settings(compared, [entry.name for entry in entries]),
        "size_study_settings": _size_study_settings(all_entries[len(compared) :]),
    }, problems


def _size(study: Study | None, comparison: Comparison | None) -> str | None:
    """Return which size is enough, as far as there are images to judge by; None without a study."""
    if not study:
        return None
    return enough(study, comparison) if comparison else ""


def _size_study_settings(entries: Sequence[Entry]) -> dict[str, Any] | None:
    """Return the settings of the entries that are in no comparison; None without such."""
    groups, names = [entry.group for entry in entries], [entry.name for entry in entries]
    return compare_settings(groups, names) if entries else None


def _fitting(groups: Sequence[RunGroup], test: Split) -> tuple[list[RunGroup], list[Problem]]:
    """Return the groups without the test figures of runs whose predictions are of other images."""
    problems, images = [], len(test)

    def checked(run: RunRecord) -> RunRecord:
        same_classes = run.config.class_names == list(test.classes)
        if not run.test or (len(run.classes) == run.test.n == images and same_classes):
            return run
        what = f"has predictions for {len(run.classes):,} test images, not {images:,}"
        if not same_classes:
            what = f"was trained on other classes: {', '.join(run.config.class_names)}"
        problems.append(Problem(run.name, what, run.again))
        return dataclasses.replace(run, test=None, classes=None)

    kept = [
        dataclasses.replace(group, runs=tuple(checked(run) for run in group.runs))
        for group in groups
    ]
    return kept, problems


def _pair_data(
    pair: Pair,
    entries: Sequence[Entry],
    images: np.ndarray,
    pairs: Sequence[Pair],
    chosen: tuple[int, int],
) -> dict[str, Any]:
    planned = {pair.a, pair.b} == set(chosen)
    return {
        "a": pair.a,
        "b": pair.b,
        "difference": tidy(pair.result.mean),
        "models": pair.models,
        "planned": planned,
        "significant": pair.significant,
        "significant_among_all": pair.significant_among_all,
        "headline": headline(pair, entries, planned),
        "evidence": evidence(pair, entries, images, sum(other.models for other in pairs), planned),
    }


def _test_charts(
    tested: Sequence[Entry],
    with_best: tuple[int, Sequence[ComparedWithBest]] | None,
) -> list[dict[str, Any]]:
    charts = [
        family_strips(tested),
        *(tradeoff(tested, cost) for cost in COSTS),
        *(efficiency(tested, rate) for rate in RATES),
        class_heatmap(tested),
        reliability(tested),
        radar(tested, _most_accurate(tested, with_best)),
    ]
    return [chart for chart in charts if chart]


def _most_accurate(
    tested: Sequence[Entry], with_best: tuple[int, Sequence[ComparedWithBest]] | None
) -> list[Entry]:
    """Return those that are not significantly worse than the best by validation."""
    if with_best is None:
        return list(tested)
    worse = {row.place for row in with_best[1] if row.significant and row.mean < 0}
    return [entry for entry in tested if entry.place not in worse]


def _published(groups: Sequence[RunGroup]) -> dict[str, Any] | None:
    """Return what others report of models that were measured here; None if of none.

    Returns:
        `columns` and `rows`, the first cell of which is a pair: the source, and its address or
        ""; `note`, which models are not among these results, or "".
    """
    rows = published_rows(groups)
    measured = [row for row in rows if row.measured]
    if not measured:
        return None
    missing = dict.fromkeys(
        f"{row.model} with the {row.recipe} recipe"
        for row in rows
        if not row.measured and row.model != "–"
    )
    return {
        "columns": list(COLUMNS),
        "rows": [
            [[row.source, row.link], *map(unbroken, dataclasses.astuple(row)[2:])]
            for row in measured
        ],
        "note": f"Not reproduced here: {listing([*missing])}." if missing else "",
    }


def _mistakes(tested: Sequence[Entry], test: Split) -> dict[str, Any]:
    """Return the packed images that models misclassify; a text of predictions by entry's place."""
    predicted = np.stack([entry.median.classes for entry in tested])
    packed = pack_mistakes(test.images.numpy(), test.labels.numpy(), predicted)
    places = (entry.place for entry in tested)
    return {**packed, "predicted": dict(zip(places, packed["predicted"], strict=True))}
