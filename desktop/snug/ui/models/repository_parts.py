"""The upper half of a repository's page: what it is, and whether one may use it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from snug.domain.hub import Repository
from snug.domain.licence import LicenceClass
from snug.ui.look.icons import bind_icon
from snug.ui.look.marks import MarkLabel, licence_mark
from snug.ui.look.parts import flat, hairline, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.models.hub_words import (
    age_words,
    category_words,
    class_answer,
    context_words,
    joined,
    licence_name,
    name_and_maker,
    parameter_words,
    short_count,
)
from snug.ui.models.licence_gate import LicenceText
from snug.ui.text.safe_text import shown_code, shown_prose


class RepositoryHead(QWidget):
    """Name, maker and figures.

    Attributes:
        page_requested: the repository's page on the Hub is to be opened.
    """

    page_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        column = flat(QVBoxLayout(self), spacing=SIZES.gap)
        self._title = label(kind="title", wrap=True)
        self._title.setObjectName("repositoryTitle")
        self._maker = label(kind="body", tone="soft", wrap=True)
        self._facts = label(tone="soft", wrap=True)
        page = push_button(
            "openOnHub", self.tr("Its page on the Hub"), "link", self.page_requested.emit
        )
        bind_icon(page, "globe", theme, "accent", size=SIZES.icon_small)
        row = flat(QHBoxLayout(), spacing=SIZES.gap_4)
        row.addWidget(self._maker, 1)
        row.addWidget(page, 0, Qt.AlignmentFlag.AlignVCenter)
        column.addWidget(self._title)
        column.addLayout(row)
        column.addWidget(self._facts)

    def show_repository(self, repository: Repository, *, known: bool) -> None:
        """Tell what it is; `known` is false where nothing but the name is."""
        name, maker = name_and_maker(repository.id)
        # Names are written from the left; in a window from the right they stand at its side.
        side = Qt.AlignmentFlag.AlignRight if self.isRightToLeft() else Qt.AlignmentFlag.AlignLeft
        for part in (self._title, self._maker, self._facts):
            part.setAlignment(side | Qt.AlignmentFlag.AlignAbsolute)
        self._title.setText(shown_code(name))
        self._maker.setText(self.tr("by {}").format(shown_code(maker)) if maker else "")
        context = context_words(repository.context_length)
        weights = parameter_words(repository.parameter_count)
        self._facts.setText(
            joined(
                (
                    category_words(repository.category),
                    self.tr("{} weights").format(weights) if weights else "",
                    self.tr("made for {} of context").format(context) if context else "",
                    self.tr("{} downloads").format(short_count(repository.downloads)),
                    self.tr("{} likes").format(short_count(repository.likes)),
                    self.tr("changed {}").format(age_words(repository.modified_ms))
                    if repository.modified_ms
                    else "",
                )
            )
            if known
            else ""
        )


class LicenceAnswer(QWidget):
    """The question "May I use it?": the class, the reason, and the text when it is asked for.

    Attributes:
        text_requested: the licence's text is to be shown in `text`.
    """

    text_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("licenceAnswer")
        self._theme = theme
        column = flat(QVBoxLayout(self), spacing=SIZES.gap_2)
        column.addWidget(hairline())
        column.addSpacing(SIZES.gap_2)
        column.addWidget(label(self.tr("May I use it?"), "heading"))
        row = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        self.answer = MarkLabel(
            "licenceClass", licence_mark(LicenceClass.UNKNOWN), "", theme, "strong", edge=18
        )
        row.addWidget(self.answer, 1)
        self._read = push_button("readLicence", self.tr("Read the licence"), "link", self._on_read)
        row.addWidget(self._read)
        column.addLayout(row)
        self._reason = label(kind="body", tone="soft", wrap=True)
        self._reason.setObjectName("licenceReason")
        column.addWidget(self._reason)
        self.text = LicenceText(theme)
        self.text.setObjectName("licenceFullText")
        self.text.hide()
        column.addWidget(self.text)

    def show_repository(self, repository: Repository, *, known: bool) -> None:
        """Answer for a repository."""
        licence = repository.licence
        kind = licence.licence_class
        words = f"{class_answer(kind)} · {shown_code(licence_name(licence))}"
        self.answer.set(licence_mark(kind), words if known else self.tr("Being looked up…"))
        self._reason.setText(shown_prose(licence.reason) if known else "")
        self._read.setEnabled(known)

    def close_text(self) -> None:
        """Put the text away, for another repository."""
        self.text.hide()
        self.text.clear()
        self._say_button(self.tr("Read the licence"))

    def _on_read(self) -> None:
        if not self.text.isHidden():
            self.close_text()
            return
        self.text.show()
        self._say_button(self.tr("Hide the licence"))
        self.text_requested.emit()

    def _say_button(self, words: str) -> None:
        self._read.setText(words)
        self._read.setAccessibleName(words)
