"""What a person gives to open the chats, and what to know when it is not there any more."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QVBoxLayout, QWidget

from snug.services.keys import FORGOTTEN
from snug.ui.look.parts import flat, label, push_button, restyle
from snug.ui.look.tokens import SIZES

_FILES = frozenset({"portable", "keyfile"})
_TEXTS = frozenset({"passphrase", "recovery"})


class UnlockForm(QWidget):
    """Tells what was given; decides nothing.

    Attributes:
        given: what was typed; "" where nothing needs to be.
        key_file_requested: a key file is to be chosen.
        again_requested: try once more as it is kept.
        leave_requested: close Snug.
    """

    given = Signal(str)
    key_file_requested = Signal()
    again_requested = Signal()
    leave_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._kinds: frozenset[str] = frozenset()
        self._wait_s = 0
        self._busy = False
        self._field = QLineEdit()
        self._field.setObjectName("passphraseField")
        self._field.setEchoMode(QLineEdit.EchoMode.Password)
        self._field.returnPressed.connect(self._on_unlock_pressed)
        self._field.textChanged.connect(self._refresh)
        self._unlock = push_button("unlockButton", "", "primary", self._on_unlock_pressed)
        self._again = push_button(
            "tryAgainButton", self.tr("Try again"), "primary", self.again_requested.emit
        )
        self._problem = label("", tone="bad", wrap=True)
        self._problem.setObjectName("lockProblem")
        self._file = push_button(
            "keyFileButton", self.tr("Use a key file…"), "link", self.key_file_requested.emit
        )
        self._forgotten = push_button(
            "forgottenButton", self.tr("Forgotten?"), "link", self._on_forgotten_pressed
        )
        self._profile = push_button("otherProfileButton", self.tr("Another profile…"), "link")
        self._leave = push_button(
            "lockLeaveButton", self.tr("Close Snug"), "link", self.leave_requested.emit
        )
        self._hint = label("", tone="soft", wrap=True)
        self._hint.setObjectName("forgottenWords")
        self._hint.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._problem.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._arrange()
        self.show_nothing()

    def _arrange(self) -> None:
        column = flat(QVBoxLayout(self), spacing=SIZES.gap_3)
        for part in (self._field, self._problem, self._unlock, self._again):
            column.addWidget(part)
        column.addLayout(_centred(self._file, self._forgotten))
        column.addWidget(self._hint)
        column.addLayout(_centred(self._profile, self._leave))

    # -- what it shows ------------------------------------------------------------------------

    def show_nothing(self) -> None:
        """Nothing can be given now."""
        self._show(field=False, unlock=False, again=False, leave=False)

    def show_open(self) -> None:
        """Nothing needs to be given."""
        self._kinds = frozenset()
        self._show(field=False, unlock=True, again=False)
        self._unlock.setFocus()

    def show_again(self, *, first: bool = True) -> None:
        """It cannot be opened as things are; `first` where nothing better is offered."""
        self._again.setProperty("kind", "primary" if first else "")
        restyle(self._again)
        self._show(field=False, unlock=False, again=True)
        self._again.setFocus()

    def show_question(self, kinds: tuple[str, ...]) -> None:
        """Ask for what opens it; the field is empty."""
        self._kinds = frozenset(kinds) or frozenset({"passphrase"})
        typed = bool(self._kinds & _TEXTS)
        self._show(field=typed, unlock=typed, again=False)
        self._file.setVisible(bool(self._kinds & _FILES))
        self._forgotten.setVisible(typed)
        asked = self._asked()
        self._field.setPlaceholderText(asked)
        self._field.setAccessibleName(asked)
        (self._field if typed else self._file).setFocus()

    def show_problem(self, words: str) -> None:
        """Say why it did not open."""
        self._problem.setText(words)
        self._problem.setVisible(bool(words))
        self._problem.setAccessibleName(words)

    def show_wait(self, seconds: int) -> None:
        """Nothing is taken for so long; 0 for at once."""
        self._wait_s = seconds
        self._refresh()

    def set_others(self, menu: QMenu) -> None:
        """The other profiles of this device, to choose from."""
        self._profile.setMenu(menu)

    def set_busy(self, busy: bool) -> None:
        """It is being opened with what was given."""
        self._busy = busy
        if busy:
            self.show_problem("")
        self._refresh()

    def _show(self, *, field: bool, unlock: bool, again: bool, leave: bool = True) -> None:
        self._busy = False
        # Not `clear`: a new text takes the history of the field with it.
        self._field.setText("")
        self.show_problem("")
        self._hint.hide()
        self._field.setVisible(field)
        self._unlock.setVisible(unlock)
        self._again.setVisible(again)
        self._file.hide()
        self._forgotten.hide()
        self._leave.setVisible(leave)
        self._profile.setVisible(leave and self._profile.menu() is not None)
        self._refresh()

    def _refresh(self) -> None:
        typed = not self._field.isHidden()
        words = self.tr("Unlock") if typed else self.tr("Open")
        if self._busy:
            words = self.tr("Opening…")
        elif self._wait_s:
            words = self.tr("Unlock in {} s").format(self._wait_s)
        self._unlock.setText(words)
        self._unlock.setAccessibleName(words)
        free = not self._busy and not self._wait_s
        self._unlock.setEnabled(free and (not typed or bool(self._field.text())))
        self._field.setEnabled(not self._busy)
        self._again.setEnabled(not self._busy)
        self._file.setEnabled(free)

    def _asked(self) -> str:
        if "recovery" not in self._kinds:
            return self.tr("Passphrase")
        if "passphrase" not in self._kinds:
            return self.tr("Recovery code")
        return self.tr("Passphrase or recovery code")

    # -- what is done -------------------------------------------------------------------------

    def _on_unlock_pressed(self) -> None:
        if self._unlock.isEnabled():
            text = self._field.text()
            self._field.setText("")
            self.given.emit(text)

    def _on_forgotten_pressed(self) -> None:
        words: list[str] = []
        if "recovery" in self._kinds and "passphrase" in self._kinds:
            words.append(self.tr("Type your recovery code in place of the passphrase."))
        if "portable" in self._kinds:
            words.append(self.tr("The key file that you carry opens the chats too."))
        self._hint.setText(" ".join(words or [FORGOTTEN]))
        self._hint.setVisible(self._hint.isHidden())


def _centred(*links: QWidget) -> QHBoxLayout:
    row = flat(QHBoxLayout(), spacing=SIZES.gap_2)
    row.addStretch(1)
    for link in links:
        row.addWidget(link)
    row.addStretch(1)
    return row
