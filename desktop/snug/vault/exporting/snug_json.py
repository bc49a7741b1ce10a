"""Snug's own JSON: everything of a conversation, described in docs/EXPORT.md, and read back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from snug.domain.conversation import (
    Conversation,
    ConversationSettings,
    EarlierSummary,
    Message,
    Overflow,
    Part,
    PartKind,
    Role,
    Status,
)
from snug.domain.errors import UserError
from snug.domain.events import Timings, Usage
from snug.domain.importing import ImportedConversation
from snug.domain.model import Adapter
from snug.domain.sampling import Sampling
from snug.vault.rows import record_from, storable

FORMAT = "snug-conversations"
VERSION = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = 253_402_300_799_999  # the end of the year 9999
_MAX_TEXT = 128 * 1024**2  # characters; SQLite refuses some more


def document(trees: Iterable[ImportedConversation]) -> Iterator[bytes]:
    """The document in pieces, one conversation at a time."""
    yield f'{{"format": "{FORMAT}", "version": {VERSION}, "conversations": ['.encode()
    comma = "\n"
    for tree in trees:
        text = json.dumps(_conversation(tree), ensure_ascii=False)
        yield f"{comma}{text}".encode("utf-8", "replace")
        comma = ",\n"
    yield b"\n]}\n"


def read_document(content: bytes) -> tuple[list[ImportedConversation], list[str]]:
    """Conversations of a document, and a sentence for each that cannot be read.

    Raises:
        UserError: it is no such document, or of a newer version.
    """
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UserError("This is no export of Snug: it is not JSON.") from error
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise UserError(f'This is no export of Snug: "format" is not "{FORMAT}".')
    if whole.get("version") != VERSION or not isinstance(whole.get("conversations"), list):
        raise UserError(
            f"This export has version {str(whole.get('version'))[:20]}; this Snug reads version "
            f"{VERSION}. Update Snug and try again."
        )
    trees, problems = [], []
    for number, entry in enumerate(whole["conversations"], start=1):
        try:
            trees.append(read_conversation(entry))
        except (KeyError, TypeError, ValueError, AttributeError, UserError) as error:
            problems.append(f"Conversation {number} cannot be read ({type(error).__name__}).")
    return trees, problems


def read_conversation(entry: dict[str, Any]) -> ImportedConversation:
    """One conversation of a document.

    Raises:
        KeyError, TypeError, ValueError, AttributeError, UserError: it is not as documented.
    """
    chat = _text(entry["id"])
    if not chat:
        raise ValueError("no id")
    messages = tuple(_read_message(message, chat) for message in entry["messages"])
    seen: set[str] = set()
    for message in messages:
        if message.id in seen or not (message.parent_id is None or message.parent_id in seen):
            raise ValueError("a message stands before its parent, or twice")
        seen.add(message.id)
    leaf = entry.get("leaf_id")
    return ImportedConversation(
        Conversation(
            id=chat,
            title=_text(entry["title"]),
            created_ms=_ms(entry["created_at"]),
            updated_ms=_ms(entry["updated_at"]),
            messages=messages,
            leaf_id=leaf if leaf in seen else messages[-1].id if messages else None,
            settings=_read_settings(entry.get("settings") or {}),
            draft=_text(entry.get("draft", "")),
            summaries=tuple(map(_read_summary, entry.get("summaries", ()))),
        ),
        folder=_text(entry.get("folder") or ""),
        tags=tuple(map(_text, entry.get("tags", ()))),
        pinned=bool(entry.get("pinned")),
        archived=bool(entry.get("archived")),
    )


def _conversation(tree: ImportedConversation) -> dict[str, object]:
    whole = tree.conversation
    return {
        "id": whole.id,
        "title": whole.title,
        "created_at": iso_time(whole.created_ms),
        "updated_at": iso_time(whole.updated_ms),
        "folder": tree.folder or None,
        "tags": list(tree.tags),
        "pinned": tree.pinned,
        "archived": tree.archived,
        "leaf_id": whole.leaf_id,
        "draft": whole.draft,
        "settings": _settings(whole.settings),
        "messages": [_message(message) for message in whole.messages],
        "summaries": [_summary(summary) for summary in whole.summaries],
    }


def _settings(settings: ConversationSettings) -> dict[str, object]:
    return {
        "model": settings.model,
        "system_prompt": settings.system_prompt,
        "sampling": None if settings.sampling is None else asdict(settings.sampling),
        "adapters": [asdict(adapter) for adapter in settings.adapters],
        "overflow": settings.overflow.value,
    }


def _read_settings(entry: dict[str, Any]) -> ConversationSettings:
    model = entry.get("model")
    sampling = entry.get("sampling")
    return ConversationSettings(
        model=None if model is None else _text(model),
        system_prompt=_text(entry.get("system_prompt", "")),
        sampling=record_from(Sampling, None if sampling is None else json.dumps(sampling)),
        adapters=tuple(
            Adapter(_text(a["path"]), _text(a["sha256"]), a["scale"])
            for a in entry.get("adapters", ())
        ),
        overflow=Overflow(entry.get("overflow", "drop")),
    )


def _message(message: Message) -> dict[str, object]:
    return {
        "id": message.id,
        "parent_id": message.parent_id,
        "role": message.role.value,
        "parts": [{"kind": part.kind.value, "text": part.text} for part in message.parts],
        "status": message.status.value,
        "model": message.model,
        "created_at": iso_time(message.created_ms),
        "usage": None if message.usage is None else asdict(message.usage),
        "timings": None if message.timings is None else asdict(message.timings),
        "error": message.error,
        "pinned": message.pinned,
    }


def _read_message(entry: dict[str, Any], chat: str) -> Message:
    parent = entry["parent_id"]
    usage, timings = entry.get("usage"), entry.get("timings")
    return Message(
        id=_text(entry["id"]),
        conversation_id=chat,
        parent_id=None if parent is None else _text(parent),
        role=Role(entry["role"]),
        parts=tuple(Part(PartKind(p["kind"]), _text(p["text"])) for p in entry["parts"]),
        status=Status(entry.get("status", "complete")),
        model=_text(entry.get("model", "")),
        created_ms=_ms(entry["created_at"]),
        usage=record_from(Usage, None if usage is None else json.dumps(usage)),
        timings=record_from(Timings, None if timings is None else json.dumps(timings)),
        error=_text(entry.get("error", "")),
        pinned=bool(entry.get("pinned")),
    )


def _summary(summary: EarlierSummary) -> dict[str, object]:
    return {
        "message_id": summary.message_id,
        "text": summary.text,
        "model": summary.model,
        "created_at": iso_time(summary.created_ms),
    }


def _read_summary(entry: dict[str, Any]) -> EarlierSummary:
    return EarlierSummary(
        _text(entry["message_id"]),
        _text(entry["text"]),
        _text(entry.get("model", "")),
        _ms(entry["created_at"]),
    )


def iso_time(ms: int) -> str:
    """UTC milliseconds since the epoch as `2026-11-25T12:04:45.123Z`."""
    moment = _EPOCH + timedelta(milliseconds=min(max(ms, 0), _LAST_MS))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _ms(text: str) -> int:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - _EPOCH) // timedelta(milliseconds=1), 0)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    if len(value) > _MAX_TEXT:
        raise ValueError("a text is too long to be kept")
    return storable(value)
