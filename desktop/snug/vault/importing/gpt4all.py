"""GPT4All: `gpt4all-<id>.chat`, binary, as Qt's QDataStream writes it.

Between its head and its messages lies what depends on the version, a model's state among it. So the
messages are looked for by their labels, each of which stands right before its text in every
version. Source: chat.cpp, chatmodel.cpp and chatlistmodel.cpp of GPT4All 2.4 to 3.10.
"""

from __future__ import annotations

import struct

from snug.domain.conversation import Part, PartKind, Role, join_parts
from snug.vault.importing.building import Loose, Node, chain, milliseconds, parts

NAME = "GPT4All"
MAGIC = b"\xf5\xd5\x53\xcc"
_NULL = 0xFFFFFFFF
_LABELS = ("Prompt: ", "Response: ", "Think: ", "Text: ")
_MARKS = {struct.pack(">I", 2 * len(label)) + label.encode("utf-16-be"): label for label in _LABELS}


def matches(beginning: bytes) -> bool:
    """Whether a file begins as a chat of GPT4All does."""
    return beginning.startswith(MAGIC)


def read(content: bytes) -> Loose:
    """One chat.

    Raises:
        ValueError: it is cut short.
    """
    position = len(MAGIC) + 4
    if len(content) < position + 8:
        raise ValueError("the file is cut short")
    (created,) = struct.unpack_from(">q", content, position)
    key, position = _string(content, position + 8)
    title, position = _string(content, position)
    return Loose(
        program=NAME,
        key=key,
        nodes=chain(_nodes(content, position)),
        title=title,
        created_ms=milliseconds(created),
    )


def _nodes(content: bytes, position: int) -> list[Node]:
    nodes: list[Node] = []
    while (found := _next_mark(content, position)) is not None:
        mark, label = found
        text, position = _string(content, mark + 4 + 2 * len(label))
        in_answer = bool(nodes) and nodes[-1].role is Role.ASSISTANT
        if label == "Prompt: ":
            nodes.append(Node("", None, Role.USER, parts(text)))
        elif label == "Response: " and (text or not in_answer):
            nodes.append(Node("", None, Role.ASSISTANT, parts(text)))
        elif in_answer and label in ("Think: ", "Text: "):  # what came before its last words
            last = nodes.pop()
            kind = PartKind.REASONING if label == "Think: " else PartKind.TEXT
            before = Part(kind, _thought(text) if label == "Think: " else text)
            nodes.append(Node(last.key, None, last.role, join_parts((before, *last.parts))))
    return nodes


def _thought(text: str) -> str:
    return text.removeprefix("<think>").removesuffix("</think>").strip()


def _next_mark(content: bytes, position: int) -> tuple[int, str] | None:
    found = [(content.find(mark, position), label) for mark, label in _MARKS.items()]
    return min(((at, label) for at, label in found if at >= 0), default=None)


def _string(content: bytes, position: int) -> tuple[str, int]:
    """A QString and where it ends: its length in bytes, then UTF-16; all ones for none."""
    if position + 4 > len(content):
        raise ValueError("the file is cut short")
    (length,) = struct.unpack_from(">I", content, position)
    position += 4
    if length == _NULL:
        return "", position
    if length % 2 or position + length > len(content):
        raise ValueError("a text in it is cut short")
    return content[position : position + length].decode("utf-16-be", "replace"), position + length
