"""Pictures of digits on the paper that people have, made from MNIST's images and a seed.

    picture = draw("squared, clear", [image], np.random.default_rng(0), FIRST)
    write(tmp_path / "picture.png", picture)

`KINDS` names the kinds. A style is what differs between two sets of pictures of the same kinds:
papers, pens and sizes. Colors are arrays of three levels, 0 to 255, and ink is a share, 0 to 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

Range = tuple[float, float]


@dataclass(frozen=True)
class Style:
    """The ranges that papers, pens and sizes are drawn from.

    Attributes:
        height: of a digit, in pixels.
        margin: of paper around the digits, in heights of a digit.
        paper: gray level of the paper.
        ink: gray level of the ink.
        pitch: of lines and squares, in heights of a digit.
        noise: standard deviation of the camera's noise, in gray levels.
        crisp: share of the pens with sharp edges; the others are as soft as MNIST enlarged.
        widen: pixels of MNIST's 28 by which a crisp pen is wider than MNIST's.
        tilt: degrees by which printed lines and sheets are turned.
    """

    height: Range
    margin: Range
    paper: Range
    ink: Range
    pitch: Range
    noise: Range
    crisp: float
    widen: Range
    tilt: Range


FIRST = Style(
    height=(120, 240),
    margin=(0.3, 0.9),
    paper=(215, 250),
    ink=(10, 80),
    pitch=(0.15, 0.6),
    noise=(0, 4),
    crisp=0.5,
    widen=(-0.5, 0.5),
    tilt=(-1.0, 1.0),
)
SECOND = Style(
    height=(90, 320),
    margin=(0.2, 1.2),
    paper=(190, 255),
    ink=(0, 100),
    pitch=(0.2, 0.8),
    noise=(1, 6),
    crisp=0.8,
    widen=(-0.8, 0.8),
    tilt=(-1.5, 1.5),
)
# drawn when everything had been fixed
THIRD = Style(
    height=(100, 280),
    margin=(0.25, 1.0),
    paper=(200, 245),
    ink=(20, 110),
    pitch=(0.18, 0.7),
    noise=(0, 8),
    crisp=0.65,
    widen=(-0.6, 0.7),
    tilt=(-2.0, 2.0),
)
STYLES = {"first": FIRST, "second": SECOND, "third": THIRD}
BLUE, GRAY = np.array([110, 150, 225.0]), np.array([150, 150, 150.0])


def pen(image: np.ndarray, height: int, random: np.random.Generator, style: Style) -> np.ndarray:
    """Return the ink of one MNIST image, cropped and enlarged to a height, (height, w)."""
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    crop = np.pad(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], 2)
    factor = height / (crop.shape[0] - 4)
    size = (round(crop.shape[1] * factor), round(crop.shape[0] * factor))
    large = Image.fromarray(crop).resize(size, Image.Resampling.BICUBIC)
    soft = np.asarray(large) / 255
    if random.random() >= style.crisp:
        return soft
    blurred = np.asarray(large.filter(ImageFilter.GaussianBlur(0.4 * factor))) / 255
    # the edge of a stroke is about a pixel of MNIST wide, so its level says how wide the pen is
    level = np.clip(0.45 - 0.4 * random.uniform(*style.widen), 0.15, 0.8)
    return np.clip((blurred - level) * 0.4 * factor + 0.5, 0, 1)


def row_of(inks: list[np.ndarray], gaps: list[int]) -> np.ndarray:
    """Return the inks next to each other, their visible edges apart by the gaps in pixels."""
    cut = []
    for ink in inks:
        columns = np.flatnonzero((ink > 0.3).any(axis=0))
        cut.append(ink[:, columns[0] : columns[-1] + 1])
    height = max(len(ink) for ink in cut)
    parts = []
    for ink, gap in zip(cut, [*gaps, 0], strict=True):
        parts += [np.pad(ink, ((0, height - len(ink)), (0, 0))), np.zeros((height, gap))]
    return np.hstack(parts)


@dataclass
class Canvas:
    """A picture in the making.

    Attributes:
        paper: (H, W, 3) light that the paper sends back.
        ink: (H, W) share of the ink.
        box: top, bottom, left and right of the visible ink.
        height: of a digit, in pixels.
    """

    paper: np.ndarray
    ink: np.ndarray
    box: tuple[int, int, int, int]
    height: int

    def shade(self, mask: np.ndarray, color: np.ndarray, strength: float = 1.0) -> None:
        """Lay a color over the paper where the mask (0 to 1) says so."""
        share = (strength * mask)[..., None]
        self.paper = self.paper * (1 - share) + color * share


def lay_out(images: list[np.ndarray], random: np.random.Generator, style: Style) -> Canvas:
    """Return a canvas of plain paper with the digits somewhere on it."""
    height = int(random.uniform(*style.height))
    inks = [pen(image, height, random, style) for image in images]
    gaps = [int(random.uniform(8, 60) * height / 200) for _ in images[1:]]
    ink = row_of(inks, gaps)
    top, bottom, left, right = (int(random.uniform(*style.margin) * height) for _ in range(4))
    ink = np.pad(ink, ((top, bottom), (left, right)))
    rows = np.flatnonzero((ink > 0.3).any(axis=1))
    columns = np.flatnonzero((ink > 0.3).any(axis=0))
    tint = random.uniform(*style.paper) + np.array([0, -1, -4]) * random.random()
    paper = np.ones((*ink.shape, 3)) * tint
    return Canvas(paper, ink, (rows[0], rows[-1], columns[0], columns[-1]), height)


def finish(canvas: Canvas, random: np.random.Generator, style: Style, color=None) -> np.ndarray:
    """Return the picture, (H, W, 3) uint8: ink on its paper, and the camera's noise."""
    if color is None:
        color = np.ones(3) * random.uniform(*style.ink)
    light = canvas.paper.mean() / 255  # the ink lies in the same light
    ink = canvas.ink[..., None]
    picture = canvas.paper * (1 - ink) + np.minimum(color, canvas.paper) * light * ink
    noise = random.normal(0, random.uniform(*style.noise), picture.shape[:2])
    return (picture + noise[..., None]).clip(0, 255).astype(np.uint8)


def distance(canvas: Canvas, degrees: float, place: float, vertical: bool) -> np.ndarray:
    """Return each pixel's distance from a line, in pixels; it is `place` from the corner."""
    y, x = np.mgrid[: canvas.ink.shape[0], : canvas.ink.shape[1]]
    slope = np.tan(np.radians(degrees))
    return (x + slope * y if vertical else y - slope * x) - place


def stroke(away: np.ndarray, width: float) -> np.ndarray:
    """Return a line of a width, with soft edges, by the distances from it."""
    return np.clip(width / 2 + 0.5 - np.abs(away), 0, 1)


# The kinds: each changes a canvas


def ruled(canvas: Canvas, random, style: Style, *, squared: bool, strength: Range) -> None:
    """Print lines, or squares, from edge to edge."""
    pitch = max(12, random.uniform(*style.pitch) * canvas.height * (1 if squared else 1.8))
    width = random.uniform(1, max(1.5, 0.02 * canvas.height))
    tilt = random.uniform(*style.tilt)
    color = BLUE if random.random() < 0.5 else GRAY
    power = random.uniform(*strength)
    for vertical in (False, True)[: 1 + squared]:
        away = distance(canvas, tilt, random.uniform(0, pitch), vertical)
        near = away - pitch * np.round(away / pitch)
        canvas.shade(stroke(near, width), color * 0.8, power)


def boxed(canvas: Canvas, random, style: Style, *, width: Range, edge: bool = False) -> None:
    """Print a box around the digits; or let it lie on the picture's edge."""
    top, bottom, left, right = canvas.box
    thick = random.uniform(*width) * canvas.height
    room = [int(random.uniform(0.08, 0.28) * canvas.height + thick) for _ in range(4)]
    sides = top - room[0], bottom + room[1], left - room[2], right + room[3]
    if edge:
        cut = int(random.uniform(0, thick / 2))
        canvas.paper, canvas.ink = (grown(part, sides, cut) for part in (canvas.paper, canvas.ink))
        height, width_ = canvas.ink.shape
        sides = thick / 2 - cut, height - thick / 2 + cut, thick / 2 - cut, width_ - thick / 2 + cut
    else:
        short = [int(max(0, -sides[0])), int(max(0, sides[1] - len(canvas.ink) + 1))]
        narrow = [int(max(0, -sides[2])), int(max(0, sides[3] - canvas.ink.shape[1] + 1))]
        extra = int(0.1 * canvas.height)
        pads = tuple((a + extra, b + extra) for a, b in (short, narrow))
        canvas.paper = np.pad(canvas.paper, (*pads, (0, 0)), mode="edge")
        canvas.ink = np.pad(canvas.ink, pads)
        down, across = pads[0][0], pads[1][0]
        sides = sides[0] + down, sides[1] + down, sides[2] + across, sides[3] + across
    y, x = np.mgrid[: canvas.ink.shape[0], : canvas.ink.shape[1]]
    outside = np.maximum.reduce([sides[0] - y, y - sides[1], sides[2] - x, x - sides[3]])
    color = np.ones(3) * random.uniform(20, 120)
    canvas.shade(stroke(outside, thick), color)


def grown(part: np.ndarray, sides: tuple[int, int, int, int], cut: int) -> np.ndarray:
    """Return the part of a canvas between the sides, with the edge repeated where it ends."""
    top, bottom, left, right = sides[0] + cut, sides[1] - cut, sides[2] + cut, sides[3] - cut
    pads = [
        (max(0, -top), max(0, bottom - part.shape[0])),
        (max(0, -left), max(0, right - part.shape[1])),
    ]
    wide = np.pad(part, (*pads, *[(0, 0)] * (part.ndim - 2)), mode="edge")
    top, left = top + pads[0][0], left + pads[1][0]
    return wide[top : bottom + pads[0][0], left : right + pads[1][0]]


def underlined(canvas: Canvas, random, style: Style, *, across: bool) -> None:
    """Draw a line under the digits, touching them or not; or a printed one that they stand on."""
    _, bottom, left, right = canvas.box
    width = random.uniform(0.015, 0.06) * canvas.height
    tilt = random.uniform(*style.tilt) * (1 if across else 2)
    middle = (left + right) / 2
    place = bottom + random.uniform(-0.06, 0.15) * canvas.height
    place -= np.tan(np.radians(tilt)) * middle
    line = stroke(distance(canvas, tilt, place, False), width)
    if not across:
        columns = np.arange(canvas.ink.shape[1])
        reach = (right - left) / 2 + random.uniform(0.15, 0.5) * canvas.height
        line = line * (np.abs(columns - middle) < reach)
        canvas.ink = np.maximum(canvas.ink, line)
    else:
        canvas.shade(line, np.ones(3) * random.uniform(40, 140))


def shadowed(canvas: Canvas, random, style: Style, *, darker: float) -> None:
    """Darken one side of an edge that runs through the picture, near the digits."""
    y, x = np.mgrid[: canvas.ink.shape[0], : canvas.ink.shape[1]]
    top, bottom, left, right = canvas.box
    angle = random.uniform(0, 2 * np.pi)
    at_y, at_x = random.uniform(top, bottom), random.uniform(left, right)
    away = (x - at_x) * np.cos(angle) + (y - at_y) * np.sin(angle)
    away += random.uniform(-0.6, 0.6) * (away**2 + (x - at_x) ** 2) / (6 * canvas.height)
    soft = random.uniform(0.01, 0.15) * canvas.height
    canvas.paper = canvas.paper * (1 - darker * np.clip(away / soft + 0.5, 0, 1))[..., None]


def on_desk(canvas: Canvas, random, style: Style, *, inside: bool) -> None:
    """Lay the sheet on a dark desk; or let one or two of its edges run through the picture."""
    extra = [int(random.uniform(0.3, 0.9) * canvas.height) for _ in range(4)]
    if not inside:
        shown = random.permutation(4)[: random.integers(1, 3)]
        extra = [amount if side in shown else 0 for side, amount in enumerate(extra)]
    pads = ((extra[0], extra[1]), (extra[2], extra[3]))
    height, width = canvas.ink.shape
    canvas.ink = np.pad(canvas.ink, pads)
    paper = np.pad(canvas.paper, (*pads, (0, 0)), mode="edge")
    grain = random.normal(0, 1, (canvas.ink.shape[0] // 8 + 1, 4))
    wood = Image.fromarray(grain.astype(np.float32)).resize(paper.shape[1::-1], Image.BICUBIC)
    desk = random.uniform(20, 90) * np.array([1.1, 1.0, 0.85]) + 8 * np.asarray(wood)[..., None]
    tilt = random.uniform(*style.tilt) * 3
    slope = np.tan(np.radians(tilt))
    y, x = np.mgrid[: paper.shape[0], : paper.shape[1]]
    y, x = y - extra[0], x - extra[2]
    down, right = y - slope * (x - width / 2), x + slope * (y - height / 2)
    ends = [-down, down - height, -right, right - width]
    outside = np.maximum.reduce([end for end, amount in zip(ends, extra, strict=True) if amount])
    share = np.clip(outside + 0.5, 0, 1)[..., None]
    canvas.paper = paper * (1 - share) + desk * share


def turned(canvas: Canvas, random, style: Style) -> None:
    """Turn the digits by 20 to 30 degrees either way."""
    angle = random.uniform(20, 30) * random.choice([-1, 1])
    picture = Image.fromarray((255 * canvas.ink).astype(np.uint8))
    ink = np.asarray(picture.rotate(angle, Image.BICUBIC, expand=True)) / 255
    canvas.ink, canvas.paper = ink, np.ones((*ink.shape, 3)) * canvas.paper[0, 0]


def same(canvas: Canvas, random, style: Style) -> None:
    """Leave plain paper as it is."""


def on_paper(change: Callable, **options) -> Callable:
    """Return a kind: dark ink on paper that a function changes first."""

    def make(images, random, style):
        canvas = lay_out(images, random, style)
        change(canvas, random, style, **options)
        return finish(canvas, random, style)

    return make


def as_gray(images, random, style, scale: float, kind) -> np.ndarray:
    """Return plain paper as gray numbers of another type."""
    picture = on_paper(same)(images, random, style)[..., 0].astype(float)
    return (picture / 255 * scale).astype(kind)


def chalk(images, random, style) -> np.ndarray:
    """Return light ink on a dark board."""
    return 255 - on_paper(same)(images, random, style)


def pale(images, random, style) -> np.ndarray:
    """Return ink that is little darker than its paper."""
    picture = on_paper(same)(images, random, style).astype(float)
    return (215 - 0.2 * (250 - picture)).clip(0, 255).astype(np.uint8)


def colored(images, random, style) -> np.ndarray:
    """Return colored ink."""
    canvas = lay_out(images, random, style)
    colors = np.array([[180, 30, 40], [30, 60, 170], [20, 120, 60]])
    return finish(canvas, random, style, random.choice(colors).astype(float))


def equal_gray(images, random, style) -> np.ndarray:
    """Return red ink on green paper, both of the same gray."""
    canvas = lay_out(images, random, style)
    gray = random.uniform(90, 140)
    blue = random.uniform(20, 60)
    red = np.array([(gray - 0.114 * blue - 0.587 * 30) / 0.299, 30, blue]).clip(0, 255)
    gray = red @ [0.299, 0.587, 0.114]
    green = np.array([30, (gray - 0.299 * 30 - 0.114 * blue) / 0.587, blue])
    ink = canvas.ink[..., None]
    picture = green * (1 - ink) + red * ink
    noise = random.normal(0, min(2, random.uniform(*style.noise)), picture.shape)
    return (picture + noise).clip(0, 255).astype(np.uint8)


def transparent(images, random, style) -> np.ndarray:
    """Return white ink on nothing, (H, W, 4)."""
    canvas = lay_out(images, random, style)
    white = np.full((*canvas.ink.shape, 4), 255.0)
    white[..., 3] *= canvas.ink
    return white.clip(0, 255).astype(np.uint8)


FAINT, CLEAR = (0.15, 0.5), (0.5, 1.0)
KINDS: dict[str, Callable] = {
    "clean": on_paper(same),
    "chalk": chalk,
    "colored": colored,
    "low contrast": pale,
    "squared, faint": on_paper(ruled, squared=True, strength=FAINT),
    "squared, clear": on_paper(ruled, squared=True, strength=CLEAR),
    "lined": on_paper(ruled, squared=False, strength=(0.15, 1.0)),
    "box, thin": on_paper(boxed, width=(0.01, 0.03)),
    "box, thick": on_paper(boxed, width=(0.03, 0.1)),
    "box at the edge": on_paper(boxed, width=(0.01, 0.08), edge=True),
    "underlined": on_paper(underlined, across=False),
    "on a line": on_paper(underlined, across=True),
    "shadow, 30 %": on_paper(shadowed, darker=0.3),
    "shadow, 50 %": on_paper(shadowed, darker=0.5),
    "sheet on a desk": on_paper(on_desk, inside=True),
    "sheet ends": on_paper(on_desk, inside=False),
    "two digits": on_paper(same),
    "four digits": on_paper(same),
    "turned": on_paper(turned),
    "white on transparent": transparent,
    "red on green": equal_gray,
    "12 bits in 16": lambda *given: as_gray(*given, 4095, np.uint16),
    "float TIFF": lambda *given: as_gray(*given, 1, np.float32),
}
DIGITS = {"two digits": 2, "four digits": 4}  # all other kinds show one


def draw(
    kind: str, images: list[np.ndarray], random: np.random.Generator, style: Style = FIRST
) -> np.ndarray:
    """Return a picture of MNIST images, (H, W), (H, W, 3) or (H, W, 4), in the kind's own type."""
    return KINDS[kind](images, random, style)


def write(path: Path, picture: np.ndarray) -> Path:
    """Write a picture as a PNG file, or as TIFF if it holds floats, and return its path."""
    if picture.dtype == np.float32:
        path = path.with_suffix(".tiff")
    Image.fromarray(picture).save(
        path, **({} if path.suffix == ".tiff" else dict(compress_level=1))
    )
    return path


def pictures(kind: str, images: np.ndarray, labels: np.ndarray, count: int, style: Style = FIRST):
    """Yield `count` pictures of a kind with the text that each shows.

    Args:
        kind: one of `KINDS`.
        images: (N, 28, 28) uint8, taken in their order, from a place that the kind sets.
        labels: (N,).
        count: of pictures.
        style: of papers and pens.
    """
    size = DIGITS.get(kind, 1)
    number = list(STYLES.values()).index(style)
    random = np.random.default_rng([list(KINDS).index(kind), number])
    for chosen in random.permutation(len(images))[: count * size].reshape(count, size):
        text = "".join(str(label) for label in labels[chosen])
        yield draw(kind, [images[index] for index in chosen], random, style), text
