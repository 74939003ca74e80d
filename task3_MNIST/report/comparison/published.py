"""What others report for models of this zoo, beside what is measured here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from task3_MNIST.evaluation.statistics import mean_interval
from task3_MNIST.report.comparison.verdicts import spread

UNVERIFIED = "a public student project, quoted from notes, not verified"
NOT_MEASURED = "not measured"
EVERYDAY = ("classic", "fast")
CLASSIC = ("classic",)
RECORD = ("strong+full-train",)

# the figures of a model and recipe, a value for each seed, by their keys in summary.csv
Figures = Mapping[str, Sequence[float | None]]


@dataclass(frozen=True)
class Claim:
    """A published figure.

    Attributes:
        of: the claimed model in the words of its source.
        accuracy: percent, with the digits that were published.
        model: the same model here.
        recipes: run names here to hold against it.
        source: who claims it.
        link: where that was read; "" if it was not seen there.
        split: the images it is of: `test`, or `val` for validation images.
        spread: its own spread, as published.
        loss: mean cross-entropy on the same images, as published.
        seconds: training, as published.
        machine: where those seconds were measured, if that is said.
        size: of the model's file, as published.
    """

    of: str
    accuracy: str
    model: str
    recipes: tuple[str, ...]
    source: str = UNVERIFIED
    link: str = ""
    split: str = "test"
    spread: str = ""
    loss: str = ""
    seconds: str = ""
    machine: str = ""
    size: str = ""


@dataclass(frozen=True)
class Row:
    """A claim beside one recipe here, as texts; `link` belongs to `source`."""

    source: str
    link: str
    of: str
    claimed: str
    model: str
    recipe: str
    here: str
    difference: str

    @property
    def measured(self) -> bool:
        """Whether there is a figure here."""
        return self.here != NOT_MEASURED


COLUMNS = (
    "source",
    "model there",
    "claimed",
    "model here",
    "recipe",
    "measured here",
    "here, against the claim",
)

LLOYD_LEI = dict(
    source="Lloyd-lei/neuralNetwork, README",
    link="https://github.com/Lloyd-lei/neuralNetwork",
)
VALIDATED = dict(split="val", recipes=CLASSIC)

# Where there is a link, the figure was read there; spreads are standard deviations.
CLAIMS = (
    Claim(
        "MLP 784-512-256-10",
        *("98.10", "mlp", EVERYDAY),
        **LLOYD_LEI,
        seconds="35.37",
        size="2.0 MB",
    ),
    Claim(
        "CNN 6-16 channels",
        *("98.83", "cnn", EVERYDAY),
        **LLOYD_LEI,
        seconds="83.70",
        size="177 KB",
    ),
    # one figure for both MLPs
    Claim("MLP 120-84, Adam 1e-3", "97", "mlp_120_84", loss="0.1778", **VALIDATED),
    Claim("MLP 50-50, Adam 1e-2", "97", "mlp_50_50", loss="0.1778", **VALIDATED),
    Claim("CNN 10-20 channels", "99", "cnn_10_20", loss="0.0341", **VALIDATED),
    Claim("LeNet-5", "98.9", "lenet5", CLASSIC),
    Claim("MLP 80-20, as large as LeNet-5", "97.5", "mlp_80_20", CLASSIC),
    Claim("LeNet-5", "98.96", "lenet5", CLASSIC),
    Claim("a simple CNN", "92.4", "simple_cnn", CLASSIC),
    Claim("an advanced CNN", "97.67", "advanced_cnn", CLASSIC),
    Claim(
        "MLP 3 x 1024, affine deformation",
        *("99.447", "mlp_strong", RECORD),
        source="tsilva/mnist-classifier-mlp, model card",
        link="https://huggingface.co/tsilva/mnist-classifier-mlp",
        spread="± 0.020, 10 seeds",
    ),
    Claim(
        "CNN 32-64-128 x 2, affine deformation",
        *("99.614", "cnn_strong", RECORD),
        source="tsilva/mnist-classifier-cnn, model card",
        link="https://huggingface.co/tsilva/mnist-classifier-cnn",
        spread="± 0.080, 5 seeds",
    ),
    Claim(
        "CNN of 215,194 parameters, one epoch",
        *("99.041", "cnn_fast", ("fast",)),
        source="tuomaso/train_mnist_fast, notebook 8",
        link="https://github.com/tuomaso/train_mnist_fast",
        spread="± 0.066, 30 runs",
        seconds="0.762",
        machine="GTX 1660 Ti",
    ),
)


def beside(figures: Mapping[tuple[str, str], Figures]) -> list[Row]:
    """Return a row for each claim and recipe.

    Args:
        figures: what is measured here on MNIST by (model, run name); seeds of `None` were not
            validated.
    """
    return [
        _row(claim, recipe, figures.get((claim.model, recipe)))
        for claim in CLAIMS
        for recipe in claim.recipes
    ]


def _row(claim: Claim, recipe: str, found: Figures | None) -> Row:
    here, difference = NOT_MEASURED, "–"
    if found and None not in found[f"{claim.split}_accuracy"]:
        here, difference = _measured(claim, found), _difference(claim, found)
    there = (claim.source, claim.link, claim.of, _claimed(claim))
    return Row(*there, claim.model, recipe, here, difference)


def _claimed(claim: Claim) -> str:
    accuracy = f"{claim.accuracy} %{_of_split(claim)}"
    loss = f"loss {claim.loss}" if claim.loss else ""
    where = f" on a {claim.machine}" if claim.machine else ""
    seconds = f"{claim.seconds} s{where}" if claim.seconds else ""
    return ", ".join(part for part in (accuracy, claim.spread, loss, seconds, claim.size) if part)


def _measured(claim: Claim, found: Figures) -> str:
    # of the seconds the median: a run that was paused for others would carry the mean away
    accuracies = found[f"{claim.split}_accuracy"]
    parts = [f"{spread([100 * a for a in accuracies], '{:.2f}', ' %')}{_of_split(claim)}"]
    if claim.loss:
        parts.append(f"loss {spread(found[f'{claim.split}_loss'], '{:.4f}')}")
    if claim.seconds:
        parts.append(f"median {median(found['train_seconds']):.2f} s")
    if claim.size:
        parts.append(f"{int(found['model_bytes'][0]):,} bytes")
    return f"{', '.join(parts)}, n={len(accuracies)}"


def _difference(claim: Claim, found: Figures) -> str:
    """Return whether the figure here is lower or higher, and the same of loss and time."""
    measured = mean_interval([100 * a for a in found[f"{claim.split}_accuracy"]])
    digits = len(claim.accuracy.partition(".")[2])
    points = measured.mean - float(claim.accuracy)
    if f"{measured.mean:.{digits}f}" == claim.accuracy:
        text = "equal as rounded there"
    else:
        text = f"{abs(points):.{max(digits, 2)}f} points {'lower' if points < 0 else 'higher'}"
        if measured.low is not None and measured.low <= float(claim.accuracy) <= measured.high:
            text += ", with the claim inside the interval"
    parts = [text]
    if claim.loss:
        loss = mean_interval(found[f"{claim.split}_loss"]).mean - float(claim.loss)
        parts.append(f"loss {abs(loss):.4f} {'lower' if loss < 0 else 'higher'}")
    if claim.seconds:
        ratio = median(found["train_seconds"]) / float(claim.seconds)
        parts.append(f"{ratio:.2g} times the seconds, on another machine")
    return "; ".join(parts)


def _of_split(claim: Claim) -> str:
    return " on validation" if claim.split == "val" else ""
