"""An engine's process that speaks the frames and misbehaves as its first argument says."""

from __future__ import annotations

import os
import signal
import sys

from snug.domain.events import Finished, Started, StopReason, TextDelta, Timings, Usage
from snug.domain.model import Placement
from snug.engine.isolated_child import own_pipes
from snug.engine.sandbox import Confinement
from snug.engine.wire import MAX_REQUEST_BYTES, Frame, FrameReader, Kind, pack, pack_event


def answer(writing: int, frame: Frame, manner: str) -> None:
    def send(data: bytes) -> None:
        os.write(writing, data)

    if manner in ("SIGABRT", "SIGILL", "SIGKILL"):
        os.kill(os.getpid(), getattr(signal, manner))
    send(pack_event(frame.number, Started("m", Placement("cpu", 0, 1), 3, 0, 512)))
    send(pack_event(frame.number, TextDelta("one ")))
    if manner == "garbage":
        send(b"\xff" * 64)
    elif manner == "wrong type":
        send(pack(Kind.TEXT, frame.number, {"text": 7}))
    elif manner == "not a number":
        send(pack(Kind.LOADING, frame.number, {"model": "m", "fraction": float("nan")}))
    elif manner == "too long":
        send(pack_event(frame.number, TextDelta("x" * 3_000_000))[:9])
    elif manner == "leaves":
        os._exit(3)
    elif manner == "unasked state":
        send(pack(Kind.CHUNK, 0, b"x"))
    elif manner == "good":
        end = Finished(Usage(3, 0, 1), StopReason.END, Timings(0.0, 0.1, 9.0))
        send(pack_event(frame.number, end))


def main(manner: str) -> None:
    reading, writing = own_pipes()
    reader = FrameReader(MAX_REQUEST_BYTES)
    while data := os.read(reading, 65536):
        for frame in reader.feed(data):
            if frame.kind is Kind.SETUP:
                os.write(writing, pack(Kind.HELLO, 0, Confinement(0, False)))
            elif frame.kind is Kind.GENERATE:
                answer(writing, frame, manner)


if __name__ == "__main__":
    main(sys.argv[1])
