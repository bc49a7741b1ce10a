"""What of Discover is shown: a row of quiet chips that say what they are set to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QLayout, QLayoutItem, QMenu, QPushButton, QStyle, QWidget

from snug.domain.hub import Category, Order, Query
from snug.domain.licence import LicenceClass
from snug.ui.look.icons import bind_icon
from snug.ui.look.parts import Choice, flat, push_button, restyle
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.models.hub_words import category_words, class_words, order_words

_GB = 1_000_000_000
# Least and most bytes of one file, by the value kept in the menu.
_SIZES = {"2": (0, 2 * _GB), "5": (0, 5 * _GB), "10": (0, 10 * _GB), "20": (0, 20 * _GB)}
_SIZES["more"] = (20 * _GB, 0)
_CONTEXTS = (8_192, 32_768, 131_072)


class FlowLayout(QLayout):
    """Places widgets one after another, in as many lines as the width asks for."""

    def __init__(self, parent: QWidget, spacing: int) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        flat(self, spacing=spacing)

    def addItem(self, item: QLayoutItem) -> None:  # noqa: N802  Qt's name
        """Take a widget's item."""
        self._items.append(item)

    def count(self) -> int:
        """Number of items."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:  # noqa: N802  Qt's name
        """An item; None beyond the end, as Qt wants it."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:  # noqa: N802  Qt's name
        """Remove an item."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def hasHeightForWidth(self) -> bool:
        """More lines where it is narrow."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Height of all lines."""
        return self._place(QRect(0, 0, width, 0), move=False)

    def sizeHint(self) -> QSize:
        """At least the widest item."""
        return self.minimumSize()

    def minimumSize(self) -> QSize:  # noqa: N802  Qt's name
        """The widest item and one line."""
        size = QSize()
        for item in self._items:
            size = size.expandedTo(item.minimumSize())
        return size

    def setGeometry(self, rect: QRect) -> None:  # noqa: N802  Qt's name
        """Lay out."""
        super().setGeometry(rect)
        self._place(rect, move=True)

    def _place(self, rect: QRect, *, move: bool) -> int:
        x = y = line = 0
        widget = self.parentWidget()
        direction = widget.layoutDirection() if widget else Qt.LayoutDirection.LeftToRight
        for item in self._items:
            size = item.sizeHint()
            if x and x + size.width() > rect.width():
                x, y, line = 0, y + line + self.spacing(), 0
            if move:
                place = QRect(QPoint(rect.x() + x, rect.y() + y), size)
                item.setGeometry(QStyle.visualRect(direction, rect, place))
            x += size.width() + self.spacing()
            line = max(line, size.height())
        return y + line


class FilterChip(QPushButton):
    """A chip with a menu: its own name while it is off, what is chosen while it is on.

    Attributes:
        chosen: another value.
    """

    chosen = Signal(str)

    def __init__(self, name: str, title: str, choices: Sequence[Choice], theme: Theme) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setProperty("kind", "filter")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the arrow after the words
        bind_icon(self, "chevron-down", theme, size=SIZES.icon_small)
        self._title = title
        self._choices = tuple(choices)
        self.value = choices[0].value
        menu = QMenu(self)
        menu.setObjectName(f"{name}Menu")
        group = QActionGroup(menu)
        self._actions: dict[str, QAction] = {}
        for choice in choices:
            action = menu.addAction(choice.text)
            action.setObjectName(f"{name}_{choice.value}")
            action.setCheckable(True)
            group.addAction(action)
            action.triggered.connect(lambda _=False, v=choice.value: self._on_chosen(v))
            self._actions[choice.value] = action
        self.setMenu(menu)
        self.set_value(self.value)

    def set_value(self, value: str) -> None:
        """Show a value as chosen; tells nobody."""
        self.value = value
        off = value == self._choices[0].value
        text = next(c.text for c in self._choices if c.value == value)
        self.setText(self._title if off else text)
        self.setAccessibleName(f"{self._title}: {text}")
        self._actions[value].setChecked(True)
        self.setProperty("on", "false" if off else "true")
        restyle(self)

    def _on_chosen(self, value: str) -> None:
        self.set_value(value)
        self.chosen.emit(value)


@dataclass(frozen=True, slots=True)
class _Menu:
    """A chip's name, title and choices, the first of which is off."""

    name: str
    title: str
    choices: tuple[Choice, ...]


class DiscoverFilters(QWidget):
    """All chips; `changed` tells that the query is another one."""

    changed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("discoverFilters")
        self.setAccessibleName(self.tr("Filters"))
        line = FlowLayout(self, SIZES.gap_2)
        self._chips: dict[str, FilterChip] = {}
        for menu in self._menus():
            chip = FilterChip(menu.name, menu.title, menu.choices, theme)
            chip.chosen.connect(lambda _value: self._on_changed())
            self._chips[menu.name] = chip
            line.addWidget(chip)
        self._fits = self._toggle("filterFits", self.tr("Fits here"))
        self._supported = self._toggle("filterSupported", self.tr("Runs in this build"))
        self._supported.setChecked(True)  # what cannot run is looked for by few
        line.addWidget(self._fits)
        line.addWidget(self._supported)
        self._reset = push_button("filterReset", self.tr("Reset"), "link", self.reset)
        line.addWidget(self._reset)
        self._reset.hide()

    def _toggle(self, name: str, text: str) -> QPushButton:
        button = push_button(name, text, "filter")
        button.setCheckable(True)
        button.clicked.connect(self._on_changed)
        return button

    def _menus(self) -> tuple[_Menu, ...]:
        every = Choice("", self.tr("All"))
        return (
            _Menu(
                "filterOrder",
                self.tr("Trending"),
                tuple(Choice(order.value, order_words(order)) for order in Order),
            ),
            _Menu(
                "filterCategory",
                self.tr("Kind"),
                (every, *(Choice(c.value, category_words(c)) for c in Category)),
            ),
            _Menu(
                "filterLicence",
                self.tr("Licence"),
                (every, *(Choice(k.value, class_words(k)) for k in LicenceClass)),
            ),
            _Menu("filterSize", self.tr("Size"), (every, *self._size_choices())),
            _Menu(
                "filterContext",
                self.tr("Context"),
                (
                    every,
                    *(Choice(str(n), self.tr("{}k or more").format(n // 1024)) for n in _CONTEXTS),
                ),
            ),
            _Menu(
                "filterGated",
                self.tr("Access"),
                (
                    every,
                    Choice("open", self.tr("Open to everybody")),
                    Choice("gated", self.tr("Needs a login")),
                ),
            ),
        )

    def _size_choices(self) -> tuple[Choice, ...]:
        up_to = tuple(
            Choice(value, self.tr("Up to {} GB").format(value))
            for value in _SIZES
            if value != "more"
        )
        return (*up_to, Choice("more", self.tr("More than 20 GB")))

    def query(self, text: str) -> Query:
        """What is asked for, with this text."""
        value = {name: chip.value for name, chip in self._chips.items()}
        least, most = _SIZES.get(value["filterSize"], (0, 0))
        gated = value["filterGated"]
        return Query(
            text=text,
            category=Category(value["filterCategory"]) if value["filterCategory"] else None,
            licence_class=LicenceClass(value["filterLicence"]) if value["filterLicence"] else None,
            order=Order(value["filterOrder"]),
            min_size_bytes=least,
            max_size_bytes=most,
            min_context=int(value["filterContext"] or 0),
            gated=None if not gated else gated == "gated",
            supported_only=self._supported.isChecked(),
            fits_only=self._fits.isChecked(),
        )

    @property
    def narrows(self) -> bool:
        """Something that could run is left out."""
        return replace(self.query(""), order=Order.TRENDING, supported_only=False) != Query()

    def reset(self) -> None:
        """Leave nothing out."""
        for name, chip in self._chips.items():
            if name != "filterOrder":
                chip.set_value("")
        self._fits.setChecked(False)
        self._supported.setChecked(True)
        self._on_changed()

    def _on_changed(self) -> None:
        self._reset.setVisible(self.narrows)
        self.changed.emit()
