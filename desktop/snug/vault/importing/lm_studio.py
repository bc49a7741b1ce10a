"""LM Studio: one `*.conversation.json` for each chat; each message has versions.

Source: files of LM Studio 0.3; its makers document none of it.
"""

from __future__ import annotations

from snug.domain.conversation import Part, PartKind, join_parts
from snug.vault.importing.building import (
    Loose,
    Node,
    key_of,
    milliseconds,
    role,
    rows,
    table,
    words,
)

NAME = "LM Studio"


def matches(entry: dict[str, object]) -> bool:
    """Whether this is a chat of LM Studio."""
    messages = rows(entry.get("messages"))
    has_versions = any(isinstance(table(one).get("versions"), list) for one in messages)
    return has_versions or (not messages and "usePerChatPredictionConfig" in entry)


def read(entry: dict[str, object]) -> Loose:
    """One chat. The versions of a message are branches; what follows hangs on the chosen one."""
    nodes: list[Node] = []
    parent: str | None = None
    model = words(table(entry.get("lastUsedModel")).get("identifier"))
    for message in map(table, rows(entry.get("messages"))):
        versions = [_node(parent, table(one), model) for one in rows(message.get("versions"))]
        nodes += versions
        chosen = message.get("currentlySelected")
        if versions:
            number = chosen if isinstance(chosen, int) and 0 <= chosen < len(versions) else 0
            parent = versions[number].key
    created_ms = milliseconds(entry.get("createdAt"))
    return Loose(
        program=NAME,
        key=f"{created_ms}" if created_ms else "",
        nodes=nodes,
        title=words(entry.get("name")),
        created_ms=created_ms,
        updated_ms=milliseconds(entry.get("assistantLastMessagedAt"))
        or milliseconds(entry.get("userLastMessagedAt")),
        leaf=parent,
        system_prompt=words(entry.get("systemPrompt")) or _configured_prompt(entry),
        model=model,
        pinned=entry.get("pinned") is True,
    )


def _configured_prompt(entry: dict[str, object]) -> str:
    """Where versions from 0.3.10 on keep it: among the settings of this chat."""
    fields = rows(table(entry.get("perChatPredictionConfig")).get("fields"))
    values = {words(one.get("key")): one.get("value") for one in map(table, fields)}
    return words(values.get("llm.prediction.systemPrompt"))


def _node(parent: str | None, version: dict[str, object], model: str) -> Node:
    said: list[Part] = []
    blocks = [version] if version.get("type") != "multiStep" else rows(version.get("steps"))
    for block in map(table, blocks):
        if block.get("type") not in ("singleStep", "contentBlock"):
            continue
        thinks = table(block.get("style")).get("type") == "thinking"
        kind = PartKind.REASONING if thinks else PartKind.TEXT
        for piece in map(table, rows(block.get("content"))):
            if text := words(piece.get("text")):
                said.append(Part(kind, text))
            elif piece.get("type") == "file" and (name := words(piece.get("name"))):
                said.append(Part(PartKind.TEXT, f"[The file {name}, which stays in LM Studio]\n"))
    sender = words(table(version.get("senderInfo")).get("senderName"))
    whose, parts = role(version.get("role")), join_parts(said)
    return Node(key_of(parent or "", whose, parts), parent, whose, parts, 0, sender or model)
