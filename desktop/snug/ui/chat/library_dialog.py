"""Prompts and personas: written, changed, used, taken out and brought back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from snug.domain.conversation import ConversationSettings
from snug.domain.errors import SnugError
from snug.domain.prompts import Persona, Prompt
from snug.services.prompts import PromptLibrary
from snug.ui.chats.undo_bar import UndoBar
from snug.ui.look.parts import flat, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.settings.setting_rows import ask_new_file

_ONE = Qt.ItemDataRole.UserRole
_NAME = 40  # letters of a name that is made from a text
_MOST_BYTES = 64 * 1024 * 1024


class LibraryDialog(QDialog):
    """A list at the start, the chosen one at the end; what is changed counts with Keep.

    Attributes:
        used: a `Prompt` or a `Persona` is to be used now.
    """

    used = Signal(object)

    def __init__(
        self,
        library: PromptLibrary,
        present: Callable[[], ConversationSettings],
        theme: Theme,
        parent: QWidget,
    ) -> None:
        """Make it.

        Args:
            present: the settings of the chat that is open now, of which a persona is made.
        """
        super().__init__(parent)
        self.setObjectName("libraryDialog")
        self.setWindowTitle(_tr("Prompts and personas"))
        self.setAccessibleName(self.windowTitle())
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(SIZES.dialog * 2, SIZES.dialog * 5 // 4)
        self._library = library
        self._present = present
        self._open: Prompt | Persona | None = None
        self._settings: ConversationSettings | None = None  # of the persona that is shown
        row = QHBoxLayout(self)
        row.setContentsMargins(*(SIZES.gap_6,) * 4)
        row.setSpacing(SIZES.gap_6)
        row.addLayout(self._list_side(), 2)
        row.addLayout(self._form_side(), 3)
        self.refresh()
        self._new_prompt()

    def _list_side(self) -> QVBoxLayout:
        side = flat(QVBoxLayout(), spacing=SIZES.gap_2)
        self.list = QListWidget()
        self.list.setObjectName("libraryList")
        self.list.setProperty("kind", "boxed")
        self.list.setAccessibleName(_tr("Prompts and personas"))
        self.list.currentItemChanged.connect(lambda item, _: self._show(item))
        self.list.itemActivated.connect(lambda _: self._use())
        side.addWidget(self.list, 1)
        side.addWidget(push_button("newPrompt", _tr("New prompt"), "", self._new_prompt))
        words = _tr("Persona of this chat")
        side.addWidget(push_button("newPersona", words, "", self._new_persona))
        files = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        files.addWidget(push_button("importLibrary", _tr("Bring in…"), "link", self._ask_import))
        files.addWidget(push_button("exportLibrary", _tr("Save all…"), "link", self._ask_export))
        side.addLayout(files)
        return side

    def _form_side(self) -> QVBoxLayout:
        side = flat(QVBoxLayout(), spacing=SIZES.gap_2)
        self._kind = label("", "heading")
        self.name = QLineEdit()
        self.name.setObjectName("libraryName")
        self.name.setPlaceholderText(_tr("Name"))
        self.name.setAccessibleName(_tr("Name"))
        self.text = QPlainTextEdit()
        self.text.setObjectName("libraryText")
        self.text.setTabChangesFocus(True)
        self._words = label("", "small", "soft", wrap=True)
        self._problem = label("", "small", "bad", wrap=True)
        self._problem.setObjectName("libraryProblem")
        self._bar = UndoBar("libraryUndo")
        for part in (self._kind, self.name, self.text, self._words, self._problem, self._bar):
            side.addWidget(part)
        buttons = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        self._delete = push_button("deleteOne", _tr("Delete"), "", self._remove)
        self._use_button = push_button("useOne", _tr("Use it"), "", self._use)
        keep = push_button("keepOne", _tr("Keep"), "primary", self._keep)
        close = push_button("closeLibrary", _tr("Close"), "", self.accept)
        for button in (self._delete, close):
            buttons.addWidget(button)
        buttons.addStretch(1)
        for button in (self._use_button, keep):
            buttons.addWidget(button)
        side.addLayout(buttons)
        return side

    # -- showing ------------------------------------------------------------------------------

    def refresh(self) -> None:
        """List what is there."""
        self.list.blockSignals(True)
        self.list.clear()
        found: tuple[Prompt | Persona, ...] = (
            *self._library.prompts(),
            *self._library.personas(),
        )
        for one in found:
            kind = _tr("Persona") if isinstance(one, Persona) else _tr("Prompt")
            item = QListWidgetItem(f"{one.name}  ·  {kind}")
            item.setData(_ONE, one)
            self.list.addItem(item)
            if self._open is not None and one.id == self._open.id:
                self.list.setCurrentItem(item)
        self.list.blockSignals(False)

    def _show(self, item: QListWidgetItem | None) -> None:
        one = None if item is None else item.data(_ONE)
        if isinstance(one, Prompt):
            self._fill(one, None, one.name, one.text)
        elif isinstance(one, Persona):
            self._fill(one, one.settings, one.name, one.settings.system_prompt)

    def _fill(
        self,
        one: Prompt | Persona | None,
        settings: ConversationSettings | None,
        name: str,
        text: str,
    ) -> None:
        self._open, self._settings = one, settings
        is_persona = settings is not None
        self._kind.setText(_tr("Persona") if is_persona else _tr("Prompt"))
        self.name.setText(name)
        self.text.setPlainText(text)
        said = _tr("Instructions for the model") if is_persona else _tr("Text of the prompt")
        self.text.setAccessibleName(said)
        self.text.setPlaceholderText(said)
        self._words.setText(
            _persona_words(settings)
            if settings is not None
            else _tr(
                "{{name}} is a field to fill in, {{tone:kind|formal}} one with choices. A slash in "
                "an empty message offers all prompts."
            )
        )
        self._delete.setVisible(one is not None)
        self._use_button.setVisible(one is not None)
        self._tell("")

    def _tell(self, problem: str) -> None:
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))

    # -- doing --------------------------------------------------------------------------------

    def _new_prompt(self) -> None:
        self.list.setCurrentRow(-1)
        self._fill(None, None, "", "")
        self.name.setFocus(Qt.FocusReason.OtherFocusReason)

    def _new_persona(self) -> None:
        self.list.setCurrentRow(-1)
        settings = self._present()
        self._fill(None, settings, "", settings.system_prompt)
        self.name.setFocus(Qt.FocusReason.OtherFocusReason)

    def _keep(self) -> None:
        own = "" if self._open is None else self._open.id
        name, text = self.name.text(), self.text.toPlainText()
        try:
            if self._settings is None:
                self._open = self._library.save_prompt(name, text, own)
            else:
                settings = replace(self._settings, system_prompt=text)
                self._open = self._library.save_persona(name, settings, own)
        except SnugError as error:
            self._tell(error.message)
            return
        self._tell("")
        self.refresh()
        self._delete.show()
        self._use_button.show()

    def done(self, result: int) -> None:
        """Closing loses nothing: what was written is kept, named by its first words."""
        text, name = self.text.toPlainText(), self.name.text()
        before = "" if self._open is None else _text_of(self._open)
        renamed = name.strip() and name != ("" if self._open is None else self._open.name)
        persona = self._settings is not None
        wanted = text.strip() or (persona and (name.strip() or self._open is not None))
        if wanted and (text != before or renamed):
            if not name.strip():
                self.name.setText(" ".join(text.split())[:_NAME])
            told = self._problem.text()
            self._keep()
            if self._problem.text() not in ("", told):
                return  # what cannot be kept is told first; closing once more leaves it
        super().done(result)

    def _remove(self) -> None:
        gone = self._open
        if gone is None:
            return

        def back() -> None:
            try:
                self._library.put_back(gone)
            except SnugError as error:
                self._tell(error.message)
                return
            self._open = gone
            self.refresh()
            self._show(self.list.currentItem())

        try:
            self._library.remove(gone)
        except SnugError as error:
            self._tell(error.message)
            return
        self._bar.offer(_tr("{} was deleted").format(gone.name), lambda: None, back)
        self._open = None
        self.refresh()
        self._new_prompt()

    def _use(self) -> None:
        if self._open is not None:
            used = self._open
            self.accept()
            self.used.emit(used)

    # -- files --------------------------------------------------------------------------------

    def _ask_export(self) -> None:
        ask_new_file(
            self, _tr("Save all prompts and personas"), "libraryFile", "prompts.json", self.save_to
        )

    def save_to(self, path: Path) -> None:
        """Write all of them into a new file."""
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(self._library.exported())
        except OSError as error:
            self._tell(_tr("{} cannot be written: {}").format(path, error.strerror or error))

    def _ask_import(self) -> None:
        dialog = QFileDialog(self, _tr("Bring in prompts and personas"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda name: self.take_in(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def take_in(self, path: Path) -> None:
        """Add what a file holds and is not here."""
        try:
            with path.open("rb") as file:
                text = file.read(_MOST_BYTES).decode("utf-8-sig", "replace")
            prompts, personas = self._library.take_in(text)
        except OSError as error:
            self._tell(_tr("{} cannot be read: {}").format(path, error.strerror or error))
            return
        except SnugError as error:
            self._tell(error.message)
            return
        self.refresh()
        self._tell(_tr("Prompts added: {}, personas added: {}.").format(prompts, personas))


def _text_of(one: Prompt | Persona) -> str:
    return one.text if isinstance(one, Prompt) else one.settings.system_prompt


def _persona_words(settings: ConversationSettings) -> str:
    """What a persona sets besides its instructions."""
    words = [_tr("Model: {}").format(settings.model) if settings.model else _tr("Any model")]
    if settings.sampling is not None:
        words.append(_tr("temperature {}").format(f"{settings.sampling.temperature:g}"))
    if settings.adapters:
        words.append(_tr("adapters: {}").format(len(settings.adapters)))
    return " · ".join(words)


def _tr(text: str) -> str:
    return QCoreApplication.translate("LibraryDialog", text)
