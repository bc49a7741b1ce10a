"""Child of test_kills: the whole window, guardian and all, in which somebody writes without pause.

A line on stdout acknowledges what is on the disk: JSON of a conversation's id, what, and its text.
"""

from __future__ import annotations

import json
import os
import sys

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from snug.app import main
from snug.domain.conversation import ConversationSettings, new_id
from snug.domain.events import Event, Failed, Finished, TextDelta
from snug.domain.sampling import Sampling
from snug.guardian import Launch, guard
from snug.services.engine_settings import Host
from snug.ui.main_window import MainWindow

SHORT = ConversationSettings("starter", "", Sampling(temperature=0.0, max_tokens=10))


class Writer:
    """Asks, names and tags, one conversation after another."""

    def __init__(self) -> None:
        windows = QApplication.topLevelWidgets()
        window = next(w for w in windows if isinstance(w, MainWindow))
        self._services = window._services
        self._services.models.settings.choose_host(Host(sys.argv[1]))
        self._chat = ""
        self._free = True
        self._timer = QTimer()
        self._timer.setInterval(5)
        self._timer.timeout.connect(self._write)
        self._timer.start()

    def _write(self) -> None:
        services = self._services
        if self._free:
            self._free = False
            self._chat = services.conversations.create(SHORT).id
            words = f"The sea is {new_id()}"
            tell(self._chat, "made", "")
            services.conversations.send(self._chat, words, self._sink(self._chat, words))
        title = new_id()
        services.conversations.rename(self._chat, title)
        tell(self._chat, "title", title)
        assert services.organiser is not None
        services.organiser.tag([self._chat], "tagged")
        tell(self._chat, "tag", "tagged")

    def _sink(self, chat: str, words: str) -> _Sink:
        return _Sink(self, chat, words)

    def end(self) -> None:
        """The answer is whole."""
        self._free = True


class _Sink:
    def __init__(self, writer: Writer, chat: str, words: str) -> None:
        self._writer = writer
        self._chat = chat
        self._words = words

    def __call__(self, event: Event) -> None:
        tell(self._chat, "asked", self._words)
        if isinstance(event, TextDelta):
            tell(self._chat, "answer", event.text)
        elif isinstance(event, Finished | Failed):
            tell(self._chat, "end", type(event).__name__)
            self._writer.end()


def tell(chat: str, what: str, text: str) -> None:
    # One system call: lines of several threads never mix, and a kill cuts none.
    os.write(1, f"{json.dumps([chat, what, text])}\n".encode())


if __name__ == "__main__":
    launch = guard()
    if isinstance(launch, int):
        sys.exit(launch)
    kept: list[Writer] = []
    known = launch

    def begin() -> None:
        known.tell_shown()
        kept.append(Writer())

    sys.exit(main(["--offline", "--profile", "first"], Launch(known.crash_signal, begin)))
