"""How a study is shown: panels, each with an axis of what varies and a line for each model."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

from task3_MNIST.evaluation.robustness.measure import Wanted
from task3_MNIST.evaluation.statistics import Interval
from task3_MNIST.experiments.studies.definition import LABEL, MODEL, TEST, Cell, Study, is_test_key
from task3_MNIST.experiments.studies.probes import PROBES
from task3_MNIST.experiments.studies.table import Table, interval

# how people read a key, where its own words would not do
AS_READ = {
    "train_images": "training images",
    "label_noise": "fraction of labels replaced",
    "shuffle_pixels": "pixels shuffled",
    "translate": "shift in training, fraction of the side",
    "test_shift": "shift, pixels to the right and down",
    "test_rotation": "rotation, degrees",
    "test_scale": "scale",
    "test_noise": "noise, standard deviation",
    "test_blur": "blur, pixels",
    "test_contrast": "contrast",
    "test_inversion": "inversion",
    "test_occlusion": "black square, pixels of its side",
    "test_corruption": "corruption",
    "test_attack": "attack, epsilon",
    "test_probe": "images of each class for the last layer",
    "test_random_probe": "the same on random hidden layers",
}
LOGARITHMIC = ("train_images", "test_probe", "test_random_probe")
UNCHANGED = {"shift": [0, 0], "scale": 1.0, "contrast": 1.0, "corruption": "none"}


@dataclass(frozen=True)
class Point:
    """One place on a panel's axis.

    Attributes:
        label: its text.
        value: what it stands for: a number, or anything else.
        cell: what is trained there, but for the model.
        change: of the test images; None for the images as they are.
    """

    label: str
    value: Any
    cell: Cell
    change: Wanted | None


@dataclass(frozen=True)
class Panel:
    """A part of a study's figure.

    Attributes:
        title: what is the same in all of it; empty in a study of one panel.
        axis: the key that varies along it, as people read it.
        points: along the axis.
    """

    title: str
    axis: str
    points: list[Point]

    @property
    def numeric(self) -> bool:
        """Whether the axis is one of numbers."""
        kinds = {type(point.value) for point in self.points}
        return kinds <= {int, float} and len(self.points) > 1

    @property
    def logarithmic(self) -> bool:
        """Whether the numbers grow by factors."""
        return self.numeric and self.axis in {as_read(key) for key in LOGARITHMIC}

    @property
    def grid(self) -> bool:
        """Whether the points are shifts, right and down: a heat map shows them."""
        return all(type(point.value) is list for point in self.points)

    def to_the_right(self) -> Panel:
        """Return the panel of those shifts of a grid that go to the right or left alone."""
        points = [
            replace(point, value=point.value[0], label=f"{point.value[0]}")
            for point in self.points
            if point.value[1] == 0
        ]
        points.sort(key=lambda point: point.value)
        return replace(self, axis="pixels to the right", points=points)


def panels(study: Study) -> list[Panel]:
    """Return the panels of a study: one for each table of `vary` and each value of its other keys.

    The axis is the key with the most values. Tables in which nothing has two values are the points
    of a panel together.
    """
    found: dict[tuple[str, str], Panel] = {}
    single = []
    for given in study.tables:
        table = {key: values for key, values in given.items() if key not in (MODEL, *study.pool)}
        if all(len(values) == 1 and not is_test_key(key) for key, values in table.items()):
            single.append(table)
            continue
        for panel in _of_table(table):
            found.setdefault((panel.title, panel.axis), panel)
    if single:
        points = [_single_point(table) for table in single]
        return [Panel("", "what is changed", points), *found.values()]
    return list(found.values())


def _of_table(table: dict[str, list[Any]]) -> list[Panel]:
    table = {key: _with_unchanged(key, values) for key, values in table.items()}
    axis = max(table, key=lambda key: (len(table[key]), is_test_key(key)))
    others = {key: values for key, values in table.items() if key != axis}
    found = []
    for values in itertools.product(*others.values()):
        fixed = dict(zip(others, values, strict=True))
        points = [_point({**fixed, axis: value}, value) for value in table[axis]]
        if all(type(point.value) in (int, float) for point in points):
            points.sort(key=lambda point: point.value)
        found.append(Panel(describe(fixed), as_read(axis), points))
    return found


def _with_unchanged(key: str, values: list[Any]) -> list[Any]:
    """Return the values of a key with that of the test images as they are, if there is one."""
    kind = key.removeprefix(TEST)
    if not is_test_key(key) or kind in PROBES:
        return values
    unchanged = UNCHANGED.get(kind, 0)
    return values if unchanged in values else [unchanged, *values]


def _point(cell: Cell, value: Any) -> Point:
    """Return the point of a value of each key."""
    trained = {key: value for key, value in cell.items() if not is_test_key(key)}
    changes = [
        Wanted.of(key.removeprefix(TEST), value)
        for key, value in cell.items()
        if is_test_key(key) and value != UNCHANGED.get(key.removeprefix(TEST), 0)
    ]
    return Point(text_of(value), value, trained, changes[0] if changes else None)


def _single_point(table: dict[str, list[Any]]) -> Point:
    cell = {key: values[0] for key, values in table.items()}
    label = cell.pop(LABEL, None) or describe(cell) or "nothing"
    return Point(label, label, cell, None)


def describe(cell: Cell) -> str:
    """Return the varied values of a cell as people read them: `training images: 100; epochs: 3`."""
    return "; ".join(
        f"{as_read(key)}: {text_of(value)}" for key, value in cell.items() if key != "model"
    )


def as_read(key: str) -> str:
    """Return a key of `vary` as people read it: `training images`, `blur, pixels`."""
    return AS_READ.get(key, key.replace("_", " "))


def text_of(value: Any) -> str:
    """Return a varied value as people read it."""
    if isinstance(value, list):
        return ", ".join(map(text_of, value))
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:,}" if isinstance(value, int) else str(value)


def at(table: Table, model: str, point: Point, figure: str) -> Interval | None:
    """Return the mean of a figure over the seeds at a point, with its interval."""
    return interval(table, {"model": model, **point.cell}, point.change, figure)


def line_panels(study: Study) -> list[Panel]:
    """Return the panels as lines show them: of a grid of shifts, those to the right and left."""
    return [panel.to_the_right() if panel.grid else panel for panel in panels(study)]
