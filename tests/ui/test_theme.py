from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QSize, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot
from tests.ui.fakes import RESOURCES

from snug.ui.look.icons import bind_icon, icon
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import CONTRAST, DARK, LIGHT, Palette, Scheme

SCHEMES = {"light": LIGHT, "dark": DARK, "contrast": CONTRAST}
WRITING = ("text", "text_soft", "text_faint", "accent", "good", "warn", "bad")
SURFACES = ("page", "panel", "raised", "bubble", "accent_soft")
CODE = ("code_keyword", "code_string", "code_comment", "code_number", "code_name")
PAIRS = [
    *((ink, ground) for ink in WRITING for ground in SURFACES),
    *((ink, "raised") for ink in CODE),
    ("on_accent", "accent"),
    ("on_accent", "accent_hover"),
    ("page", "text"),
    ("text", "warn_soft"),
    ("warn", "warn_soft"),
    ("text", "bad_soft"),
    ("bad", "bad_soft"),
]


def luminance(color: str) -> float:
    """Relative luminance. Source: WCAG 2.2, definition of relative luminance."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_text_is_readable_on_its_surface(name: str, ink: str, ground: str) -> None:
    palette: Palette = SCHEMES[name]
    needed = 7.0 if name == "contrast" else 4.5
    assert contrast(getattr(palette, ink), getattr(palette, ground)) >= needed


@pytest.mark.parametrize("palette", SCHEMES.values(), ids=list(SCHEMES))
@pytest.mark.parametrize("ground", ["page", "panel"])
@pytest.mark.parametrize("edge", ["line_strong", "accent"])
def test_edges_of_controls_are_visible(palette: Palette, ground: str, edge: str) -> None:
    assert contrast(getattr(palette, edge), getattr(palette, ground)) >= 3.0


def test_scheme_switches_live_and_tells(theme: Theme, qapp: QApplication) -> None:
    heard: list[str] = []
    theme.changed.connect(lambda: heard.append(theme.palette.page))
    theme.set_scheme(Scheme.DARK)
    assert heard == [DARK.page]
    assert qapp.palette().window().color().name() == DARK.page
    assert DARK.accent in qapp.styleSheet()


def test_text_size_is_bounded_and_scales_every_size(theme: Theme) -> None:
    theme.set_text_scale(9.0)
    assert theme.text_scale == 2.0
    assert theme.px(15) == 30
    assert "font-size: 26px" in theme.style_sheet()


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("path", sorted((RESOURCES / "icons").glob("*.svg")), ids=lambda p: p.stem)
def test_every_icon_is_sharp_and_in_the_theme_colour(
    path: Path, ratio: float, theme: Theme
) -> None:
    pixmap = icon(path.stem, theme, "bad").pixmap(QSize(18, 18), ratio)
    image = pixmap.toImage()
    assert image.width() == round(18 * ratio)
    pixels = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    inked = [pixel for pixel in pixels if pixel.alpha() > 200]
    wanted = QColor(LIGHT.bad)
    assert inked
    assert all(abs(pixel.red() - wanted.red()) <= 3 for pixel in inked)
    assert all(abs(pixel.green() - wanted.green()) <= 3 for pixel in inked)


def test_a_bound_icon_follows_the_theme(qtbot: QtBot, theme: Theme) -> None:
    button = QPushButton()
    qtbot.addWidget(button)
    bind_icon(button, "stop", theme, "text")
    before = button.icon().pixmap(18, 18).toImage().pixelColor(9, 9).name()
    theme.set_scheme(Scheme.DARK)
    after = button.icon().pixmap(18, 18).toImage().pixelColor(9, 9).name()
    assert (before, after) == (LIGHT.text, DARK.text)


def test_two_thousand_emits_do_not_kill_the_process() -> None:
    class Bell(QObject):
        rung = Signal(bool)

    bell = Bell()
    count = [0]
    bell.rung.connect(lambda on: count.__setitem__(0, count[0] + int(on)))
    for _ in range(2_000):
        bell.rung.emit(True)
    assert count == [2_000]
