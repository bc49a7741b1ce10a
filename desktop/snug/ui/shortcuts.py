"""What keys can do in the window, as values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication


@dataclass(frozen=True, slots=True)
class Key:
    """One thing that can be done.

    Attributes:
        id: what it is called where a person's own keys are kept; never changes.
        keys: any of them.
        action: None for keys that belong to a widget and are only listed.
    """

    id: str
    keys: tuple[str, ...]
    text: str
    action: Callable[[], object] | None = None


def chat_keys() -> tuple[Key, ...]:
    """Keys that belong to a field or a list, for the sheet."""
    return (
        Key("send", ("Return",), _tr("Send the message, or queue it while an answer comes")),
        Key("line", ("Shift+Return",), _tr("New line in the message")),
        Key("rename", ("F2",), _tr("Rename the chat in the list")),
        Key("delete", ("Del",), _tr("Delete the chat in the list")),
    )


def _tr(text: str) -> str:
    return QCoreApplication.translate("Shortcuts", text)
