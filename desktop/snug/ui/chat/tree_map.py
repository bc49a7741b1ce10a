"""A small map of the open chat: every message of every branch, by turns, and the way to each."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QFrame,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from snug.domain.conversation import Conversation, Message, Role
from snug.ui.chat.drawer import Drawer
from snug.ui.look.parts import label
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


class TreeMap(Drawer):
    """A drawer with the map.

    Attributes:
        chosen: id of the message to go to.
    """

    chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        title = QCoreApplication.translate("TreeMap", "Map of this chat")
        super().__init__("treeMap", title, "closeMap", theme, parent)
        self.setAccessibleName(title)
        self.tree = QTreeWidget()
        self.tree.setObjectName("mapTree")
        self.tree.setAccessibleName(self.tr("Messages of all branches"))
        self.tree.setHeaderHidden(True)
        self.tree.setFrameShape(QFrame.Shape.NoFrame)
        self.tree.setUniformRowHeights(True)
        self.tree.setIndentation(SIZES.gap_4)
        self.tree.itemClicked.connect(self._on_item)
        self.tree.itemActivated.connect(self._on_item)
        self.column.addWidget(self.tree, 1)
        self._none = label(self.tr("Nothing has been said here yet."), "", "soft", wrap=True)
        self._none.setContentsMargins(SIZES.gap_4, 0, SIZES.gap_4, SIZES.gap_4)
        self.column.addWidget(self._none)

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
        current = top = self.tree.invisibleRootItem()
        waiting = deque((top, stretch) for stretch in stretches(conversation))
        while waiting:
            parent, stretch = waiting.popleft()
            items = [self._item(message, message.id in path) for message in stretch.messages]
            parent.addChildren(items)
            waiting += [(items[-1], branch) for branch in stretch.branches]
            for message, item in zip(stretch.messages, items, strict=True):
                current = item if message.id == conversation.leaf_id else current
        self.tree.expandAll()
        if current is not top:
            self.tree.setCurrentItem(current)
            self.tree.scrollToItem(current)

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

    def _on_item(self, item: QTreeWidgetItem) -> None:
        self.chosen.emit(str(item.data(0, _ID)))
