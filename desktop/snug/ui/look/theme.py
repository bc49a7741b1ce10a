"""Colours, fonts and the style sheet in force, and the moment they change."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QFontInfo,
    QGuiApplication,
    QIcon,
    QPalette,
    QStyleHints,
)
from PySide6.QtWidgets import QApplication

from snug.ui.look.style import style_sheet
from snug.ui.look.tokens import CONTRAST, DARK, LIGHT, SIZES, Palette, Scheme

MIN_TEXT_SCALE = 0.8
MAX_TEXT_SCALE = 2.0


# What fontconfig falls back to on a bare X session, and what reads better where it is installed.
_FALLBACKS = ("DejaVu Sans", "Bitstream Vera Sans", "Sans Serif")
_UI_FACES = ("Adwaita Sans", "Inter", "Cantarell", "Ubuntu", "Noto Sans", "Open Sans", "Roboto")


class Theme(QObject):
    """What the window looks like now. Lives on the window's thread.

    Attributes:
        resources: folder that ships with Snug; icons are in `icons/` below it.
        changed: colours or sizes are others now; whoever paints by hand paints again.
    """

    changed = Signal()

    def __init__(
        self,
        resources: Path,
        scheme: Scheme = Scheme.SYSTEM,
        text_scale: float = 1.0,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.resources = resources
        self._scheme = scheme
        self._text_scale = _bounded(text_scale)
        # By name, colour, size and border: drawing one takes 2 ms, and a page shows dozens.
        self.icon_cache: dict[tuple[str, str, int, int], QIcon] = {}
        self._face = _system_face()
        self._hints = QGuiApplication.styleHints()
        self._hints.colorSchemeChanged.connect(self._on_desktop_changed)
        self._hints.accessibility().contrastPreferenceChanged.connect(self._on_desktop_changed)

    # -- what is in force ---------------------------------------------------------------------

    @property
    def scheme(self) -> Scheme:
        """What the person chose, SYSTEM included."""
        return self._scheme

    @property
    def palette(self) -> Palette:
        """The colours in force; SYSTEM is already resolved."""
        chosen = self._scheme
        if chosen is Scheme.SYSTEM:
            chosen = _desktop_scheme(self._hints)
        return {Scheme.DARK: DARK, Scheme.CONTRAST: CONTRAST}.get(chosen, LIGHT)

    @property
    def text_scale(self) -> float:
        """Factor on every type size, 0.8 to 2."""
        return self._text_scale

    def color(self, role: str) -> QColor:
        """One colour of the palette by its name there, such as "text_soft"."""
        return QColor(getattr(self.palette, role))

    def px(self, size: int) -> int:
        """A type size of the tokens in pixels, with the person's text size."""
        return max(1, round(size * self._text_scale))

    def icon_px(self, size: int) -> int:
        """The edge of an icon in pixels; it grows with the text and never shrinks."""
        return round(size * max(1.0, self._text_scale))

    def font(
        self,
        size: int,
        weight: QFont.Weight = QFont.Weight.Normal,
        tabular: bool = False,
    ) -> QFont:
        """The desktop's own face.

        Args:
            size: of the tokens (12, 13, 15, 18, 24).
            weight: as QFont has it.
            tabular: figures of one width, so that running numbers do not dance.
        """
        font = QFont(self._face)
        return self._sized(font, size, weight, tabular)

    def mono_font(self, size: int) -> QFont:
        """The desktop's monospaced face, for code."""
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setStyleHint(QFont.StyleHint.Monospace)
        return self._sized(font, size, QFont.Weight.Normal, False)

    def style_sheet(self) -> str:
        """The style sheet of the whole application."""
        return style_sheet(self.palette, self._text_scale)

    def qt_palette(self) -> QPalette:
        """The palette that Fusion draws with."""
        palette = QPalette()
        for role, name in _ROLES.items():
            palette.setColor(role, self.color(name))
        for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
            palette.setColor(QPalette.ColorGroup.Disabled, role, self.color("text_faint"))
        return palette

    # -- changing -----------------------------------------------------------------------------

    def set_scheme(self, scheme: Scheme) -> None:
        """Choose the colours; takes effect at once."""
        if scheme is not self._scheme:
            self._scheme = scheme
            self._apply()

    def set_text_scale(self, scale: float) -> None:
        """Choose the text size, 0.8 to 2; takes effect at once."""
        scale = _bounded(scale)
        if scale != self._text_scale:
            self._text_scale = scale
            self._apply()

    def install(self, app: QApplication) -> None:
        """Dress the application; afterwards it follows every change. Call before widgets exist."""
        app.setStyle("Fusion")
        self._dress(app)

    def _apply(self) -> None:
        app = QApplication.instance()
        if isinstance(app, QApplication):
            self._dress(app)
        self.changed.emit()

    def _dress(self, app: QApplication) -> None:
        app.setFont(self.font(SIZES.bar))
        app.setPalette(self.qt_palette())
        app.setStyleSheet(self.style_sheet())

    def _on_desktop_changed(self) -> None:
        if self._scheme is Scheme.SYSTEM:
            self._apply()

    def _sized(self, font: QFont, size: int, weight: QFont.Weight, tabular: bool) -> QFont:
        font.setPixelSize(self.px(size))
        font.setWeight(weight)
        if tabular:
            font.setFeature(QFont.Tag("tnum"), 1)
        return font


_ROLES = {
    QPalette.ColorRole.Window: "page",
    QPalette.ColorRole.WindowText: "text",
    QPalette.ColorRole.Base: "page",
    QPalette.ColorRole.AlternateBase: "panel",
    QPalette.ColorRole.Text: "text",
    QPalette.ColorRole.PlaceholderText: "text_faint",
    QPalette.ColorRole.Button: "panel",
    QPalette.ColorRole.ButtonText: "text",
    QPalette.ColorRole.BrightText: "bad",
    QPalette.ColorRole.Highlight: "accent",
    QPalette.ColorRole.HighlightedText: "on_accent",
    QPalette.ColorRole.Link: "accent",
    QPalette.ColorRole.LinkVisited: "accent",
    QPalette.ColorRole.ToolTipBase: "text",
    QPalette.ColorRole.ToolTipText: "page",
    QPalette.ColorRole.Light: "panel",
    QPalette.ColorRole.Midlight: "raised",
    QPalette.ColorRole.Mid: "line",
    QPalette.ColorRole.Dark: "line_strong",
    QPalette.ColorRole.Accent: "accent",
}


def _system_face() -> QFont:
    """The desktop's face; where no desktop chose one, the best that is installed."""
    face = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    if QFontInfo(face).family() in _FALLBACKS:
        better = next((name for name in _UI_FACES if QFontDatabase.hasFamily(name)), "")
        if better:
            face.setFamilies([better, *face.families()])
    return face


def _bounded(scale: float) -> float:
    return min(MAX_TEXT_SCALE, max(MIN_TEXT_SCALE, scale))


def _desktop_scheme(hints: QStyleHints) -> Scheme:
    if hints.accessibility().contrastPreference() is Qt.ContrastPreference.HighContrast:
        return Scheme.CONTRAST
    return Scheme.DARK if hints.colorScheme() is Qt.ColorScheme.Dark else Scheme.LIGHT
