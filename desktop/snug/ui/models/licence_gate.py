"""A licence that does not plainly allow commercial use is shown before anything is downloaded."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QVBoxLayout

from snug.domain.hub import Repository
from snug.domain.licence import LicenceClass
from snug.ui.look.marks import MarkLabel, licence_mark
from snug.ui.look.parts import claims_escape, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.models.hub_words import class_answer, licence_name
from snug.ui.text.safe_text import runs, shown_prose

_MAX_SHOWN = 100_000
_TEXT_PX = 220


class LicenceText(QPlainTextEdit):
    """The text of a licence, to be read and not changed."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("licenceText")
        self.shown = ""  # as it came, for the record of what was accepted
        self.setAccessibleName(self.tr("Text of the licence"))
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setFont(theme.mono_font(SIZES.small))
        self.setMinimumHeight(_TEXT_PX)

    def show_text(self, text: str) -> None:
        """Show a stranger's text: hidden characters as markers, and not without end."""
        self.shown = text
        self.setPlainText("\n".join(runs(shown_prose(text[:_MAX_SHOWN]))))


class LicenceGate(QFrame):
    """Asks for one deliberate press.

    Attributes:
        accepted: the person read it and wants the download.
        left: the person does not.
    """

    accepted = Signal()
    left = Signal()

    def __init__(self, repository: Repository, what: str, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("licenceGate")
        self.setProperty("kind", "card")
        kind = repository.licence.licence_class
        title = self.tr("Before {} is downloaded: its licence").format(what)
        self.setAccessibleName(title)
        column = QVBoxLayout(self)
        column.setContentsMargins(SIZES.gap_4, SIZES.gap_4, SIZES.gap_4, SIZES.gap_4)
        column.setSpacing(SIZES.gap_3)
        column.addWidget(label(title, "strong", wrap=True))
        answer = f"{class_answer(kind)} · {licence_name(repository.licence)}"
        column.addWidget(MarkLabel("gateAnswer", licence_mark(kind), answer, theme))
        column.addWidget(label(shown_prose(repository.licence.reason), tone="soft", wrap=True))
        self.text = LicenceText(theme)
        self.text.setPlaceholderText(self.tr("Reading the licence…"))
        column.addWidget(self.text)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(push_button("licenceCancel", self.tr("Cancel"), "quiet", self.left.emit))
        words = (
            self.tr("I know that it is unclear. Download")
            if kind is LicenceClass.UNKNOWN
            else self.tr("I accept the licence. Download")
        )
        self.accept_button = push_button("licenceAccept", words, "", self.accepted.emit)
        row.addWidget(self.accept_button)
        column.addLayout(row)

    def tell_no_text(self, message: str) -> None:
        """The text cannot be had; its reason stays."""
        self.text.setPlaceholderText(message)
        self.text.setFixedHeight(_TEXT_PX // 3)

    def event(self, event: QEvent) -> bool:
        """Esc is for the gate while the keyboard is in it."""
        return claims_escape(event) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc downloads nothing."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)
