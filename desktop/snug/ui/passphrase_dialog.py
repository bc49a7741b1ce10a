"""Asks for the passphrase of the vault, before there is a window."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout

from snug.ui.icons import app_icon
from snug.ui.parts import dress, flat, label, push_button
from snug.ui.theme import Theme
from snug.ui.tokens import SIZES


class PassphraseDialog(QDialog):
    """One field and two buttons. `passphrase` is empty again once it was taken."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("passphraseDialog")
        self.setWindowTitle(self.tr("Snug"))
        self.setAccessibleName(self.tr("Unlock Snug"))
        self.setFixedWidth(SIZES.dialog)
        mark = QLabel()
        mark.setPixmap(app_icon(theme.resources).pixmap(QSize(48, 48), self.devicePixelRatioF()))
        self._field = QLineEdit()
        self._field.setObjectName("passphraseField")
        self._field.setAccessibleName(self.tr("Passphrase"))
        self._field.setPlaceholderText(self.tr("Passphrase"))
        self._field.setEchoMode(QLineEdit.EchoMode.Password)
        self._problem = label("", tone="bad", wrap=True)
        self._problem.setObjectName("passphraseProblem")
        self._problem.hide()
        self._open = push_button("passphraseOpen", self.tr("Unlock"), "primary", self.accept)
        self._open.setDefault(True)
        self._open.setEnabled(False)
        leave = push_button("passphraseLeave", self.tr("Close Snug"), "", self.reject)
        self._field.textChanged.connect(lambda text: self._open.setEnabled(bool(text)))
        column = QVBoxLayout(self)
        column.setContentsMargins(*(SIZES.gap_6,) * 4)
        column.setSpacing(SIZES.gap_3)
        column.addWidget(mark, 0, Qt.AlignmentFlag.AlignHCenter)
        title = label(self.tr("Your chats are locked"))
        dress(title, "heading")
        column.addWidget(title, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self._field)
        column.addWidget(self._problem)
        buttons = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        buttons.addStretch(1)
        buttons.addWidget(leave)
        buttons.addWidget(self._open)
        column.addLayout(buttons)

    def ask(self, problem: str) -> str | None:
        """Show the dialog and wait.

        Args:
            problem: why it asks again; "" the first time.

        Returns:
            The passphrase; None where the person would rather leave.
        """
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))
        self._field.setFocus()
        if self.exec() != QDialog.DialogCode.Accepted:
            return None
        given = self._field.text()
        self._field.clear()
        return given
