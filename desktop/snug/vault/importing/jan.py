"""Jan: a folder for each thread, with `thread.json` and `messages.jsonl`.

Source: https://jan.ai/docs (data folder), and threads of Jan 0.5 to 0.7; `message-branching.ts`
of janhq/jan for the branches of later ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from snug.domain.conversation import Role
from snug.vault.importing.building import (
    Loose,
    Node,
    chain,
    milliseconds,
    parts,
    role,
    rows,
    set_apart,
    table,
    words,
)

NAME = "Jan"


def matches(thread: dict[str, object]) -> bool:
    """Whether this is a `thread.json`."""
    return thread.get("object") == "thread" or isinstance(thread.get("assistants"), list)


def read(thread: dict[str, object], messages: Iterable[dict[str, object]]) -> Loose:
    """One thread with the lines of its messages."""
    assistant = next(iter(map(table, rows(thread.get("assistants")))), {})
    model = words(table(assistant.get("model")).get("id")) or words(
        table(thread.get("model")).get("id")
    )
    listed = list(messages)
    nodes = [_node(message, model) for message in listed]
    branched = any("parentId" in _about(message) for message in listed)
    nodes = _answered(nodes) if branched else chain(nodes)
    metadata = table(thread.get("metadata"))
    return Loose(
        program=NAME,
        key=words(thread.get("id")),
        nodes=nodes,
        leaf=_leaf(nodes, listed) if branched else None,
        title=words(thread.get("title")) or words(metadata.get("title")),
        created_ms=milliseconds(thread.get("created")),
        updated_ms=milliseconds(thread.get("updated")),
        system_prompt=words(assistant.get("instructions")),
        model=model,
        pinned=metadata.get("is_favorite") is True or thread.get("isFavorite") is True,
    )


def _node(message: dict[str, object], model: str) -> Node:
    said: list[str] = []
    thoughts: list[str] = []
    for block in map(table, rows(message.get("content"))):
        text = words(block.get("text")) or words(table(block.get("text")).get("value"))
        (thoughts if block.get("type") == "reasoning" else said).append(text)
    text = "\n\n".join(one for one in said if one)
    rest, inside = set_apart(text, "<think>", "</think>")
    inside = [one.strip() for one in inside]
    metadata = _about(message)
    return Node(
        words(message.get("id")),
        words(metadata.get("parentId")) or None,
        role(message.get("role")),
        parts(rest.lstrip() if inside else text, "\n\n".join(thoughts + inside)),
        milliseconds(message.get("created_at")) or milliseconds(message.get("created")),
        words(metadata.get("modelId")) or model,
    )


def _about(message: dict[str, object]) -> dict[str, object]:
    return table(message.get("metadata"))


def _answered(nodes: list[Node]) -> list[Node]:
    """Where Jan lost what an answer answers, it is the question before it (its own repair, too)."""
    mended: list[Node] = []
    asked: str | None = None
    for node in nodes:
        lost = node.role is Role.ASSISTANT and node.parent is None
        mended.append(replace(node, parent=asked) if lost else node)
        if node.role is Role.USER:
            asked = node.key or asked
    return mended


def _leaf(nodes: list[Node], messages: list[dict[str, object]]) -> str | None:
    """The end of the shown branch: from the newest beginning, the chosen child or the newest."""
    newest: dict[str | None, tuple[int, str]] = {}
    for node in nodes:
        if node.created_ms >= newest.get(node.parent, (0, ""))[0]:
            newest[node.parent] = (node.created_ms, node.key)
    parents = {node.key: node.parent for node in nodes}
    chosen = {words(one.get("id")): words(_about(one).get("activeChildId")) for one in messages}
    at: str | None = None
    seen: set[str] = set()
    while at in newest:
        below = chosen.get(at, "") if at is not None else ""
        below = below if at is not None and parents.get(below) == at else newest[at][1]
        if below in seen:
            break
        seen.add(below)
        at = below
    return at
