"""One quantization on a repository's page: size, quality, fit, speed, and the button to get it."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QLocale, Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from snug.domain.hub import Fit
from snug.domain.offer import Offer
from snug.domain.quantization import words as quality_words
from snug.ui.look.icons import bind_icon, unbind_icon
from snug.ui.look.marks import MarkLabel, fit_mark
from snug.ui.look.parts import dress, flat, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.look.words import size_words
from snug.ui.models.hub_words import context_words, fit_words, joined, minutes_words
from snug.ui.text.safe_text import shown_code

# Least widths of the columns at the text size of 100 %: name, size, quality, fit, context, speed.
_COLUMNS = (132, 72, 172, 92, 72, 116)


@dataclass(frozen=True, slots=True)
class Getting:
    """What the button of a row is for now.

    Attributes:
        words: on the button.
        enabled: it can be pressed.
        why_not: why it cannot, for its tooltip; "" where it can.
    """

    words: str
    enabled: bool = True
    why_not: str = ""


def _tr(text: str, *values: str) -> str:
    return QCoreApplication.translate("OfferRow", text).format(*values)


def speed_words(tokens_per_second: float | None) -> str:
    """About so many tokens each second; "" where nothing was measured."""
    if tokens_per_second is None or tokens_per_second <= 0:
        return ""
    digits = 1 if tokens_per_second < 10 else 0
    return _tr("≈ {} tokens/s", QLocale().toString(tokens_per_second, "f", digits))


def download_words(size_bytes: int, minutes: int | None) -> str:
    """What the button says while nothing was begun."""
    if minutes is None:
        return _tr("Download")
    return _tr("Download · {}", minutes_words(minutes))


class OfferRow(QFrame):
    """A row; `get_requested` when its button is pressed."""

    get_requested = Signal(object)

    def __init__(self, offer: Offer, getting: Getting, theme: Theme) -> None:
        super().__init__()
        self.offer = offer
        self._theme = theme
        self._wide: bool | None = None
        name = shown_code(offer.variant.quantization or offer.variant.name)
        self.setObjectName(f"offer-{name}")
        if offer.recommended:
            self.setProperty("kind", "card")
        self._name = label(name, "strong")
        self._size = label(size_words(offer.variant.size_bytes))
        self._quality = label(_tr(quality_words(offer.quality)), tone="soft")
        self._fit = MarkLabel(f"fit-{name}", fit_mark(offer.fit), _fit_words(offer), theme)
        context = context_words(offer.context_length)
        self._context = label(context, tone="soft")
        speed = speed_words(offer.tokens_per_second)
        self._speed = label(speed or _tr("Not measured"), tone="soft" if speed else "faint")
        for figure in (self._size, self._context, self._speed):
            figure.setFont(theme.font(SIZES.bar, tabular=True))
        self._summary = label(self._summary_words(context, speed), tone="soft", wrap=True)
        self.button = push_button(
            f"downloadButton-{name}",
            getting.words,
            "primary" if offer.recommended and offer.fit is not Fit.NO else "",
            lambda: self.get_requested.emit(self.offer),
        )
        self.set_getting(getting)
        self.setAccessibleName(self._spoken(name, speed))
        self._build()
        self.arrange(wide=False)

    def set_getting(self, getting: Getting) -> None:
        """Say on the button how far it is."""
        self.button.setText(getting.words)
        self.button.setEnabled(getting.enabled)
        if getting.enabled and self.offer.recommended:
            bind_icon(self.button, "arrow-down", self._theme, "on_accent")
        else:
            unbind_icon(self.button)  # its words say all, and it would be hard to see
        self.button.setToolTip(getting.why_not)
        what = shown_code(self.offer.variant.quantization or self.offer.variant.name)
        self.button.setAccessibleName(f"{getting.words}: {what}")
        self.button.setAccessibleDescription(getting.why_not or self.offer.reason)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        around = SIZES.gap_4 if self.offer.recommended else SIZES.gap_2
        column.setContentsMargins(SIZES.gap_4, around, SIZES.gap_4, around)
        column.setSpacing(SIZES.gap_2)
        if self.offer.recommended:
            head = flat(QHBoxLayout(), spacing=SIZES.gap_2)
            badge = label(_tr("Recommended"))
            badge.setProperty("kind", "badge")
            head.addWidget(badge, 0, Qt.AlignmentFlag.AlignTop)
            reason = label(shown_code(self.offer.reason), tone="soft", wrap=True)
            head.addWidget(reason, 1)
            column.addLayout(head)
        self._grid = flat(QGridLayout(), spacing=SIZES.gap_2)
        column.addLayout(self._grid)

    def arrange(self, *, wide: bool) -> None:
        """In columns, or in two lines where there is no room for them."""
        if wide == self._wide:
            return
        self._wide = wide
        cells: tuple[QWidget, ...] = (
            self._name,
            self._size,
            self._quality,
            self._fit,
            self._context,
            self._speed,
        )
        for cell in (*cells, self._summary, self.button):
            self._grid.removeWidget(cell)
            cell.setVisible(False)
        if wide:
            for number, cell in enumerate(cells):
                self._grid.addWidget(cell, 0, number, Qt.AlignmentFlag.AlignVCenter)
            self._grid.addWidget(self.button, 0, len(cells), Qt.AlignmentFlag.AlignVCenter)
            shown: tuple[QWidget, ...] = cells
        else:
            self._grid.addWidget(self._name, 0, 0)
            self._grid.addWidget(self._size, 0, 1)
            self._grid.addWidget(self._fit, 0, 2)
            self._grid.addWidget(self._summary, 1, 0, 1, 4)
            self._grid.addWidget(self.button, 0, 4, 2, 1, Qt.AlignmentFlag.AlignVCenter)
            shown = (self._name, self._size, self._fit, self._summary)
        set_columns(self._grid, self._theme, wide=wide)
        for cell in (*shown, self.button):
            cell.setVisible(True)

    def _summary_words(self, context: str, speed: str) -> str:
        return joined(
            (
                self._quality.text(),
                _tr("{} context", context) if context else "",
                speed,
            )
        )

    def _spoken(self, name: str, speed: str) -> str:
        parts = (
            name,
            _tr("recommended") if self.offer.recommended else "",
            self._size.text(),
            self._quality.text(),
            self._fit.text,
            _tr("{} context", self._context.text()) if self._context.text() else "",
            speed or _tr("speed not measured"),
        )
        return ", ".join(part for part in parts if part)


def set_columns(grid: QGridLayout, theme: Theme, *, wide: bool) -> None:
    """Give the columns of a row, or of the titles above, their widths."""
    scale = max(1.0, theme.text_scale)
    for number, width in enumerate(_COLUMNS):
        grid.setColumnMinimumWidth(number, round(width * scale) if wide else 0)
        grid.setColumnStretch(number, 1 if wide and number == 2 else 0)
    grid.setColumnMinimumWidth(len(_COLUMNS), round(168 * scale) if wide else 0)
    grid.setColumnStretch(3, 0 if wide else 1)


def column_titles(theme: Theme) -> QWidget:
    """What the columns mean."""
    titles = QWidget()
    titles.setObjectName("offerTitles")
    grid = flat(QGridLayout(titles), spacing=SIZES.gap_2)
    grid.setContentsMargins(SIZES.gap_4, 0, SIZES.gap_4, 0)
    words = (
        _tr("File"),
        _tr("Size"),
        _tr("Quality"),
        _tr("Fits here?"),
        _tr("Context"),
        _tr("Speed here"),
    )
    for number, text in enumerate(words):
        made = QLabel(text)
        dress(made, "small", "faint")
        grid.addWidget(made, 0, number)
    # An empty column would have no gap before it, and the titles would not stand above the cells.
    grid.addWidget(QWidget(), 0, len(words))
    set_columns(grid, theme, wide=True)
    return titles


def _fit_words(offer: Offer) -> str:
    if not offer.supported:
        return _tr("Not in this build")
    return fit_words(offer.fit)
