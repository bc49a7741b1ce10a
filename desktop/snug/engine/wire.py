"""How the application and an isolated engine talk: frames with checked values, never pickles.

A frame is 4 bytes of length, 1 byte of kind, 4 bytes of number (of the job or question it belongs
to), then MessagePack of exactly the type that the kind stands for; `CHUNK` alone is raw bytes.
What the child says is checked as a stranger's word: size, type and range. The rest is refused.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import msgspec

from snug.domain import errors
from snug.domain.errors import SnugError
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
    TextDelta,
    Timings,
    ToolCall,
    Usage,
)
from snug.domain.fit import Fit
from snug.domain.model import Device, LoadOptions, ModelFile
from snug.domain.prompt import ContextPlan, GenerationRequest
from snug.engine.sandbox import Confinement

MAX_FRAME_BYTES = 2 * 2**20  # of the child
MAX_REQUEST_BYTES = 256 * 2**20  # of the application: whole conversations
CHUNK_BYTES = 2**20
MAX_STATE_BYTES = 16 * 2**30
_HEADER = struct.Struct("<IBI")
_LONGEST_S = 1e9


class WireError(Exception):
    """The other side does not speak this language."""


class Kind(IntEnum):
    """What a frame holds."""

    SETUP = 1
    GENERATE = 2
    PRELOAD = 3
    CANCEL = 4
    PLAN = 5
    FIT = 6
    DEVICES = 7
    PROBLEMS = 8
    VERSIONS = 9
    STATE = 10  # the answer to STATE_LOAD; its bytes follow as chunks
    HELLO = 32
    LOADING = 33
    STARTED = 34
    PREFILL = 35
    TEXT = 36
    REASONING = 37
    TOOL_CALL = 38
    PAUSED = 39
    RESUMED = 40
    FINISHED = 41
    FAILED = 42
    PLANNED = 43
    FITTED = 44
    DEVICE_LIST = 45
    SENTENCES = 46
    VERSION_LIST = 47
    FAULT = 48
    STATE_SAVE = 49  # its bytes follow as chunks
    STATE_LOAD = 50
    STATE_DROP = 51
    SHIFTED = 52
    CHUNK = 64


@dataclass(frozen=True, slots=True)
class Setup:
    """The first frame: how the child is to live.

    Attributes:
        parent: process id of the application.
        variant: CPU plug-in to use; "" takes the best safe one.
        keeper: whether somebody keeps KV states.
    """

    parent: int
    readable: tuple[str, ...]
    variant: str = ""
    gpu: bool = False
    cache: str = ""
    memory_bytes: int | None = None
    keeper: bool = False


@dataclass(frozen=True, slots=True)
class ModelQuestion:
    """A model and how it would be loaded."""

    model: ModelFile
    options: LoadOptions


@dataclass(frozen=True, slots=True)
class Fault:
    """An error of the domain, by the name of its class."""

    name: str
    message: str

    @classmethod
    def of(cls, error: SnugError) -> Fault:
        """How it travels."""
        return cls(type(error).__name__, error.message)

    def error(self) -> SnugError:
        """The error again; an unknown name becomes a plain one."""
        found = getattr(errors, self.name, None)
        if isinstance(found, type) and issubclass(found, SnugError):
            return found(self.message)
        return SnugError(self.message)


@dataclass(frozen=True, slots=True)
class StateName:
    """A KV state; `size_bytes` follow as chunks, -1 says that there is none."""

    conversation: str
    fingerprint: str
    size_bytes: int = -1


@dataclass(frozen=True, slots=True)
class Frame:
    """One message as it came."""

    kind: Kind
    number: int
    data: bytes


_EVENTS: Mapping[type, Kind] = {
    Loading: Kind.LOADING,
    Started: Kind.STARTED,
    Prefill: Kind.PREFILL,
    TextDelta: Kind.TEXT,
    ReasoningDelta: Kind.REASONING,
    ToolCall: Kind.TOOL_CALL,
    Shifted: Kind.SHIFTED,
    Paused: Kind.PAUSED,
    Resumed: Kind.RESUMED,
    Finished: Kind.FINISHED,
    Failed: Kind.FAILED,
}
EVENT_KINDS = frozenset(_EVENTS.values())
_TYPES: Mapping[Kind, Any] = {
    Kind.SETUP: Setup,
    Kind.GENERATE: GenerationRequest,
    Kind.PRELOAD: ModelQuestion,
    Kind.PLAN: GenerationRequest,
    Kind.FIT: ModelQuestion,
    Kind.STATE: StateName,
    Kind.HELLO: Confinement,
    Kind.PLANNED: ContextPlan,
    Kind.FITTED: Fit,
    Kind.DEVICE_LIST: tuple[Device, ...],
    Kind.SENTENCES: tuple[str, ...],
    Kind.VERSION_LIST: dict[str, str],
    Kind.FAULT: Fault,
    Kind.STATE_SAVE: StateName,
    Kind.STATE_LOAD: StateName,
    Kind.STATE_DROP: StateName,
    **{kind: event for event, kind in _EVENTS.items()},
}
_DECODERS = {kind: msgspec.msgpack.Decoder(type_) for kind, type_ in _TYPES.items()}
_ENCODER = msgspec.msgpack.Encoder()


def pack(kind: Kind, number: int = 0, value: object = None) -> bytes:
    """A frame with a value of the kind's type.

    Raises:
        WireError: a text in it cannot be written as UTF-8.
    """
    try:
        data = b"" if value is None else _ENCODER.encode(value)
    except UnicodeEncodeError as error:
        raise WireError("a text holds half a character") from error
    return _HEADER.pack(len(data), kind, number) + data


def pack_event(number: int, event: Event) -> bytes:
    """The frame of an event."""
    return pack(_EVENTS[type(event)], number, event)


def pack_chunks(number: int, data: bytes | bytearray | memoryview) -> Iterator[bytes]:
    """A state's bytes in frames of at most `CHUNK_BYTES`."""
    whole = memoryview(data).cast("B")
    for begin in range(0, len(whole), CHUNK_BYTES):
        part = whole[begin : begin + CHUNK_BYTES]
        yield _HEADER.pack(len(part), Kind.CHUNK, number) + part


def unpack(frame: Frame) -> Any:
    """The value of a frame, of exactly the type that its kind stands for.

    Raises:
        WireError: it is not of that type, or out of range.
    """
    decoder = _DECODERS.get(frame.kind)
    if decoder is None:
        raise WireError(f"a frame of kind {frame.kind.name} holds no value")
    try:
        value = decoder.decode(frame.data)
    except (msgspec.MsgspecError, SnugError, RecursionError, UnicodeDecodeError) as error:
        raise WireError(f"{frame.kind.name}: {error}") from error
    if not _sane(value):
        raise WireError(f"{frame.kind.name}: a number is out of range")
    return value


class FrameReader:
    """Cuts a stream of bytes into frames."""

    def __init__(self, limit_bytes: int) -> None:
        self._buffer = bytearray()
        self._limit = limit_bytes

    def feed(self, data: bytes) -> list[Frame]:
        """Take what was read. Returns: the frames that are complete now.

        Raises:
            WireError: an unknown kind, or a frame over the limit.
        """
        self._buffer += data
        frames: list[Frame] = []
        at = 0
        while len(self._buffer) - at >= _HEADER.size:
            size, kind, number = _HEADER.unpack_from(self._buffer, at)
            if size > self._limit:
                raise WireError(f"a frame of {size} bytes")
            begin = at + _HEADER.size
            if len(self._buffer) - begin < size:
                break
            try:
                known = Kind(kind)
            except ValueError as error:
                raise WireError(f"a frame of kind {kind}") from error
            at = begin + size
            frames.append(Frame(known, number, bytes(memoryview(self._buffer)[begin:at])))
        del self._buffer[:at]
        return frames


class StateBuffer:
    """Puts the chunks of one state together again."""

    def __init__(self, name: StateName) -> None:
        if not 0 <= name.size_bytes <= MAX_STATE_BYTES:
            raise WireError(f"a state of {name.size_bytes} bytes")
        self.name = name
        self._data = bytearray()

    @property
    def complete(self) -> bool:
        """Every byte is there."""
        return len(self._data) == self.name.size_bytes

    def take(self, chunk: bytes) -> None:
        """Add a chunk. Raises: WireError: more than was announced, or nothing."""
        if not chunk or len(self._data) + len(chunk) > self.name.size_bytes:
            raise WireError("a state is not as long as was said")
        self._data += chunk

    def view(self) -> memoryview:
        """The bytes, without another copy."""
        return memoryview(self._data)


def _sane(value: object) -> bool:
    """Numbers that a window would choke on: negative counts, NaN, shares over 1."""
    if isinstance(value, Loading):
        return 0.0 <= value.fraction <= 1.0
    if isinstance(value, Prefill):
        return 0 <= value.done <= value.total
    if isinstance(value, TextDelta | ReasoningDelta):
        return value.tokens >= 0
    if isinstance(value, Shifted):
        return value.dropped >= 0
    if isinstance(value, Started):
        counts = (value.prompt_tokens, value.cached_tokens, value.context_length, value.dropped)
        place = value.placement
        return min(*counts, place.layers, place.layers_on_gpu) >= 0
    if isinstance(value, Finished):
        return _sane_usage(value.usage) and _sane_timings(value.timings)
    if isinstance(value, Fit):
        speed = value.tokens_per_second
        return speed is None or 0.0 <= speed < _LONGEST_S
    return True


def _sane_usage(usage: Usage) -> bool:
    return min(usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens) >= 0


def _sane_timings(timings: Timings) -> bool:
    numbers = (timings.load_s, timings.first_token_s, timings.tokens_per_second)
    return all(math.isfinite(n) and 0.0 <= n < _LONGEST_S for n in numbers)
