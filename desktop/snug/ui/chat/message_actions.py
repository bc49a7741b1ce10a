"""The row below a message: what can be done with it, and by which model it was made."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLocale, Qt, QTimer, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QWidget

from snug.ui.chat.turn import Action, Turn
from snug.ui.look.icons import bind_icon
from snug.ui.look.parts import dress, flat
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES

COPIED_MS = 1_500


class _Quiet:
    """Paints only while its row is wanted; keeps its place and its turn with the Tab key."""

    wanted = False
    marks = False  # it also tells something, and so is always painted


class _QuietButton(_Quiet, QToolButton):
    def paintEvent(self, event: QPaintEvent) -> None:
        if self.wanted or self.marks or self.hasFocus():
            super().paintEvent(event)


class _QuietLabel(_Quiet, QLabel):
    def paintEvent(self, event: QPaintEvent) -> None:
        if self.wanted:
            super().paintEvent(event)


class MessageActions(QWidget):
    """Buttons and one line of figures.

    Attributes:
        chosen: an `Action`.
        branch_chosen: id of another alternative.
    """

    chosen = Signal(str)
    branch_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._turn: Turn | None = None
        self._buttons: dict[str, _QuietButton] = {}
        self._back = QTimer(self)
        self._back.setSingleShot(True)
        self._back.setInterval(COPIED_MS)
        self._back.timeout.connect(self._show_copy)

    def _make(self) -> None:
        """Make the buttons; most messages are never pointed at."""
        self._row = flat(QHBoxLayout(self), spacing=2)
        self._row.addStretch(1)
        table = (
            (Action.COPY, "copy", self.tr("Copy")),
            (Action.EDIT, "edit", self.tr("Edit and ask again")),
            (Action.REGENERATE, "refresh", self.tr("Answer again")),
            (Action.CONTINUE, "continue", self.tr("Continue")),
            (Action.PIN, "pin", self.tr("Pin, so that it is never left out")),
        )
        for action, icon_name, text in table:
            button = self._button(action, icon_name, text)
            button.clicked.connect(lambda _=False, a=action: self.chosen.emit(a))
        rtl = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        back, on = ("chevron-right", "chevron-left") if rtl else ("chevron-left", "chevron-right")
        self._before = self._button("before", back, self.tr("Earlier version"))
        self._before.clicked.connect(lambda: self._choose_branch(-1))
        self._place = self._quiet_label()
        self._row.addWidget(self._place)
        self._after = self._button("after", on, self.tr("Later version"))
        self._after.clicked.connect(lambda: self._choose_branch(1))
        more = self._button("more", "more", self.tr("More"))
        more.clicked.connect(self._open_menu)
        self._facts = self._quiet_label()
        self._row.addWidget(self._facts)
        self._row.addStretch(1)

    def set_turn(self, turn: Turn) -> None:
        """Offer what this message allows."""
        self._turn = turn
        if turn.message.pinned and not self._buttons:
            self._make()
        if self._buttons:
            self._offer(turn)

    def _offer(self, turn: Turn) -> None:
        mine = turn.mine
        self._buttons[Action.COPY].setVisible(True)
        edit = self._buttons[Action.EDIT]
        edit.setVisible(not turn.live)
        words = self.tr("Edit and ask again") if mine else self.tr("Rewrite the answer")
        edit.setAccessibleName(words)
        edit.setToolTip(words)
        self._buttons[Action.REGENERATE].setVisible(not mine)
        self._buttons[Action.CONTINUE].setVisible(turn.can_continue)
        for button in self._buttons.values():
            button.setEnabled(not turn.busy)
        self._buttons[Action.COPY].setEnabled(True)
        self._show_pin(turn)
        many = len(turn.alternatives) > 1
        for part in (self._before, self._place, self._after):
            part.setVisible(many)
        self._before.setEnabled(many and turn.position > 0 and not turn.busy)
        self._after.setEnabled(
            many and turn.position < len(turn.alternatives) - 1 and not turn.busy
        )
        self._place.setText(f"{turn.position + 1}/{len(turn.alternatives)}")
        facts = "" if mine else facts_of(turn)
        self._facts.setText(facts)
        self._facts.setVisible(bool(facts))
        self._row.setStretch(0, 1 if mine else 0)
        self._row.setStretch(self._row.count() - 1, 0 if mine else 1)

    def _show_pin(self, turn: Turn) -> None:
        button, pinned = self._buttons[Action.PIN], turn.message.pinned
        button.setVisible(not turn.live)
        if button.marks == pinned:
            return
        button.marks = pinned
        words = self.tr("Pinned: it is never left out. Choose to unpin.")
        words = words if pinned else self.tr("Pin, so that it is never left out")
        button.setToolTip(words)
        button.setAccessibleName(words)
        tone = "accent" if pinned else "text_soft"
        bind_icon(button, "pin", self._theme, tone, SIZES.icon_small)
        button.update()

    def set_wanted(self, wanted: bool) -> None:
        """Show or hide what is in the row."""
        if wanted and not self._buttons and self._turn is not None:
            self._make()
            self._offer(self._turn)
        elif not self._buttons:
            return
        parts: tuple[_QuietButton | _QuietLabel, ...] = (
            *self._buttons.values(),
            self._place,
            self._facts,
        )
        for part in parts:
            if part.wanted != wanted:
                part.wanted = wanted
                part.update()

    def tell_copied(self) -> None:
        """Say for a moment that the message is on the clipboard."""
        button = self._buttons[Action.COPY]
        bind_icon(button, "check", self._theme, "good", SIZES.icon_small)
        button.setToolTip(self.tr("Copied"))
        self._back.start()

    def _show_copy(self) -> None:
        button = self._buttons[Action.COPY]
        bind_icon(button, "copy", self._theme, "text_soft", SIZES.icon_small)
        button.setToolTip(self.tr("Copy"))

    def _open_menu(self) -> None:
        """What is wanted less often."""
        turn = self._turn
        if turn is None:
            return
        menu = QMenu(self)
        menu.setObjectName("messageMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        entries = [(Action.FORK, "branch", self.tr("Go on from here in a chat of its own"))]
        if not turn.mine:
            words = self.tr("Ask another model the same…")
            entries.append((Action.OTHER_MODEL, "models", words))
        if len(turn.alternatives) > 1:
            entries.append((Action.COMPARE, "chats", self.tr("Compare the versions")))
        if not turn.mine and turn.last and not turn.can_continue:
            entries.append((Action.CONTINUE, "continue", self.tr("Let the answer go on")))
        entries.append((Action.DELETE, "trash", self.tr("Delete, with all that follows it")))
        for action, icon_name, text in entries:
            entry = menu.addAction(text)
            bind_icon(entry, icon_name, self._theme)
            entry.setEnabled(not turn.busy)
            entry.triggered.connect(lambda _=False, a=action: self.chosen.emit(a))
        button = self._buttons["more"]
        menu.popup(button.mapToGlobal(button.rect().bottomLeft()))

    def _choose_branch(self, step: int) -> None:
        if self._turn is not None:
            self.branch_chosen.emit(self._turn.alternatives[self._turn.position + step])

    def _button(self, name: str, icon_name: str, text: str) -> _QuietButton:
        button = _QuietButton(self)
        button.setObjectName(f"{name}Message")
        button.setAccessibleName(text)
        button.setToolTip(text)
        button.setProperty("kind", "mini")
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        bind_icon(button, icon_name, self._theme, "text_soft", SIZES.icon_small)
        self._buttons[name] = button
        self._row.addWidget(button)
        return button

    def _quiet_label(self) -> _QuietLabel:
        made = _QuietLabel(self)
        made.setTextFormat(Qt.TextFormat.PlainText)
        made.setFont(self._theme.font(SIZES.small, tabular=True))
        made.setContentsMargins(SIZES.gap, 0, SIZES.gap, 0)
        made.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        dress(made, "small", "faint")
        return made


def facts_of(turn: Turn) -> str:
    """Model, speed and time to the first token of an answer, in one line."""
    facts = [turn.message.model] if turn.message.model else []
    timings = turn.message.timings
    if timings is not None and timings.tokens_per_second > 0:
        number = QLocale()
        speed = number.toString(float(timings.tokens_per_second), "f", 1)
        first = number.toString(float(timings.first_token_s), "f", 1)
        facts.append(_tr("{} tokens/s").format(speed))
        facts.append(_tr("first token after {} s").format(first))
    return " · ".join(facts)


def _tr(text: str) -> str:
    return QCoreApplication.translate("MessageActions", text)
