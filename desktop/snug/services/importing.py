"""Bringing in the chats of other programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from snug.domain.errors import UserError
from snug.domain.importing import Found, ImportCount, ImportedConversation, ImportReport

_AT_ONCE = 100  # conversations in one transaction, or …
_MESSAGES_AT_ONCE = 2000  # … messages
_MOST_PROBLEMS = 100


class Trees(Protocol):
    """Where conversations go."""

    def import_trees(self, trees: Sequence[ImportedConversation]) -> ImportCount:
        """Store what is not there."""


Read = Callable[[Path], Iterator[Found]]


@dataclass(slots=True)
class _Tally:
    formats: dict[str, None] = field(default_factory=dict)
    conversations: int = 0
    messages: int = 0
    skipped: int = 0
    problems: list[str] = field(default_factory=list)
    more: int = 0

    def add(self, count: ImportCount) -> None:
        self.conversations += count.conversations
        self.messages += count.messages
        self.skipped += count.skipped

    def note(self, problem: str) -> None:
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(problem)
        else:
            self.more += 1

    def report(self, cancelled: bool) -> ImportReport:
        return ImportReport(
            tuple(self.formats),
            self.conversations,
            self.messages,
            self.skipped,
            tuple(self.problems),
            self.more,
            cancelled,
        )


class Importing:
    """Imports into the vault. Takes as long as the file is large: call it off the window's thread.

    What is there already stays as it is, so that a file can be imported again: only what is new in
    it is added.
    """

    def __init__(self, store: Trees, read: Read) -> None:
        self._store = store
        self._read = read

    def run(
        self,
        path: Path,
        progress: Callable[[float], None] = lambda part: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> ImportReport:
        """Import a file, zip or folder.

        Args:
            progress: called with the part that was read, from 0 to 1.
            cancelled: asked at every conversation.

        Raises:
            UserError: it cannot be opened, or it holds no chats that Snug knows.
            DiskFullError, EnvironmentFault: what was stored before stays.
        """
        tally = _Tally()
        portion: list[ImportedConversation] = []
        waiting = 0
        stopped = False
        for found in self._read(path):
            if stopped := cancelled():
                break
            if found.problem:
                tally.note(found.problem)
            if found.format:
                tally.formats[found.format] = None
            if found.tree is not None:
                portion.append(found.tree)
                waiting += len(found.tree.conversation.messages)
            if len(portion) >= _AT_ONCE or waiting >= _MESSAGES_AT_ONCE:
                tally.add(self._store.import_trees(portion))
                portion, waiting = [], 0
                progress(found.read)
        if portion and not stopped:
            tally.add(self._store.import_trees(portion))
        if not stopped and not (tally.conversations or tally.messages or tally.skipped):
            raise UserError(_nothing(path, tally.problems))
        progress(1.0)
        return tally.report(stopped)


def _nothing(path: Path, problems: list[str]) -> str:
    if problems:
        return f"Nothing in {path} could be read. {problems[0]}"
    return (
        f"{path} holds no chats that Snug knows. It reads the exports of ChatGPT, Claude, "
        "Open WebUI and Cherry Studio, the chat files of LM Studio, Jan and GPT4All, OpenAI's "
        "JSONL, and its own JSON."
    )
