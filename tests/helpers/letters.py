"""A folder of letters drawn by a script, as a user might have it: some files are broken."""

import random
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

LETTERS = "ABCDE"
FONTS = ("DejaVuSans.ttf", "DejaVuSerif.ttf", "DejaVuSansMono.ttf", "DejaVuSans-Bold.ttf")
SIDE = 64


def draw_letters(root, each=40, test=8):
    """Draw so many images of each letter into `training` and `testing`, a third of them WebP.

    One file in `training` is what macOS leaves, another a broken JPEG.
    """
    generator = random.Random(0)
    for letter in LETTERS:
        for number in range(each):
            part = "testing" if number >= each - test else "training"
            suffix = "webp" if number % 3 == 0 else "png"
            path = root / part / letter / f"{number:03}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            letter_image(letter, generator).save(path)
    (root / "training" / "A" / "._000.png").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    (root / "training" / "B" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut off")
    return root


def letter_image(letter, generator):
    """Return a letter, dark on light, of a drawn font, size, angle and place."""
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    font = ImageFont.truetype(str(fonts / generator.choice(FONTS)), generator.randint(34, 48))
    ink = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(ink).text((SIDE / 2, SIDE / 2), letter, fill=255, font=font, anchor="mm")
    moved = (generator.randint(-4, 4), generator.randint(-4, 4))
    ink = ink.rotate(generator.uniform(-15, 15), translate=moved)
    return Image.composite(Image.new("L", ink.size, 20), Image.new("L", ink.size, 250), ink)
