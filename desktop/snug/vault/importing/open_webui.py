"""Open WebUI's export: a list of chats whose `history` is a tree.

Source: https://docs.openwebui.com (import and export of chats), and exports of 2024 to 2026.
"""

from __future__ import annotations

import html
import re

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

NAME = "Open WebUI"
_THOUGHT = '<details type="reasoning"'


def matches(entry: dict[str, object]) -> bool:
    """Whether this is a chat of Open WebUI, or the bare chat of an older one."""
    chat = table(entry.get("chat")) or entry
    return isinstance(chat.get("history"), dict)


def read(entry: dict[str, object]) -> Loose:
    """One chat."""
    chat = table(entry.get("chat")) or entry
    history = table(chat["history"])
    nodes = [_node(key, table(value)) for key, value in table(history.get("messages")).items()]
    if not nodes:
        listed = map(table, rows(chat.get("messages")))
        nodes = chain(_node(words(message.get("id")), message) for message in listed)
    models = [words(name) for name in rows(chat.get("models"))]
    created_ms = milliseconds(entry.get("created_at")) or milliseconds(chat.get("timestamp"))
    return Loose(
        program=NAME,
        key=words(entry.get("id")) or words(chat.get("id")) or _first(nodes),
        nodes=nodes,
        title=words(entry.get("title")) or words(chat.get("title")),
        created_ms=created_ms,
        updated_ms=milliseconds(entry.get("updated_at")),
        leaf=words(history.get("currentId")) or None,
        system_prompt=words(table(chat.get("params")).get("system")) or words(chat.get("system")),
        model=models[0] if models else "",
        tags=tuple(_tags(entry, chat)),
        pinned=entry.get("pinned") is True,
        archived=entry.get("archived") is True,
    )


def _first(nodes: list[Node]) -> str:
    return nodes[0].key if nodes else ""


def _tags(entry: dict[str, object], chat: dict[str, object]) -> list[str]:
    given = rows(table(entry.get("meta")).get("tags")) or rows(chat.get("tags"))
    names = (words(one) or words(table(one).get("name")) for one in given)
    return [name for name in names if name.strip()]


def _node(key: str, message: dict[str, object]) -> Node:
    content = message.get("content")
    if isinstance(content, list):  # text and pictures
        text = "\n\n".join(words(table(part).get("text")) for part in content)
    else:
        text = words(content)
    rest, folded = set_apart(text, _THOUGHT, "</details>")
    thoughts = [html.unescape(_quoted(_unfolded(one))) for one in folded]
    return Node(
        key,
        words(message.get("parentId")) or None,
        role(message.get("role")),
        parts(rest.strip() if thoughts else text, "\n\n".join(thoughts)),
        milliseconds(message.get("timestamp")),
        words(message.get("model")),
    )


def _unfolded(thought: str) -> str:
    """What stands below its heading; `thought` begins inside the opening tag."""
    below = thought.partition(">")[2].lstrip()
    return below.partition("</summary>")[2] if below.startswith("<summary>") else below


def _quoted(thought: str) -> str:
    """Its lines without the > that Open WebUI puts in front of each."""
    lines = thought.strip().splitlines()
    return "\n".join(re.sub(r"^(>|&gt;) ?", "", line) for line in lines)
