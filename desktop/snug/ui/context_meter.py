"""How full the context is, and what will be left out, before it is sent."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from snug.domain.prompt import ContextPlan
from snug.ui.parts import dress, flat, label
from snug.ui.theme import Theme
from snug.ui.tokens import SIZES
from snug.ui.words import count_words

TIGHT_SHARE = 0.8
_RING = 14
_STROKE = 2.5


class ContextMeter(QWidget):
    """A small ring and "1,204 of 8,192 tokens"."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("contextMeter")
        self._theme = theme
        self._ring = _Ring(theme, self)
        self._text = label("", "small", "faint")
        row = flat(QHBoxLayout(self), spacing=SIZES.gap + 2)
        row.addWidget(self._ring)
        row.addWidget(self._text)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()
        self.show_plan(None)

    def show_plan(self, plan: ContextPlan | None) -> None:
        """What the next message would take; None while nothing is known."""
        self.setVisible(plan is not None)
        if plan is not None:
            self.show_used(plan.prompt_tokens, plan.context_length)

    def show_used(self, used: int, total: int) -> None:
        """Tokens in use."""
        share = min(1.0, used / max(1, total))
        self.setVisible(True)
        self._ring.set_share(share)
        self._text.setText(self.tr("{} of {} tokens").format(count_words(used), count_words(total)))
        dress(self._text, tone="warn" if share >= TIGHT_SHARE else "faint")
        words = self.tr("The conversation uses {} of {} tokens of the context, {} %.").format(
            count_words(used), count_words(total), str(round(100 * share))
        )
        self.setAccessibleName(self.tr("Context"))
        self.setAccessibleDescription(words)
        self.setToolTip(words)

    def _on_theme_changed(self) -> None:
        self._text.setFont(self._theme.font(SIZES.small, tabular=True))
        self._ring.update()


class _Ring(QWidget):
    """A circle that fills clockwise."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._share = 0.0
        self.setFixedSize(QSize(_RING + 2, _RING + 2))

    def set_share(self, share: float) -> None:
        """From 0 to 1."""
        self._share = share
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The whole ring faint, the used part over it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        room = QRectF(self.rect()).adjusted(_STROKE, _STROKE, -_STROKE, -_STROKE)
        pen = painter.pen()
        pen.setWidthF(_STROKE)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setColor(self._theme.color("line"))
        painter.setPen(pen)
        painter.drawEllipse(room)
        pen.setColor(self._theme.color("warn" if self._share >= TIGHT_SHARE else "accent"))
        painter.setPen(pen)
        painter.drawArc(room, 90 * 16, -round(self._share * 360 * 16))
        painter.end()


def drop_words(plan: ContextPlan, tr: object = None) -> str:
    """What sending would leave out, in a sentence; "" where nothing is."""
    from PySide6.QtCore import QCoreApplication

    if plan.overflow:
        text = QCoreApplication.translate(
            "ContextMeter",
            "This message is too long: it needs {} tokens and the context holds {}. Shorten it, or "
            "choose a longer context in Settings.",
        )
        return text.format(count_words(plan.prompt_tokens), count_words(plan.context_length))
    if plan.dropped:
        return QCoreApplication.translate(
            "ContextMeter",
            "The %n oldest message(s) no longer fit and will be left out of what the model reads.",
            "",
            plan.dropped,
        )
    return ""
