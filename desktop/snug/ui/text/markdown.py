"""Splits an answer into blocks that never change again once the next one has begun.

That is what makes streaming cheap: only the last block is drawn anew. Splitting looks at whole
lines and never back, so that an answer that came in pieces has the same blocks as one that is
there at once. What is inside a block is Qt's business (see `document_writer`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from snug.ui.text.safe_text import normal_lines

_FENCE = re.compile(r"^(?P<indent> *)(?P<item>(?:[-*+]|\d{1,9}[.)]) +)?(?P<mark>`{3,}|~{3,})")
_ITEM = re.compile(r"^ *(?:[-*+]|(?P<number>\d{1,9})[.)])(?: |$)")
_HEADING = re.compile(r"^#{1,6}(?: |$)")
_PARTIAL_FENCE = re.compile(r"^\s*(?:`{1,2}|~{1,2})$")
_PARTIAL_MARK = re.compile(r"^[\s>]*(?:[-=*+_|]+|#{1,6}|\d{1,2}[.)]?)$")
_LANGUAGE = re.compile(r"[A-Za-z0-9_+#.-]{1,24}")

MAX_BLOCK = 20_000  # characters that are still read as Markdown
MAX_LINE = 8_000
MAX_QUOTES = 16
MAX_INDENT = 64
MAX_COLUMNS = 32
MAX_CELLS = 1_500
MAX_LINES = 600
LIST_CHUNK = 12  # lines after which a list may go on as a block of its own


@dataclass(frozen=True, slots=True)
class Prose:
    """Markdown without fences. `indent` columns deep, inside a list."""

    text: str
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Code:
    """What stood between two fences, without the last line end.

    Attributes:
        language: as written after the fence; "" where nothing was.
        closed: the closing fence has come.
    """

    text: str
    language: str = ""
    indent: int = 0
    closed: bool = True


Block = Prose | Code


@dataclass(frozen=True, slots=True)
class _Fence:
    mark: str
    indent: int
    language: str
    in_list: bool


@dataclass(slots=True)
class _State:
    """Where the splitter stands after the lines so far."""

    lines: list[str] = field(default_factory=list)  # of the block that is not finished
    base: int = 0  # columns that are cut from each line
    in_list: bool = False  # the unfinished block holds a list
    after_list: bool = False  # indented lines still belong to a list further up
    number: int | None = None  # of the newest item of an ordered list at the margin
    blank: bool = False
    fence: _Fence | None = None

    def copy(self) -> _State:
        return replace(self, lines=list(self.lines))


class Splitter:
    """Takes an answer as it comes; `blocks` may be asked at any time."""

    def __init__(self) -> None:
        self._state = _State()
        self._finished: list[Block] = []
        self._partial = ""
        self._ended = False
        self.length = 0  # characters taken so far

    def feed(self, text: str) -> None:
        """More of the answer."""
        self.length += len(text)
        text = self._partial + text
        held = "\r" if text.endswith("\r") else ""  # its "\n" may be the next to come
        lines = normal_lines(text.removesuffix(held)).split("\n")
        self._partial = lines.pop() + held
        for line in lines:
            _take(self._state, line, self._finished)

    def finish(self) -> None:
        """The answer is over: what looks unfinished is meant as it stands."""
        if not self._ended:
            self._ended = True
            _take(self._state, self._partial.rstrip("\r"), self._finished)
            self._partial = ""
            _flush(self._state, self._finished)

    @property
    def finished_count(self) -> int:
        """How many of `blocks` can no longer change."""
        return len(self._finished)

    def blocks(self) -> list[Block]:
        """All blocks so far.

        The unfinished one is as it would look if the answer ended here, save that marks which
        have only just been opened are closed or left out.
        """
        if self._ended:
            return list(self._finished)
        found = list(self._finished)
        state = self._state.copy()
        if not _hides(state, self._partial):
            _take(state, self._partial, found)
        _flush(state, found, closed=False)
        if len(found) > len(self._finished):
            found[-1] = _balanced(found[-1])
        return found


def split(text: str) -> list[Block]:
    """The blocks of a whole answer."""
    splitter = Splitter()
    splitter.feed(text)
    splitter.finish()
    return splitter.blocks()


def is_bomb(text: str) -> bool:
    """The text would take Qt's Markdown reader or layout too long; show it plain."""
    if len(text) > MAX_BLOCK:
        return True
    lines = text.split("\n")
    if len(lines) > MAX_LINES:
        return True
    columns = 0
    for line in lines:
        head = line[: 4 * (MAX_INDENT + MAX_QUOTES)]
        indent = len(head) - len(head.lstrip(" \t"))
        if len(line) > MAX_LINE or indent > MAX_INDENT or _depth(head) > MAX_QUOTES:
            return True
        columns = max(columns, line.count("|"))
    return columns > MAX_COLUMNS or (columns > 1 and columns * len(lines) > MAX_CELLS)


def _depth(line: str) -> int:
    """How deeply quotes and list items are nested at the start of one line."""
    depth = 0
    for letter in line:
        if letter in ">-*+":
            depth += 1
        elif letter not in " \t":
            break
    return depth if set(line.strip()) - set("-*+ ") else 0  # a ruler is none


def _take(state: _State, line: str, out: list[Block]) -> None:
    """One whole line."""
    if state.fence is not None:
        _take_code(state, state.fence, line, out)
        return
    if not line.strip():
        state.blank = True
        if state.lines:
            state.lines.append("")
        return
    line = line.expandtabs(4)
    match = _FENCE.match(line)
    if match and _opens_fence(state, match, line):
        _open_fence(state, match, line, out)
        return
    indent = len(line) - len(line.lstrip(" "))
    if state.lines and _begins_block(state, line, indent):
        _flush(state, out)
    if not state.lines:
        _begin(state, line, indent)
    cut = min(indent, state.base)
    state.lines.append(line[cut:])
    _note_item(state, line, indent)
    state.blank = False


def _begin(state: _State, line: str, indent: int) -> None:
    """The first line of a block of prose."""
    if indent == 0 and not _ITEM.match(line):
        state.after_list = False
    state.base = indent if state.after_list else 0
    state.in_list = False
    state.number = None


def _note_item(state: _State, line: str, indent: int) -> None:
    item = _ITEM.match(line)
    if item is None:
        return
    state.in_list = True
    state.after_list = True
    if indent == state.base:
        state.number = int(item["number"]) if item["number"] else None


def _begins_block(state: _State, line: str, indent: int) -> bool:
    """Whether a line that is not blank ends the block before it."""
    if indent < state.base:
        return True
    if indent == state.base and _HEADING.match(line[indent:]):
        return True
    if _HEADING.match(state.lines[0]) and len(state.lines) == 1:
        return True
    item = _ITEM.match(line)
    if state.in_list and item and indent == state.base and len(state.lines) >= LIST_CHUNK:
        number = int(item["number"]) if item["number"] else None
        return number == (None if state.number is None else state.number + 1)
    if not state.blank:
        return False
    if state.in_list:
        return indent <= state.base and not item
    return indent < 4 + state.base or not state.lines[0].startswith("    ")


def _opens_fence(state: _State, match: re.Match[str], line: str) -> bool:
    rest = line[match.end() :]
    if match["mark"][0] == "`" and "`" in rest:
        return False  # code within a line that happens to begin with three marks
    in_list = state.in_list or state.after_list or bool(match["item"])
    return len(match["indent"]) < 4 or in_list


def _open_fence(state: _State, match: re.Match[str], line: str, out: list[Block]) -> None:
    indent = len(match["indent"])
    if match["item"]:  # "- ```python": an item that begins with code
        if state.lines and _begins_block(state, line, indent):
            _flush(state, out)
        if not state.lines:
            _begin(state, line, indent)
        state.lines.append(line[: match.start("mark")][state.base :].rstrip() + " \u200b")
        _note_item(state, line, indent)
        indent += len(match["item"])
    in_list = state.after_list and indent > 1
    _flush(state, out)
    language = _LANGUAGE.match(line[match.end() :].strip())
    state.after_list = in_list
    state.fence = _Fence(match["mark"], indent, language.group() if language else "", in_list)


def _take_code(state: _State, fence: _Fence, line: str, out: list[Block]) -> None:
    stripped = line.strip()
    mark = fence.mark
    if stripped.startswith(mark) and not stripped.strip(mark[0]):
        _flush(state, out, closed=True)
        return
    indent = len(line) - len(line.lstrip(" "))
    state.lines.append(line[min(indent, fence.indent) :])


def _flush(state: _State, out: list[Block], closed: bool = False) -> None:
    """Finish the block at hand."""
    fence = state.fence
    if fence is not None:
        indent = fence.indent if fence.in_list else 0
        text = "\n".join(state.lines)
        out.append(Code(text if closed else text.rstrip("\n"), fence.language, indent, closed))
    elif state.lines:
        text = "\n".join(state.lines).rstrip()
        if text:
            out.append(Prose(text, state.base))
    state.lines = []
    state.fence = None
    state.blank = False
    state.in_list = False
    state.base = 0
    state.number = None


def _hides(state: _State, partial: str) -> bool:
    """The line that is still coming may turn into a fence or a list; do not let it flash up."""
    stripped = partial.strip()
    if not stripped:
        return True
    if state.fence is not None:
        return not stripped.strip(state.fence.mark[0]) and len(stripped) <= len(state.fence.mark)
    if _PARTIAL_MARK.match(partial.rstrip()):
        return True
    match = _FENCE.match(partial)
    return bool(_PARTIAL_FENCE.match(partial)) or (
        match is not None and _opens_fence(state, match, partial)
    )


def _balanced(block: Block) -> Block:
    """Close code and bold that have been opened in the last paragraph of a growing block."""
    if isinstance(block, Code):
        return block
    head, blank, last = block.text.rpartition("\n\n")
    if last.count("`") % 2:
        last = last.removesuffix("`") if last.endswith("`") else last + "`"
    if last.count("**") % 2:
        last = last.removesuffix("**") if last.endswith("**") else last.rstrip() + "**"
    return replace(block, text=head + blank + last)
