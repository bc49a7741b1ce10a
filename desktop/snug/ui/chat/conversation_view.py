"""The view of the conversation list: its keys, its menu, and dragging."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
)
from PySide6.QtWidgets import QFrame, QListView


class ConversationView(QListView):
    """The list itself: keys and menu. What they do is the owner's business."""

    chosen = Signal(QModelIndex)
    delete_requested = Signal(QModelIndex)
    menu_requested = Signal(QModelIndex, QPoint)
    fold_requested = Signal(QModelIndex, bool)  # True unfolds
    file_dropped = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("conversationList")
        self.setAccessibleName(self.tr("Conversations"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QListView.EditTrigger.EditKeyPressed)
        self.setMouseTracking(True)
        self.setDragDropMode(QListView.DragDropMode.DragDrop)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setDragDropOverwriteMode(True)
        self.viewport().setAutoFillBackground(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return opens, Del deletes, sideways folds; F2 and the other arrows are Qt's."""
        sideways = (Qt.Key.Key_Left, Qt.Key.Key_Right)
        if self.state() is QListView.State.EditingState:
            return  # the Return that ended an edit arrives here as well
        index = self.currentIndex()
        if index.isValid() and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit(index)
        elif index.isValid() and event.key() == Qt.Key.Key_Delete:
            self.delete_requested.emit(index)
        elif index.isValid() and event.key() in sideways:
            self.fold_requested.emit(
                index, (event.key() == Qt.Key.Key_Right) is not self.isRightToLeft()
            )
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A file from elsewhere may be dropped anywhere, a chat of the list where the list says."""
        if _local_file(event.mimeData()):
            event.acceptProposedAction()
        else:
            super().dragEnterEvent(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """As it enters."""
        if _local_file(event.mimeData()):
            event.acceptProposedAction()
        else:
            super().dragMoveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """A file is passed on."""
        if name := _local_file(event.mimeData()):
            event.acceptProposedAction()
            self.file_dropped.emit(name)
        else:
            super().dropEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Of the row under the pointer, or of the current one from the keyboard."""
        if event.reason() is QContextMenuEvent.Reason.Keyboard:
            index = self.currentIndex()
            at = self.visualRect(index).center()
        else:
            at = event.pos()
            index = self.indexAt(at)
        if index.isValid():
            self.menu_requested.emit(index, self.viewport().mapToGlobal(at))


def _local_file(data: QMimeData) -> str:
    """The first file of what is dragged; "" where there is none."""
    return next((url.toLocalFile() for url in data.urls() if url.isLocalFile()), "")
