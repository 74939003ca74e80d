"""A study: a question in a TOML file, with what varies, what is measured and what would answer it.

`docs/studies.md` explains the keys. A mistake in a file is one line that names the file and the
key.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from task3_MNIST.datasets.splits import canonical_name
from task3_MNIST.errors import UsageError, UserError, unknown_name
from task3_MNIST.evaluation.robustness import measure
from task3_MNIST.evaluation.robustness.measure import Wanted
from task3_MNIST.experiments.studies.figures import FIGURES
from task3_MNIST.experiments.studies.probes import PROBES
from task3_MNIST.files import REPOSITORY
from task3_MNIST.models import registry
from task3_MNIST.training.config import TYPES, TrainConfig, seed_range
from task3_MNIST.training.recipes import find_recipe

FOLDER = REPOSITORY / "task3_MNIST" / "studies"
SUFFIX = ".toml"
TEST = "test_"  # begins a key of `vary` that changes the test images of a trained model
MODEL = "model"  # the key of `vary` that names some of the models, if not all of them are meant
LABEL = "label"  # the key that says in a few words what a table changes: one text
DATASET = "dataset"  # the key of `vary` whose values are data sets
RATES = (1 / 3, 1.0, 3.0)
PILOTS = (9000, 9001)  # seeds that choose the learning rate, and are never measured

Text = Annotated[str, Meta(min_length=1)]
Values = Annotated[list[Any], Meta(min_length=1)]
Cell = dict[str, Any]  # `model`, and a value for each varied key


class Primary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The one comparison that decides the hypothesis, fixed before the study runs.

    The sum of the figure over the cells of `plus` minus that over the cells of `minus`; the
    hypothesis says that it is more than `least`.
    """

    plus: Annotated[list[Cell], Meta(min_length=1)]
    minus: list[Cell]
    least: float
    says: Text  # what is compared, in words: "the CNN's lead at 1,000 images"
    figure: str = ""  # of `measure`; the first if empty


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A published figure, and what differs from what is measured here."""

    what: Text
    figure: Text
    differs: Text
    url: Text


class Study(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a study's file says.

    Attributes:
        question: that it answers.
        hypothesis: what is believed beforehand; empty in a study that describes.
        expected: what would confirm it.
        models: names of the registry.
        recipes: one for all models, or one for each model that has another than `fast`.
        seeds: how many, or FIRST-LAST.
        vary: hyperparameters, conditions of the data or of the test images (`test_...`), and
            `dataset`, each with its values: all combinations. Of several such tables each has its
            own combinations, and may name some of the models and have a label.
        pool: keys of `vary` whose values count as repetitions, as seeds do.
        fixed: hyperparameters that are the same in all runs.
        fixed_for: those that are the same in all runs of a model, by its name.
        hold: what stays the same, in words.
        measure: the figures; the first one leads.
        rates: factors of the recipe's learning rate among which validation chooses, for each
            model and condition.
        primary: see there; None in a study that describes.
        analysis: the name of what else is computed from the table.
        sources: published figures.
    """

    question: Text
    hypothesis: str = ""
    expected: str = ""
    models: Annotated[list[Text], Meta(min_length=1)]
    recipes: str | dict[str, str] = "fast"
    seeds: int | str = 5
    vary: dict[str, Values] | list[dict[str, Values]] = {}
    pool: list[str] = []
    fixed: dict[str, Any] = {}
    fixed_for: dict[str, dict[str, Any]] = {}
    hold: Text
    measure: str | list[str] = "test_accuracy"
    rates: Annotated[tuple[float, ...], Meta(min_length=1)] = RATES
    primary: Primary | None = None
    analysis: str = ""
    sources: list[Source] = []

    @property
    def figures(self) -> list[str]:
        """The names of what is measured."""
        return [self.measure] if isinstance(self.measure, str) else self.measure

    @property
    def tables(self) -> list[dict[str, Values]]:
        """What varies, as a list of tables."""
        return [self.vary] if isinstance(self.vary, dict) else self.vary

    @property
    def trained_keys(self) -> list[str]:
        """The keys that vary in training, each once."""
        names = dict.fromkeys(key for table in self.tables for key in table)
        return [key for key in names if not is_test_key(key) and key not in (MODEL, LABEL)]

    @property
    def datasets(self) -> list[str]:
        """The data sets that vary, each once."""
        return list(dict.fromkeys(name for table in self.tables for name in table.get(DATASET, [])))

    @property
    def seed_numbers(self) -> range:
        """The seeds that are measured."""
        return seed_range(str(self.seeds))

    def recipe_of(self, model: str) -> str:
        """Return the recipe that a model is trained with."""
        return self.recipes if isinstance(self.recipes, str) else self.recipes.get(model, "fast")

    def cells(self) -> list[tuple[Cell, list[Wanted]]]:
        """Return what is trained, each once, and on which changed test images it is measured."""
        found: dict[str, tuple[Cell, list[Wanted]]] = {}
        for table in self.tables:
            models = table.get(MODEL, self.models)
            trained = {
                key: values
                for key, values in table.items()
                if not is_test_key(key) and key not in (MODEL, LABEL)
            }
            tested = {key: values for key, values in table.items() if is_test_key(key)}
            for model, *values in itertools.product(models, *trained.values()):
                cell = {"model": model, **dict(zip(trained, values, strict=True))}
                _, wanted = found.setdefault(repr(sorted(cell.items())), (cell, []))
                wanted += [
                    Wanted.of(key.removeprefix(TEST), value)
                    for key, values in tested.items()
                    for value in values
                ]
        return list(found.values())


@dataclass(frozen=True)
class NamedStudy:
    """A study with its name."""

    name: str
    study: Study

    def changed(self, change: Callable[[Study], Study]) -> NamedStudy:
        """Return it with another version of its study."""
        return replace(self, study=change(self.study))


def pooled(study: Study, cell: Cell) -> Cell:
    """Return a cell without the keys whose values count as repetitions."""
    return {key: value for key, value in cell.items() if key not in study.pool}


def is_test_key(key: str) -> bool:
    """Return whether a key of `vary` changes test images, not training."""
    return key.startswith(TEST)


def shipped() -> list[Path]:
    """Return the files of the studies that come with the project, by name."""
    return sorted(FOLDER.glob(f"*{SUFFIX}"))


def find_study(text: str) -> NamedStudy:
    """Return the study of a name, or the one in a file, whose name ends in `.toml`.

    Raises:
        UsageError: there is no such study, or its file has a mistake.
    """
    named = {path.stem: path for path in shipped()}
    path = named.get(text) or Path(text).expanduser()
    if path.suffix != SUFFIX:
        raise unknown_name("study", text, named)
    try:
        study = msgspec.toml.decode(path.read_bytes(), type=Study)
        _check(study)
    except OSError as error:
        raise UsageError(f"there is no study {path}: check its path, or see --list") from error
    except (ValueError, UserError) as error:  # msgspec's and tomllib's errors are ValueErrors
        raise UsageError(f"{path}: {' '.join(str(error).split())}") from error
    return NamedStudy(path.stem, study)


def _check(study: Study) -> None:
    """Raise UserError or ValueError for what no training and no measurement could use."""
    from task3_MNIST.experiments.studies.analyses.names import ANALYSES  # it imports this file

    if study.analysis and study.analysis not in ANALYSES:
        raise unknown_name("analysis", study.analysis, ANALYSES)
    for model in study.models:
        registry.family_of(model)
        find_recipe(study.recipe_of(model))
    for where, named in (("recipes", study.recipes), ("fixed_for", study.fixed_for)):
        for model in [] if isinstance(named, str) else named:
            if model not in study.models:
                raise unknown_name(where, model, study.models)
    for figure in study.figures:
        if figure not in FIGURES:
            raise unknown_name("measure", figure, FIGURES)
    for fixed in (study.fixed, *study.fixed_for.values()):
        _check_hyperparameters("fixed", {key: [value] for key, value in fixed.items()})
    for key in study.pool:
        if key not in study.trained_keys:
            raise unknown_name("pool", key, study.trained_keys)
    for table in study.tables:
        _check_hyperparameters(
            "vary", {key: values for key, values in table.items() if key in TYPES}
        )
        for key, values in table.items():
            if key == DATASET:
                for value in values:
                    canonical_name(value)
            elif key == LABEL:
                if [type(value) for value in values] != [str]:
                    raise ValueError(f"vary: label {values!r} is not a list of one text")
            elif key == MODEL:
                for value in values:
                    if value not in study.models:
                        raise unknown_name("vary: model", value, study.models)
            elif is_test_key(key):
                kinds = [TEST + kind for kind in (*measure.kinds(), *PROBES)]
                if key not in kinds:
                    raise unknown_name("vary", key, [*TYPES, DATASET, *kinds])
                measure.check_values(key.removeprefix(TEST), values)
            elif key not in TYPES:
                raise unknown_name("vary", key, [*TYPES, DATASET])
    try:
        seed_range(str(study.seeds))
    except ValueError as error:
        raise ValueError(f"seeds: {error}") from error
    if study.primary:
        _check_primary(study, study.primary)


def _check_hyperparameters(where: str, table: dict[str, list[Any]]) -> None:
    for key, values in table.items():
        if key not in TYPES or key == "seed":
            raise unknown_name(where, key, [name for name in TYPES if name != "seed"])
        for value in values:
            TrainConfig(**{key: value})


def _check_primary(study: Study, primary: Primary) -> None:
    if primary.figure and primary.figure not in study.figures:
        raise unknown_name("primary: figure", primary.figure, study.figures)
    for cell in [*primary.plus, *primary.minus]:
        if not rows_of(study, cell):
            raise ValueError(f"primary: the study has no cell {cell}")


def rows_of(study: Study, wanted: Cell) -> list[tuple[Cell, Wanted | None]]:
    """Return the cells and the change of the test images that a cell of `primary` names.

    There are several where some of their keys are pooled.
    """
    trained = {key: value for key, value in wanted.items() if not is_test_key(key)}
    tested = [
        Wanted.of(key.removeprefix(TEST), value)
        for key, value in wanted.items()
        if is_test_key(key)
    ]
    return [
        (cell, tested[0] if tested else None)
        for cell, measured in study.cells()
        if pooled(study, cell) == trained and all(one in measured for one in tested)
    ]
