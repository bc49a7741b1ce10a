"""Cherry Studio's backup: a zip whose `data.json` is a copy of its browser storage.

Source: backups of Cherry Studio 1.x; its makers document none of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from snug.domain.conversation import Part, PartKind, join_parts
from snug.vault.importing.building import (
    Loose,
    Node,
    milliseconds,
    role,
    rows,
    table,
    words,
)

NAME = "Cherry Studio"
_STATE = "persist:cherry-studio"


def matches(whole: dict[str, object]) -> bool:
    """Whether this is such a backup."""
    return isinstance(table(whole.get("indexedDB")).get("topics"), list)


def read(whole: dict[str, object]) -> Iterator[Loose]:
    """Every topic."""
    stored = table(whole.get("indexedDB"))
    blocks = {words(block.get("id")): block for block in map(table, rows(_blocks(stored)))}
    names = _topics(table(whole.get("localStorage")))
    for topic in map(table, rows(stored.get("topics"))):
        key = words(topic.get("id"))
        about, assistant = names.get(key, ({}, {}))
        nodes, leaf = _nodes([table(one) for one in rows(topic.get("messages"))], blocks)
        yield Loose(
            program=NAME,
            key=key,
            nodes=nodes,
            title=words(about.get("name")),
            created_ms=milliseconds(about.get("createdAt")),
            updated_ms=milliseconds(about.get("updatedAt")),
            leaf=leaf,
            system_prompt=words(about.get("prompt")) or words(assistant.get("prompt")),
            folder=words(assistant.get("name")),
            pinned=about.get("pinned") is True,
        )


def _blocks(stored: dict[str, object]) -> object:
    return stored.get("message_blocks") or stored.get("messageBlocks")


def _topics(
    storage: dict[str, object],
) -> dict[str, tuple[dict[str, object], dict[str, object]]]:
    """What is said of each topic, and the assistant that it belongs to."""
    try:
        state = table(json.loads(words(storage.get(_STATE)) or "{}"))
        assistants = state.get("assistants")
        if isinstance(assistants, str):
            assistants = json.loads(assistants)
    except (ValueError, RecursionError):
        return {}
    found = {}
    for assistant in map(table, rows(table(assistants).get("assistants"))):
        for topic in map(table, rows(assistant.get("topics"))):
            found[words(topic.get("id"))] = (topic, assistant)
    return found


def _nodes(
    messages: list[dict[str, object]], blocks: dict[str, dict[str, object]]
) -> tuple[list[Node], str | None]:
    """The messages, and where the shown branch ends.

    Answers of several models to one question are branches of it; the chosen one goes on.
    """
    nodes: list[Node] = []
    parent: str | None = None
    asked: str | None = None
    for number, message in enumerate(messages):
        key = words(message.get("id")) or f"#{number}"
        asks = words(message.get("askId"))
        beside = asks and asks == asked and nodes and nodes[-1].role is role("assistant")
        above = nodes[-1].parent if beside else parent
        nodes.append(_node(key, above, message, blocks))
        if not beside or message.get("foldSelected") is True:
            parent = key
        if message.get("role") != "user":
            asked = asks
    return nodes, parent


def _node(
    key: str,
    parent: str | None,
    message: dict[str, object],
    blocks: dict[str, dict[str, object]],
) -> Node:
    said: list[Part] = []
    for block in (blocks.get(words(one), {}) for one in rows(message.get("blocks"))):
        kind = block.get("type")
        text = words(block.get("content"))
        if kind == "thinking" and text:
            said.append(Part(PartKind.REASONING, text))
        elif kind in ("main_text", "code", "error") and text:
            said.append(Part(PartKind.TEXT, text))
    if not said and (text := words(message.get("content"))):
        if thought := words(message.get("reasoning_content")):
            said.append(Part(PartKind.REASONING, thought))
        said.append(Part(PartKind.TEXT, text))
    model = table(message.get("model"))
    return Node(
        key,
        parent,
        role(message.get("role")),
        join_parts(said),
        milliseconds(message.get("createdAt")),
        words(model.get("name")) or words(model.get("id")),
    )
