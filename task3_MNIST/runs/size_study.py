"""Which runs are a study of size: models of the grids, enough of them that lines can be drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol, TypeVar

from task3_MNIST.models import registry

ENOUGH = 5  # sizes of a family by one recipe; whoever trains fewer wants them beside the others
FEWEST_OTHERS = 2  # with fewer there would be nothing to compare


class Group(Protocol):
    """Runs that differ in their seed only, as far as this looks at them."""

    @property
    def model(self) -> str:
        """The model's name."""

    @property
    def family(self) -> str:
        """Its family."""

    @property
    def name(self) -> str:
        """The recipe with the knobs that differ from it."""


AnyGroup = TypeVar("AnyGroup", bound=Group)


def set_apart(groups: Sequence[AnyGroup]) -> tuple[list[AnyGroup], list[AnyGroup]]:
    """Return the groups to compare with each other, and those that are a study of size.

    Dozens of sizes would hide the models that somebody wants to compare, and a correction for
    all pairs would hold their number against every two of them. So a study is set apart, unless
    next to nothing else is there: then its models are among the compared as well.

    Args:
        groups: all of one data set.
    """
    sizes = Counter((group.family, group.name) for group in groups if registry.size_of(group.model))

    def studied(group: AnyGroup) -> bool:
        enough = sizes[group.family, group.name] >= ENOUGH
        return enough and registry.size_of(group.model) is not None

    study = [group for group in groups if studied(group)]
    others = [group for group in groups if not studied(group)]
    return (others if len(others) >= FEWEST_OTHERS else list(groups)), study
