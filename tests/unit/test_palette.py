"""A family looks the same in pictures and on pages: MLP orange squares, CNN blue circles."""

import colorsys

from task3_MNIST.plots.style import FAMILY_COLORS, FAMILY_MARKERS, HUES, MARKERS, SYMBOLS
from task3_MNIST.report.comparison.rows import make_entries
from task3_MNIST.runs.records import RunGroup


def hue(color):
    """Return where a color lies on the wheel, in degrees: red 0, green 120, blue 240."""
    return 360 * colorsys.rgb_to_hls(*(int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)))[0]


def test_pictures_and_pages_have_the_same_colors_and_marks():
    groups = [RunGroup("mnist", family, family, "fast", ()) for family in HUES]
    for row in make_entries(groups, None):
        family = row.group.family
        assert row.color == FAMILY_COLORS[family]
        assert MARKERS[row.symbol] == FAMILY_MARKERS[family]


def test_mlps_are_orange_squares_and_cnns_blue_circles():
    assert 15 < hue(FAMILY_COLORS["mlp"]) < 45
    assert 200 < hue(FAMILY_COLORS["cnn"]) < 250
    assert (SYMBOLS["mlp"], SYMBOLS["cnn"]) == ("square", "circle")
    assert (FAMILY_MARKERS["mlp"], FAMILY_MARKERS["cnn"]) == ("s", "o")
