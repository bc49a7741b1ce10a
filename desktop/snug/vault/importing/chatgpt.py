"""ChatGPT's export: `conversations.json`, a list of trees.

Source: what the export of 2023 to 2026 holds; OpenAI documents none of it.
"""

from __future__ import annotations

import json
import re

from snug.domain.conversation import Role
from snug.vault.importing.building import (
    Loose,
    Node,
    milliseconds,
    parts,
    role,
    rows,
    table,
    words,
)

NAME = "ChatGPT"
_MARK = re.compile("\ue200([^\ue200\ue201]*)\ue201")  # its kind and fields, with U+E202 between
_REFERENCE = re.compile(r"turn\d+[a-z_]+\d+")  # to what a tool found, which the file does not hold
_WITHOUT_WORDS = ("cite", "filecite", "genui", "image_group")
_CANVAS = "canmore.create_textdoc"
_HIDDEN = ("user_editable_context", "model_editable_context")
_PICTURE = "[A picture, which Snug does not bring over]"


def matches(entry: dict[str, object]) -> bool:
    """Whether this is a conversation of ChatGPT."""
    return isinstance(entry.get("mapping"), dict)


def read(entry: dict[str, object]) -> Loose:
    """One conversation."""
    mapping = table(entry["mapping"])
    nodes = [_node(key, table(value)) for key, value in mapping.items()]
    return Loose(
        program=NAME,
        key=words(entry.get("conversation_id")) or words(entry.get("id")) or _first(mapping),
        nodes=nodes,
        title=words(entry.get("title")),
        created_ms=milliseconds(entry.get("create_time")),
        updated_ms=milliseconds(entry.get("update_time")),
        leaf=words(entry.get("current_node")) or None,
        model=words(entry.get("default_model_slug")),
        pinned=entry.get("is_starred") is True,
        archived=entry.get("is_archived") is True,
    )


def _first(mapping: dict[str, object]) -> str:
    return next(iter(mapping), "")


def _node(key: str, value: dict[str, object]) -> Node:
    parent = words(value.get("parent")) or None
    message = table(value.get("message"))
    content = table(message.get("content"))
    whose = role(table(message.get("author")).get("role"))
    text, reasoning = _said(content)
    recipient = words(message.get("recipient"))
    canvas = _canvas(text) if recipient == _CANVAS else ""
    text = canvas or _MARK.sub(_words_of_mark, text)
    metadata = table(message.get("metadata"))
    hidden = metadata.get("is_visually_hidden_from_conversation") is True
    to_a_tool = recipient not in ("", "all") and not canvas
    if hidden or content.get("content_type") in _HIDDEN or to_a_tool:
        whose = None
    if whose is Role.SYSTEM and not text.strip():
        whose = None
    return Node(
        key,
        parent,
        whose,
        parts(text, reasoning),
        milliseconds(message.get("create_time")),
        words(metadata.get("model_slug")),
    )


def _said(content: dict[str, object]) -> tuple[str, str]:
    """Text and reasoning of a message."""
    kind = content.get("content_type")
    if kind == "thoughts":
        thoughts = map(table, rows(content.get("thoughts")))
        return "", "\n\n".join(words(one.get("content")) for one in thoughts)
    if kind == "reasoning_recap":
        return "", ""
    if isinstance(content.get("text"), str):
        return _as_code(words(content["text"]), words(content.get("language"))), ""
    said = []
    for part in rows(content.get("parts")):
        if isinstance(part, str):
            said.append(part)
        elif table(part).get("content_type") == "audio_transcription":
            said.append(words(table(part).get("text")))
        elif isinstance(part, dict):
            said.append(words(part.get("text")) or _PICTURE)
    return "\n\n".join(one for one in said if one), ""


def _words_of_mark(mark: re.Match[str]) -> str:
    """What a mark shows in its place: the name of an entity, the words of a link."""
    kind, *fields = mark[1].split("\ue202")
    if kind in _WITHOUT_WORDS or not fields:
        return ""
    label = fields[0]
    if kind == "entity":
        try:
            entity = json.loads(label)
        except (ValueError, RecursionError):
            return label
        return words(entity[1]) if isinstance(entity, list) and len(entity) > 1 else label
    if _REFERENCE.fullmatch(label):
        return ""
    target = fields[1] if len(fields) > 1 else ""
    return f"[{label}]({target})" if target.startswith(("https://", "http://")) else label


def _canvas(text: str) -> str:
    """The document that was begun beside the chat; "" where it cannot be read."""
    try:
        made = table(json.loads(text))
    except (ValueError, RecursionError):
        return ""
    title, content = words(made.get("name")), words(made.get("content"))
    kind, _, language = words(made.get("type")).partition("/")
    body = _as_code(content, language or "text") if kind == "code" else content
    return f"**{title}**\n\n{body}" if title and content else body


def _as_code(text: str, language: str) -> str:
    if not text or language in ("", "unknown"):
        return text
    return f"```{language}\n{text}\n```"
