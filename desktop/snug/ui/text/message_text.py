"""The text of one message: one document, selectable from end to end, that never fetches anything.

It takes what it is to show as a list of blocks and brings the document there in small steps, so
that neither a growing answer nor a hostile one holds up the window.
"""

from __future__ import annotations

import math
from time import perf_counter

from PySide6.QtCore import QMimeData, QPoint, QRectF, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QMenu, QTextBrowser, QWidget

from snug.ui.look.theme import Theme
from snug.ui.look.typography import CODE_HEADER, CODE_PAD, Typography
from snug.ui.text.blocks import Block, Code
from snug.ui.text.code_block import CodeHeader
from snug.ui.text.document_writer import DocumentWriter, formulas_in
from snug.ui.text.formula import draw_formula, formulas_ready
from snug.ui.text.formula_object import selected_text
from snug.ui.text.highlight import Highlighter, Passage
from snug.ui.text.inert_document import InertDocument
from snug.ui.text.ornaments import Decoration, code_rect, paint_ornaments
from snug.ui.text.word_writer import NOTE_BACK, NOTE_LINK, find_anchor

SLICE_S = 0.008
LOADING_MS = 15  # between looks whether formulas can be drawn
FIRST_SLICE_S = 0.03  # what is seen at once may take a little longer than a frame

_BY_KEY = frozenset({Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason})


class MessageText(QTextBrowser):
    """Read-only text as high as it needs to be; its parent gives it a width.

    Attributes:
        height_changed: it needs another height for its width.
        link_chosen: the address, and where on the screen it was chosen.
        dragged: the pointer selects, or a footnote is gone to; where on the screen, to be in sight.
    """

    height_changed = Signal()
    link_chosen = Signal(str, QPoint)
    dragged = Signal(QPoint)

    def __init__(self, theme: Theme, parent: QWidget, tone: str = "text") -> None:
        super().__init__(parent)
        self._theme = theme
        self._tone = tone
        self._inert = InertDocument(self)
        self._headers: list[CodeHeader] = []
        self._wanted: list[Block] = []
        self._height = 0
        self._pressed = ""
        self._stale = False  # what is written has not yet been compared with what is wanted
        self._pause_ms = 0
        self.reached_by_key = False
        self._next = QTimer(self)
        self._next.setSingleShot(True)
        self._next.timeout.connect(self._on_next_timeout)
        self._set_up()
        self._writer = DocumentWriter(self._inert, Typography(theme, tone))
        self._highlighter = Highlighter(self._inert, theme, self)

    def _set_up(self) -> None:
        self._inert.setDocumentMargin(0)
        self._inert.setUndoRedoEnabled(False)
        option = QTextOption()
        option.setTextDirection(Qt.LayoutDirection.LayoutDirectionAuto)
        self._inert.setDefaultTextOption(option)
        self.setDocument(self._inert)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setOpenLinks(False)
        self.setOpenExternalLinks(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextBrowserInteraction
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.viewport().setAutoFillBackground(False)
        self.setAcceptDrops(False)
        self.anchorClicked.connect(self._on_anchor_clicked)

    # -- what is shown ------------------------------------------------------------------------

    @property
    def complete(self) -> bool:
        """Everything that was asked for is in the document."""
        return not self._next.isActive()

    @property
    def blocks(self) -> list[Block]:
        """What stands in the document now."""
        return [written.block for written in self._writer.written]

    @property
    def headers(self) -> list[CodeHeader]:
        """The bars of its code blocks, in order."""
        return list(self._headers)

    def show_blocks(self, blocks: list[Block], budget_s: float = SLICE_S) -> None:
        """Show these blocks; what is the same as before is left alone.

        Args:
            budget_s: how long it may take now; the rest follows in further turns of the loop.
        """
        self._wanted = blocks
        self._stale = True
        self._step(budget_s)

    def show_plain(self, text: str) -> None:
        """Show text as it was typed."""
        self._writer.clear(Typography(self._theme, self._tone))
        self._wanted = []
        self._writer.append_plain(text)
        self._tell_height()

    def redress(self) -> None:
        """Show the same blocks in the theme's present colours and sizes."""
        self._highlighter.reset()
        self._writer.clear(Typography(self._theme, self._tone))
        self._height = 0
        self._step(FIRST_SLICE_S)

    def natural_width(self, most: int) -> int:
        """The width that the text takes when it may be at most `most` pixels wide."""
        self._inert.setTextWidth(most)
        return min(most, math.ceil(self._inert.idealWidth()) + 1)

    def height_for(self, width: int) -> int:
        """The height that the text needs in this width, in pixels."""
        if round(self._inert.textWidth()) != width:
            self._inert.setTextWidth(width)
            self._place_headers()
        self._height = self._needed()
        return self._height

    def _needed(self) -> int:
        below = CODE_PAD if self._writer.ends_with_code else 0
        return math.ceil(self._inert.size().height()) + below

    def _step(self, budget_s: float) -> None:
        """Write what is still missing, as far as the time allows."""
        until = perf_counter() + budget_s
        wanted = self._wanted
        if self._stale and self._draw_formulas(self._same(), until):
            self._drop_what_differs()  # not before what replaces it can be written at once
            self._stale = False
        while not self._stale and len(self._writer.written) < len(wanted):
            number = len(self._writer.written)
            if not self._draw_formulas(number, until):
                break
            self._writer.append(wanted[number])
            if perf_counter() > until:
                break
        if self._stale or len(self._writer.written) < len(wanted):
            self._next.start(self._pause_ms)
        else:
            self._next.stop()
        self._sync_code()
        self._tell_height()

    def _draw_formulas(self, number: int, until: float) -> bool:
        """Draw the formulas of a block, one at least; False where some must wait their turn."""
        self._pause_ms = 0
        wanted = formulas_in(self._wanted[number]) if number < len(self._wanted) else []
        if wanted and not formulas_ready():
            self._pause_ms = LOADING_MS
            return False
        for left, (latex, display) in enumerate(wanted, 1 - len(wanted)):
            draw_formula(latex, display)
            if left and perf_counter() > until:
                return False
        return True

    def _same(self) -> int:
        """How many blocks stand as they are wanted."""
        written, wanted = self._writer.written, self._wanted
        same = 0
        while same < min(len(written), len(wanted)) and written[same].block == wanted[same]:
            same += 1
        return same

    def _drop_what_differs(self) -> None:
        written, wanted = self._writer.written, self._wanted
        same = self._same()
        while len(written) > same + 1:
            self._take_back()
        if len(written) == same + 1:
            following = wanted[same] if same < len(wanted) else None
            if not isinstance(following, Code) or not self._writer.grow_code(following):
                self._take_back()

    def _take_back(self) -> None:
        self._highlighter.forget(self._writer.written[-1].before)
        self._writer.take_back()

    def _tell_height(self) -> None:
        if self._inert.textWidth() > 0 and self._needed() != self._height:
            self.height_changed.emit()

    def _on_next_timeout(self) -> None:
        self._step(SLICE_S)

    # -- code blocks --------------------------------------------------------------------------

    def _code_blocks(self) -> list[tuple[Decoration, Code]]:
        return [
            (written.decorations[0], written.block)
            for written in self._writer.written
            if isinstance(written.block, Code)
        ]

    def _sync_code(self) -> None:
        """One bar for each code block, and colours for those that are new or grew."""
        found = self._code_blocks()
        while len(self._headers) > len(found):
            self._headers.pop().deleteLater()
        for number, (decoration, code) in enumerate(found):
            if number == len(self._headers):
                header = CodeHeader(self._theme, number + 1, self.viewport())
                header.show()
                self._headers.append(header)
            if self._headers[number].code != code:
                self._headers[number].set_code(code)
                self._highlighter.colour(Passage(decoration.start, code.language, code.text))
        self._place_headers()

    def _place_headers(self) -> None:
        width = self._inert.textWidth()
        for header, (decoration, _) in zip(self._headers, self._code_blocks(), strict=False):
            box = code_rect(self._inert, decoration, width).toRect()
            box.setHeight(CODE_HEADER)
            if header.geometry() != box:
                header.setGeometry(box)

    # -- Qt -----------------------------------------------------------------------------------

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        """Nothing, ever: an answer must not make Snug read a file or open a connection."""
        return None

    def createMimeDataFromSelection(self) -> QMimeData:
        """Plain text only: what is pasted is what was read, formulas as LaTeX."""
        data = QMimeData()
        data.setText(selected_text(self.textCursor()))
        return data

    def paintEvent(self, event: QPaintEvent) -> None:
        """The ornaments, then the words."""
        painter = QPainter(self.viewport())
        decorations = (d for written in self._writer.written for d in written.decorations)
        paint_ornaments(painter, self._inert, decorations, self._theme, QRectF(event.rect()))
        painter.end()
        super().paintEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The conversation scrolls, not the message."""
        event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that turn pages are the conversation's."""
        pages = event.key() in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Space)
        ends = event.matches(QKeySequence.StandardKey.MoveToStartOfDocument) or event.matches(
            QKeySequence.StandardKey.MoveToEndOfDocument
        )
        if pages or ends:
            event.ignore()
            return
        super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Remember whether the keyboard brought one here, so that it can be seen."""
        self.reached_by_key = event.reason() in _BY_KEY
        super().focusInEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Selecting over the edge of the page scrolls it."""
        super().mouseMoveEvent(event)
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.dragged.emit(event.globalPosition().toPoint())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Remember the address as it was written, before Qt tidies it."""
        self._pressed = self.anchorAt(event.position().toPoint())
        super().mouseReleaseEvent(event)
        self._pressed = ""

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Copy, copy the address, select all."""
        menu = QMenu(self)
        copy = menu.addAction(self.tr("Copy"), self.copy)
        copy.setEnabled(self.textCursor().hasSelection())
        address = self.anchorAt(event.pos())
        if address:
            copy_address = menu.addAction(self.tr("Copy the address"))
            copy_address.triggered.connect(lambda: QGuiApplication.clipboard().setText(address))
        menu.addSeparator()
        menu.addAction(self.tr("Select all"), self.selectAll)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def _on_anchor_clicked(self, url: QUrl) -> None:
        address = self._pressed or self.textCursor().charFormat().anchorHref() or url.toString()
        if address.startswith((NOTE_LINK, NOTE_BACK)):
            self._go_to_note(address)
            return
        place = self.mapToGlobal(self.cursorRect().bottomLeft())
        self.link_chosen.emit(address, place)

    def _go_to_note(self, address: str) -> None:
        """To what a footnote says, or back to where it stands; the cursor goes along."""
        back = address.startswith(NOTE_BACK)
        label = address.removeprefix(NOTE_BACK if back else NOTE_LINK)
        place = find_anchor(self._inert, (NOTE_LINK if back else NOTE_BACK) + label)
        if place is not None:
            cursor = self.textCursor()
            cursor.setPosition(place)
            self.setTextCursor(cursor)
            self.setFocus(Qt.FocusReason.OtherFocusReason)
            for edge in (self.cursorRect().bottomLeft(), self.cursorRect().topLeft()):
                self.dragged.emit(self.mapToGlobal(edge))
