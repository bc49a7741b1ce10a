"""An engine's process that speaks the frames and misbehaves as its first argument says."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from collections.abc import Callable

from snug.domain.events import Failed, Finished, Started, StopReason, TextDelta, Timings, Usage
from snug.domain.model import Placement
from snug.engine.isolated_child import own_pipes
from snug.engine.sandbox import Confinement
from snug.engine.wire import (
    MAX_REQUEST_BYTES,
    Frame,
    FrameReader,
    Kind,
    StateBuffer,
    StateName,
    pack,
    pack_chunks,
    pack_event,
    unpack,
)

NONSENSE: dict[str, Callable[[int], bytes]] = {
    "garbage": lambda _: b"\xff" * 64,
    "wrong type": lambda number: pack(Kind.TEXT, number, {"text": 7}),
    "not a number": lambda n: pack(Kind.LOADING, n, {"model": "m", "fraction": float("nan")}),
    "too long": lambda number: pack_event(number, TextDelta("x" * 3_000_000))[:9],
    "unasked state": lambda _: pack(Kind.CHUNK, 0, b"x"),
}


def answer(writing: int, frame: Frame, manner: str) -> None:
    def send(data: bytes) -> None:
        os.write(writing, data)

    if manner in ("SIGABRT", "SIGILL", "SIGKILL"):
        os.kill(os.getpid(), getattr(signal, manner))
    send(pack_event(frame.number, Started("m", Placement("cpu", 0, 1), 3, 0, 512)))
    send(pack_event(frame.number, TextDelta("one ")))
    if manner in NONSENSE:
        send(NONSENSE[manner](frame.number))
    elif manner == "leaves":
        os._exit(3)
    elif manner == "states":
        data = bytes(range(256)) * 12_000
        send(pack(Kind.STATE_SAVE, 0, StateName("c", "f", len(data))))
        for chunk in pack_chunks(0, data):
            view = memoryview(chunk)
            while view:
                view = view[os.write(writing, view) :]
        send(pack(Kind.STATE_LOAD, 0, StateName("c", "f")))
    elif manner == "good":
        end = Finished(Usage(3, 0, 1), StopReason.END, Timings(0.0, 0.1, 9.0))
        send(pack_event(frame.number, end))


def main(manner: str) -> None:
    reading, writing = own_pipes()
    reader = FrameReader(MAX_REQUEST_BYTES)
    state: StateBuffer | None = None
    while data := os.read(reading, 65536):
        for frame in reader.feed(data):
            if frame.kind is Kind.SETUP:
                os.write(writing, pack(Kind.HELLO, 0, Confinement(0, False)))
            elif frame.kind is Kind.STATE:
                state = StateBuffer(unpack(frame))
            elif frame.kind is Kind.CHUNK and state is not None:
                state.take(frame.data)
                if state.complete:
                    os.write(writing, pack(Kind.STATE_DROP, 0, StateName("c", "")))
                    digest = hashlib.sha256(state.view()).hexdigest()
                    os.write(writing, pack_event(1, TextDelta(digest)))
                    os.write(writing, pack_event(1, Failed("done")))
            elif frame.kind is Kind.GENERATE:
                answer(writing, frame, manner)


if __name__ == "__main__":
    main(sys.argv[1])
