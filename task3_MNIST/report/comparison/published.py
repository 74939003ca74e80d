"""What others report, next to what is measured here, and what differs between the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, stdev

from scipy.stats import ttest_ind_from_stats

from task3_MNIST.evaluation.pairs import SIGNIFICANT
from task3_MNIST.evaluation.statistics import mean_interval, prediction_interval
from task3_MNIST.formatting import p_value
from task3_MNIST.report.comparison.verdicts import spread
from task3_MNIST.runs.records import RunGroup

NOT_FOUND = "README of a public repository, quoted"
NOT_MEASURED = "not measured"
EVERYDAY = ("classic", "fast")
CLASSIC = ("classic",)
RECORD = ("strong+full-train",)


@dataclass(frozen=True)
class Claim:
    """A published figure.

    Attributes:
        of: the claimed model in the words of its source.
        accuracy: percent, with the digits that were published.
        model: the nearest model here; "" if there is none like it.
        recipes: run names here to compare with it.
        differs: what is known to differ there: architecture, optimizer, split, how it was chosen.
        source: who claims it.
        link: where that was read; "" if it was not found.
        split: the images it is of: `test`, or `val` for validation images.
        runs: number of runs it is the mean of.
        deviation: their standard deviation, in points.
        loss: mean cross-entropy on the same images, as published.
        seconds: training, as published.
        machine: where those seconds were measured, if that is said.
        size: of the model's file, as published.
    """

    of: str
    accuracy: str
    model: str
    recipes: tuple[str, ...]
    differs: str
    source: str = NOT_FOUND
    link: str = ""
    split: str = "test"
    runs: int = 1
    deviation: float = 0.0
    loss: str = ""
    seconds: str = ""
    machine: str = ""
    size: str = ""


@dataclass(frozen=True)
class Row:
    """A claim next to one recipe here, as texts; `link` belongs to `source`."""

    source: str
    link: str
    of: str
    claimed: str
    model: str
    recipe: str
    differs: str
    here: str
    difference: str

    @property
    def measured(self) -> bool:
        """Whether there is a figure here."""
        return self.here != NOT_MEASURED


COLUMNS = (
    "source",
    "their model",
    "claimed",
    "most similar model here",
    "recipe",
    "what differs",
    "measured here",
    "difference from the claim",
)

PEAK = "the best of its test epochs is quoted"
SGD = "SGD 0.01 with momentum 0.9"
LLOYD_LEI = dict(
    source="Lloyd-lei/neuralNetwork, README",
    link="https://github.com/Lloyd-lei/neuralNetwork",
    differs=f"{SGD}, 10 epochs, 48,000 images",
)
VALIDATED = dict(split="val", recipes=CLASSIC, differs="split not known")
MOOMINCI = dict(
    source="Moominci/MNIST-Classification, README",
    link="https://github.com/Moominci/MNIST-Classification",
    recipes=CLASSIC,
    differs=f"{SGD}, 15 epochs; {PEAK}",
)
ABHISH = dict(
    source="abhish12345/Handwritten_Digit_Recognition-_Using_Neural_Networks, README",
    link="https://github.com/abhish12345/Handwritten_Digit_Recognition-_Using_Neural_Networks",
    recipes=CLASSIC,
)
NOWHERE = "the figure is in its README only, not in its notebook"
SAUMILYAGUPTA = dict(
    source="saumilyagupta/Exploring-MNIST-with-Neural-Networks, notebook",
    link="https://github.com/saumilyagupta/Exploring-MNIST-with-Neural-Networks",
)
STOPPED = "Adam 1e-3 until validation stops improving, 48,000 images"
UNLIKE = dict(model="", recipes=CLASSIC, differs=f"no such model here; {STOPPED}", **SAUMILYAGUPTA)

# Where there is a link, the figure was read there.
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
    Claim("LeNet-5, 61,706 parameters", "98.9", "lenet5", **MOOMINCI),
    Claim("MLP 80-20, 64,630 parameters", "97.5", "mlp_80_20", **MOOMINCI),
    Claim(
        "LeNet-5",
        *("98.96", "lenet5"),
        **ABHISH,
        differs="Adam 1e-3, 60,000 images; it is the accuracy of a test epoch",
    ),
    Claim(
        "a simple CNN",
        *("92.4", "simple_cnn"),
        **ABHISH,
        differs=f"421,642 parameters in its notebook, 9,098 here; {NOWHERE}",
    ),
    Claim(
        "an advanced CNN",
        *("97.67", "advanced_cnn"),
        **ABHISH,
        differs=f"architecture not known; {NOWHERE}",
    ),
    Claim("MLP 784-64-10", "97.51", "mlp_d1_w64", ("fast-v1",), STOPPED, **SAUMILYAGUPTA),
    Claim("MLP 784-128-64-10", "97.71", "mlp_128-64", CLASSIC, STOPPED, **SAUMILYAGUPTA),
    Claim("MLP 784-256-128-10", "98.05", "mlp_256-128", CLASSIC, STOPPED, **SAUMILYAGUPTA),
    Claim("MLP of 739,274 parameters, 6 layers", "97.80", **UNLIKE),
    Claim("MLP of 943,946 parameters, dropout", "98.01", **UNLIKE),
    Claim("MLP of 3,011,110 parameters, dropout", "98.30", **UNLIKE),
    Claim("CNN of 220,234 parameters, dropout", "99.13", **UNLIKE),
    Claim("CNN of 431,018 parameters, dropout", "99.13", **UNLIKE),
    Claim("CNN of 1,025,760 parameters, dropout", "99.10", **UNLIKE),
    Claim("CNN of 3,542,154 parameters, dropout", "99.32", **UNLIKE),
    Claim(
        "MLP 3 x 1024, affine deformation",
        *("99.447", "mlp_strong", RECORD),
        "dropout 0.2, 50 epochs, no elastic deformation",
        source="tsilva/mnist-classifier-mlp, model card",
        link="https://huggingface.co/tsilva/mnist-classifier-mlp",
        runs=10,
        deviation=0.020,
    ),
    Claim(
        "CNN 32-64-128 x 2, affine deformation",
        *("99.614", "cnn_strong", RECORD),
        "another architecture",
        source="tsilva/mnist-classifier-cnn, model card",
        link="https://huggingface.co/tsilva/mnist-classifier-cnn",
        runs=5,
        deviation=0.080,
    ),
    Claim(
        "CNN of 215,194 parameters, one epoch",
        *("99.041", "cnn_fast", ("fast",)),
        "215,194 parameters, 24,314 here; Adam 0.01, batch 256",
        source="tuomaso/train_mnist_fast, notebook 8",
        link="https://github.com/tuomaso/train_mnist_fast",
        runs=30,
        deviation=0.066,
        seconds="0.762",
        machine="GTX 1660 Ti",
    ),
)


def published_rows(groups: Sequence[RunGroup]) -> list[Row]:
    """Return a row for each claim and recipe, with what is measured here of it.

    Args:
        groups: on MNIST.
    """
    found = {(group.model, group.name): group for group in groups if group.evaluated}
    return [
        _row(claim, recipe, found.get((claim.model, recipe)))
        for claim in CLAIMS
        for recipe in claim.recipes
    ]


def _figures(group: RunGroup, split: str, quantity: str) -> list[float | None]:
    """Return the accuracy or the loss of each seed on the split that a claim is of."""
    if split == "val":
        return [getattr(run.summary, f"val_{quantity}") for run in group.evaluated]
    return group.tests(f"test_{quantity}")


def _row(claim: Claim, recipe: str, found: RunGroup | None) -> Row:
    here, difference = NOT_MEASURED, "–"
    if found and None not in _figures(found, claim.split, "accuracy"):
        here, difference = _measured(claim, found), _difference(claim, found)
    there = (claim.source, claim.link, claim.of, _claimed(claim))
    model, recipe = (claim.model, recipe) if claim.model else ("–", "–")
    return Row(*there, model, recipe, claim.differs, here, difference)


def _claimed(claim: Claim) -> str:
    accuracy = f"{claim.accuracy} %{_of_split(claim)}"
    runs = f"± {claim.deviation:.3f}, {claim.runs} runs" if claim.runs > 1 else ""
    loss = f"loss {claim.loss}" if claim.loss else ""
    where = f" on a {claim.machine}" if claim.machine else ""
    seconds = f"{claim.seconds} s{where}" if claim.seconds else ""
    return ", ".join(part for part in (accuracy, runs, loss, seconds, claim.size) if part)


def _measured(claim: Claim, found: RunGroup) -> str:
    # of the seconds the median: a run that was paused for others would carry the mean away
    accuracies = _figures(found, claim.split, "accuracy")
    parts = [f"{spread([100 * a for a in accuracies], '{:.2f}', ' %')}{_of_split(claim)}"]
    if claim.loss:
        parts.append(f"loss {spread(_figures(found, claim.split, 'loss'), '{:.4f}')}")
    if claim.seconds:
        parts.append(f"median {median(found.summaries('train_seconds')):.2f} s")
    if claim.size:
        parts.append(f"{int(found.summaries('model_bytes')[0]):,} bytes")
    return f"{', '.join(parts)}, n={len(accuracies)}"


def _difference(claim: Claim, found: RunGroup) -> str:
    """Return whether the figure here is lower or higher, and the same of loss and time."""
    parts = [_of_accuracy(claim, [100 * a for a in _figures(found, claim.split, "accuracy")])]
    if claim.loss:
        loss = mean_interval(_figures(found, claim.split, "loss")).mean - float(claim.loss)
        parts.append(f"loss {abs(loss):.4f} {'lower' if loss < 0 else 'higher'}")
    if claim.seconds:
        ratio = median(found.summaries("train_seconds")) / float(claim.seconds)
        faster = f"{1 / ratio:.2g} times faster" if ratio < 1 else f"{ratio:.2g} times slower"
        parts.append(f"{faster}, on another machine")
    return "; ".join(parts)


def _of_accuracy(claim: Claim, accuracies: Sequence[float]) -> str:
    """Return how accuracies, in percent, stand to the claim.

    A claim of one run is compared with the interval in which one further run here would lie; the
    mean of several by Welch's t-test. Both are of one test set: they count the variation between
    seeds only.
    """
    claimed, seeds = float(claim.accuracy), len(accuracies)
    here = prediction_interval(accuracies)
    digits = len(claim.accuracy.partition(".")[2])
    points = here.mean - claimed
    text = f"{abs(points):.{max(digits, 2)}f} points {'lower' if points < 0 else 'higher'}"
    if f"{here.mean:.{digits}f}" == claim.accuracy:
        text = "equal as rounded there"
    if seeds == 1:
        return text
    if claim.runs > 1:
        there = (claimed, claim.deviation, claim.runs)
        test = ttest_ind_from_stats(here.mean, stdev(accuracies), seeds, *there, equal_var=False)
        different = "" if test.pvalue < SIGNIFICANT else "not "
        return f"{text}, {different}significantly different ({p_value(test.pvalue)}, Welch)"
    inside = here.low <= claimed <= here.high
    where = "inside" if inside else "outside"
    interval = f"95\u00a0% prediction interval of a new run [{here.low:.2f}, {here.high:.2f}]"
    return f"{text}; {where} the {interval}"


def _of_split(claim: Claim) -> str:
    return " on validation" if claim.split == "val" else ""
