"""From loose messages that name their parents to a conversation as Snug keeps it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from snug.domain.conversation import (
    Conversation,
    ConversationSettings,
    Message,
    Part,
    PartKind,
    Role,
    join_parts,
    title_from,
)
from snug.domain.importing import ImportedConversation, derived_id

_LAST_MS = 253_402_300_799_999  # the end of the year 9999
_SECONDS_UNTIL = 100_000_000_000  # a number below is seconds, one above milliseconds
_MAX_TITLE = 300
_ROLES = {
    "user": Role.USER,
    "human": Role.USER,
    "assistant": Role.ASSISTANT,
    "model": Role.ASSISTANT,
    "system": Role.SYSTEM,
}


@dataclass(frozen=True, slots=True)
class Node:
    """A message on its way in.

    Attributes:
        key, parent: as the other program names them.
        role: None for what is no message of a conversation; its children become its parent's.
    """

    key: str
    parent: str | None
    role: Role | None
    parts: tuple[Part, ...] = ()
    created_ms: int = 0
    model: str = ""


@dataclass(frozen=True, slots=True)
class Loose:
    """A conversation on its way in.

    Attributes:
        program: names the source together with `key`: the same ones give the same ids again.
        leaf: key of the message that the shown branch ends in; None for the last one.
    """

    program: str
    key: str
    nodes: Sequence[Node]
    title: str = ""
    created_ms: int = 0
    updated_ms: int = 0
    leaf: str | None = None
    system_prompt: str = ""
    model: str = ""
    folder: str = ""
    tags: tuple[str, ...] = ()
    pinned: bool = False
    archived: bool = False


def build(loose: Loose) -> ImportedConversation | None:
    """The conversation; None where no message of it is left."""
    nodes = {node.key: node for node in loose.nodes}
    order = _parents_first(nodes)
    instructions = [loose.system_prompt] if loose.system_prompt.strip() else []
    if not instructions:
        instructions = [_text(nodes[key]) for key in order if nodes[key].role is Role.SYSTEM][:1]
    kept = {key for key in order if nodes[key].role in (Role.USER, Role.ASSISTANT)}
    kept = {key for key in kept if any(part.text for part in nodes[key].parts)}
    if not kept:
        return None
    created_ms = loose.created_ms or min(nodes[key].created_ms for key in kept)
    chat = derived_id(created_ms, loose.program, loose.key)
    ids: dict[str, str] = {}  # of what stands before: in a circle, nothing is its own parent
    messages: list[Message] = []
    for key in (key for key in order if key in kept):
        node = nodes[key]
        message = Message(
            id=derived_id(node.created_ms or created_ms, chat, key),
            conversation_id=chat,
            parent_id=_kept_id(nodes, node.parent, ids),
            role=node.role or Role.USER,
            parts=node.parts,
            model=node.model if node.role is Role.ASSISTANT else "",
            created_ms=node.created_ms or created_ms,
        )
        ids[key] = message.id
        messages.append(message)
    leaf = _kept_id(nodes, loose.leaf, ids) or messages[-1].id
    title = " ".join(loose.title.split())[:_MAX_TITLE]
    return ImportedConversation(
        Conversation(
            id=chat,
            title=title or title_from(next((m.text for m in messages if m.text), "")),
            created_ms=created_ms,
            updated_ms=loose.updated_ms or max(message.created_ms for message in messages),
            messages=tuple(messages),
            leaf_id=leaf,
            settings=ConversationSettings(
                model=loose.model or None, system_prompt="".join(instructions)
            ),
        ),
        folder=" ".join(loose.folder.split())[:_MAX_TITLE],
        tags=loose.tags,
        pinned=loose.pinned,
        archived=loose.archived,
    )


def _text(node: Node) -> str:
    return "".join(part.text for part in node.parts)


def _parents_first(nodes: dict[str, Node]) -> list[str]:
    """Every key once; what goes in a circle begins where it was met first."""
    order: dict[str, None] = {}
    for key in nodes:
        path: list[str] = []
        on_path: set[str] = set()
        at: str | None = key
        while at is not None and at in nodes and at not in order and at not in on_path:
            path.append(at)
            on_path.add(at)
            at = nodes[at].parent
        for one in reversed(path):
            order[one] = None
    return list(order)


def _kept_id(nodes: dict[str, Node], key: str | None, ids: dict[str, str]) -> str | None:
    """The id of the nearest message from here towards the beginning that is kept."""
    seen: set[str] = set()
    while key is not None and key in nodes and key not in seen:
        if key in ids:
            return ids[key]
        seen.add(key)
        key = nodes[key].parent
    return None


def chain(nodes: Iterable[Node]) -> list[Node]:
    """Messages one after the other, where the other program knows no branches."""
    chained: list[Node] = []
    for node in nodes:
        parent = chained[-1].key if chained else None
        chained.append(Node(node.key, parent, node.role, node.parts, node.created_ms, node.model))
    return chained


def role(value: object) -> Role | None:
    """Whose message it is; None for tools and what is not known."""
    return _ROLES.get(value.lower()) if isinstance(value, str) else None


def words(value: object) -> str:
    """A text; "" for what is none."""
    return value if isinstance(value, str) else ""


def table(value: object) -> dict[str, object]:
    """A JSON object; an empty one for what is none."""
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[object]:
    """A JSON array; an empty one for what is none."""
    return value if isinstance(value, list) else []


def parts(text: str, reasoning: str = "") -> tuple[Part, ...]:
    """What a message says, after what was thought before it."""
    return join_parts(
        part
        for part in (Part(PartKind.REASONING, reasoning), Part(PartKind.TEXT, text))
        if part.text
    )


def milliseconds(value: object) -> int:
    """UTC milliseconds of a number (seconds or milliseconds) or an ISO time; 0 for what is none."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            try:
                value = float(value)
            except ValueError:
                return 0
        else:
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return max(0, int(moment.timestamp() * 1000))
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return 0
    scaled = value * 1000 if value < _SECONDS_UNTIL else value
    return max(0, min(int(scaled), _LAST_MS))
