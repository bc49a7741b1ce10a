"""What the engine is asked: a conversation as the messages, model and choices of one request."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from snug.domain.conversation import (
    Conversation,
    ConversationSettings,
    Message,
    Overflow,
    Part,
    PartKind,
    Role,
    now_ms,
)
from snug.domain.errors import SnugError, UserError
from snug.domain.model import ModelFile
from snug.domain.prompt import MAX_TOP_LOGPROBS, GenerationRequest, PromptMessage
from snug.domain.schema import check_schema
from snug.domain.tools import check_tools, read_call
from snug.services.models import ModelService
from snug.services.summary import spoken


@dataclass(frozen=True, slots=True)
class Extras:
    """What one answer alone is to follow or to tell; see `GenerationRequest`."""

    schema: str = ""
    top_logprobs: int | None = None
    tools: str = ""
    begin: str = ""
    model: str = ""

    @classmethod
    def checked(
        cls,
        schema: str = "",
        top_logprobs: int | None = None,
        tools: str = "",
        begin: str = "",
        model: str = "",
    ) -> Self:
        """Make them.

        Args:
            schema: JSON schema that the answer must follow; "" for free text.
            top_logprobs: as in `GenerationRequest`.
            tools: JSON list of functions that the model may ask for; nothing runs them.
            begin: the first words of the answer, put into the model's mouth.
            model: another model than the conversation's, for this answer alone; "" for none.

        Raises:
            UserError: one of them makes no sense, or two do not go together.
        """
        if top_logprobs is not None and not 0 <= top_logprobs <= MAX_TOP_LOGPROBS:
            raise UserError(
                f"From 0 to {MAX_TOP_LOGPROBS} of the likeliest tokens can be told with each; "
                f"{top_logprobs} cannot."
            )
        if begin and (schema or tools):
            raise UserError(
                "An answer that follows a schema or may ask for tools cannot be begun for it."
            )
        checked = check_schema(schema) if schema else ""
        return cls(checked, top_logprobs, check_tools(tools), begin, model)


NO_EXTRAS = Extras()


class Requests:
    """Makes requests as the person chose for a conversation, and for all. Any thread."""

    def __init__(self, models: ModelService, keeps: Callable[[str], bool] = lambda _: True) -> None:
        """Make it. `keeps` tells whether KV states of a conversation may go to the disk."""
        self._models = models
        self._keeps = keeps

    def make(
        self, conversation: Conversation, path: tuple[Message, ...], model: ModelFile
    ) -> GenerationRequest:
        """The request for an answer to the messages of a path. Raises: SnugError."""
        settings = conversation.settings
        messages = [_turn(m) for m in spoken(path)]
        if settings.system_prompt.strip():
            messages.insert(0, PromptMessage(Role.SYSTEM, settings.system_prompt))
        return GenerationRequest(
            model=model,
            messages=tuple(messages),
            sampling=settings.sampling,
            load=self._models.load_options(model),
            conversation=conversation.id,
            keep=self._keeps(conversation.id),
            lookup=self._models.settings.lookup,
            adapters=settings.adapters,
            overflow=self._overflow(settings),
        )

    def model_name(self, settings: ConversationSettings) -> str:
        """Of the model that answers next; "" where there is none (told when it is asked)."""
        with contextlib.suppress(SnugError):
            return self._models.for_conversation(settings).name
        return ""

    def _overflow(self, settings: ConversationSettings) -> Overflow:
        """What the conversation says, or else the person's choice for all."""
        chosen = settings.overflow
        return chosen if chosen is not Overflow.DROP else self._models.settings.overflow


def with_draft(conversation: Conversation, draft: str) -> tuple[Message, ...]:
    """The active path, with what is not sent yet as its last message."""
    path = conversation.active_path()
    if not draft.strip():
        return path
    unsent = Message(
        id="",
        conversation_id=conversation.id,
        parent_id=conversation.leaf_id,
        role=Role.USER,
        parts=(Part(PartKind.TEXT, draft),),
        created_ms=now_ms(),
    )
    return (*path, unsent)


def _turn(message: Message) -> PromptMessage:
    calls = tuple(read_call(text) for text in message.tool_calls)
    return PromptMessage(message.role, message.text, message.pinned, tool_calls=calls)
