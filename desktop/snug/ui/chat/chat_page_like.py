"""What the window needs of the page with the conversation; tests stand in behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import SignalInstance
from PySide6.QtWidgets import QWidget

from snug.domain.model import ModelFile
from snug.services.bundle import Services
from snug.ui.chat.find_bar import FindBar
from snug.ui.look.theme import Theme

if TYPE_CHECKING:
    from snug.ui.palette import Entry


class Toggled(Protocol):
    """A drawer of the page."""

    def toggle(self) -> None:
        """Show it, or close it."""


class Prompts(Protocol):
    """Prompts and personas of the page."""

    def show_library(self) -> None:
        """Write, change and use them."""

    def entries(self) -> Iterable[Entry]:
        """All of them, for the palette."""


class ChatPageLike(Protocol):
    """What the window needs of the page with the conversation."""

    conversation_changed: SignalInstance
    run_event: SignalInstance
    error_occurred: SignalInstance
    settings_requested: SignalInstance
    forked: SignalInstance
    model_chosen: SignalInstance
    finder: FindBar

    @property
    def map(self) -> Toggled:
        """The map of the open chat."""

    @property
    def settings(self) -> Toggled:
        """The settings of the open chat."""

    @property
    def prompts(self) -> Prompts:
        """Prompts and personas."""

    @property
    def conversation_id(self) -> str | None:
        """The open conversation; None while it does not exist yet."""

    def open_conversation(self, conversation_id: str) -> None:
        """Show it."""

    def new_chat(self) -> None:
        """Show an empty one, which exists from its first message on."""

    def focus_composer(self) -> None:
        """Put the cursor where one writes."""

    def stop(self) -> None:
        """Stop the running answer."""

    def go_on(self) -> None:
        """Take the last answer further, where it ended early."""

    def ask_for_files(self) -> None:
        """Ask which files are to go with the message."""

    def begin_answer(self) -> None:
        """Show or hide the field for the first words of the answer."""

    def undo(self) -> None:
        """Take the last change of the open chat back."""

    def set_model(self, model: ModelFile) -> None:
        """This model answers next."""

    def shutdown(self) -> None:
        """Keep the draft and let go of everything."""


ChatPageFactory = Callable[[Services, Theme, QWidget], QWidget]


def real_chat_page(services: Services, theme: Theme, parent: QWidget) -> QWidget:
    """The real one."""
    from snug.ui.chat.chat_page import ChatPage  # late: the window shows before it is loaded

    return ChatPage(services, theme, parent)
