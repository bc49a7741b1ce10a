"""Conversations on their way out: formats, options, and what of a conversation goes along."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from snug.domain.conversation import Conversation, Message, PartKind, Role, Status, path_to
from snug.domain.importing import ImportedConversation

NOT_ENCRYPTED = (
    "This file is not encrypted: whoever can read it can read these conversations. "
    "`snug vault archive` writes an encrypted one."
)
_NAME_LENGTH = 80
_NOT_IN_NAMES = re.compile(
    r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\u200b-\u200f\u2028-\u202e\u2060-\u206f]+'
)
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


class ExportFormat(StrEnum):
    """What a conversation can be written as."""

    MARKDOWN = "markdown"
    HTML = "html"
    PDF = "pdf"
    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"

    @property
    def suffix(self) -> str:
        """How its files end, with the dot."""
        return {"markdown": ".md", "text": ".txt"}.get(self.value, f".{self.value}")

    @property
    def one_file(self) -> bool:
        """Whether many conversations go into one document; else each has a file in a zip."""
        return self in (ExportFormat.JSON, ExportFormat.JSONL)


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What goes along.

    Attributes:
        branches: every branch; else the active one alone.
        reasoning: what the model thought before it answered.
        times: when each message was written. JSON always has them.
        models: which model wrote an answer. JSON always has them.
        system_prompt: JSONL: the system prompt as first message.
    """

    format: ExportFormat
    branches: bool = True
    reasoning: bool = True
    times: bool = True
    models: bool = True
    system_prompt: bool = True


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written.

    Attributes:
        skipped: conversations or branches that could not go along (JSONL: without an answer that
            is complete).
    """

    format: ExportFormat
    conversations: int
    messages: int
    skipped: int = 0


def chosen(tree: ImportedConversation, options: ExportOptions) -> ImportedConversation:
    """The conversation with only what the options let out."""
    whole = tree.conversation
    messages = whole.messages if options.branches else whole.active_path()
    if not options.reasoning:
        messages = tuple(map(_without_reasoning, messages))
    ids = {message.id for message in messages}
    summaries = tuple(s for s in whole.summaries if s.message_id in ids)
    return replace(tree, conversation=replace(whole, messages=messages, summaries=summaries))


def branches(conversation: Conversation, every: bool) -> Iterator[tuple[Message, ...]]:
    """The active path; then, where asked for, the path to every other leaf, oldest first."""
    active = conversation.active_path()
    if active:
        yield active
    if not every:
        return
    parents = {message.parent_id for message in conversation.messages}
    for message in conversation.messages:
        if message.id not in parents and (not active or message.id != active[-1].id):
            yield path_to(conversation.messages, message.id)


def teachable(path: tuple[Message, ...]) -> tuple[Message, ...]:
    """The part of a branch to learn from: up to its last answer that is complete.

    Ends before the first message that failed, was cut short, is empty, or calls tools.
    """
    kept: list[Message] = []
    for message in path:
        whole = message.status is Status.COMPLETE and message.text.strip()
        if not whole or message.tool_calls or message.role is Role.TOOL:
            break
        kept.append(message)
    while kept and kept[-1].role is not Role.ASSISTANT:
        kept.pop()
    return tuple(kept)


def file_stem(title: str) -> str:
    """A title as a file name without its end: safe on every system, never hidden, never empty."""
    name = " ".join(_NOT_IN_NAMES.sub(" ", title).split()).strip(". ")
    while len(name.encode("utf-8", "replace")) > 2 * _NAME_LENGTH:
        name = name[:-1]
    name = name[:_NAME_LENGTH].strip(". ").encode("utf-8", "replace").decode()
    return f"{name}_" if _RESERVED.fullmatch(name) else name or "Untitled"


def _without_reasoning(message: Message) -> Message:
    parts = tuple(part for part in message.parts if part.kind is not PartKind.REASONING)
    return replace(message, parts=parts)
