"""What is trending today, as rows; what Snug can run is told by a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from snug.domain.hub import Category, Repository
from snug.domain.trends import Dimension, can_run, is_runnable
from snug.ui.look.parts import Choice, ElidedLabel, dress, flat, hairline, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.look.words import count_words
from snug.ui.models.trends_words import facts_words, name_words
from snug.ui.settings.setting_rows import ChoiceButton

STEP = 15  # rows at once
_ALL = "all"


class TrendingList(QWidget):
    """Rows of one look, of one category or all, some at a time.

    Attributes:
        opened: a model was chosen, by its "owner/name".
    """

    opened = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("trendingList")
        self.setAccessibleName(self.tr("Trending models"))
        self._found: tuple[Repository, ...] = ()
        self._ways: Mapping[str, str] = {}
        self._category = _ALL
        self._shown = STEP
        self._title = label(self.tr("Trending now"), "heading")
        self._categories = ChoiceButton(
            "trendingCategory", self.tr("Category of the list"), theme, self._on_category_chosen
        )
        head = flat(QHBoxLayout(), spacing=SIZES.gap_4)
        head.addWidget(self._title, 1)
        head.addWidget(self._categories)
        self._rows = flat(QVBoxLayout())
        self._none = label(tone="soft", wrap=True)
        self._more = push_button(
            "trendingMore", self.tr("Show more"), "link", self._on_more_clicked
        )
        column = flat(QVBoxLayout(self), spacing=SIZES.gap_3)
        column.addLayout(head)
        column.addLayout(self._rows)
        column.addWidget(self._none)
        column.addWidget(self._more, 0, Qt.AlignmentFlag.AlignLeading)

    def show_models(self, found: Sequence[Repository], ways: Mapping[str, str]) -> None:
        """Show a look.

        Args:
            ways: for what Snug cannot run as it is, a GGUF that was made of it.
        """
        self._found = tuple(found)
        self._ways = ways
        self._shown = STEP
        there = {one.category for one in found}
        if self._category != _ALL and Category(self._category) not in there:
            self._category = _ALL
        self._categories.offer(
            [
                Choice(_ALL, self.tr("All categories")),
                *(
                    Choice(kind.value, name_words(Dimension.CATEGORY, kind.value))
                    for kind in Category
                    if kind in there
                ),
            ],
            self._category,
        )
        self._fill()

    def _fill(self) -> None:
        while (item := self._rows.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        fitting = [one for one in self._found if self._category in (_ALL, one.category.value)]
        for number, one in enumerate(fitting[: self._shown], 1):
            self._rows.addWidget(hairline())
            self._rows.addWidget(self._row(number, one))
        self._none.setVisible(not fitting)
        self._none.setText(self.tr("The last look shows nothing of this kind."))
        left = len(fitting) - self._shown
        self._more.setVisible(left > 0)
        self._more.setText(self.tr("Show {} more").format(count_words(min(left, STEP))))

    def _row(self, number: int, one: Repository) -> QWidget:
        row = QWidget()
        line = flat(QHBoxLayout(row), spacing=SIZES.gap_3)
        line.setContentsMargins(0, SIZES.gap_2, 0, SIZES.gap_2)
        rank = label(count_words(number), "", "faint")
        rank.setFixedWidth(SIZES.gap_6)
        rank.setAlignment(Qt.AlignmentFlag.AlignTrailing | Qt.AlignmentFlag.AlignVCenter)
        line.addWidget(rank, 0, Qt.AlignmentFlag.AlignVCenter)
        words = flat(QVBoxLayout(), spacing=2)
        name = push_button(f"trending_{one.id}", one.id, "link", lambda: self.opened.emit(one.id))
        facts = facts_words(one)
        name.setAccessibleName(self.tr("{}: {}").format(one.id, facts))
        words.addWidget(name, 0, Qt.AlignmentFlag.AlignLeading)
        told = ElidedLabel(facts)
        told.setContentsMargins(SIZES.gap + 2, 0, SIZES.gap + 2, 0)
        dress(told, "small", "soft")
        words.addWidget(told)
        line.addLayout(words, 1)
        line.addWidget(self._mark(one), 0, Qt.AlignmentFlag.AlignVCenter)
        return row

    def _mark(self, one: Repository) -> QWidget:
        """Whether Snug runs it, or what was made of it."""
        if is_runnable(one):
            badge = QLabel(self.tr("Runs in Snug"))
            badge.setProperty("kind", "badge")
            return badge
        way = self._ways.get(one.id, "")
        if way:
            button = push_button(
                f"trendingWay_{one.id}",
                self.tr("Runs as a GGUF"),
                "quiet",
                lambda: self.opened.emit(way),
            )
            button.setToolTip(way)
            button.setAccessibleName(self.tr("{} runs as {}").format(one.id, way))
            return button
        words = self.tr("No GGUF seen") if can_run(one.category) else self.tr("Not for Snug")
        return label(words, "small", "faint")

    def _on_category_chosen(self, value: str) -> None:
        self._category = value
        self._shown = STEP
        self._fill()

    def _on_more_clicked(self) -> None:
        self._shown += STEP
        self._fill()
