"""What happens while an answer is made, as values that cross threads and, later, processes.

A run is: `Queued`? `Loading`* `Started` `Prefill`* (`TextDelta` | `ReasoningDelta` | `ToolCall` |
`Shifted` | `Paused` | `Resumed`)* and exactly one of `Finished` or `Failed`. Errors travel as
`Failed`; they are never raised across threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from snug.domain.errors import Remedy
from snug.domain.model import Placement


class StopReason(StrEnum):
    """Why an answer ended."""

    END = "end"  # the model ended its turn
    LENGTH = "length"  # token limit or context full
    STOPPED = "stopped"  # the person stopped it
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts of one answer. `cached_tokens` of the prompt were not read again."""

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Timings:
    """Durations of one answer in seconds, and decode speed in tokens per second.

    `load_s` is 0 where the model was already loaded. `first_token_s` runs from the request
    reaching the engine (after loading) to its first token.
    """

    load_s: float
    first_token_s: float
    tokens_per_second: float


@dataclass(frozen=True, slots=True)
class Loading:
    """The model is being read from disk; `fraction` in [0, 1]."""

    model: str
    fraction: float


@dataclass(frozen=True, slots=True)
class Started:
    """The answer begins: the model is loaded and the prompt rendered.

    Attributes:
        dropped: how many of the oldest messages did not fit and were left out.
    """

    model: str
    placement: Placement
    prompt_tokens: int
    cached_tokens: int
    context_length: int
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Prefill:
    """`done` of `total` new prompt tokens have been read."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token and the natural logarithm of its probability, before any sampler but temperature 1.

    Attributes:
        spelling: its bytes; may end inside a character.
        top: the likeliest tokens at this place, likeliest first, as (spelling, logprob).
    """

    spelling: bytes
    logprob: float
    top: tuple[tuple[bytes, float], ...] = ()


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More visible text, with the `logprobs` of its tokens where they were asked for."""

    text: str
    tokens: int = 1
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More of the model's thinking."""

    text: str
    tokens: int = 1


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a tool; `arguments` is its JSON text, unchecked."""

    name: str
    arguments: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Shifted:
    """The context was full while the answer was made; it goes on without more old messages.

    Attributes:
        dropped: how many of the oldest messages are left out now, in all.
    """

    dropped: int


@dataclass(frozen=True, slots=True)
class Paused:
    """The answer waits because it cannot be kept (disk full); nothing is lost."""

    reason: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """What made the answer wait is gone."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer ended in order."""

    usage: Usage
    stop_reason: StopReason
    timings: Timings


@dataclass(frozen=True, slots=True)
class Failed:
    """The answer ended with an error that is told to the person as it is.

    Attributes:
        remedies: what can be done about it with one click, best first.
    """

    message: str
    remedies: tuple[Remedy, ...] = ()


Event = (
    Loading
    | Started
    | Prefill
    | TextDelta
    | ReasoningDelta
    | ToolCall
    | Shifted
    | Paused
    | Resumed
    | Finished
    | Failed
)
