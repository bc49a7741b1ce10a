"""Two versions of a message beside each other, and what differs between them."""

from __future__ import annotations

import difflib
import random
from functools import partial

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from snug.domain.conversation import Conversation, Message
from snug.domain.errors import SnugError
from snug.services.votes import Votes, Winner
from snug.ui.look.parts import Choice, clear_layout, flat, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.settings.setting_rows import ChoiceButton
from snug.ui.text.diff_box import DiffBox
from snug.ui.text.safe_text import shown_code

_MOST = 40_000  # characters of a version that are compared


class CompareDialog(QDialog):
    """Left and right a version each, chosen above it; below, the words that changed."""

    def __init__(
        self,
        versions: tuple[Message, ...],
        right: int,
        votes: Votes,
        theme: Theme,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("compareDialog")
        self.setWindowTitle(_tr("Compare versions"))
        self.setAccessibleName(self.windowTitle())
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(SIZES.dialog * 2, SIZES.dialog * 3 // 2)
        self._versions = versions
        self._votes = votes
        self._blind = False
        self._theme = theme
        column = QVBoxLayout(self)
        column.setContentsMargins(*(SIZES.gap_6,) * 4)
        column.setSpacing(SIZES.gap_3)
        row = flat(QHBoxLayout(), spacing=SIZES.gap_4)
        left = right - 1 if right else 1
        self._shown: list[int] = []
        self._choices: list[ChoiceButton] = []
        self._texts: list[QPlainTextEdit] = []
        for name, place in (("leftVersion", left), ("rightVersion", right)):
            row.addLayout(self._side(name, place), 1)
        column.addLayout(row, 1)
        column.addLayout(self._vote_row())
        self._said = label("", "small", "soft", wrap=True)
        self._said.setObjectName("voteTally")
        column.addWidget(self._said)
        column.addWidget(label(_tr("What differs"), "strong"))
        self._below = flat(QVBoxLayout())
        column.addLayout(self._below)
        close = push_button("compareClose", _tr("Close"), "", self.close)
        column.addWidget(close, 0, Qt.AlignmentFlag.AlignTrailing)
        self._show()

    def _side(self, name: str, place: int) -> QVBoxLayout:
        side = flat(QVBoxLayout(), spacing=SIZES.gap_2)
        choice = ChoiceButton(
            name, _tr("Version"), self._theme, partial(self._on_chosen, len(self._shown))
        )
        self._choices.append(choice)
        self._shown.append(place)
        text = QPlainTextEdit()
        text.setObjectName(f"{name}Text")
        text.setAccessibleName(_tr("Text of the version"))
        text.setReadOnly(True)
        text.setTabChangesFocus(True)
        self._texts.append(text)
        side.addWidget(choice)
        side.addWidget(text, 1)
        return side

    def _vote_row(self) -> QHBoxLayout:
        row = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        row.addWidget(label(_tr("Which is better?"), "strong"))
        for name, words, winner in (
            ("voteFirst", _tr("The first"), Winner.FIRST),
            ("voteSecond", _tr("The second"), Winner.SECOND),
            ("voteEqual", _tr("Both alike"), Winner.EQUAL),
            ("voteNeither", _tr("Neither"), Winner.NEITHER),
        ):
            row.addWidget(push_button(name, words, "", partial(self._vote, winner)))
        row.addStretch(1)
        hide = push_button("blindVote", _tr("Hide who wrote them"), "link", self._hide_names)
        row.addWidget(hide)
        return row

    def _hide_names(self) -> None:
        """From now on nobody sees which is whose, until it is said which is better."""
        self._blind = True
        if random.random() < 0.5:  # noqa: S311  not for a secret
            self._shown.reverse()
        self._said.setText("")
        self._show()

    def _vote(self, winner: Winner) -> None:
        first, second = (self._versions[number] for number in self._shown)
        try:
            self._votes.add(first, second, winner, blind=self._blind)
        except SnugError as error:
            self._said.setText(error.message)
            return
        self._blind = False
        self._show()
        counts = self._votes.tally(first.model, second.model)
        words = _tr("Kept. {}: {}, {}: {}, alike: {}, neither: {}.")
        self._said.setText(
            words.format(
                first.model or _tr("you"),
                counts.first,
                second.model or _tr("you"),
                counts.second,
                counts.equal,
                counts.neither,
            )
        )

    def _named(self, number: int) -> str:
        if self._blind:
            return _tr("The first") if number == self._shown[0] else _tr("The second")
        words = _tr("Version {} of {}").format(number + 1, len(self._versions))
        model = self._versions[number].model
        return f"{words} · {model}" if model else words

    def _on_chosen(self, side: int, value: str) -> None:
        self._shown[side] = int(value)
        self._show()

    def _show(self) -> None:
        numbers = range(len(self._versions))
        for choice, number in zip(self._choices, self._shown, strict=True):
            choice.offer([Choice(str(n), self._named(n)) for n in numbers], str(number))
        shown = [self._versions[number].text[:_MOST] for number in self._shown]
        for text, words in zip(self._texts, shown, strict=True):
            text.setPlainText(shown_code(words))
        lines = difference(*shown) or [_tr("Nothing: both say the same.")]
        clear_layout(self._below)
        box = DiffBox(lines, self._theme)
        box.setAccessibleName(_tr("What differs"))
        self._below.addWidget(box)


def difference(before: str, after: str) -> list[str]:
    """The lines that differ, with their signs, and one line around them."""
    found = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1)
    lines = [line for line in found if not line.startswith(("---", "+++"))]
    return ["…" if line.startswith("@@") else line for line in lines]


def open_comparison(
    conversation: Conversation, message_id: str, votes: Votes, theme: Theme, parent: QWidget
) -> CompareDialog | None:
    """Compare the versions of a message; None where there is only one."""
    versions = conversation.siblings(conversation.message(message_id))
    if len(versions) < 2:
        return None
    right = next(n for n, version in enumerate(versions) if version.id == message_id)
    dialog = CompareDialog(versions, right, votes, theme, parent)
    dialog.open()
    return dialog


def _tr(text: str) -> str:
    return QCoreApplication.translate("CompareDialog", text)
