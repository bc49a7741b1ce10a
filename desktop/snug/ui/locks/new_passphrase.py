"""Asks for a new passphrase: told beforehand that it cannot be restored, and how strong it is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from snug.domain.passphrase import MIN_LENGTH, Strength, strength
from snug.services.keys import FORGOTTEN
from snug.ui.locks.strength_bar import StrengthBar
from snug.ui.look.parts import dress, flat, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tick_box import TickBox
from snug.ui.look.tokens import SIZES

_TONES = {
    Strength.WEAK: "bad",
    Strength.FAIR: "warn",
    Strength.GOOD: "good",
    Strength.STRONG: "good",
}


class NewPassphraseDialog(QDialog):
    """Asks; once it was accepted `take` gives the answer. Nothing is changed here."""

    def __init__(self, has_one: bool, has_code: bool, theme: Theme, parent: QWidget) -> None:
        """Make it.

        Args:
            has_one: a passphrase is there already, and this one takes its place.
            has_code: there is a recovery code already.
        """
        super().__init__(parent)
        self.setObjectName("newPassphraseDialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        title = self.tr("Change the passphrase") if has_one else self.tr("Set a passphrase")
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setFixedWidth(SIZES.dialog + 2 * SIZES.gap_6)
        self._theme = theme
        self._first = self._field("newPassphrase", self.tr("New passphrase"))
        self._second = self._field("newPassphraseAgain", self.tr("The same again"))
        self._bar = StrengthBar(theme)
        self._words = label("", "small", "soft", wrap=True)
        self._words.setObjectName("passphraseStrength")
        self._always, always = self._tick(
            "passphraseAlways",
            self.tr("Ask for it at every start and after every lock"),
            self.tr("Without this the chats still open on this device without a question."),
        )
        self._code, code = self._tick(
            "passphraseCode",
            self.tr("Make a recovery code too"),
            self.tr("To write down. It opens the chats if the passphrase is forgotten."),
        )
        self._code.setChecked(not has_code)
        self._code.setVisible(not has_code)
        self._accept = push_button("passphraseAccept", title, "primary", self.accept)
        cancel = push_button("passphraseCancel", self.tr("Cancel"), "", self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(*(SIZES.gap_6,) * 4)
        column.setSpacing(SIZES.gap_3)
        warning = label(FORGOTTEN, tone="warn", wrap=True)
        warning.setObjectName("passphraseWarning")
        for part in (label(title, "heading"), warning, self._first, self._bar, self._words):
            column.addWidget(part)
        column.addWidget(self._second)
        column.addLayout(always)
        if not has_code:
            column.addLayout(code)
        buttons = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self._accept)
        column.addLayout(buttons)
        self._on_edited()

    @property
    def ask_always(self) -> bool:
        """Nothing else is to open the chats on this device."""
        return self._always.isChecked()

    @property
    def wants_code(self) -> bool:
        """A recovery code is to be made as well."""
        return self._code.isChecked()

    def take(self) -> str:
        """The passphrase; the fields are empty afterwards."""
        chosen = self._first.text()
        self._first.setText("")
        self._second.setText("")
        return chosen

    def _field(self, name: str, words: str) -> QLineEdit:
        made = QLineEdit()
        made.setObjectName(name)
        made.setAccessibleName(words)
        made.setPlaceholderText(words)
        made.setEchoMode(QLineEdit.EchoMode.Password)
        made.textChanged.connect(self._on_edited)
        return made

    def _tick(self, name: str, words: str, why: str) -> tuple[TickBox, QHBoxLayout]:
        box = TickBox(self._theme)
        box.setParent(self)
        box.setObjectName(name)
        box.setAccessibleName(words)
        box.setChecked(True)
        row = flat(QHBoxLayout(), spacing=SIZES.gap_3)
        row.addWidget(box, 0, Qt.AlignmentFlag.AlignTop)
        texts = flat(QVBoxLayout(), spacing=2)
        named = _Words(words, box)
        texts.addWidget(named)
        texts.addWidget(label(why, "small", "soft", wrap=True))
        row.addLayout(texts, 1)
        return box, row

    def _on_edited(self) -> None:
        text, again = self._first.text(), self._second.text()
        reached = strength(text)
        short = len(text) < MIN_LENGTH
        self._bar.show_strength(None if not text else Strength.WEAK if short else reached)
        words, tone = self._verdict(reached), _TONES[reached]
        if not text:
            words, tone = self.tr("Four or five words that nobody would guess are best."), "soft"
        elif short:
            words, tone = self.tr("At least {} characters.").format(MIN_LENGTH), "bad"
        elif again and not text.startswith(again):
            words, tone = self.tr("The two are not the same."), "bad"
        self._words.setText(words)
        dress(self._words, tone=tone)
        self._accept.setEnabled(not short and text == again)

    def _verdict(self, reached: Strength) -> str:
        return {
            Strength.WEAK: self.tr("Weak: a program that guesses may find it."),
            Strength.FAIR: self.tr("Fair: it holds against a curious person."),
            Strength.GOOD: self.tr("Good: guessing it costs more than most chats are worth."),
            Strength.STRONG: self.tr("Strong: nobody can pay for guessing it."),
        }[reached]


class _Words(QLabel):
    """Words beside a box; pressing them ticks it."""

    def __init__(self, words: str, box: TickBox) -> None:
        super().__init__(words)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self._box = box

    def mousePressEvent(self, _: object) -> None:
        """Tick, or take the tick away."""
        self._box.toggle()
