"""Formulas as signs within the lines of a document: their size for the layout, their drawing.

Qt gives such a sign a box and no base line of its own. Aligned to the middle, the box has its
centre a quarter of the letter x above the base line; a box that is as high on either side as the
formula needs on one lets it stand where it belongs.
"""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QCoreApplication, QObject, QRect, QRectF, QSizeF
from PySide6.QtGui import (
    QFontMetricsF,
    QPainter,
    QPyTextObject,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
)
from PySide6.QtSvg import QSvgRenderer

from snug.ui.text.formula import Drawing, Trouble, Undrawn, draw_formula
from snug.ui.text.fragments import blocks, fragments

FORMULA = QTextFormat.ObjectTypes.UserObject.value + 1
_LATEX = QTextFormat.Property.UserProperty.value + 1
_DISPLAY = QTextFormat.Property.UserProperty.value + 2
_SOURCE = QTextFormat.Property.UserProperty.value + 3
SIGN = "\ufffc"
_X_HEIGHT = 0.473  # em, of STIX Two Math
_AIR = 0.08  # em beside a formula, for signs that lean out of their box


class FormulaObject(QPyTextObject):
    """Lays out and paints the formulas of one document."""

    def __init__(self, document: QTextDocument, parent: QObject) -> None:
        super().__init__(parent)
        self._document = document
        document.documentLayout().registerHandler(FORMULA, self)

    def intrinsicSize(self, doc: QTextDocument, position: int, style: QTextFormat) -> QSizeF:
        """The box of a formula, scaled down where it is wider than the column."""
        words = style.toCharFormat()
        drawing = _drawing(words)
        if drawing is None:
            return QSizeF(1, 1)
        em = self._em(drawing, position, words)
        half = _lift(words)
        above, below = drawing.ascent * em - half, drawing.descent * em + half
        return QSizeF((drawing.width + 2 * _AIR) * em, 2 * max(above, below, 1.0))

    def drawObject(
        self,
        painter: QPainter,
        rect: QRectF | QRect,
        doc: QTextDocument,
        position: int,
        style: QTextFormat,
    ) -> None:
        """Paint it in the colour of the words around it."""
        words = style.toCharFormat()
        drawing = _drawing(words)
        if drawing is None:
            return
        em = self._em(drawing, position, words)
        base = QRectF(rect).center().y() + _lift(words)
        box = QRectF(
            rect.left() + _AIR * em,
            base - drawing.ascent * em,
            drawing.width * em,
            (drawing.ascent + drawing.descent) * em,
        )
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _renderer(drawing.svg, words.foreground().color().name()).render(painter, box)

    def _em(self, drawing: Drawing, position: int, words: QTextCharFormat) -> float:
        """Pixels per em."""
        # Letters of the formula as high as those around it, whatever the face.
        em = QFontMetricsF(words.font()).xHeight() / _X_HEIGHT
        shape = self._document.findBlock(position).blockFormat()
        step = shape.indent() * self._document.indentWidth()
        room = self._document.textWidth() - shape.leftMargin() - shape.rightMargin() - step
        wide = (drawing.width + 2 * _AIR) * em
        return em * room / wide if 0 < room < wide else em


def formula_words(
    words: QTextCharFormat, latex: str, source: str, display: bool
) -> QTextCharFormat:
    """The format of the one sign that stands for a formula, in the dress of the words around."""
    made = QTextCharFormat(words)
    made.setObjectType(FORMULA)
    made.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignMiddle)
    made.setProperty(_LATEX, latex)
    made.setProperty(_DISPLAY, display)
    made.setProperty(_SOURCE, source)
    made.setToolTip(source)
    return made


def selected_text(cursor: QTextCursor) -> str:
    """What is selected, as plain text, formulas as they were written."""
    text = cursor.selection().toPlainText()
    if SIGN not in text:
        return text
    sources = iter(_sources(cursor))
    return "".join(next(sources, "") if sign == SIGN else sign for sign in text)


def trouble_words(undrawn: Undrawn) -> str:
    """Why a formula is shown as it was written."""
    words = {
        Trouble.TOO_LONG: QCoreApplication.translate("Formula", "too long to be drawn"),
        Trouble.TOO_DEEP: QCoreApplication.translate("Formula", "nested too deeply to be drawn"),
        Trouble.TOO_LARGE: QCoreApplication.translate("Formula", "too large to be drawn"),
        Trouble.UNKNOWN: QCoreApplication.translate("Formula", "Snug does not know {}"),
        Trouble.LETTERS: QCoreApplication.translate(
            "Formula", "the typeface for formulas lacks {}"
        ),
        Trouble.BROKEN: QCoreApplication.translate("Formula", "not well formed"),
    }[undrawn.trouble].format(undrawn.detail[:24])
    return QCoreApplication.translate("Formula", "A formula as it was written: {}.").format(words)


def forget_formulas() -> None:
    """Keep no formula of any chat in memory: they are locked."""
    draw_formula.cache_clear()
    _renderer.cache_clear()


def _sources(cursor: QTextCursor) -> list[str]:
    found: list[str] = []
    start, end = cursor.selectionStart(), cursor.selectionEnd()
    for block in blocks(cursor.document(), start):
        if block.position() >= end:
            break
        for fragment in fragments(block):
            style = fragment.charFormat()
            if style.objectType() == FORMULA:
                places = range(fragment.position(), fragment.position() + fragment.length())
                found += [str(style.property(_SOURCE))] * sum(start <= p < end for p in places)
    return found


def _drawing(words: QTextCharFormat) -> Drawing | None:
    made = draw_formula(str(words.property(_LATEX)), bool(words.property(_DISPLAY)))
    return made if isinstance(made, Drawing) else None


def _lift(words: QTextCharFormat) -> float:
    """How far above the base line Qt puts the middle of a box."""
    return QFontMetricsF(words.font()).xHeight() / 4


@lru_cache(maxsize=128)
def _renderer(svg: bytes, color: str) -> QSvgRenderer:
    tinted = svg.replace(b'"black"', f'"{color}"'.encode())
    return QSvgRenderer(QByteArray(tinted))
