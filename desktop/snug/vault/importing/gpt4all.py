"""GPT4All: `gpt4all-<id>.chat`, binary, as Qt's QDataStream writes it.

Between its head and its messages lies what depends on the version, a model's state among it. So the
messages are looked for by their labels, each of which stands right before its text in every
version. Source: chat.cpp, chatmodel.cpp and chatlistmodel.cpp of GPT4All 2.4 to 3.10.
"""

from __future__ import annotations

import re
import struct
from dataclasses import replace

from snug.domain.conversation import Part, PartKind, Role, join_parts
from snug.vault.importing.building import Loose, Node, chain, milliseconds, parts

NAME = "GPT4All"
MAGIC = b"\xf5\xd5\x53\xcc"
_NULL = 0xFFFFFFFF
_LABELS = ("Prompt: ", "Response: ", "Think: ", "Text: ")
_MARKS = {struct.pack(">I", 2 * len(label)) + label.encode("utf-16-be"): label for label in _LABELS}
_MARK = re.compile(b"|".join(map(re.escape, _MARKS)))


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
    before: list[Part] = []  # of the last answer, the nearest to its words first
    while (found := _next_mark(content, position)) is not None:
        mark, label = found
        text, position = _string(content, mark + 4 + 2 * len(label))
        in_answer = bool(nodes) and nodes[-1].role is Role.ASSISTANT
        if label == "Prompt: ":
            _put_before(nodes, before)
            nodes.append(Node("", None, Role.USER, parts(text)))
        elif label == "Response: " and (text or not in_answer):
            _put_before(nodes, before)
            nodes.append(Node("", None, Role.ASSISTANT, parts(text)))
        elif in_answer and label == "Think: ":
            before.append(Part(PartKind.REASONING, _thought(text)))
        elif in_answer and label == "Text: ":
            before.append(Part(PartKind.TEXT, text))
    _put_before(nodes, before)
    return nodes


def _put_before(nodes: list[Node], before: list[Part]) -> None:
    """What came before the last words of the last answer."""
    if before:
        nodes[-1] = replace(nodes[-1], parts=join_parts([*reversed(before), *nodes[-1].parts]))
        before.clear()


def _thought(text: str) -> str:
    return text.removeprefix("<think>").removesuffix("</think>").strip()


def _next_mark(content: bytes, position: int) -> tuple[int, str] | None:
    found = _MARK.search(content, position)
    return None if found is None else (found.start(), _MARKS[found.group()])


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
