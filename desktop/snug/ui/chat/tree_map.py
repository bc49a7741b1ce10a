"""A small map of the open chat: every message of every branch, by turns, and the way to each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QTreeWidget,
    QTreeWidgetItem,
    QTreeWidgetItemIterator,
    QVBoxLayout,
    QWidget,
)

from snug.domain.conversation import Conversation, Message, Role
from snug.ui.look.parts import claims_escape, flat, icon_button, label
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES

_WORDS = 60  # letters of a message
_ID = Qt.ItemDataRole.UserRole


@dataclass(slots=True)
class Stretch:
    """Messages one after the other, up to where several answers or questions part."""

    messages: list[Message] = field(default_factory=list)
    branches: list[Stretch] = field(default_factory=list)


def stretches(conversation: Conversation) -> list[Stretch]:
    """The whole tree; a chat without branches is a single stretch."""
    versions = Counter(message.parent_id for message in conversation.messages)
    tops: list[Stretch] = []
    holds: dict[str | None, Stretch] = {}  # by the message that it ends in so far
    for message in conversation.messages:  # parents come first
        above = holds.get(message.parent_id)
        if above is not None and versions[message.parent_id] == 1:
            stretch = above
        else:
            stretch = Stretch()
            (tops if above is None else above.branches).append(stretch)
        stretch.messages.append(message)
        holds[message.id] = stretch
    return tops


class TreeMap(QFrame):
    """A drawer with the map.

    Attributes:
        chosen: id of the message to go to.
        closed: the drawer is to go.
    """

    chosen = Signal(str)
    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("treeMap")
        self.setProperty("kind", "drawer")
        self.setAccessibleName(self.tr("Map of this chat"))
        column = flat(QVBoxLayout(self))
        head = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        head.setContentsMargins(SIZES.gap_4, SIZES.gap_3, SIZES.gap_2, SIZES.gap_2)
        head.addWidget(label(self.tr("Map of this chat"), "label"), 1)
        close = icon_button("closeMap", self.tr("Close (Esc)"), "close", theme, self.closed.emit)
        head.addWidget(close)
        column.addLayout(head)
        self.tree = QTreeWidget()
        self.tree.setObjectName("mapTree")
        self.tree.setAccessibleName(self.tr("Messages of all branches"))
        self.tree.setHeaderHidden(True)
        self.tree.setFrameShape(QFrame.Shape.NoFrame)
        self.tree.setUniformRowHeights(True)
        self.tree.setIndentation(SIZES.gap_4)
        self.tree.itemClicked.connect(self._on_item)
        self.tree.itemActivated.connect(self._on_item)
        column.addWidget(self.tree, 1)
        self._none = label(self.tr("Nothing has been said here yet."), "", "soft", wrap=True)
        self._none.setContentsMargins(SIZES.gap_4, 0, SIZES.gap_4, SIZES.gap_4)
        column.addWidget(self._none)

    def show_conversation(self, conversation: Conversation | None) -> None:
        """Draw it anew; the way that is shown in the chat is set off, its end is current."""
        self.tree.clear()
        empty = conversation is None or not conversation.messages
        self.tree.setVisible(not empty)
        self._none.setVisible(empty)
        if conversation is None:
            return
        self._bold = QFont(self.tree.font())
        self._bold.setBold(True)
        path = {message.id for message in conversation.active_path()}
        top = self.tree.invisibleRootItem()
        waiting = [(top, stretch) for stretch in stretches(conversation)]
        while waiting:
            parent, stretch = waiting.pop(0)
            items = [self._item(message, message.id in path) for message in stretch.messages]
            parent.addChildren(items)
            waiting += [(items[-1], branch) for branch in stretch.branches]
        self.tree.expandAll()
        self._go_to(conversation.leaf_id)

    def _item(self, message: Message, on_path: bool) -> QTreeWidgetItem:
        words = " ".join(message.text[: 4 * _WORDS].split())[:_WORDS] or self.tr("(nothing)")
        mine = message.role is Role.USER
        item = QTreeWidgetItem([f"→ {words}" if mine else words])
        item.setData(0, _ID, message.id)
        who = self.tr("You: {}") if mine else self.tr("Answer: {}")
        told = who.format(words)
        item.setData(
            0,
            Qt.ItemDataRole.AccessibleTextRole,
            self.tr("{} (shown)").format(told) if on_path else told,
        )
        if on_path:
            item.setFont(0, self._bold)
        return item

    def _go_to(self, message_id: str | None) -> None:
        walk = QTreeWidgetItemIterator(self.tree)
        while (item := walk.value()) is not None:
            if item.data(0, _ID) == message_id:
                self.tree.setCurrentItem(item)
                self.tree.scrollToItem(item)
                return
            walk += 1

    def _on_item(self, item: QTreeWidgetItem) -> None:
        self.chosen.emit(str(item.data(0, _ID)))

    def event(self, event: QEvent) -> bool:
        """Esc is for the drawer while the cursor is in it."""
        return claims_escape(event) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes it."""
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)
