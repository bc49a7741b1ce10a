"""JSONL as for fine-tuning: each line `{"messages": [{"role", "content"}]}`.

Source: https://platform.openai.com/docs/guides/supervised-fine-tuning (chat format).
"""

from __future__ import annotations

import hashlib
import json

from snug.vault.importing.building import Loose, Node, chain, parts, role, rows, table, words

NAME = "OpenAI JSONL"


def matches(entry: dict[str, object]) -> bool:
    """Whether this is a list of messages as OpenAI's API takes it."""
    messages = rows(entry.get("messages"))
    return bool(messages) and all(
        isinstance(one, dict) and isinstance(one.get("role"), str) for one in messages
    )


def read(entry: dict[str, object]) -> Loose:
    """One conversation; it has no name of its own, so that its words are what it is known by."""
    text = json.dumps(entry.get("messages"), sort_keys=True, ensure_ascii=False)
    nodes = [
        Node(
            str(number),
            None,
            role(message.get("role")),
            parts(_said(message.get("content")), words(message.get("reasoning_content"))),
            model=words(message.get("model")),
        )
        for number, message in enumerate(map(table, rows(entry.get("messages"))))
    ]
    return Loose(
        program=NAME,
        key=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        nodes=chain(nodes),
        title=words(entry.get("title")),
        model=words(entry.get("model")),
    )


def _said(content: object) -> str:
    if isinstance(content, list):
        return "\n\n".join(words(table(part).get("text")) for part in content)
    return words(content)
