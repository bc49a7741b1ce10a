"""What the engine is asked, and how much of it fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from snug.domain.conversation import Role
from snug.domain.model import LoadOptions, ModelFile
from snug.domain.sampling import Sampling

ANSWER_RESERVE = 512  # tokens kept free for the answer; at most a quarter of the context


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """One turn as the chat template sees it."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """Everything one answer needs; immutable, so that it may cross threads.

    Attributes:
        messages: system message first where there is one; the last is the person's.
        answer_start: text that the answer must begin with (continue, prefill); it is not
            repeated in the events.
        thinking_start: thinking that the answer must begin with, where no text has come yet.
        sampling: None takes the model's recommended values.
        stop: texts that end the answer; they are not part of it.
        schema: JSON schema (checked, see `check_schema`) that the answer must follow; "" for none.
    """

    model: ModelFile
    messages: tuple[PromptMessage, ...]
    sampling: Sampling | None = None
    load: LoadOptions = field(default_factory=LoadOptions)
    answer_start: str = ""
    thinking_start: str = ""
    stop: tuple[str, ...] = ()
    schema: str = ""


@dataclass(frozen=True, slots=True)
class ContextPlan:
    """What a request would take of the context, before it is sent.

    Attributes:
        prompt_tokens: of what would be sent, after dropping.
        dropped: how many of the oldest messages (not the system message) would be left out.
        overflow: the newest message alone does not fit.
    """

    prompt_tokens: int
    context_length: int
    reserve_tokens: int
    dropped: int
    overflow: bool = False


def answer_reserve(context_length: int) -> int:
    """Tokens kept free for the answer in a context of this length."""
    return min(ANSWER_RESERVE, context_length // 4)


def droppable(messages: Sequence[PromptMessage]) -> tuple[int, ...]:
    """How many of the oldest turns may be dropped, in steps that leave a valid prompt.

    Each step cuts up to the next message of the person, so that what is left begins with one. The
    system message stays, and so does the newest message of the person.

    Returns:
        Counts in rising order, starting with 0.
    """
    turns = [m for m in messages if m.role is not Role.SYSTEM]
    return (0, *(i for i, m in enumerate(turns) if i > 0 and m.role is Role.USER))


def drop_oldest(messages: Sequence[PromptMessage], count: int) -> tuple[PromptMessage, ...]:
    """The messages without the `count` oldest that are not the system message."""
    system = tuple(m for m in messages if m.role is Role.SYSTEM)
    turns = tuple(m for m in messages if m.role is not Role.SYSTEM)
    return system + turns[count:]
