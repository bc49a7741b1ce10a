"""A centred column that stays in its place when a scroll bar comes or goes."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QSpacerItem, QWidget


class LevelColumn:
    """Gives up as much at the column's start as the scroll bar takes at its end.

    Without it the column would stand a few pixels beside what stands above the page.
    """

    def __init__(self, around: QHBoxLayout, column: QWidget, scroll: QScrollArea) -> None:
        """Put the column into the middle of `around`.

        Args:
            column: with the maximum width that it shall have.
            scroll: shows what `around` lays out; as wide as the page that it is on.
        """
        self._around, self._column, self._scroll = around, column, scroll
        self._space = QSpacerItem(0, 0)
        around.addSpacerItem(self._space)
        around.addStretch(1)
        around.addWidget(column, 1000)
        around.addStretch(1)
        scroll.verticalScrollBar().rangeChanged.connect(self.keep)

    def keep(self) -> None:
        """Measure again; call when the width or the column's maximum changed."""
        bar = self._scroll.verticalScrollBar()
        taken = bar.sizeHint().width() if bar.maximum() > bar.minimum() else 0
        page = self._scroll.parentWidget() or self._scroll  # the first to know a new width
        spare = max(0, (page.width() - self._column.maximumWidth()) // 2)
        width = min(taken, spare)
        if width != self._space.sizeHint().width():
            self._space.changeSize(width, 0)
            self._around.invalidate()
