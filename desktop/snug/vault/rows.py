"""Between the values of the domain and the columns of the database.

The visible text of a message is one column, so that search can read it. `layout` is NULL for a
message that is nothing else; otherwise it is a JSON list of its parts in order, a text part being
the number of its characters in that column: `[["reasoning", "Let me see."], ["text", 120]]`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, fields
from typing import Any, TypeVar

from snug.domain.conversation import (
    ConversationSettings,
    ConversationSummary,
    Message,
    Overflow,
    Part,
    PartKind,
    Role,
    Status,
    join_parts,
)
from snug.domain.errors import UserError
from snug.domain.events import Timings, Usage
from snug.domain.model import Adapter
from snug.domain.sampling import Sampling

Record = TypeVar("Record", Usage, Timings, Sampling)

# In the order in which `message_from` reads the columns.
SELECT_MESSAGES = """SELECT seq, id, parent, role, status, model, created_ms, text, layout, usage,
        timings, error, pinned
    FROM messages WHERE conversation = ? ORDER BY seq"""


def storable(text: str) -> str:
    """The text as UTF-8 can hold it: a lone half of a surrogate pair becomes U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def text_and_layout(parts: Iterable[Part]) -> tuple[str, str | None]:
    """What the columns `text` and `layout` hold for these parts."""
    joined = [Part(part.kind, storable(part.text)) for part in join_parts(parts)]
    text = "".join(part.text for part in joined if part.kind is PartKind.TEXT)
    if all(part.kind is PartKind.TEXT for part in joined):
        return text, None
    layout = [
        [part.kind.value, len(part.text) if part.kind is PartKind.TEXT else part.text]
        for part in joined
    ]
    return text, json.dumps(layout, ensure_ascii=False, separators=(",", ":"))


def parts_from(text: str, layout: str | None, journal: Iterable[Part] = ()) -> tuple[Part, ...]:
    """The parts of a message, with what its journal holds at the end."""
    if layout is None:
        return join_parts((Part(PartKind.TEXT, text), *journal))
    parts: list[Part] = []
    position = 0
    for kind, content in json.loads(layout):
        if isinstance(content, int):
            parts.append(Part(PartKind(kind), text[position : position + content]))
            position += content
        else:
            parts.append(Part(PartKind(kind), content))
    return join_parts((*parts, *journal))


def summary_from(row: tuple[Any, ...]) -> ConversationSummary:
    """A row of the list: id, title, time, count, folder, pinned, archived, trashed, tags."""
    conversation_id, title, updated_ms, count, folder, pinned, archived, trashed_ms, tags = row
    return ConversationSummary(
        id=conversation_id,
        title=title,
        updated_ms=updated_ms,
        message_count=count,
        folder_id=folder,
        pinned=bool(pinned),
        archived=bool(archived),
        tags=tuple(json.loads(tags)),
        trashed_ms=trashed_ms,
    )


def message_from(
    row: tuple[Any, ...], conversation_id: str, parent_id: str | None, journal: Iterable[Part]
) -> Message:
    """A message from a row of `SELECT_MESSAGES`."""
    _, message_id, _, role, status, model, created_ms, text, layout, *rest = row
    usage, timings, error, pinned = rest
    return Message(
        id=message_id,
        conversation_id=conversation_id,
        parent_id=parent_id,
        role=Role(role),
        parts=parts_from(text, layout, journal),
        status=Status(status),
        model=model,
        created_ms=created_ms,
        usage=record_from(Usage, usage),
        timings=record_from(Timings, timings),
        error=error,
        pinned=bool(pinned),
    )


def settings_text(settings: ConversationSettings) -> str | None:
    """The column `settings`; NULL where nothing was chosen."""
    if settings == ConversationSettings():
        return None
    sampling = settings.sampling
    document = {
        "model": None if settings.model is None else storable(settings.model),
        "system_prompt": storable(settings.system_prompt),
        "sampling": None if sampling is None else asdict(sampling),
        "adapters": [[storable(a.path), a.sha256, a.scale] for a in settings.adapters],
        "overflow": settings.overflow.value,
    }
    return storable(json.dumps(document, ensure_ascii=False))


def settings_from(column: str | None) -> ConversationSettings:
    """The settings of a conversation; what this version does not know is passed over."""
    if column is None:
        return ConversationSettings()
    document = json.loads(column)
    sampling = document.get("sampling")
    overflow = document.get("overflow")
    return ConversationSettings(
        model=document.get("model"),
        system_prompt=document.get("system_prompt", ""),
        sampling=None if sampling is None else record_from(Sampling, json.dumps(sampling)),
        adapters=tuple(Adapter(*entry) for entry in document.get("adapters", ())),
        overflow=Overflow(overflow) if overflow in tuple(Overflow) else Overflow.DROP,
    )


def _frozen(value: Any) -> Any:
    """A JSON value with tuples for lists, as records hold them."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def record_text(record: Usage | Timings | None) -> str | None:
    """A record of numbers as JSON; None stays NULL."""
    return None if record is None else json.dumps(asdict(record))


def record_from(kind: type[Record], column: str | None) -> Record | None:
    """A record of numbers from its JSON; None where it is NULL or of no use to this version."""
    if column is None:
        return None
    known = {field.name: str(field.type) for field in fields(kind)}
    numbers = {n: _frozen(value) for n, value in json.loads(column).items() if n in known}
    if any(isinstance(value, str) and "str" not in known[n] for n, value in numbers.items()):
        return None
    try:
        return kind(**numbers)
    except (TypeError, UserError):
        return None
