"""The list of Discover: a view that stays smooth with thousands of rows."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QListView


class DiscoverList(QListView):
    """Return or a press opens a row; Up on the first one leaves upwards.

    Attributes:
        chosen: a row was opened.
        left_upwards: the keyboard goes back to the search.
    """

    chosen = Signal(QModelIndex)
    left_upwards = Signal()

    def __init__(self, accessible_name: str) -> None:
        super().__init__()
        self.setObjectName("discoverList")
        self.setAccessibleName(accessible_name)
        self.setUniformItemSizes(True)  # so that only rows in sight are looked at
        self.setMouseTracking(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.clicked.connect(self.chosen)
        self.verticalScrollBar().setSingleStep(24)

    def focus_first(self) -> None:
        """Take the keyboard; the current row stays, else it is the first."""
        model = self.model()
        if model.rowCount() == 0:
            return
        if not self.currentIndex().isValid():
            self.setCurrentIndex(model.index(0, 0))
        self.setFocus(Qt.FocusReason.TabFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return opens, Up on the first row leaves."""
        current = self.currentIndex()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and current.isValid():
            self.chosen.emit(current)
        elif event.key() == Qt.Key.Key_Up and current.row() <= 0:
            self.left_upwards.emit()
        else:
            super().keyPressEvent(event)
