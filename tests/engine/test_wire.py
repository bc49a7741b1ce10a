"""Frames between the application and an isolated engine: what passes, and what is refused."""

from __future__ import annotations

import random
from typing import get_args

import pytest
from tests.engine.asking import talk

from snug.domain.errors import ModelFileError, SnugError
from snug.domain.events import (
    Event,
    Failed,
    Finished,
    Loading,
    Paused,
    Prefill,
    ReasoningDelta,
    Resumed,
    Shifted,
    Started,
    StopReason,
    TextDelta,
    Timings,
    TokenLogprob,
    ToolCall,
    Usage,
)
from snug.domain.model import Adapter, KvType, LoadOptions, ModelFile, Placement, Toggle
from snug.domain.prompt import GenerationRequest, Overflow
from snug.domain.sampling import Sampling
from snug.engine.wire import (
    CHUNK_BYTES,
    MAX_FRAME_BYTES,
    Fault,
    FrameReader,
    Kind,
    StateBuffer,
    StateName,
    WireError,
    pack,
    pack_chunks,
    pack_event,
    unpack,
)

USAGE, TIMES = Usage(9, 3, 5), Timings(0.5, 0.25, 120.0)
EVENTS: tuple[Event, ...] = (
    Loading("m", 0.5),
    Started("m", Placement("CPU", 1, 2, "why"), 9, 3, 2048, 1),
    Prefill(512, 1024),
    TextDelta("é\u2028\0", 2, (TokenLogprob(b"\xff", -1.5, ((b"a", -0.1),)),)),
    ReasoningDelta("hm"),
    ToolCall("f", "{}", "1"),
    Shifted(3),
    Paused("full"),
    Resumed(),
    Finished(USAGE, StopReason.LENGTH, TIMES),
    Failed("no"),
)


def test_every_event_there_is_can_be_sent() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(Event))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_each_event_arrives_as_it_was_sent(event: Event) -> None:
    (frame,) = FrameReader(MAX_FRAME_BYTES).feed(pack_event(7, event))
    assert frame.number == 7
    assert unpack(frame) == event


def test_a_request_arrives_with_all_its_choices(starter: ModelFile) -> None:
    load = LoadOptions(512, 3, 2, KvType.Q8_0, Toggle.ON, 1, False, starter)
    request = GenerationRequest(
        starter, talk("a", "b", "c", system="s"), Sampling(seed=3), load, stop=("x",),
        adapters=(Adapter("/a", "0", 0.5),), top_logprobs=2, overflow=Overflow.STOP,
    )  # fmt: skip
    (frame,) = FrameReader(MAX_FRAME_BYTES).feed(pack(Kind.GENERATE, 1, request))
    assert unpack(frame) == request


def test_frames_are_cut_right_wherever_the_stream_is_torn() -> None:
    stream = b"".join(pack_event(number, event) for number, event in enumerate(EVENTS))
    chance = random.Random(4)
    for _ in range(50):
        reader, got, at = FrameReader(MAX_FRAME_BYTES), [], 0
        while at < len(stream):
            step = chance.randint(1, 40)
            got += reader.feed(stream[at : at + step])
            at += step
        assert tuple(map(unpack, got)) == EVENTS


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.TEXT, {"text": 7}),
        (Kind.TEXT, {"text": "x", "tokens": -1}),
        (Kind.TEXT, ["x"]),
        (Kind.TEXT, {}),
        (Kind.LOADING, {"model": "m", "fraction": float("nan")}),
        (Kind.LOADING, {"model": "m", "fraction": 1.5}),
        (Kind.PREFILL, {"done": 5, "total": 4}),
        (Kind.FINISHED, Finished(Usage(-1, 0, 0), StopReason.END, TIMES)),
        (Kind.FINISHED, Finished(USAGE, StopReason.END, Timings(0.0, 0.0, float("inf")))),
        (Kind.FINISHED, {"usage": None, "stop_reason": "end", "timings": None}),
        (Kind.CANCEL, {"x": 1}),
        (Kind.GENERATE, None),
    ],
)
def test_a_value_of_another_type_or_range_is_refused(kind: Kind, value: object) -> None:
    (frame,) = FrameReader(MAX_FRAME_BYTES).feed(pack(kind, 1, value))
    with pytest.raises(WireError):
        unpack(frame)


def test_random_bytes_are_refused_or_wait_but_never_break_anything() -> None:
    chance = random.Random(5)
    for _ in range(2000):
        kind = chance.choice(list(Kind))
        data = chance.randbytes(chance.randint(0, 60))
        frame = pack(kind, 1)
        (made,) = FrameReader(100).feed(len(data).to_bytes(4, "little") + frame[4:] + data)
        try:
            unpack(made)
        except WireError:
            continue


def test_an_unknown_kind_and_an_oversized_frame_are_refused() -> None:
    with pytest.raises(WireError, match="kind 99"):
        FrameReader(100).feed(b"\0\0\0\0" + bytes([99]) + b"\0\0\0\0")
    with pytest.raises(WireError, match="101 bytes"):
        FrameReader(100).feed(b"\x65\0\0\0" + bytes([36]) + b"\0\0\0\0")


def test_errors_keep_their_class_and_unknown_ones_become_plain() -> None:
    back = Fault.of(ModelFileError("broken")).error()
    assert type(back) is ModelFileError
    assert back.message == "broken"
    assert type(Fault("KeyboardInterrupt", "x").error()) is SnugError
    assert type(Fault("annotations", "x").error()) is SnugError


def test_a_text_with_half_a_character_is_refused_before_it_is_sent() -> None:
    with pytest.raises(WireError):
        pack_event(1, TextDelta("\ud800"))


def test_a_state_of_many_chunks_is_put_together_again() -> None:
    data = random.Random(6).randbytes(3 * CHUNK_BYTES + 17)
    reader = FrameReader(MAX_FRAME_BYTES)
    buffer = StateBuffer(StateName("c", "f", len(data)))
    for frame in reader.feed(b"".join(pack_chunks(0, data))):
        assert not buffer.complete
        buffer.take(frame.data)
    assert buffer.complete
    assert bytes(buffer.view()) == data
    with pytest.raises(WireError):
        buffer.take(b"x")
    with pytest.raises(WireError):
        StateBuffer(StateName("c", "f", 2**50))
