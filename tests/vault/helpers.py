"""What the tests of the vault share: values in one line, a failing disk, a child process."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import apsw

from snug.domain.conversation import Conversation, Message, Part, PartKind, Role, Status, new_id
from snug.vault.conversations import Conversations
from snug.vault.oskeyring import KeyringUnavailableError

SOURCES = Path(__file__).parents[2] / "desktop"


def text(words: str) -> tuple[Part, ...]:
    return (Part(PartKind.TEXT, words),)


def a_conversation(store: Conversations, title: str = "") -> str:
    conversation = Conversation(new_id(), title, 0, 0)
    store.create(conversation)
    return conversation.id


def a_message(
    store: Conversations,
    conversation_id: str,
    words: str,
    parent: Message | None = None,
    role: Role = Role.USER,
) -> Message:
    message = Message(new_id(), conversation_id, parent.id if parent else None, role, text(words))
    store.add_message(message, durable=role is Role.USER)
    return message


def an_answer(store: Conversations, conversation_id: str, parent: Message | None = None) -> Message:
    """An answer as it is born: nothing in it, interrupted."""
    parent_id = parent.id if parent else None
    answer = Message(
        new_id(), conversation_id, parent_id, Role.ASSISTANT, (), Status.INTERRUPTED, "model"
    )
    store.add_message(answer, durable=False)
    return answer


def forms(word: str) -> Iterator[bytes]:
    """The ways in which a word may lie in a file: three encodings, and base64 at any offset."""
    yield word.encode()
    yield word.encode("utf-16-le")
    yield word.encode("utf-16-be")
    for shift in range(3):
        # The first and last characters depend on what stands beside the word.
        yield base64.b64encode(b"\0" * shift + word.encode())[4:-4]


def bytes_of(*folders: Path) -> Iterator[tuple[Path, bytes]]:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield path, path.read_bytes()


def run_child(script: str, *arguments: str, prefix: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """A Python process of its own that can import snug; its standard streams are pipes."""
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", script, *arguments],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Keyring:
    """A keyring in memory; `available` False behaves as a machine without one."""

    def __init__(self, available: bool = True) -> None:
        self.available = available
        self.kept: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        self._check()
        return self.kept.get(name)

    def set(self, name: str, secret: str) -> None:
        self._check()
        self.kept[name] = secret

    def delete(self, name: str) -> None:
        self._check()
        self.kept.pop(name, None)

    def _check(self) -> None:
        if not self.available:
            raise KeyringUnavailableError("There is no keyring here.")


class FailingDisk(apsw.VFS):
    """The real disk, until `error` is set: then every write and sync raises it, but
    for the first `after` ones.

    Registered under `name`; the encryption lies above it, as `multipleciphers-<name>`.
    """

    def __init__(self, name: str) -> None:
        self.error: type[apsw.Error] | None = None
        self.after = 0  # writes and syncs that still succeed
        self.refused = 0
        super().__init__(name, "unix")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _FailingFile(self, name, flags)

    def refuse(self) -> None:
        if self.error is None:
            return
        if self.after:
            self.after -= 1
        else:
            self.refused += 1
            raise self.error("the disk refuses")


class _FailingFile(apsw.VFSFile):
    def __init__(
        self, disk: FailingDisk, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> None:
        self._disk = disk
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._disk.refuse()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.refuse()
        super().xSync(flags)
