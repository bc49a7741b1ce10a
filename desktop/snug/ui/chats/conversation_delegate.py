"""Draws the rows of the conversation list and edits titles in place."""

from __future__ import annotations

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QFont,
    QFontMetrics,
    QMouseEvent,
    QPainter,
    QPen,
    QTextCharFormat,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import (
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from snug.domain.search import MATCH_END, MATCH_START
from snug.ui.chats.conversation_model import ROW_ROLE, Row, RowKind
from snug.ui.look.icons import icon
from snug.ui.look.parts import draw_line, reading_direction
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES

Index = QModelIndex | QPersistentModelIndex
_SNIPPET_LINES = 2
_WITH_MENU = (RowKind.CONVERSATION, RowKind.FOLDER)


class ConversationDelegate(QStyledItemDelegate):
    """Paints with the theme's colours.

    Attributes:
        menu_requested: the … at the end of a row was pressed.
    """

    menu_requested = Signal(QModelIndex)

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme
        self._more = icon("more", theme)
        self.open_id: str | None = None
        theme.changed.connect(self._on_theme_changed)

    # -- sizes --------------------------------------------------------------------------------

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Heights follow the text size; the width is the view's."""
        row: Row = index.data(ROW_ROLE)
        bar = QFontMetrics(self._theme.font(SIZES.bar)).height()
        small = QFontMetrics(self._theme.font(SIZES.small)).height()
        heights = {
            RowKind.HEADING: small + (SIZES.gap_3 if index.row() == 0 else SIZES.gap_6),
            RowKind.CONVERSATION: bar + SIZES.gap_4 + 2,
            RowKind.FOLDERS: small + SIZES.gap_6,
            RowKind.FOLDER: bar + SIZES.gap_4 + 2,
            RowKind.HIT: bar + _SNIPPET_LINES * small + SIZES.gap_4 + SIZES.gap_2,
        }
        return QSize(0, heights[row.kind])

    # -- drawing ------------------------------------------------------------------------------

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one row."""
        row: Row = index.data(ROW_ROLE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if row.kind is RowKind.HEADING:
            self._paint_heading(painter, option.rect, row)
        else:
            state = option.state
            self._paint_ground(painter, option.rect, state, row)
            if row.kind is RowKind.FOLDERS:
                self._paint_folders(painter, option, row)
            elif row.kind is RowKind.HIT:
                self._paint_hit(painter, _inner(option.rect), row)
            else:
                self._paint_conversation(painter, option, row)
        painter.restore()

    def _paint_heading(self, painter: QPainter, rect: QRect, row: Row) -> None:
        painter.setFont(self._theme.font(SIZES.small, QFont.Weight.DemiBold))
        painter.setPen(self._theme.color("text_faint"))
        inner = _inner(rect).adjusted(0, 0, 0, -SIZES.gap)
        inner.setTop(inner.bottom() - painter.fontMetrics().height())
        draw_line(painter, inner, row.text, painter.layoutDirection())

    def _paint_folders(self, painter: QPainter, option: QStyleOptionViewItem, row: Row) -> None:
        inner = _inner(option.rect)
        painter.setFont(self._theme.font(SIZES.small, QFont.Weight.DemiBold))
        painter.setPen(self._theme.color("text_faint"))
        inner.adjust(0, 0, 0, -SIZES.gap)
        inner.setTop(inner.bottom() - painter.fontMetrics().height())
        self._paint_chevron(painter, option, inner, row.unfolded)
        draw_line(painter, inner, f"{row.text} · {row.note}", option.direction)

    def _paint_chevron(
        self, painter: QPainter, option: QStyleOptionViewItem, inner: QRect, unfolded: bool
    ) -> None:
        """At the reading end of `inner`'s start, which moves past it."""
        edge = SIZES.icon_small
        from_right = option.direction is Qt.LayoutDirection.RightToLeft
        name = "chevron-down" if unfolded else "chevron-left" if from_right else "chevron-right"
        at = QRect(inner.left() - SIZES.gap, inner.center().y() - edge // 2 + 1, edge, edge)
        at = QStyle.visualRect(option.direction, inner.adjusted(-SIZES.gap, 0, SIZES.gap, 0), at)
        icon(name, self._theme, "text_faint", SIZES.icon_small).paint(painter, at)
        if from_right:
            inner.setRight(inner.right() - edge)
        else:
            inner.setLeft(inner.left() + edge)

    def _paint_note(
        self, painter: QPainter, option: QStyleOptionViewItem, inner: QRect, note: str
    ) -> None:
        """Faint words at the end of the row, which take at most two fifths of it."""
        painter.setFont(self._theme.font(SIZES.small))
        painter.setPen(self._theme.color("text_faint"))
        width = min(painter.fontMetrics().horizontalAdvance(note) + 2, inner.width() * 2 // 5)
        if option.direction is Qt.LayoutDirection.RightToLeft:
            room = QRect(inner.left(), inner.top(), width, inner.height())
            inner.setLeft(room.right() + SIZES.gap_2)
        else:
            room = QRect(inner.right() - width, inner.top(), width, inner.height())
            inner.setRight(room.left() - SIZES.gap_2)
        draw_line(painter, room, note, option.direction)

    def _paint_ground(
        self, painter: QPainter, rect: QRect, state: QStyle.StateFlag, row: Row
    ) -> None:
        ground = self._ground(rect)
        is_open = row.kind is RowKind.CONVERSATION and row.conversation_id == self.open_id
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        current = bool(state & QStyle.StateFlag.State_HasFocus)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        painter.setPen(Qt.PenStyle.NoPen)
        if is_open or hovered or selected:
            painter.setBrush(self._theme.color("raised"))
            painter.drawRoundedRect(ground, SIZES.radius, SIZES.radius)
        if current:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._theme.color("accent"), 2))
            inside = ground.adjusted(1, 1, -1, -1)
            painter.drawRoundedRect(inside, SIZES.radius - 1, SIZES.radius - 1)
        elif is_open:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._theme.color("raised_line"), 1))
            painter.drawRoundedRect(ground, SIZES.radius, SIZES.radius)

    def _paint_conversation(
        self, painter: QPainter, option: QStyleOptionViewItem, row: Row
    ) -> None:
        is_open = row.kind is RowKind.CONVERSATION and row.conversation_id == self.open_id
        weight = QFont.Weight.DemiBold if is_open else QFont.Weight.Normal
        font = self._theme.font(SIZES.bar, weight)
        inner = _inner(option.rect)
        if row.kind is RowKind.FOLDER:
            self._paint_chevron(painter, option, inner, row.unfolded)
        elif row.indented and option.direction is Qt.LayoutDirection.RightToLeft:
            inner.setRight(inner.right() - SIZES.gap_4)
        elif row.indented:
            inner.setLeft(inner.left() + SIZES.gap_4)
        if option.state & (QStyle.StateFlag.State_MouseOver | QStyle.StateFlag.State_HasFocus):
            dots = self._dots(option.rect, option.direction)
            self._more.paint(painter, dots)
            if option.direction is Qt.LayoutDirection.RightToLeft:
                inner.setLeft(dots.right() + SIZES.gap)
            else:
                inner.setRight(dots.left() - SIZES.gap)
        if row.note:
            self._paint_note(painter, option, inner, row.note)
        painter.setFont(font)
        painter.setPen(self._theme.color("text" if is_open else "text_soft"))
        draw_line(painter, inner, row.text, option.direction)

    def _paint_hit(self, painter: QPainter, inner: QRect, row: Row) -> None:
        font = self._theme.font(SIZES.bar, QFont.Weight.DemiBold)
        metrics = QFontMetrics(font)
        painter.setFont(font)
        painter.setPen(self._theme.color("text"))
        top = QRect(inner.left(), inner.top() + SIZES.gap_2, inner.width(), metrics.height())
        draw_line(painter, top, row.text, painter.layoutDirection())
        painter.setPen(self._theme.color("text_soft"))
        layout = self._snippet_layout(row.snippet, inner.width())
        layout.draw(painter, QPointF(inner.left(), top.bottom() + 3))

    def _snippet_layout(self, snippet: str, width: int) -> QTextLayout:
        """Two lines of the snippet, its matches in the accent and heavier."""
        text, ranges = _without_marks(snippet)
        layout = QTextLayout(text, self._theme.font(SIZES.small))
        from_right = self._from_right()
        side = Qt.AlignmentFlag.AlignRight if from_right else Qt.AlignmentFlag.AlignLeft
        option = QTextOption(side | Qt.AlignmentFlag.AlignAbsolute)
        option.setTextDirection(reading_direction(text))
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        found = QTextCharFormat()
        found.setForeground(self._theme.color("accent"))
        found.setFontWeight(QFont.Weight.DemiBold)
        layout.setFormats([_format_range(start, length, found) for start, length in ranges])
        layout.beginLayout()
        height = 0.0
        for _ in range(_SNIPPET_LINES):
            line = layout.createLine()
            if not line.isValid():
                break
            line.setLineWidth(width)
            line.setPosition(QPointF(0, height))
            height += line.height()
        layout.endLayout()
        return layout

    # -- pointer and editor -------------------------------------------------------------------

    def editorEvent(
        self,
        event: QEvent,
        model: QAbstractItemModel,
        option: QStyleOptionViewItem,
        index: Index,
    ) -> bool:
        """A press on the … opens the menu instead of the conversation."""
        row: Row = index.data(ROW_ROLE)
        if row.kind in _WITH_MENU and isinstance(event, QMouseEvent):
            on_dots = self._dots(option.rect, option.direction).contains(event.position().toPoint())
            if on_dots and event.type() == QEvent.Type.MouseButtonRelease:
                self.menu_requested.emit(index)
            if on_dots:
                return True
        return super().editorEvent(event, model, option, index)

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        """A field over the row."""
        editor = QLineEdit(parent)
        editor.setObjectName("conversationTitleEditor")
        editor.setAccessibleName(self.tr("Title of the conversation"))
        editor.setProperty("kind", "cell")
        return editor

    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: Index
    ) -> None:
        """Exactly over the row's ground."""
        editor.setGeometry(self._ground(option.rect))

    def _ground(self, rect: QRect) -> QRect:
        """The rounded field behind a row: equal distance at both sides, scroll bar included."""
        view = self.parent()
        bar = view.width() - rect.width() if isinstance(view, QWidget) else 0
        start, end = SIZES.gap_2, max(0, SIZES.gap_2 - max(0, bar))
        if self._from_right():
            start, end = end, start
        return rect.adjusted(start, 1, -end, -1)

    def _from_right(self) -> bool:
        view = self.parent()
        return isinstance(view, QWidget) and view.isRightToLeft()

    def _dots(self, rect: QRect, direction: Qt.LayoutDirection) -> QRect:
        edge = SIZES.icon
        at = QRect(rect.right() - SIZES.gap_4 - edge, rect.center().y() - edge // 2 + 1, edge, edge)
        return QStyle.visualRect(direction, rect, at)

    def _on_theme_changed(self) -> None:
        self._more = icon("more", self._theme)


def _inner(rect: QRect) -> QRect:
    return rect.adjusted(SIZES.gap_4 + SIZES.gap, 0, -SIZES.gap_4 - SIZES.gap, 0)


def _without_marks(snippet: str) -> tuple[str, list[tuple[int, int]]]:
    """The text, and start and length of each match in it."""
    text = ""
    ranges: list[tuple[int, int]] = []
    start = 0
    for letter in snippet:
        if letter == MATCH_START:
            start = len(text)
        elif letter == MATCH_END:
            ranges.append((start, len(text) - start))
        else:
            text += letter
    return text, ranges


def _format_range(start: int, length: int, look: QTextCharFormat) -> QTextLayout.FormatRange:
    made = QTextLayout.FormatRange()
    made.start, made.length, made.format = start, length, look
    return made
