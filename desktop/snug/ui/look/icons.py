"""Icons: one 24-pixel stroke set, drawn in the colour of the theme.

An SVG in `resources/icons/` paints with `currentColor`; here that becomes a colour of the palette.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QByteArray, QObject, QRectF, Qt
from PySide6.QtGui import QAction, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton

from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES

_RATIOS = (1.0, 1.5, 2.0, 3.0)  # screens the pixmaps are made for
_MARK_SIZES = (16, 24, 32, 48, 64)


def icon(
    name: str,
    theme: Theme,
    color: str = "text_soft",
    size: int = SIZES.icon,
    pad: int = 0,
) -> QIcon:
    """An icon, crisp at one to three device pixels per pixel.

    Args:
        name: of the file in `resources/icons/`, without `.svg`.
        theme: whose colours.
        color: a colour of the palette by its name there.
        size: edge in logical pixels at the text size of 100 %; it grows with larger text.
        pad: empty border around it, for buttons where the words would stand too near.
    """
    key = (name, theme.color(color).name(), theme.icon_px(size), pad)
    made = theme.icon_cache.get(key)
    if made is None:
        made = theme.icon_cache[key] = _draw(name, theme, color, size, pad)
    return made


def _draw(name: str, theme: Theme, color: str, size: int, pad: int) -> QIcon:
    svg = (theme.resources / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    tinted = svg.replace("currentColor", theme.color(color).name())
    renderer = QSvgRenderer(QByteArray(tinted.encode()))
    made = QIcon()
    edge = theme.icon_px(size)
    for ratio in _RATIOS:
        made.addPixmap(_pixmap(renderer, edge, ratio, pad))
    return made


def bind_icon(
    target: QAbstractButton | QAction,
    name: str,
    theme: Theme,
    color: str = "text_soft",
    size: int = SIZES.icon,
    pad: int = 0,
) -> None:
    """Give a button or action an icon that follows the theme; a second call replaces the first."""
    unbind_icon(target)
    _Binding(target, partial(icon, name, theme, color, size, pad), theme)


def unbind_icon(target: QAbstractButton | QAction) -> None:
    """Take the icon away; a new theme does not bring it back."""
    for binding in target.findChildren(_Binding, options=Qt.FindChildOption.FindDirectChildrenOnly):
        binding.let_go()
    target.setIcon(QIcon())


def app_icon(resources: Path) -> QIcon:
    """Snug's own mark, in its own colours, for windows, task bars and the head of the bar."""
    renderer = QSvgRenderer(str(resources / "snug.svg"))
    made = QIcon()
    for size in _MARK_SIZES:
        for ratio in (1.0, 2.0):
            made.addPixmap(_pixmap(renderer, size, ratio))
    return made


class _Binding(QObject):
    """Keeps one icon in the colours of the theme; dies with its target."""

    def __init__(
        self, target: QAbstractButton | QAction, make: Callable[[], QIcon], theme: Theme
    ) -> None:
        super().__init__(target)
        self._target = target
        self._make = make
        self._theme = theme
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def let_go(self) -> None:
        """Leave the icon as it is, at once."""
        self._theme.changed.disconnect(self._on_theme_changed)
        self.setParent(None)
        self.deleteLater()

    def _on_theme_changed(self) -> None:
        made = self._make()
        self._target.setIcon(made)
        if isinstance(self._target, QAbstractButton):
            self._target.setIconSize(made.availableSizes()[0])


def _pixmap(renderer: QSvgRenderer, size: int, ratio: float, pad: int = 0) -> QPixmap:
    edge = round((size + 2 * pad) * ratio)
    pixmap = QPixmap(edge, edge)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    renderer.render(painter, QRectF(pad * ratio, pad * ratio, size * ratio, size * ratio))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap
