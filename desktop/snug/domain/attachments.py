"""Text files that go with a message: each stands in it whole, with its name, inside a fence.

The fence is longer than any inside the file, so that no file can end it and speak as the person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from snug.domain.errors import UserError

MAX_BYTES = 1024 * 1024  # some 250,000 tokens
_MAX_NAME = 120
_HEAD = re.compile(r"^\[File: (?P<name>[^\n]{1,120})\]\n(?P<fence>`{3,})\n", re.MULTILINE)
_FENCES = re.compile(r"`+")
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))


@dataclass(frozen=True, slots=True)
class Attachment:
    """A text file."""

    name: str
    text: str

    def block(self) -> str:
        """As it stands in a message."""
        longest = max((len(found) for found in _FENCES.findall(self.text)), default=0)
        fence = "`" * max(3, longest + 1)
        return f"[File: {_plain(self.name)}]\n{fence}\n{self.text}\n{fence}"


def read_text(name: str, content: bytes) -> Attachment:
    """A file that was read.

    Raises:
        UserError: it is too large, empty, or no text.
    """
    if len(content) > MAX_BYTES:
        raise UserError(
            f"{name} has more than {MAX_BYTES:,} bytes. Attach a part of it, or a shorter file."
        )
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            text = content.decode(encoding, "replace")
            break
    else:
        text = _decoded(name, content)
    if not text.strip():
        raise UserError(f"{name} is empty.")
    return Attachment(name, text.replace("\r\n", "\n").strip("\n"))


def _decoded(name: str, content: bytes) -> str:
    if b"\0" in content:
        raise UserError(
            f"{name} is no text. Snug attaches text files so far: plain text, Markdown, code, CSV, "
            "JSON, web pages. Save it as one of them."
        )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def split(text: str) -> tuple[str, tuple[Attachment, ...]]:
    """What was written, and the files that stand behind it."""
    files: list[Attachment] = []
    rest: list[str] = []
    at = 0
    while (found := _HEAD.search(text, at)) is not None:
        closing = f"\n{found['fence']}"
        end = text.find(closing, found.end() - 1)
        while end >= 0 and text[end + len(closing) : end + len(closing) + 1] not in ("", "\n"):
            end = text.find(closing, end + 1)
        if end < 0:
            break
        rest.append(text[at : found.start()])
        files.append(Attachment(found["name"], text[found.end() : max(end, found.end())]))
        at = end + len(closing)
    rest.append(text[at:])
    return "".join(rest).strip("\n"), tuple(files)


def joined(text: str, files: tuple[Attachment, ...]) -> str:
    """A message with its files; `split` takes it apart again."""
    parts = [text] if text.strip() else []
    return "\n\n".join([*parts, *(one.block() for one in files)])


def _plain(name: str) -> str:
    return " ".join(name.replace("]", ")").replace("[", "(").split())[:_MAX_NAME] or "file"
