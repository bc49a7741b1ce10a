"""Splits an answer into blocks that never change again once the next one has begun.

That is what makes streaming cheap: only the last block is drawn anew. Splitting looks at whole
lines and never back, so that an answer that came in pieces has the same blocks as one that is
there at once. What is inside a block is Qt's business (see `document_writer`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from snug.ui.text.blocks import Block, Code, Footnote, Formula, Prose
from snug.ui.text.lifting import MAX_FORMULA, settled_length
from snug.ui.text.safe_text import normal_lines

__all__ = ["Block", "Prose", "Splitter", "split"]

_FENCE = re.compile(r"^(?P<indent> *)(?P<item>(?:[-*+]|\d{1,9}[.)]) +)?(?P<mark>`{3,}|~{3,})")
_ITEM = re.compile(r"^ *(?:[-*+]|(?P<number>\d{1,9})[.)])(?: |$)")
_HEADING = re.compile(r"^#{1,6}(?: |$)")
_FORMULA = re.compile(
    r"^ *(?P<sign>\$\$|\\\[|\\begin\{(?P<name>(?:equation|align|gather|multline|eqnarray)\*?)\})"
)
_PUNCTUATION = re.compile(r"\s*[.,;:]?\s*")
_NOTE = re.compile(r"^ {0,3}\[\^(?P<label>\d{1,3}|[A-Za-z]\w{2,31})\]: *(?P<text>.*)", re.DOTALL)
_PARTIAL_NOTE = re.compile(r"^ {0,3}\[(?:\^\w*(?:\]:?)?)?$")
_PARTIAL_FENCE = re.compile(r"^\s*(?:`{1,2}|~{1,2})$")
_PARTIAL_MARK = re.compile(r"^[\s>]*(?:[-=*+_|]+|#{1,6}|\d{1,2}[.)]?)$")
_LANGUAGE = re.compile(r"[A-Za-z0-9_+#.-]{1,24}")

MAX_FORMULA_LINES = 60
LIST_CHUNK = 12  # lines after which a list may go on as a block of its own


@dataclass(frozen=True, slots=True)
class _Fence:
    mark: str
    indent: int
    language: str
    in_list: bool


@dataclass(frozen=True, slots=True)
class _Opened:
    """A formula that has begun."""

    sign: str
    closing: str
    indent: int


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
    formula: _Opened | None = None

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
        _flush(state, found, growing=True)
        if len(found) > len(self._finished):
            found[-1] = _balanced(found[-1])
        return found


def split(text: str) -> list[Block]:
    """The blocks of a whole answer."""
    splitter = Splitter()
    splitter.feed(text)
    splitter.finish()
    return splitter.blocks()


def _take(state: _State, line: str, out: list[Block]) -> None:
    """One whole line."""
    if state.fence is not None:
        _take_code(state, state.fence, line, out)
        return
    if state.formula is not None:
        _take_formula(state, state.formula, line, out)
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
    if _open_formula(state, line, out):
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
    if indent < state.base or _NOTE.match(line):
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
    if _NOTE.match(state.lines[0]):
        return indent < 4
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


def _open_formula(state: _State, line: str, out: list[Block]) -> bool:
    """Whether a line begins a formula of its own; if so, take it."""
    match = _FORMULA.match(line)
    indent = len(line) - len(line.lstrip(" "))
    in_list = state.in_list or state.after_list
    if match is None or (indent > 3 and not in_list):
        return False
    sign, rest = match["sign"], line[match.end() :]
    closing = {"$$": "$$", "\\[": "\\]"}.get(sign, f"\\end{{{match['name']}}}")
    inside, closed, after = rest.partition(closing)
    if closed and not (inside.strip() and _PUNCTUATION.fullmatch(after)):
        return False  # within running text
    if not closed and sign == "$$" and re.match(r"\s*[A-Za-z]{2,} ", rest):
        return False  # the number of a process, say
    in_list = state.after_list = in_list and indent > 1
    _flush(state, out)
    state.after_list = in_list
    state.formula = _Opened(sign, closing, indent if in_list else 0)
    _take_formula(state, state.formula, line.lstrip(" "), out)
    return True


def _take_formula(state: _State, opened: _Opened, line: str, out: list[Block]) -> None:
    begun = len(opened.sign) if not state.lines else 0
    at = line.find(opened.closing, begun)
    if at >= 0:
        end = at + len(opened.closing)
        state.lines.append(line[:end])
        after = line[end:].strip()
        tail = after if _PUNCTUATION.fullmatch(after) else ""
        out.append(_formula_of(state, opened, tail))
        state.lines, state.formula = [], None
        if not tail and after:
            _take(state, " " * opened.indent + after, out)
        return
    state.lines.append(line.strip())
    if sum(map(len, state.lines)) > MAX_FORMULA or len(state.lines) > MAX_FORMULA_LINES:
        _flush(state, out)


def _formula_of(state: _State, opened: _Opened, tail: str, closed: bool = True) -> Formula:
    source = "\n".join(state.lines)
    if opened.sign.startswith("\\begin"):
        return Formula(source + tail, source + tail, opened.indent, closed)
    inside = source[len(opened.sign) :].removesuffix(opened.closing if closed else "")
    text = "\n".join(line for line in inside.split("\n") if line.strip()).strip()
    return Formula(text + tail, source + tail, opened.indent, closed)


def _flush(state: _State, out: list[Block], closed: bool = False, growing: bool = False) -> None:
    """Finish the block at hand; `growing`: only to show how it looks now."""
    fence = state.fence
    if state.formula is not None:
        if growing:
            out.append(_formula_of(state, state.formula, "", closed=False))
        elif state.lines:  # it never ended, so it is none
            out.append(Prose("\n".join(state.lines), state.formula.indent))
    elif fence is not None:
        indent = fence.indent if fence.in_list else 0
        text = "\n".join(state.lines)
        out.append(Code(text if closed else text.rstrip("\n"), fence.language, indent, closed))
    elif state.lines:
        text = "\n".join(state.lines).rstrip()
        note = _NOTE.match(text)
        if note is not None:
            said = re.sub(r"\n {1,4}", "\n", note["text"])
            out.append(Footnote(note["label"], said))
        elif text:
            out.append(Prose(text, state.base))
    state.lines = []
    state.fence = None
    state.formula = None
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
    if state.formula is not None:
        return True
    if _PARTIAL_MARK.match(partial.rstrip()) or _PARTIAL_NOTE.match(partial):
        return True
    match = _FENCE.match(partial)
    return bool(_PARTIAL_FENCE.match(partial)) or (
        match is not None and _opens_fence(state, match, partial)
    )


def _balanced(block: Block) -> Block:
    """Close code and bold that have been opened in the last paragraph of a growing block.

    A formula that has only begun waits for its end.
    """
    if not isinstance(block, Prose | Footnote):
        return block
    head, blank, last = block.text.rpartition("\n\n")
    last = last[: settled_length(last)]
    if last.count("`") % 2:
        last = last.removesuffix("`") if last.endswith("`") else last + "`"
    if last.count("**") % 2:
        last = last.removesuffix("**") if last.endswith("**") else last.rstrip() + "**"
    return replace(block, text=head + blank + last)
