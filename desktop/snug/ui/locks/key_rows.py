"""The settings of what opens the chats: passphrase, this device, recovery code, key file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QPushButton, QWidget

from snug.domain.errors import SnugError
from snug.domain.unlocking import KeySlot
from snug.services.keys import KeyService
from snug.ui.bridge import Bridge
from snug.ui.locks.key_list import KeyList
from snug.ui.locks.new_passphrase import NewPassphraseDialog
from snug.ui.locks.recovery_dialog import RecoveryDialog
from snug.ui.look.parts import Choice, Segments, hairline, push_button
from snug.ui.look.theme import Theme
from snug.ui.settings.setting_rows import Fold, ask_new_file, explanation, setting_row
from snug.ui.tasks import Tasks

T = TypeVar("T")
_SILENT, _ASK = "silent", "ask"


class KeyRows(QObject):
    """Builds the rows and does what is chosen, on another thread: a passphrase takes 0.3 s.

    Attributes:
        changed: other keys open the chats now.
        failed: something was not done; a sentence.
    """

    changed = Signal()
    failed = Signal(str)

    def __init__(self, keys: KeyService, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._keys = keys
        self._theme = theme
        self._window = parent
        self._kinds: set[str] = set()
        self._bridge = Bridge(self)
        self._tasks = Tasks(self._bridge, self)
        self.choose_file: Callable[[Callable[[Path], None]], None] = self._choose_file

    def finish(self) -> None:
        """Wait for what was begun; call before the rows go."""
        self._tasks.close()
        self._bridge.close()

    def make(self) -> list[QWidget]:
        """The rows; every single key is folded into the last."""
        self._list = KeyList(self._theme)
        self._list.remove_chosen.connect(self._on_list_remove_chosen)
        rows = [self._passphrase_row(), self._start_row(), self._code_row(), self._file_row()]
        words = self.tr("All keys")
        self._fold = Fold("allKeysButton", [self._list], hairline, words)
        self.refresh()
        return [*rows, self._fold]

    def refresh(self) -> None:
        """Show what opens the chats; a terminal may have changed it."""
        try:
            self._show(self._keys.slots(), self._keys.silent())
        except SnugError as error:
            self.failed.emit(error.message)

    def _show(self, slots: tuple[KeySlot, ...], silent: bool) -> None:
        kinds = {slot.kind for slot in slots}
        self._kinds = kinds
        has_one, has_code = "passphrase" in kinds, "recovery" in kinds
        self._passphrase.setText(self.tr("Change…") if has_one else self.tr("Set…"))
        self._passphrase_words.setText(
            self.tr("It opens your chats. Forgotten means lost: nobody can restore it.")
            if has_one
            else self.tr("None is set. With one, nobody else who uses this device reads along.")
        )
        self._start.set_value(_SILENT if silent else _ASK)
        self._start_words.setText(self._start_text(kinds, silent))
        self._code.setText(self.tr("Make another…") if has_code else self.tr("Make one…"))
        self._code_words.setText(
            self.tr("There is one. Another one takes its place.")
            if has_code
            else self.tr("To write down. It opens the chats if all else is gone.")
        )
        self._list.show_slots(slots)

    def _start_text(self, kinds: set[str], silent: bool) -> str:
        if not silent:
            return self.tr("Snug asks for a key at every start and after every lock.")
        if "keyring" in kinds:
            return self.tr("The keyring of your desktop account opens them without a question.")
        return self.tr(
            "A key file on this device opens them without a question. Whoever has both it and the "
            "data folder can read the chats."
        )

    # -- rows ---------------------------------------------------------------------------------

    def _passphrase_row(self) -> QWidget:
        self._passphrase = push_button("passphraseButton", "", "", self.ask_passphrase)
        row = self._row(self.tr("Passphrase"), self._passphrase)
        self._passphrase_words = explanation(row)
        return row

    def _start_row(self) -> QWidget:
        title = self.tr("Opening the chats")
        self._start = Segments(
            "openingChoice",
            title,
            (Choice(_SILENT, self.tr("Silently")), Choice(_ASK, self.tr("Ask always"))),
        )
        self._start.chosen.connect(self._on_start_chosen)
        row = self._row(title, self._start)
        self._start_words = explanation(row)
        return row

    def _code_row(self) -> QWidget:
        self._code = push_button("recoveryButton", "", "", self.make_code)
        row = self._row(self.tr("Recovery code"), self._code)
        self._code_words = explanation(row)
        return row

    def _file_row(self) -> QWidget:
        button = push_button(
            "writeKeyFileButton",
            self.tr("Write one…"),
            "",
            lambda: self.choose_file(self._write_key_file),
        )
        row = self._row(self.tr("Key file"), button)
        explanation(row).setText(
            self.tr("To carry, on a stick for example. It opens the chats wherever they are.")
        )
        return row

    def _row(self, title: str, control: QWidget) -> QWidget:
        if isinstance(control, QPushButton):
            control.setAccessibleDescription(title)
        return setting_row(title, " ", control)

    # -- what is done -------------------------------------------------------------------------

    def ask_passphrase(self) -> None:
        """Ask for a new passphrase, and for what goes with it."""
        has_one, has_code = "passphrase" in self._kinds, "recovery" in self._kinds
        dialog = NewPassphraseDialog(has_one, has_code, self._theme, self._window)
        dialog.accepted.connect(lambda: self._set_passphrase(dialog))
        dialog.open()

    def _set_passphrase(self, dialog: NewPassphraseDialog) -> None:
        chosen, always, wants_code = dialog.take(), dialog.ask_always, dialog.wants_code
        keys = self._keys

        def work() -> None:
            keys.set_passphrase(chosen)
            if always:
                keys.ask_always()

        self._do(work, lambda _: self.make_code() if wants_code else None)

    def make_code(self) -> None:
        """Make a recovery code and show it, this once."""
        self._do(self._keys.recovery_code, self._show_code)

    def _show_code(self, code: str) -> None:
        dialog = RecoveryDialog(code, self._keys.save_code, self._window)
        dialog.rejected.connect(self._drop_code)
        dialog.open()

    def _drop_code(self) -> None:
        """Nobody has it, so it need not open anything."""
        keys = self._keys

        def work() -> None:
            slot = keys.slot_of("recovery")
            if slot is not None:
                keys.remove(slot.id)

        self._do(work)

    def _write_key_file(self, path: Path) -> None:
        self._do(lambda: self._keys.write_key_file(path))

    def _on_start_chosen(self, value: str) -> None:
        self._do(self._keys.open_silently if value == _SILENT else self._keys.ask_always)

    def _on_list_remove_chosen(self, slot_id: str) -> None:
        self._do(lambda: self._keys.remove(slot_id))

    def _do(self, work: Callable[[], T], then: Callable[[T], object] = lambda _: None) -> None:
        def done(result: T) -> None:
            self.refresh()
            self.changed.emit()
            then(result)

        def failed(words: str) -> None:
            self.refresh()
            self.failed.emit(words)

        self._tasks.run(self, work, done, failed)

    def _choose_file(self, chosen: Callable[[Path], None]) -> None:
        title = self.tr("Write a key file")
        ask_new_file(self._window, title, "keyFileDialog", "snug.key", chosen)
