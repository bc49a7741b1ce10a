"""What the engine is asked, and how much of it fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from snug.domain.conversation import Overflow as Overflow
from snug.domain.conversation import Role
from snug.domain.events import ToolCall
from snug.domain.model import Adapter, LoadOptions, ModelFile
from snug.domain.sampling import Sampling

ANSWER_RESERVE = 512  # tokens kept free for the answer; at most a quarter of the context
MAX_TOP_LOGPROBS = 20


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """One turn as the chat template sees it.

    Attributes:
        pinned: it is never left out when the context is full.
        tool_calls: what an answer asked for.
        tool_call_id: for Role.TOOL, the call that this is the result of.
        name: for Role.TOOL, the function that gave the result.
    """

    role: Role
    text: str
    pinned: bool = False
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    name: str = ""


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
        conversation: id under which the KV state of this prompt is kept warm; "" keeps nothing.
        keep: whether that state may also be given to the keeper, to outlive this process.
        parallel: answered together with others, each sequence on its own, behind the one that a
            person waits for.
        adapters: LoRA adapters that change the model for this answer.
        tools: JSON list of the functions that the model may call, as `check_tools` gives it; ""
            for none.
        thinking: whether a model that can do both thinks first; None leaves it to its template.
        top_logprobs: how many of the likeliest tokens are told with each token, at most 20; None
            tells nothing.
        lookup: whether repetitions of the prompt may be guessed ahead.
        overflow: what to do when the conversation is longer than the context.
    """

    model: ModelFile
    messages: tuple[PromptMessage, ...]
    sampling: Sampling | None = None
    load: LoadOptions = field(default_factory=LoadOptions)
    answer_start: str = ""
    thinking_start: str = ""
    stop: tuple[str, ...] = ()
    schema: str = ""
    conversation: str = ""
    keep: bool = False
    parallel: bool = False
    adapters: tuple[Adapter, ...] = ()
    tools: str = ""
    thinking: bool | None = None
    top_logprobs: int | None = None
    overflow: Overflow = Overflow.DROP
    lookup: bool = True


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

    Turns go by exchanges: a message of the person and what answered it. An exchange with a pinned
    message stays whole, so that what is left begins with the person and takes turns as before. The
    system message stays, and so does the newest message of the person.

    Returns:
        Counts in rising order, starting with 0.
    """
    steps = [0]
    for exchange in _exchanges(messages)[:-1]:
        if not _is_pinned(exchange):
            steps.append(steps[-1] + len(exchange))
    return tuple(steps)


def drop_oldest(messages: Sequence[PromptMessage], count: int) -> tuple[PromptMessage, ...]:
    """The messages without the `count` oldest of those that may go: neither system nor pinned."""
    left = [m for m in messages if m.role is Role.SYSTEM]
    for exchange in _exchanges(messages):
        gone = 0 if _is_pinned(exchange) else min(count, len(exchange))
        count -= gone
        left += exchange[gone:]
    return tuple(left)


def _exchanges(messages: Sequence[PromptMessage]) -> list[list[PromptMessage]]:
    """The turns, cut before each message of the person."""
    exchanges: list[list[PromptMessage]] = []
    for message in messages:
        if message.role is Role.SYSTEM:
            continue
        if message.role is Role.USER or not exchanges:
            exchanges.append([])
        exchanges[-1].append(message)
    return exchanges


def _is_pinned(exchange: Sequence[PromptMessage]) -> bool:
    return any(message.pinned for message in exchange)
