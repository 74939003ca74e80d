"""What a model card says of the data sets: what is in them, whose they are, under which license."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from task3_MNIST.datasets.image_folders.name import parse
from task3_MNIST.formatting import DATASET_NAMES


@dataclass(frozen=True)
class Source:
    """A data set as a model card names it.

    Attributes:
        name: as people write it.
        shows: what its images show.
        license: of the data.
        credit: who made it.
        hub: its name on model hubs; empty if it has none that is certain.
        made: how its images were made: what a model trained on them expects.
    """

    name: str
    shows: str
    license: str
    credit: str
    hub: str = ""
    made: str = "gray, white on black"


CENTERED = "white ink on black, scaled to a box of 20 pixels, centered by mass"
SOURCES = {
    "mnist": Source(
        DATASET_NAMES["mnist"],
        "handwritten digits",
        "CC BY-SA 3.0",
        "Yann LeCun and Corinna Cortes, from digits of NIST",
        "ylecun/mnist",
        CENTERED,
    ),
    "fashion_mnist": Source(
        DATASET_NAMES["fashion_mnist"],
        "pictures of clothing",
        "MIT",
        "Zalando Research",
        "zalando-datasets/fashion_mnist",
    ),
    "kmnist": Source(
        DATASET_NAMES["kmnist"],
        "handwritten Japanese characters",
        "CC BY-SA 4.0",
        "ROIS-DS Center for Open Data in the Humanities",
    ),
    "qmnist": Source(
        DATASET_NAMES["qmnist"],
        "handwritten digits",
        "BSD-style",
        "Chhavi Yadav and Léon Bottou, from digits of NIST",
        made=CENTERED,
    ),
    "digits": Source(
        "digits",
        "handwritten digits of 8 x 8 pixels, enlarged",
        "CC BY 4.0",
        "E. Alpaydin and C. Kaynak: Optical Recognition of Handwritten Digits, UCI",
        made=CENTERED,
    ),
}


def source_of(dataset: str) -> Source:
    """Return a data set's source; of a folder of images nobody but its owner knows more."""
    if dataset in SOURCES:
        return SOURCES[dataset]
    owner = "whoever made the folder of images"
    return Source(
        Path(parse(dataset).path).name, "images in folders of classes", "not known", owner
    )
