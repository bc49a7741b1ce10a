"""Stands in for the page with the conversation, behind its signature."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from snug.domain.model import ModelFile
from snug.services.bundle import Services
from snug.ui.chat.transcript import Transcript
from snug.ui.look.theme import Theme
from snug.ui.palette import Entry


class FakeDesk:
    """A drawer or a library that notes what it was asked."""

    def __init__(self, name: str, asked: list[str]) -> None:
        self._name, self._asked = name, asked

    def toggle(self) -> None:
        self._asked.append(self._name)

    def show_library(self) -> None:
        self._asked.append(self._name)

    def entries(self) -> list[Entry]:
        return []


class FakeChatPage(QWidget):
    """Notes what it was asked; a field stands for the composer."""

    conversation_changed = Signal(str)
    run_event = Signal(object)
    error_occurred = Signal(str)
    settings_requested = Signal()
    forked = Signal(str)
    model_chosen = Signal(object)

    def __init__(self, services: Services, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("chatPage")
        self.asked: list[str] = []
        self.map = FakeDesk("map", self.asked)
        self.settings = FakeDesk("settings", self.asked)
        self.prompts = FakeDesk("library", self.asked)
        self.models: list[ModelFile] = []
        self._conversation_id: str | None = None
        self._composer = QLineEdit()
        self._composer.setObjectName("composer")
        self._composer.setAccessibleName("Message")
        self._transcript = Transcript(theme, self)
        self._transcript.hide()
        self.finder = self._transcript.finder
        column = QVBoxLayout(self)
        column.addStretch(1)
        column.addWidget(self._composer)

    @property
    def conversation_id(self) -> str | None:
        return self._conversation_id

    def open_conversation(self, conversation_id: str) -> None:
        self._conversation_id = conversation_id
        self.asked.append(f"open {conversation_id}")

    def new_chat(self) -> None:
        self._conversation_id = None
        self.asked.append("new")

    def focus_composer(self) -> None:
        self._composer.setFocus()

    def stop(self) -> None:
        self.asked.append("stop")

    def go_on(self) -> None:
        self.asked.append("go on")

    def set_model(self, model: ModelFile) -> None:
        self.models.append(model)

    def undo(self) -> None:
        self.asked.append("undo")

    def ask_for_files(self) -> None:
        self.asked.append("files")

    def begin_answer(self) -> None:
        self.asked.append("begin")

    def shutdown(self) -> None:
        self.asked.append("shutdown")
