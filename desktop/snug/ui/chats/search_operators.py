"""A menu in a search field that writes the operators, so that nobody has to know them."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QCoreApplication, QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLineEdit, QMenu, QToolButton

from snug.ui.chats.search_field import SearchField
from snug.ui.look.icons import bind_icon
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES

_CONTEXT = "SearchOperators"
# What the menu says, and what it writes; "|" is where the cursor goes.
_OPERATORS = (
    ("These words together", '"|"'),
    ("Without a word", "-|"),
    (None, None),
    ("What a model wrote", "model:|"),
    ("What I wrote", "from:me |"),
    ("In titles alone", "in:title |"),
    (None, None),
    ("With a tag", "tag:|"),
    ("In a folder", "in:|"),
    ("In the archive", "in:archive |"),
    ("In the trash", "in:trash |"),
    (None, None),
    ("Before a day", "before:|"),
    ("After a day", "after:|"),
    ("On a day, in a month or year", "on:|"),
)


def add_operators(field: SearchField, theme: Theme) -> None:
    """Give a field that searches chats the menu, at its end."""
    words = QCoreApplication.translate(_CONTEXT, "Narrow the search")
    action = QAction(words, field)
    bind_icon(action, "plus", theme, "text_faint", size=SIZES.icon_small)
    field.addAction(action, QLineEdit.ActionPosition.TrailingPosition)
    action.triggered.connect(lambda: _menu(field).popup(_below(field)))
    for button in field.findChildren(QToolButton):
        if button.defaultAction() is action:
            button.setObjectName("searchOperators")
            button.setAccessibleName(words)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)


def _below(field: SearchField) -> QPoint:
    return field.mapToGlobal(QPoint(0, field.height() + SIZES.gap))


def _menu(field: SearchField) -> QMenu:
    menu = QMenu(field)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    for words, operator in _OPERATORS:
        if words is None or operator is None:
            menu.addSeparator()
            continue
        shown = operator.replace("|", "…" if operator.endswith(("|", '|"')) else "").strip()
        entry = menu.addAction(f"{QCoreApplication.translate(_CONTEXT, words)}\t{shown}")
        entry.triggered.connect(partial(_write, field, operator))
    return menu


def _write(field: SearchField, operator: str) -> None:
    """Add an operator at the end; what is there stays."""
    before = field.text().rstrip()
    before = f"{before} " if before else ""
    field.setText(before + operator.replace("|", ""))
    field.setCursorPosition(len(before) + operator.index("|"))
    field.setFocus(Qt.FocusReason.OtherFocusReason)
