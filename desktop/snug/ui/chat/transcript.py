"""The conversation as a scrolling column that holds thousands of messages.

Only messages near what is seen are widgets; of the others an estimated height is known. Whenever
a height turns out different, the scroll bar moves with it, so that what is being read stays where
it is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from PySide6.QtCore import QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QFrame, QScrollArea, QToolButton, QWidget

from snug.ui.chat.find_bar import FindBar
from snug.ui.chat.message_view import OUTSET, ROW, MessageView
from snug.ui.chat.turn import Turn
from snug.ui.look.icons import bind_icon
from snug.ui.look.parts import column_width
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.text.message_text import FIRST_SLICE_S

AHEAD = 1.0  # screens above and below that are made ready
KEEP = 4.0  # screens away from which a message is a widget no more
SLICE_S = 0.006
NEAR_END = SIZES.gap_2  # pixels from the end that still count as at the end
_LETTER = 0.5  # average width of a letter, in type sizes
_CODE_EXTRA = 30  # pixels that a code block needs beside its lines


@dataclass(slots=True)
class _Item:
    turn: Turn
    height: int
    view: MessageView | None = None


class Transcript(QScrollArea):
    """Shows turns; passes on what is asked of them.

    Attributes:
        asked, edited, branch_chosen, link_chosen: as of `MessageView`.
        shown: another conversation stands here; `changed`: the same one in another state.
        built: a message has become a widget, a `MessageView`.
        finder: looks for words in what is shown.
    """

    shown = Signal()
    changed = Signal()
    built = Signal(object)

    asked = Signal(str, str)
    edited = Signal(str, str)
    branch_chosen = Signal(str)
    link_chosen = Signal(str, QPoint)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._items: list[_Item] = []
        self._tops: list[int] = [SIZES.gap_6]
        self._built: set[int] = set()  # numbers of those that are widgets
        self._follow = True
        self._moving = False
        self._set_up()
        self._ready = QTimer(self)
        self._ready.setSingleShot(True)
        self._ready.timeout.connect(self._on_ready_timeout)
        self._newest = self._make_newest()
        self.finder = FindBar(theme, self)
        self.verticalScrollBar().valueChanged.connect(self._on_scroll_bar_value_changed)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._on_app_focus_changed)
        theme.changed.connect(self._on_theme_changed)

    def _set_up(self) -> None:
        self.setObjectName("transcript")
        self.setAccessibleName(self.tr("Conversation"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidgetResizable(False)
        self.verticalScrollBar().setSingleStep(SIZES.gap_6)
        self._content = QWidget()
        self._content.setObjectName("transcriptContent")
        self.setWidget(self._content)

    def _make_newest(self) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName("newestButton")
        button.setProperty("kind", "newest")
        words = self.tr("To the newest message")
        button.setAccessibleName(words)
        button.setToolTip(words)
        button.setFixedSize(SIZES.control, SIZES.control)
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        bind_icon(button, "arrow-down", self._theme)
        button.clicked.connect(self.scroll_to_end)
        button.hide()
        return button

    # -- what is shown ------------------------------------------------------------------------

    @property
    def turns(self) -> list[Turn]:
        """What it shows, in order."""
        return [item.turn for item in self._items]

    @property
    def views(self) -> list[MessageView]:
        """The messages that are widgets now, in order."""
        built = (self._items[number].view for number in sorted(self._built))
        return [view for view in built if view is not None]

    @property
    def following(self) -> bool:
        """The end is in sight and stays so as the answer grows."""
        return self._follow

    @property
    def settled(self) -> bool:
        """Everything near is built and drawn."""
        return not self._ready.isActive() and all(view.settled for view in self.views)

    def show_turns(self, turns: Sequence[Turn]) -> None:
        """Show another conversation, from its end."""
        for item in self._items:
            self._drop(item)
        self._items = [_Item(turn, self._estimate(turn)) for turn in turns]
        self._built = set()
        self._follow = True
        self._arrange(0)
        self._fill()
        self.shown.emit()

    def update_turns(self, turns: Sequence[Turn], *, to_end: bool = False) -> None:
        """Show the same conversation in another state; what is the same stays as it is.

        Args:
            turns: all of them.
            to_end: go there, wherever the person was.
        """
        known = {item.turn.message.id: item for item in self._items}
        items: list[_Item] = []
        for turn in turns:
            item = known.pop(turn.message.id, None)
            if item is None:
                item = _Item(turn, self._estimate(turn))
            elif item.turn != turn:
                item.turn = turn
                if item.view is not None:
                    item.view.set_turn(turn)
            items.append(item)
        for item in known.values():
            self._drop(item)
        self._items = items
        self._built = {n for n, item in enumerate(items) if item.view is not None}
        self._follow = self._follow or to_end
        self._arrange(0)
        self._fill()
        self.changed.emit()

    def view_of(self, message_id: str) -> MessageView | None:
        """The widget of a message; None while it is far away."""
        for item in reversed(self._items):
            if item.turn.message.id == message_id:
                return item.view
        return None

    def reveal(self, message_id: str) -> MessageView | None:
        """Go to a message; its widget, None where it is not on this path."""
        for number, item in enumerate(self._items):
            if item.turn.message.id == message_id:
                self._follow = False
                view = item.view or self._build(number)
                bar = self.verticalScrollBar()
                top, bottom = self._tops[number], self._tops[number + 1]
                if top < bar.value() or bottom > bar.value() + self.viewport().height():
                    bar.setValue(top - SIZES.gap_6)
                return view
        return None

    def scroll_to_end(self) -> None:
        """Go to the newest message, and stay with it."""
        self._follow = True
        self._arrange(len(self._items))
        self._fill()

    # -- building -----------------------------------------------------------------------------

    @property
    def _column(self) -> int:
        bar = self.verticalScrollBar().sizeHint().width()
        room = self.width() - bar - 2 * SIZES.gap_6
        return max(SIZES.popup // 2, min(column_width(self._theme), room))

    def _estimate(self, turn: Turn) -> int:
        text = turn.message.text
        letters = max(1, round(self._column / (self._theme.px(SIZES.body) * _LETTER)))
        rows = text.count("\n") + len(text) // letters + 1
        code = text.count("```") // 2 * _CODE_EXTRA
        line = round(self._theme.px(SIZES.body) * SIZES.line_height)
        return rows * line + code + ROW + SIZES.gap

    def _build(self, number: int, budget_s: float = FIRST_SLICE_S) -> MessageView:
        item = self._items[number]
        view = MessageView(item.turn, self._theme, self._content, budget_s)
        item.view = view
        self._built.add(number)
        item.height = view.layout_for(self._column)
        view.height_changed.connect(lambda: self._on_view_height_changed(item))
        view.asked.connect(self.asked)
        view.edited.connect(self.edited)
        view.branch_chosen.connect(self.branch_chosen)
        view.link_chosen.connect(self.link_chosen)
        view.dragged.connect(self._on_view_dragged)
        self._arrange(number)
        view.show()
        self.built.emit(view)
        return view

    def _drop(self, item: _Item) -> None:
        if item.view is not None:
            item.view.hide()
            item.view.deleteLater()
            item.view = None

    def _range(self, screens: float) -> range:
        """Items within so many screens of what is seen."""
        height = self.viewport().height()
        top = self.verticalScrollBar().value()
        first = bisect_right(self._tops, top - screens * height) - 1
        last = bisect_right(self._tops, top + (1 + screens) * height)
        return range(max(0, first), min(len(self._items), last))

    def _fill(self) -> None:
        """Build what is seen now; the surroundings follow when there is time."""
        if self.viewport().height() <= 0 or not self.isVisible():
            return
        for _ in range(8):  # each message that is built may bring others into sight
            missing = [n for n in self._range(0) if self._items[n].view is None]
            if not missing:
                break
            # From the end up where the end is followed: what lies below is then already placed.
            self._build(missing[-1] if self._follow else missing[0])
            for number in missing:
                if number in self._range(0) and self._items[number].view is None:
                    self._build(number)
        self._ready.start(0)

    def _on_ready_timeout(self) -> None:
        until = perf_counter() + SLICE_S
        for number in self._range(AHEAD):
            if self._items[number].view is None:
                self._build(number, SLICE_S / 2)
                if perf_counter() > until:
                    self._ready.start(0)
                    return
        keep = self._range(KEEP)
        for number in [n for n in self._built if n not in keep]:
            if not self._is_needed(self._items[number]):
                self._drop(self._items[number])
                self._built.discard(number)

    def _is_needed(self, item: _Item) -> bool:
        """It grows, or the keyboard is in it."""
        focus = QApplication.focusWidget()
        view = item.view
        held = view is not None and focus is not None and view.isAncestorOf(focus)
        return item.turn.live or held

    # -- placing ------------------------------------------------------------------------------

    def _anchor(self) -> tuple[int, int]:
        """The first message in sight, and where its top is from the top of the page."""
        value = self.verticalScrollBar().value()
        number = max(0, bisect_right(self._tops, value) - 1)
        return number, self._tops[number] - value

    def _arrange(self, start: int) -> None:
        """Place everything from one item on; what is being read stays where it is."""
        number, offset = self._anchor()
        tops = self._tops[: start + 1] if 0 < start < len(self._tops) else [SIZES.gap_6]
        for item in self._items[len(tops) - 1 :]:
            tops.append(tops[-1] + item.height)
        del tops[len(self._items) + 1 :]
        self._tops = tops
        column = self._column
        left = max(0, (self.width() - column) // 2 - OUTSET)
        self._moving = True
        self._content.resize(self.viewport().width(), tops[-1] + SIZES.gap_2)
        for built in self._built:
            item = self._items[built]
            box = QRect(left, tops[built], column + 2 * OUTSET, item.height)
            if item.view is not None and item.view.geometry() != box:
                item.view.setGeometry(box)
        bar = self.verticalScrollBar()
        bar.setValue(bar.maximum() if self._follow else tops[min(number, len(tops) - 1)] - offset)
        self._moving = False
        self._show_newest()

    def _show_newest(self) -> None:
        bar = self.verticalScrollBar()
        away = not self._follow and bar.maximum() - bar.value() > self.viewport().height() // 4
        if away == self._newest.isHidden():
            self._newest.setVisible(away)
        if away:
            x = (self.viewport().width() - self._newest.width()) // 2
            self._newest.move(x, self.viewport().height() - self._newest.height() - SIZES.gap_2)
            self._newest.raise_()

    # -- slots --------------------------------------------------------------------------------

    def _on_view_height_changed(self, item: _Item) -> None:
        if item.view is None:
            return
        height = item.view.layout_for(self._column)
        if height != item.height:
            item.height = height
            self._arrange(next(n for n in self._built if self._items[n] is item))

    def _on_scroll_bar_value_changed(self, value: int) -> None:
        if self._moving:
            return
        self._follow = value >= self.verticalScrollBar().maximum() - NEAR_END
        self._fill()
        self._show_newest()

    def _on_view_dragged(self, place: QPoint) -> None:
        """Selecting beyond the edge scrolls."""
        y = self.viewport().mapFromGlobal(place).y()
        beyond = min(0, y) + max(0, y - self.viewport().height())
        if beyond:
            bar = self.verticalScrollBar()
            bar.setValue(bar.value() + beyond)

    def _on_app_focus_changed(self, before: QWidget | None, now: QWidget | None) -> None:
        for view in self.views:
            view.set_focused(now is not None and view.isAncestorOf(now))

    def _on_theme_changed(self) -> None:
        for view in self.views:
            view.redress()
        self._measure_again()

    def _measure_again(self) -> None:
        column = self._column
        for item in self._items:
            if item.view is not None:
                item.height = item.view.layout_for(column)
            else:
                item.height = self._estimate(item.turn)
        self._arrange(0)
        self._fill()

    # -- Qt -----------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width needs other heights; the end stays in sight where it was."""
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self._measure_again()
        else:
            self._arrange(len(self._items))
            self._fill()

    def showEvent(self, event: object) -> None:
        """Nothing is built before it can be seen."""
        self._fill()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Home and End too."""
        bar = self.verticalScrollBar()
        if event.key() == Qt.Key.Key_Home:
            bar.setValue(0)
        elif event.key() == Qt.Key.Key_End:
            self.scroll_to_end()
        else:
            super().keyPressEvent(event)
