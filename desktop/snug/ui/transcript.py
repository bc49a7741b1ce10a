"""The conversation as a column of messages that scrolls and follows the answer.

Only the newest messages are built at first; earlier ones come while one scrolls up, and what one
reads stays where it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QApplication, QFrame, QScrollArea, QToolButton, QWidget

from snug.ui.icons import bind_icon
from snug.ui.message_view import MessageView
from snug.ui.parts import column_width
from snug.ui.theme import Theme
from snug.ui.tokens import SIZES
from snug.ui.turn import Turn

CHUNK = 30  # messages that are built at a time
NEAR_END = SIZES.gap_6  # pixels from the end that still count as being there
_BUTTON = SIZES.control


class Transcript(QScrollArea):
    """Shows turns; keeps one view for each message it has built.

    Attributes:
        asked: an `Action` on a message, by its id.
        edited: id and new text of one of the person's messages.
        branch_chosen: id of another alternative.
        link_chosen: an address, and where on the screen it was chosen.
    """

    asked = Signal(str, str)
    edited = Signal(str, str)
    branch_chosen = Signal(str)
    link_chosen = Signal(str, QPoint)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transcript")
        self.setAccessibleName(self.tr("Conversation"))
        self._theme = theme
        self._turns: list[Turn] = []
        self._views: dict[str, MessageView] = {}
        self._first = 0  # index of the first turn that is built
        self._following = True
        self._arranging = False
        self._canvas = QWidget()
        self._canvas.setObjectName("transcriptCanvas")
        self.setWidget(self._canvas)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._due = QTimer(self)
        self._due.setSingleShot(True)
        self._due.setInterval(0)
        self._due.timeout.connect(self._arrange)
        self._newest = self._make_newest()
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._on_focus_changed)
        theme.changed.connect(self._on_theme_changed)

    # -- what is shown ------------------------------------------------------------------------

    def set_turns(self, turns: Sequence[Turn]) -> None:
        """Show these messages; those that are shown already keep their place."""
        same = (
            bool(self._turns) and bool(turns) and self._turns[0].message.id == turns[0].message.id
        )
        self._turns = list(turns)
        if not same:
            self._following = True
            self._first = max(0, len(turns) - CHUNK)
        self._first = min(self._first, max(0, len(turns) - 1))
        wanted = {turn.message.id: turn for turn in self._turns[self._first :]}
        for message_id in [known for known in self._views if known not in wanted]:
            self._drop(message_id)
        for message_id, turn in wanted.items():
            view = self._views.get(message_id)
            if view is None:
                self._build(turn)
            elif view.turn != turn:
                view.set_turn(turn)
        self._arrange()

    def append(self, message_id: str, delta: str) -> None:
        """More of the answer that is being made."""
        view = self._views.get(message_id)
        if view is not None:
            view.append(delta)

    def set_thoughts(self, message_id: str, thoughts: str, live: bool, seconds: float) -> None:
        """The reasoning so far of the answer that is being made."""
        view = self._views.get(message_id)
        if view is not None:
            view.set_thoughts(thoughts, live, seconds)

    def edit_last_own(self) -> None:
        """Let the person write their last message anew."""
        for turn in reversed(self._turns):
            if turn.mine:
                view = self._views.get(turn.message.id)
                if view is not None:
                    view.begin_edit()
                return

    def reveal(self, message_id: str) -> None:
        """Scroll to a message, building what lies between."""
        ids = [turn.message.id for turn in self._turns]
        if message_id not in ids:
            return
        if ids.index(message_id) < self._first:
            self._build_from(ids.index(message_id))
        self._following = False
        self._arrange()
        self.verticalScrollBar().setValue(max(0, self._views[message_id].y() - SIZES.gap_6))

    def follow(self) -> None:
        """Go to the end and stay there while the answer grows."""
        self._following = True
        self._to_end()

    @property
    def views(self) -> tuple[MessageView, ...]:
        """The built views, in order."""
        return tuple(self._views[turn.message.id] for turn in self._turns[self._first :])

    # -- inside -------------------------------------------------------------------------------

    def _build(self, turn: Turn) -> None:
        view = MessageView(turn, self._theme, self._canvas)
        view.height_changed.connect(self._due.start)
        view.asked.connect(self.asked)
        view.edited.connect(self.edited)
        view.branch_chosen.connect(self.branch_chosen)
        view.link_chosen.connect(self.link_chosen)
        view.dragged.connect(self._on_dragged)
        view.text.installEventFilter(self)
        view.text.viewport().installEventFilter(self)
        self._views[turn.message.id] = view
        view.show()

    def _drop(self, message_id: str) -> None:
        view = self._views.pop(message_id)
        view.hide()
        view.deleteLater()

    def _build_from(self, first: int) -> None:
        for turn in self._turns[first : self._first]:
            self._build(turn)
        self._first = first

    def _arrange(self) -> None:
        """Place every view; what is being read stays where it is on the screen."""
        if self._arranging:
            return
        self._arranging = True
        try:
            anchor, offset = self._anchor()
            room = self.viewport().width()
            width = max(SIZES.gap_6, min(column_width(self._theme), room - 2 * SIZES.gap_6))
            left = (room - width) // 2
            y = SIZES.gap_6
            for view in self.views:
                tall = view.layout_for(width)
                view.setGeometry(left, y, width, tall)
                y += tall
            self._canvas.resize(room, max(y + SIZES.gap_4, self.viewport().height()))
            if self._following:
                self._to_end()
            elif anchor is not None:
                self.verticalScrollBar().setValue(anchor.y() - offset)
        finally:
            self._arranging = False
        self._place_newest()

    def _anchor(self) -> tuple[MessageView | None, int]:
        """The first view that reaches into the screen, and how far above its top the screen is."""
        top = self.verticalScrollBar().value()
        for view in self.views:
            if view.geometry().bottom() > top and view.height() > 0:
                return view, view.y() - top
        return None, 0

    def _to_end(self) -> None:
        self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())

    def _make_newest(self) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName("newestButton")
        button.setProperty("kind", "newest")
        button.setToolTip(self.tr("To the newest message"))
        button.setAccessibleName(self.tr("To the newest message"))
        button.setFixedSize(_BUTTON, _BUTTON)
        bind_icon(button, "arrow-down", self._theme)
        button.clicked.connect(self.follow)
        button.hide()
        return button

    def _place_newest(self) -> None:
        bar = self.verticalScrollBar()
        away = bar.maximum() - bar.value() > 4 * NEAR_END
        self._newest.setVisible(away)
        if away:
            x = (self.viewport().width() - _BUTTON) // 2
            self._newest.move(x, self.viewport().height() - _BUTTON - SIZES.gap_2)
            self._newest.raise_()

    # -- Qt -----------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width wraps other lines."""
        super().resizeEvent(event)
        self._arrange()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The wheel over a message scrolls the conversation."""
        if event.type() == QEvent.Type.Wheel:
            QApplication.sendEvent(self.verticalScrollBar(), event)
            return True
        return False

    def _on_scrolled(self, value: int) -> None:
        if self._arranging:
            return
        bar = self.verticalScrollBar()
        self._following = bar.maximum() - value <= NEAR_END
        if value < self.viewport().height() and self._first > 0:
            self._build_from(max(0, self._first - CHUNK))
            self._arrange()
        self._place_newest()

    def _on_dragged(self, where: QPoint) -> None:
        """Selecting beyond the edge scrolls on."""
        y = self.viewport().mapFromGlobal(where).y()
        bar = self.verticalScrollBar()
        if y < 0:
            bar.setValue(bar.value() + y // 2)
        elif y > self.viewport().height():
            bar.setValue(bar.value() + (y - self.viewport().height()) // 2)

    def _on_focus_changed(self, _old: QWidget | None, now: QWidget | None) -> None:
        for view in self._views.values():
            view.set_focused(now is not None and view.isAncestorOf(now))

    def _on_theme_changed(self) -> None:
        for view in self.views:
            view.redress()
        self._arrange()
