"""Jan: a folder for each thread, with `thread.json` and `messages.jsonl`.

Source: https://jan.ai/docs (data folder), and threads of Jan 0.5 to 0.7.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from snug.vault.importing.building import (
    Loose,
    Node,
    chain,
    milliseconds,
    parts,
    role,
    rows,
    table,
    words,
)

NAME = "Jan"
_THOUGHT = re.compile(r"<think>(.*?)</think>", re.DOTALL)


def matches(thread: dict[str, object]) -> bool:
    """Whether this is a `thread.json`."""
    return thread.get("object") == "thread" or isinstance(thread.get("assistants"), list)


def read(thread: dict[str, object], messages: Iterable[dict[str, object]]) -> Loose:
    """One thread with the lines of its messages."""
    assistant = next(iter(map(table, rows(thread.get("assistants")))), {})
    model = words(table(assistant.get("model")).get("id")) or words(
        table(thread.get("model")).get("id")
    )
    nodes = [_node(number, message, model) for number, message in enumerate(messages)]
    metadata = table(thread.get("metadata"))
    return Loose(
        program=NAME,
        key=words(thread.get("id")),
        nodes=chain(nodes),
        title=words(thread.get("title")) or words(metadata.get("title")),
        created_ms=milliseconds(thread.get("created")),
        updated_ms=milliseconds(thread.get("updated")),
        system_prompt=words(assistant.get("instructions")),
        model=model,
        pinned=metadata.get("is_favorite") is True or thread.get("isFavorite") is True,
    )


def _node(number: int, message: dict[str, object], model: str) -> Node:
    said = []
    for block in map(table, rows(message.get("content"))):
        text = block.get("text")
        said.append(words(text) or words(table(text).get("value")))
    text = "\n\n".join(one for one in said if one)
    thoughts = [found.strip() for found in _THOUGHT.findall(text)]
    return Node(
        words(message.get("id")) or f"#{number}",
        None,
        role(message.get("role")),
        parts(_THOUGHT.sub("", text).lstrip() if thoughts else text, "\n\n".join(thoughts)),
        milliseconds(message.get("created_at")) or milliseconds(message.get("created")),
        words(table(message.get("metadata")).get("modelId")) or model,
    )
