"""Pictures that are no digits, drawn by a script: letters, scribbles, dots, faces."""

from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIDE = 200
FONTS = ("DejaVuSans", "DejaVuSerif", "STIXGeneral", "STIXGeneralItalic", "cmr10", "cmss10")
FACES = (":-)", ":-(", ";-)", "=)", ":D", ":o")

# Strokes of letters as points on a grid, x 0 to 4 from the left and y 0 to 6 from the top; ~ is
# drawn round. Letters that have a digit's shape are not here: B, I, O, S, Z, l, o, s, z, g, q.
STROKES = {
    "A": "06 20 46, 14 34",
    "C": "~41 30 10 01 05 16 36 45",
    "D": "00 06, ~00 20 42 44 26 06",
    "E": "40 00 06 46, 03 33",
    "F": "40 00 06, 03 33",
    "G": "~41 30 10 01 05 16 36 45 43, 43 23",
    "H": "00 06, 40 46, 03 43",
    "J": "40 45, ~45 36 16 05",
    "K": "00 06, 40 03 46",
    "L": "00 06 46",
    "M": "06 00 23 40 46",
    "N": "06 00 46 40",
    "P": "00 06, ~00 30 41 42 33 03",
    "Q": "~20 01 05 26 45 41 20, 24 46",
    "R": "00 06, ~00 30 41 42 33 03, 23 46",
    "T": "00 40, 20 26",
    "U": "00 04, ~04 16 36 44, 44 40",
    "V": "00 26 40",
    "W": "00 16 22 36 40",
    "X": "00 46, 40 06",
    "Y": "00 23 40, 23 26",
    "a": "~42 22 03 05 16 36 45 42, 42 46",
    "b": "00 06, ~03 22 43 45 26 05",
    "c": "~43 32 12 03 05 16 36 45",
    "d": "40 46, ~43 22 03 05 26 45",
    "e": "04 44, ~44 42 22 03 05 26 45",
    "f": "~41 30 21 22, 22 26, 02 42",
    "h": "00 06, ~03 22 43, 43 46",
    "i": "22 26, 20 21",
    "j": "32 36, ~36 27 07, 30 31",
    "k": "00 06, 42 04 46",
    "m": "02 06, ~03 12 23, 23 26, ~23 32 43, 43 46",
    "n": "02 06, ~03 22 43, 43 46",
    "p": "02 08, ~03 22 43 45 26 05",
    "r": "02 06, ~04 22 43",
    "t": "20 25, ~25 36 45, 02 42",
    "u": "02 05, ~05 16 36 45, 42 46",
    "v": "02 26 42",
    "w": "02 16 23 36 42",
    "x": "02 46, 42 06",
    "y": "02 24, 42 08",
}


def by_pen(generator):
    """Return lists of pictures (SIDE, SIDE) uint8, dark on light, by kind, drawn in strokes."""
    return {
        "letters": [draw(strokes_of(text), generator) for text in 6 * list(STROKES.values())],
        "scribbles": [draw([scribble(generator)], generator) for _ in range(150)],
        "dots": [draw(dots(generator), generator) for _ in range(150)],
        "faces": [draw(face(generator), generator) for _ in range(150)],
    }


def by_printer(generator):
    """Return other pictures of the same kinds: letters as printed, and shapes that are filled.

    They were drawn when the threshold had been fixed, with the pictures of `by_pen`.
    """
    return {
        "letters": [printed(letter, generator) for letter in 6 * list(STROKES)],
        "scribbles": [draw([spiral(generator)], generator) for _ in range(150)],
        "dots": [blots(generator) for _ in range(150)],
        "faces": [printed(generator.choice(FACES), generator) for _ in range(150)],
    }


SETS = (by_pen, by_printer)


def printed(text, generator):
    """Return a text in one of matplotlib's fonts, turned a little."""
    name = generator.choice(FONTS)
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"
    font = ImageFont.truetype(str(path), int(generator.integers(70, 120) / len(text) ** 0.5))
    picture = Image.new("L", (SIDE, SIDE), 255)
    place = (SIDE / 2, SIDE / 2)
    ImageDraw.Draw(picture).text(place, text, fill=0, font=font, anchor="mm")
    return np.array(picture.rotate(generator.normal(0, 7), fillcolor=255))


def spiral(generator):
    """Return a line that winds from the middle outward, or goes to and fro."""
    turns = np.linspace(0, generator.uniform(3, 6) * np.pi, 60)
    if generator.random() < 0.5:
        return np.stack([np.cos(turns), np.sin(turns)], 1) * turns[:, None] / 4
    return np.stack([3 * np.sin(turns), turns / 2 - 4], 1)


def blots(generator):
    """Return one to four filled circles and rectangles."""
    picture = Image.new("L", (SIDE, SIDE), 255)
    pen = ImageDraw.Draw(picture)
    for _ in range(generator.integers(1, 5)):
        left, top = generator.uniform(40, 130, 2)
        box = [left, top, left + generator.uniform(8, 50), top + generator.uniform(8, 50)]
        (pen.ellipse if generator.random() < 0.5 else pen.rectangle)(box, fill=0)
    return np.array(picture)


def strokes_of(text):
    """Return a letter's strokes, each a list of points (n, 2)."""
    found = []
    for stroke in text.split(", "):
        points = np.array([[int(x), int(y)] for x, y in stroke.lstrip("~").split()], float)
        found.append(rounded(points) if stroke.startswith("~") else points)
    return found


def rounded(points, rounds=3):
    """Return the points with their corners cut off (Chaikin 1974)."""
    for _ in range(rounds):
        before, after = points[:-1], points[1:]
        cut = np.stack([0.75 * before + 0.25 * after, 0.25 * before + 0.75 * after], 1)
        points = np.concatenate([points[:1], cut.reshape(-1, 2), points[-1:]])
    return points


def scribble(generator):
    """Return one long line that goes anywhere."""
    points = np.cumsum(generator.normal(0, 1.6, (generator.integers(7, 16), 2)), 0)
    points -= points.mean(0)
    return rounded(5 * points / np.abs(points).max())


def dots(generator):
    """Return one to five dots."""
    starts = generator.uniform(0, 4, (generator.integers(1, 6), 2))
    return [np.stack([start, start + generator.normal(0, 0.15, 2)]) for start in starts]


def face(generator):
    """Return a face that smiles or does not, most of them with a round head."""
    turn = np.linspace(0, 2 * np.pi, 40)
    circle = np.stack([np.cos(turn), np.sin(turn)], 1)
    half = np.linspace(0.15 * np.pi, 0.85 * np.pi, 15)
    mood = generator.choice([-1, 1])
    mouth = 1.6 * np.stack([np.cos(half), mood * np.sin(half)], 1) + [0, 0.4 if mood > 0 else 1.3]
    eyes = [0.1 * circle[[0, 20]] + [side, -1] for side in (-1.1, 1.1)]
    head = [3.2 * circle] if generator.random() < 0.7 else []
    return [*head, mouth, *eyes]


def draw(strokes, generator):
    """Return strokes as a hand might draw them: uneven, slanted, wide or narrow, with any pen."""
    middle = np.concatenate(strokes).mean(0)
    angle, slant = generator.normal(0, 0.12), generator.normal(-0.1, 0.15)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shape = np.array([[generator.uniform(0.75, 1.25), slant], [0, 1]])
    size = generator.uniform(15, 24)
    width = round(generator.uniform(0.35, 0.8) * size)
    picture = Image.new("L", (SIDE, SIDE), 255)
    pen = ImageDraw.Draw(picture)
    for stroke in strokes:
        uneven = generator.normal(0, 0.12 if len(stroke) < 8 else 0.04, stroke.shape)
        moved = stroke - middle + generator.normal(0, 0.08, 2) + uneven
        points = moved @ (turn @ shape).T * size + SIDE / 2
        pen.line([tuple(point) for point in points], fill=0, width=width, joint="curve")
        for x, y in points[[0, -1]]:
            pen.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], fill=0)
    return np.array(picture)
