"""The palette: everything that can be done, and every chat and model, by a few letters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QListView, QVBoxLayout, QWidget

from snug.domain.fuzzy import plain, score
from snug.ui.look.parts import claims_escape, flat, label
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES

_MOST = 60  # rows that are shown
_ROWS = 9  # in sight
_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that can be chosen.

    Attributes:
        hint: what stands at its end: keys, or what it is.
        rank: what comes first while nothing is typed; smaller first.
    """

    text: str
    hint: str
    run: Callable[[], object]
    rank: int = 0
    plain: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "plain", plain(self.text))


class _Model(QAbstractListModel):
    """The entries that are meant, best first."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        super().__init__()
        self._entries = tuple(sorted(entries, key=lambda entry: entry.rank))
        self.shown: list[Entry] = list(self._entries[:_MOST])

    def show_for(self, typed: str) -> None:
        wanted = plain(typed)
        self.beginResetModel()
        if wanted.strip():
            found = [(score(wanted, entry.plain), entry) for entry in self._entries]
            meant = [(hit[0], entry) for hit, entry in found if hit is not None]
            meant.sort(key=lambda one: (-one[0], one[1].rank, len(one[1].text)))
            self.shown = [entry for _, entry in meant[:_MOST]]
        else:
            self.shown = list(self._entries[:_MOST])
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008  Qt's signature
        """As many as are meant."""
        return 0 if parent.isValid() else len(self.shown)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The words; the hint for the delegate and for those who listen."""
        if not index.isValid():
            return None
        entry = self.shown[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{entry.text}\t{entry.hint}" if entry.hint else entry.text
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{entry.text}, {entry.hint}" if entry.hint else entry.text
        return None


class Palette(QFrame):
    """A field and a list under it, at the top of the window.

    Attributes:
        search_requested: nothing fits; what was typed is to be searched in all chats.
    """

    search_requested = Signal(str)

    def __init__(self, entries: Sequence[Entry], theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("palette")
        self.setProperty("kind", "popup")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._before = parent.window().focusWidget()
        self.setAccessibleName(self.tr("Everything you can do"))
        self.field = QLineEdit()
        self.field.setObjectName("paletteField")
        words = self.tr("What would you like to do?")
        self.field.setPlaceholderText(words)
        self.field.setAccessibleName(words)
        self.field.textChanged.connect(self._on_typed)
        self.field.installEventFilter(self)
        self._model = _Model(entries)
        self.list = QListView()
        self.list.setObjectName("paletteList")
        self.list.setAccessibleName(self.tr("What is found"))
        self.list.setModel(self._model)
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.clicked.connect(lambda _: self._choose())
        words = self.tr("Nothing of that name. Return searches all chats for it.")
        self._nothing = label(words, "", "soft", wrap=True)
        self._nothing.setObjectName("paletteNothing")
        column = flat(QVBoxLayout(self), SIZES.gap_2, SIZES.gap_2)
        for part in (self.field, self.list, self._nothing):
            column.addWidget(part)
        self._fit(theme)
        self._on_typed("")

    def _fit(self, theme: Theme) -> None:
        self.setFixedWidth(SIZES.dialog + SIZES.popup // 2)
        from snug.ui.palette_delegate import PaletteDelegate  # late: with its painter

        self.list.setItemDelegate(PaletteDelegate(theme, self.list))
        self._row = theme.px(SIZES.body) + 2 * SIZES.gap_2

    def open_over(self, window: QWidget) -> None:
        """Show it in the upper middle of a window, with the cursor in the field."""
        self.setFixedWidth(min(self.width(), window.width() - 2 * SIZES.gap_4))
        self.move((window.width() - self.width()) // 2, SIZES.gap_6 * 2)
        self.adjustSize()
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """The list is walked while the cursor stays in the field; without it, all goes."""
        if isinstance(event, QFocusEvent) and event.lostFocus() and not _for_a_menu(event):
            self.close()
        if claims_escape(event):
            return True  # not for the window
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            key = Qt.Key(event.key())
            if key == Qt.Key.Key_Escape:
                self._leave()
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._choose()
                return True
            if key in _STEPS:
                self._step(_STEPS[key])
                return True
        return False

    def _leave(self) -> None:
        """Go, and give the keyboard back to where it was."""
        if self._before is not None:
            self._before.setFocus(Qt.FocusReason.OtherFocusReason)
        self.close()

    def _step(self, step: int) -> None:
        count = len(self._model.shown)
        if count:
            row = self.list.currentIndex().row() + step
            row = row % count if abs(step) == 1 else max(0, min(count - 1, row))
            self.list.setCurrentIndex(self._model.index(row))

    def _on_typed(self, text: str) -> None:
        self._model.show_for(text)
        found = bool(self._model.shown)
        self.list.setVisible(found)
        self._nothing.setVisible(not found)
        if found:
            self.list.setCurrentIndex(self._model.index(0))
            self.list.setFixedHeight(self._row * min(_ROWS, len(self._model.shown)) + 2)
        self.adjustSize()

    def _choose(self) -> None:
        row, typed = self.list.currentIndex().row(), self.field.text()
        chosen = self._model.shown[row] if 0 <= row < len(self._model.shown) else None
        self._leave()
        if chosen is not None:
            chosen.run()
        elif typed.strip():
            self.search_requested.emit(typed)


def _for_a_menu(event: QFocusEvent) -> bool:
    return event.reason() is Qt.FocusReason.PopupFocusReason


_STEPS = {
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_PageDown: _ROWS,
    Qt.Key.Key_PageUp: -_ROWS,
}
