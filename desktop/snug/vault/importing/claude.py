"""Claude's export: `conversations.json`, a list with `chat_messages`.

Source: what the export of 2024 to 2026 holds; Anthropic documents none of it.
"""

from __future__ import annotations

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

NAME = "Claude"
_ROOT = "00000000-0000-4000-8000-000000000000"


def matches(entry: dict[str, object]) -> bool:
    """Whether this is a conversation of Claude."""
    return isinstance(entry.get("chat_messages"), list)


def read(entry: dict[str, object]) -> Loose:
    """One conversation."""
    messages = [table(value) for value in rows(entry["chat_messages"])]
    nodes = [_node(message) for message in messages]
    if not any(message.get("parent_message_uuid") for message in messages):
        nodes = chain(nodes)
    return Loose(
        program=NAME,
        key=words(entry.get("uuid")),
        nodes=nodes,
        title=words(entry.get("name")),
        created_ms=milliseconds(entry.get("created_at")),
        updated_ms=milliseconds(entry.get("updated_at")),
        leaf=words(entry.get("current_leaf_message_uuid")) or None,
        model=words(entry.get("model")),
        pinned=entry.get("is_starred") is True,
    )


def _node(message: dict[str, object]) -> Node:
    said, thought = [], []
    for block in map(table, rows(message.get("content"))):
        if block.get("type") == "text":
            said.append(words(block.get("text")))
        elif block.get("type") == "tool_use" and block.get("name") == "artifacts":
            said.append(_artifact(table(block.get("input"))))
        elif block.get("type") == "thinking":
            thought.append(words(block.get("thinking")))
    text = "\n\n".join(one for one in said if one) or words(message.get("text"))
    parent = words(message.get("parent_message_uuid"))
    return Node(
        words(message.get("uuid")),
        parent if parent and parent != _ROOT else None,
        role(message.get("sender")),
        parts("\n\n".join([text, *_attached(message)]).strip(), "\n\n".join(thought)),
        milliseconds(message.get("created_at")),
    )


def _artifact(made: dict[str, object]) -> str:
    """A document beside the chat; "" for a change of one, which the export tells as a patch."""
    content = words(made.get("content"))
    if not content:
        return ""
    language = words(made.get("language"))
    is_code = bool(language) or words(made.get("type")) == "application/vnd.ant.code"
    body = f"```{language}\n{content}\n```" if is_code else content
    return f"**{words(made.get('title')) or 'Artifact'}**\n\n{body}"


def _attached(message: dict[str, object]) -> list[str]:
    """The texts of attached files, as far as the export has them."""
    texts = []
    for one in map(table, rows(message.get("attachments"))):
        content = words(one.get("extracted_content"))
        if content:
            texts.append(f"{words(one.get('file_name')) or 'Attached'}:\n\n```\n{content}\n```")
    for one in map(table, rows(message.get("files"))):
        if name := words(one.get("file_name")):
            texts.append(f"[The file {name}, which the export leaves out]")
    return texts
