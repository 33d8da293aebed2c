"""Colours of the page, for people who see fewer of them: told apart, and legible.

Dichromats are simulated by the matrices of Machado, Oliveira and Fernandes, "A Physiologically-
based Model for Simulation of Color Vision Deficiency", 2009, for a severity of 1.
"""

import itertools
import math
import re
from importlib.resources import files

import pytest

STATIC = files("flowc.report") / "static"
SEEN = {
    "everybody": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}  # fmt: skip
APART = 10.0
"""Of CIE 1976 L*a*b*; one is just about seen side by side."""
Color = tuple[float, float, float]


def linear(hex_color: str) -> Color:
    parts = [int(hex_color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return r, g, b


def seen_by(who: str, color: Color) -> Color:
    r, g, b = (
        min(1.0, max(0.0, sum(m * c for m, c in zip(row, color, strict=True)))) for row in SEEN[who]
    )
    return r, g, b


def lab(color: Color) -> Color:
    r, g, b = color
    xyz = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883,
    )
    x, y, z = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def distance(one: str, other: str, who: str) -> float:
    a, b = (lab(seen_by(who, linear(color))) for color in (one, other))
    return math.dist(a, b)


def contrast(one: str, other: str) -> float:
    """As the Web Content Accessibility Guidelines count it: 1 to 21."""
    shades = []
    for color in (one, other):
        r, g, b = linear(color)
        shades.append(0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05)
    return max(shades) / min(shades)


def theme(dark: bool) -> dict[str, str]:
    """The shades of the style, by name."""
    css = (STATIC / "page.css").read_text("utf-8")
    block = css[css.index(':root[data-theme="dark"]' if dark else ":root {") :]
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block[: block.index("}")]))
    assert len(found) > 20
    return found | {"card": "#ffffff"} if not dark else found


def rule_colors() -> list[str]:
    (line,) = re.findall(r"RULE_COLORS = \[(.*?)\]", (STATIC / "theme.js").read_text("utf-8"), re.S)
    found = re.findall(r"#[0-9a-f]{6}", line)
    assert len(found) == 8
    return found


def too_near(colors: list[str]) -> list[tuple[str, str, str, float]]:
    return [
        (who, one, other, round(distance(one, other, who), 1))
        for who in SEEN
        for one, other in itertools.combinations(colors, 2)
        if distance(one, other, who) < APART
    ]


def test_rules_are_told_apart_by_everybody() -> None:
    assert not too_near(rule_colors())


def test_the_test_knows_colours_that_are_not_told_apart() -> None:
    assert "deuteranopia" in {who for who, *_ in too_near(["#c04000", "#608000"])}
    assert "everybody" not in {who for who, *_ in too_near(["#c04000", "#608000"])}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_limits_are_told_apart_by_everybody(dark: bool) -> None:
    shades = theme(dark)
    assert not too_near([shade for name, shade in shades.items() if re.fullmatch(r"l\d", name)])


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_what_was_used_is_told_from_what_was_requested(dark: bool) -> None:
    shades = theme(dark)
    pairs = [("requested", "used"), ("memory", "memory-used"), ("l3", "wait")]
    for one, other in pairs:
        assert min(distance(shades[one], shades[other], who) for who in SEEN) > 2 * APART, one


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_texts_are_legible(dark: bool) -> None:
    shades = theme(dark)
    pairs = [("text", "card"), ("text", "back"), ("muted", "card"), ("muted", "back")]
    pairs += [("text", "soft"), ("accent", "card"), ("failed", "card"), ("text", "wait-back")]
    pairs += [(kind, f"{kind}-back") for kind in ("ok", "failed", "wait", "other")]
    low = {pair: round(contrast(*(shades[name] for name in pair)), 2) for pair in pairs}
    assert not {pair: figure for pair, figure in low.items() if figure < 4.5}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_marks_are_seen(dark: bool) -> None:
    """What is no text, and says something: three to one."""
    shades = theme(dark)
    for name in ("mark", "failed", "used", "memory-used", "wait", "focus", "total"):
        assert contrast(shades[name], shades["card"]) >= 3, name


def test_dark_is_dark_however_it_is_asked_for() -> None:
    """By the button, and by the reader's system where no script runs."""
    css = (STATIC / "page.css").read_text("utf-8")
    blocks = re.findall(
        r':root(?:\[data-theme="dark"\]|:not\(\[data-theme\]\)) \{(.*?)\}', css, re.S
    )[:2]  # the third is for paper
    assert blocks[0].split() == blocks[1].split()
