"""Finding words in the conversation that is open."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QHBoxLayout, QTextEdit

from snug.domain.highlighting import Highlighter
from snug.domain.search_query import Term
from snug.ui.chat.message_view import MessageView
from snug.ui.chats.search_field import SearchField
from snug.ui.look.parts import flat, icon_button, label
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.look.words import count_words

if TYPE_CHECKING:
    from snug.ui.chat.transcript import Transcript

_SETTLE_MS = 60  # after a text has changed
_MOST_MARKS = 500  # in one message
_WIDTH = 380
_BEYOND = re.compile("[\U00010000-\U0010ffff]")


class FindBar(QFrame):
    """Floats over the upper corner of a transcript; hidden until it is asked for."""

    def __init__(self, theme: Theme, transcript: Transcript) -> None:
        super().__init__(transcript)
        self.setObjectName("findBar")
        self.setProperty("kind", "popup")
        self.setAccessibleName(self.tr("Find in this chat"))
        self._theme = theme
        self._transcript = transcript
        self._terms: tuple[Term, ...] = ()
        self._highlighter = Highlighter(())
        self._matches: list[tuple[str, int]] = []  # message id, which match in its text
        self._current = 0
        self._pending: tuple[str, int] | None = None  # where to go once its text is there
        self._make_parts()
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._mark_all)
        transcript.shown.connect(self.close_bar)
        transcript.changed.connect(self._on_turns_changed)
        transcript.built.connect(self._on_view_built)
        transcript.installEventFilter(self)
        theme.changed.connect(self._settle.start)
        self.hide()

    def _make_parts(self) -> None:
        self.field = SearchField(
            "findField", self.tr("Find in this chat"), self.tr("Find in this chat"), self._theme
        )
        self.field.searched.connect(self._on_searched)
        self.field.escaped.connect(self.close_bar)
        self.field.left_downwards.connect(lambda: self.step(1))
        self.count = label(kind="small", tone="faint")
        row = flat(QHBoxLayout(self), spacing=SIZES.gap)
        row.setContentsMargins(SIZES.gap_2, SIZES.gap, SIZES.gap, SIZES.gap)
        row.addWidget(self.field, 1)
        row.addWidget(self.count)
        for name, text, icon, pressed in (
            ("findPrevious", self.tr("The one before"), "chevron-up", lambda: self.step(-1)),
            ("findNext", self.tr("The next one"), "chevron-down", lambda: self.step(1)),
            ("findClose", self.tr("Close"), "close", self.close_bar),
        ):
            row.addWidget(icon_button(name, text, icon, self._theme, pressed))

    # -- what is asked ------------------------------------------------------------------------

    def open_bar(self) -> bool:
        """Show it with the cursor in it; False where there is nothing to look through."""
        if not self._transcript.turns:
            return False
        self._place()
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()
        return True

    def show_hit(self, message_id: str, terms: tuple[Term, ...]) -> None:
        """Go to a message that a search has found, and mark what it was found by.

        Args:
            terms: of the search; none marks nothing.
        """
        if self._transcript.reveal(message_id) is None:
            # On another branch: make that the one that is shown.
            self._transcript.branch_chosen.emit(message_id)
            self._transcript.reveal(message_id)
        if not terms:
            return
        self.field.blockSignals(True)
        self.field.setText(" ".join(term.text for term in terms))
        self.field.blockSignals(False)
        self._place()
        self.show()
        self.raise_()
        self._look_for(terms, Highlighter(terms), message_id)

    def step(self, by: int) -> None:
        """Go to another match; after the last comes the first."""
        if self._matches:
            self._current = (self._current + by) % len(self._matches)
            self._go()

    def close_bar(self) -> None:
        """Hide it, and the marks."""
        if self.isHidden() and not self._terms:
            return
        had_focus = self.field.hasFocus()
        self.hide()
        self._terms, self._highlighter, self._matches = (), Highlighter(()), []
        self._pending = None
        self._mark_all()
        if had_focus and (page := self._transcript.parentWidget()) is not None:
            page.setFocus(Qt.FocusReason.OtherFocusReason)

    # -- finding ------------------------------------------------------------------------------

    def _on_searched(self, text: str) -> None:
        terms = (Term(text.strip(), beginning=True),) if text.strip() else ()
        self._look_for(terms, Highlighter(terms, anywhere=True), None)

    def _look_for(
        self, terms: tuple[Term, ...], highlighter: Highlighter, message_id: str | None
    ) -> None:
        """Find all matches; the first of a message, or of all from the end back, is the one."""
        self._terms, self._highlighter = terms, highlighter
        self._matches = self._all_matches()
        self._current = max(0, len(self._matches) - 1)
        if message_id is not None:
            in_it = (n for n, (one, _) in enumerate(self._matches) if one == message_id)
            self._current = next(in_it, self._current)
        if self._matches:
            self._go()
        else:
            self._mark_all()
        self._show_count()

    def _all_matches(self) -> list[tuple[str, int]]:
        if not self._terms:
            return []
        return [
            (turn.message.id, number)
            for turn in self._transcript.turns
            for number in range(len(self._highlighter.spans(turn.message.text)))
        ]

    def _on_turns_changed(self) -> None:
        if self._terms:
            at = self._matches[self._current] if self._matches else None
            self._matches = self._all_matches()
            self._current = self._matches.index(at) if at in self._matches else 0
            self._show_count()
            self._settle.start()

    def _on_view_built(self, view: MessageView) -> None:
        view.text.document().contentsChanged.connect(self._on_contents_changed)
        if self._terms:
            self._mark(view)

    def _on_contents_changed(self) -> None:
        if self._terms:
            self._settle.start()

    def _go(self) -> None:
        self._pending = self._matches[self._current]
        self._transcript.reveal(self._pending[0])
        self._mark_all()
        self._show_count()

    def _show_count(self) -> None:
        if not self._terms:
            words = ""
        elif not self._matches:
            words = self.tr("Nothing found")
        else:
            words = self.tr("{} of {}").format(
                count_words(self._current + 1), count_words(len(self._matches))
            )
        self.count.setText(words)

    # -- marking ------------------------------------------------------------------------------

    def _mark_all(self) -> None:
        for view in self._transcript.views:
            self._mark(view)

    def _mark(self, view: MessageView) -> None:
        spans = self._spans(view) if self._terms else []
        at = self._matches[self._current] if self._matches else ("", -1)
        here = min(at[1], len(spans) - 1) if at[0] == view.turn.message.id else -1
        # The one that one stands at is marked whatever comes before it.
        shown = [*enumerate(spans[:_MOST_MARKS])]
        if here >= _MOST_MARKS:
            shown.append((here, spans[here]))
        view.text.setExtraSelections(
            [self._selection(view, span, current=number == here) for number, span in shown]
        )
        if self._pending is not None and here >= 0 and self._pending[0] == at[0]:
            self._scroll_to(view, spans[here][0])
            if view.settled:
                self._pending = None

    def _spans(self, view: MessageView) -> list[tuple[int, int]]:
        text = view.text.document().toPlainText()
        spans = self._highlighter.spans(text)
        # Qt counts a character beyond the first plane as two.
        beyond = [match.start() for match in _BEYOND.finditer(text)]
        return [(s + bisect_left(beyond, s), e + bisect_left(beyond, e)) for s, e in spans]

    def _selection(
        self, view: MessageView, span: tuple[int, int], *, current: bool
    ) -> QTextEdit.ExtraSelection:
        selection = QTextEdit.ExtraSelection()
        cursor = QTextCursor(view.text.document())
        cursor.setPosition(span[0])
        cursor.setPosition(span[1], QTextCursor.MoveMode.KeepAnchor)
        form = QTextCharFormat()
        form.setBackground(self._theme.color("accent" if current else "accent_soft"))
        form.setForeground(self._theme.color("on_accent" if current else "text"))
        selection.cursor = cursor
        selection.format = form
        return selection

    def _scroll_to(self, view: MessageView, position: int) -> None:
        cursor = QTextCursor(view.text.document())
        cursor.setPosition(position)
        place = view.mapToParent(
            view.text.viewport().mapTo(view, view.text.cursorRect(cursor).center())
        )
        margin = self._transcript.viewport().height() // 3
        self._transcript.ensureVisible(0, place.y(), 0, margin)

    # -- Qt -----------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in the corner."""
        if event.type() == QEvent.Type.Resize and not self.isHidden():
            self._place()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Shift+Return goes back."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            back = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            self.step(-1 if back else 1)
        else:
            super().keyPressEvent(event)

    def _place(self) -> None:
        room = self._transcript.viewport().width()
        self.adjustSize()
        width = min(_WIDTH, room - 2 * SIZES.gap_2)
        self.setGeometry(room - width - SIZES.gap_2, SIZES.gap_2, width, self.sizeHint().height())
