"""KV states on their way between an isolated engine and the application's keeper."""

from __future__ import annotations

from collections.abc import Callable

from snug.domain.kv_state import StateKeeper
from snug.engine.wire import (
    Frame,
    Kind,
    StateBuffer,
    StateName,
    WireError,
    pack,
    pack_chunks,
    unpack,
)


class StateDesk:
    """Serves one child. The owner's thread.

    Raises (all methods): WireError: the child breaks the order of frames, or asks unasked.
    """

    def __init__(self, keeper: StateKeeper | None, send: Callable[[bytes], None]) -> None:
        self._keeper = keeper
        self._send = send
        self._coming: StateBuffer | None = None
        self._asked: set[str] = set()

    def admit(self, conversation: str) -> None:
        """The child is asked about this conversation: it may keep its state and have it back."""
        self._asked.add(conversation)

    def take(self, frame: Frame) -> None:
        """Do what a frame about states asks for."""
        keeper = self._keeper
        if keeper is None:
            raise WireError("nobody keeps states here")
        if frame.kind is Kind.CHUNK:
            if self._coming is None:
                raise WireError("a part of no state")
            self._coming.take(frame.data)
        else:
            name: StateName = unpack(frame)
            if self._coming is not None:
                raise WireError("a state was not finished")
            if name.conversation not in self._asked:
                raise WireError("a state of a conversation that it knows nothing of")
            if frame.kind is Kind.STATE_DROP:
                keeper.drop(name.conversation)
            elif frame.kind is Kind.STATE_LOAD:
                self._answer(name, keeper.load(name.conversation, name.fingerprint))
            else:
                self._coming = StateBuffer(name)
        if self._coming is not None and self._coming.complete:
            coming, self._coming = self._coming, None
            keeper.save(coming.name.conversation, coming.name.fingerprint, coming.view())

    def _answer(self, name: StateName, data: bytes | bytearray | None) -> None:
        size = -1 if data is None else len(data)
        self._send(pack(Kind.STATE, 0, StateName(name.conversation, name.fingerprint, size)))
        for chunk in pack_chunks(0, data or b""):
            self._send(chunk)
