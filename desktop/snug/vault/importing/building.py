"""From loose messages that name their parents to a conversation as Snug keeps it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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
_MAX_TEXT = 32 * 1024**2  # characters of a message; SQLite refuses some more
_DIGITS = 20  # of a key that is made from what a message says
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
        key, parent: as the other program names them. A key of "" is made from what was said up to
            here, so that the same words give the same key again and other words give another.
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
        program: names the source together with `key`: the same ones give the same ids again. A
            key of "" is made from the first message.
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
    """The conversation; None where no message of it is left.

    Raises:
        ValueError: a message is too long to be kept.
    """
    nodes = {node.key: node for node in _named(loose.nodes)}
    order = _parents_first(nodes)
    kept = [key for key in order if nodes[key].role in (Role.USER, Role.ASSISTANT)]
    kept = [key for key in kept if any(part.text for part in nodes[key].parts)]
    if not kept:
        return None
    for key in kept:
        _check_length(nodes[key])
    created_ms = loose.created_ms or min(nodes[key].created_ms for key in kept)
    own_key = loose.key or _digest(kept[0], _text(nodes[kept[0]]))
    chat = derived_id(created_ms, loose.program, own_key)
    messages, nearest = _messages(nodes, order, set(kept), chat, created_ms)
    title = " ".join(loose.title.split())[:_MAX_TITLE]
    return ImportedConversation(
        Conversation(
            id=chat,
            title=title or title_from(next((m.text for m in messages if m.text), "")),
            created_ms=created_ms,
            updated_ms=loose.updated_ms or max(message.created_ms for message in messages),
            messages=tuple(messages),
            leaf_id=nearest.get(loose.leaf or "") or messages[-1].id,
            settings=ConversationSettings(
                model=loose.model or None, system_prompt=_instructions(loose, nodes, order)
            ),
        ),
        folder=" ".join(loose.folder.split())[:_MAX_TITLE],
        tags=loose.tags,
        pinned=loose.pinned,
        archived=loose.archived,
    )


def _messages(
    nodes: dict[str, Node], order: Sequence[str], kept: set[str], chat: str, created_ms: int
) -> tuple[list[Message], dict[str, str | None]]:
    """The messages that are kept, and for each key the id of the nearest of them from there up."""
    messages: list[Message] = []
    nearest: dict[str, str | None] = {}  # of what stands before: in a circle, nothing is its own
    for key in order:
        node = nodes[key]
        above = nearest.get(node.parent) if node.parent is not None else None
        nearest[key] = above
        if key in kept:
            message = Message(
                id=derived_id(node.created_ms or created_ms, chat, key),
                conversation_id=chat,
                parent_id=above,
                role=node.role or Role.USER,
                parts=node.parts,
                model=node.model if node.role is Role.ASSISTANT else "",
                created_ms=node.created_ms or created_ms,
            )
            messages.append(message)
            nearest[key] = message.id
    return messages, nearest


def _instructions(loose: Loose, nodes: dict[str, Node], order: Sequence[str]) -> str:
    if loose.system_prompt.strip():
        return loose.system_prompt
    said = (_text(nodes[key]) for key in order if nodes[key].role is Role.SYSTEM)
    return next(said, "")


def _check_length(node: Node) -> None:
    length = sum(len(part.text) for part in node.parts)
    if length > _MAX_TEXT:
        raise ValueError(f"a message has {length:,} characters; {_MAX_TEXT:,} can be kept")


def _named(nodes: Iterable[Node]) -> list[Node]:
    """Every node under a key that no other has: no message goes because two have one name."""
    named: list[Node] = []
    taken: set[str] = set()
    times: dict[str, int] = {}
    for node in nodes:
        before = node.parent or (named[-1].key if named else "")
        wanted = key = node.key or key_of(before, node.role, node.parts)
        while key in taken:
            times[wanted] = times.get(wanted, 1) + 1
            key = f"{wanted}#{times[wanted]}"
        taken.add(key)
        named.append(node if key == node.key else replace(node, key=key))
    return named


def key_of(before: str, whose: Role | None, said: Iterable[Part]) -> str:
    """The key of a message that has none, from what stands before it and what it says."""
    return _digest(before, whose or "", *(part.text for part in said))


def _digest(*texts: str) -> str:
    joined = "\0".join(texts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).hexdigest()[:_DIGITS]


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


def chain(nodes: Iterable[Node]) -> list[Node]:
    """Messages one after the other, where the other program knows no branches."""
    chained: list[Node] = []
    for node in _named(nodes):
        chained.append(replace(node, parent=chained[-1].key if chained else None))
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


def set_apart(text: str, opening: str, closing: str) -> tuple[str, list[str]]:
    """A text without what stands between two marks, and what did, in order.

    An opening mark that nothing closes stays. In time that grows with the text alone.
    """
    rest: list[str] = []
    inside: list[str] = []
    at = 0
    while (start := text.find(opening, at)) >= 0:
        end = text.find(closing, start + len(opening))
        if end < 0:
            break
        rest.append(text[at:start])
        inside.append(text[start + len(opening) : end])
        at = end + len(closing)
    return "".join([*rest, text[at:]]), inside
