"""Tells visible text, reasoning and tool calls apart, as soon as each piece is certain.

Nothing is swallowed: what looks like a call and is none comes out as the text that it is. However
the stream is cut into pieces, the same comes out.
"""

# ruff: noqa: RUF001 - DeepSeek spells its markers with wide bars

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence

from snug.domain.events import ReasoningDelta, TextDelta, ToolCall
from snug.domain.tools import ToolFunction
from snug.engine.output.calls import read_calls
from snug.engine.output.dialect import Block, Dialect
from snug.engine.output.scanner import JsonScanner
from snug.engine.output.text import partial_suffix

OutputEvent = TextDelta | ReasoningDelta | ToolCall
_BARE = Block("")
_BARE_BEGINNINGS = ('{"name":', '{"type":"function"', '{"function":')
_MAX_HEADER = 256  # characters between a call's opening and its JSON
_SPECIAL = ("<|", "<｜", "</｜")


def new_call_id() -> str:
    """Nine letters and digits: some templates take no other form of id."""
    return secrets.token_hex(5)[:9]


class Splitter:
    """Splits the output of one answer.

    Args:
        thinking: the closing tag of a block that the prompt itself opened, else "".
        may_open: whether thinking may come; not where visible text stands before (continue).
        goes_on: the prompt ends amid the block.
        tools: what may be called; without any, no call is looked for.
        make_id: gives a call without an id one.
    """

    def __init__(
        self,
        dialect: Dialect,
        thinking: str = "",
        *,
        may_open: bool = True,
        goes_on: bool = False,
        tools: Sequence[ToolFunction] = (),
        make_id: Callable[[], str] = new_call_id,
    ) -> None:
        self._types = {tool.name: tool.types() for tool in tools}
        self._make_id = make_id
        self._close = thinking
        self._at_start = may_open  # a tag of plain letters counts only before any visible text
        self._inner_start = not goes_on  # line ends after an opening tag are not shown
        self._trim = False  # nor is white space after a closing one
        self._bare = dialect.bare_json and bool(tools) and may_open
        self._tags = dialect.reasoning if may_open else ()
        self._channels = dict(dialect.channels) if may_open else {}
        blocks = dialect.blocks if tools else ()
        self._blocks = {block.opening: block for block in blocks}
        self._hidden = (*dialect.wrappers, *(dialect.sections if tools else ()))
        self._openers = (*self._channels, *self._blocks, *self._hidden)
        self._search = _any_of(self._openers)
        self._first_letters = "".join({opener[0] for opener in self._openers})
        call_openers = (*self._blocks, *(dialect.sections if tools else ()))
        self._ends = tuple(o for o in call_openers if o.startswith(_SPECIAL))
        self._given = dialect.given if may_open and not thinking else ""
        self._held = self._given
        self._lead: str | None = ""  # white space before any visible text; None after it
        self._block: Block | None = None
        self._scanner: JsonScanner | None = None
        self._searched = 0
        self._out: list[OutputEvent] = []

    def feed(self, text: str) -> list[OutputEvent]:
        """Events for the text that can be told apart now."""
        self._held += text
        return self._advance(final=False) if text else []

    def flush(self) -> list[OutputEvent]:
        """What was held back at the end."""
        events = self._advance(final=True)
        return [*events, TextDelta(self._lead)] if self._lead else events

    def _advance(self, *, final: bool) -> list[OutputEvent]:
        self._out = []
        while self._held or self._block is not None:
            if self._block is not None:
                went_on = self._calling(self._block, final)
            elif self._close:
                went_on = self._inside(final)
            elif self._at_start:
                went_on = self._opening(final)
            else:
                went_on = self._outside(final)
            if not went_on:
                break
        return self._out

    def _text(self, text: str) -> None:
        if not text:
            return
        if self._given:  # the prompt wrote this much, not the model
            text = text.removeprefix(self._given)
            self._given = ""
        if self._lead is not None:
            text, self._lead = self._lead + text, None
            if not text.strip():
                self._lead = text
                return
        if text:
            self._bare = False
            self._out.append(TextDelta(text))

    def _take(self, length: int) -> str:
        taken, self._held = self._held[:length], self._held[length:]
        return taken

    # -- reasoning ----------------------------------------------------------------------------

    def _inside(self, final: bool) -> bool:
        if self._inner_start:
            self._held = self._held.lstrip("\n")
            self._inner_start = not self._held
        needles = (self._close, *self._ends)
        places = [(i, n) for n in needles if (i := self._held.find(n)) >= 0]
        position, needle = min(places, default=(-1, ""))
        if position < 0:
            keep = 0 if final else partial_suffix(self._held, needles)
            self._reason(self._take(len(self._held) - keep))
            return False
        self._reason(self._take(position))
        if needle == self._close:
            self._take(len(needle))
        self._close, self._at_start, self._trim = "", False, True
        return True

    def _reason(self, text: str) -> None:
        if text:
            self._out.append(ReasoningDelta(text))

    def _opening(self, final: bool) -> bool:
        """At the very start: an opening tag, the beginning of one, or something else."""
        stripped = self._held.lstrip()
        for opening, closing in self._tags:
            if stripped.startswith(opening):
                self._held = stripped[len(opening) :]
                self._close = closing
                return True
        if not final and any(opening.startswith(stripped) for opening, _ in self._tags):
            return False  # also for white space alone: wait for more
        self._at_start = False
        return True

    # -- visible text -------------------------------------------------------------------------

    def _outside(self, final: bool) -> bool:
        if self._trim:
            self._held = self._held.lstrip()
            self._trim = not self._held
            if self._trim:
                return False
        if self._bare and (decided := self._bare_call(final)) is not None:
            return decided
        if self._search is None or not any(c in self._held for c in self._first_letters):
            self._text(self._take(len(self._held)))
            return False
        match = self._search.search(self._held)
        at = match.start() if match else len(self._held)
        keep = 0 if final else partial_suffix(self._held, self._openers)
        pending = len(self._held) - keep
        if match is None or (keep and pending <= at):
            self._text(self._take(pending))
            return False
        self._enter(match)
        return True

    def _enter(self, match: re.Match[str]) -> None:
        before, opener = self._take(match.end())[: match.start()], match.group()
        self._text(before)
        if opener in self._channels:
            self._close, self._inner_start = self._channels[opener], True
        elif opener in self._blocks:
            self._block = self._blocks[opener]
            self._scanner, self._searched = None, 0
        else:
            self._trim = True

    def _bare_call(self, final: bool) -> bool | None:
        """Whether a call without markers begins here; None where it is something else."""
        compact = "".join(self._held[:64].split())
        if any(compact.startswith(beginning) for beginning in _BARE_BEGINNINGS):
            self._block, self._scanner = _BARE, None
            return True
        if not final and any(beginning.startswith(compact) for beginning in _BARE_BEGINNINGS):
            return False
        return None

    # -- calls --------------------------------------------------------------------------------

    def _calling(self, block: Block, final: bool) -> bool:
        end = self._closed(block) if block.closing else self._self_closed(block)
        if end is None:  # what stands there is no call
            self._give_up(block)
            return True
        if end < 0:
            if not final:
                return False
            self._finish(block, len(self._held), closed=False)
            return True
        self._finish(block, end, closed=True)
        return True

    def _closed(self, block: Block) -> int:
        """Where the closing marker begins, outside of JSON's strings; -1 where it is not there."""
        is_json = self._held.lstrip()[:1] in ("{", "[")
        if self._scanner is None:
            self._scanner = JsonScanner()
        while True:
            end = self._held.find(block.closing, self._searched)
            if end < 0:
                self._searched = max(self._searched, len(self._held) - len(block.closing) + 1)
                return -1
            if is_json and self._scanner.end(self._held[:end]) < 0 and self._scanner.in_string:
                self._searched = end + 1
                continue
            return end

    def _self_closed(self, block: Block) -> int | None:
        """Where the call's JSON ends; -1 where that is not known yet; None where it has none."""
        if self._scanner is None:
            start = self._json_start(block)
            if start is None or start < 0:
                return start
            self._scanner = JsonScanner(start)
        return self._scanner.end(self._held)

    def _json_start(self, block: Block) -> int | None:
        stripped = self._held.lstrip()
        start = len(self._held) - len(stripped)
        if not stripped:
            return -1
        if stripped[0] in "{[" and not block.whole:
            return start
        if not block.header:
            return -1  # a call in another notation, which ends with the answer
        header = self._held.find(block.header, 0, _MAX_HEADER)
        if header < 0:
            return None if len(self._held) >= _MAX_HEADER else -1
        after = header + len(block.header)
        rest = self._held[after:].lstrip()
        if not rest:
            return -1
        return len(self._held) - len(rest) if rest[0] in "{[" else None

    def _finish(self, block: Block, end: int, *, closed: bool) -> None:
        body = self._held[:end]
        closing = block.closing if closed else ""
        whole = f"{block.opening}{body}{block.closing}"
        calls = read_calls(whole if block.whole else body, self._types)
        if calls and block is _BARE and not all(call.name in self._types for call in calls):
            calls = None
        self._block = None
        self._take(end + len(closing))
        if not calls:
            self._text(f"{block.opening}{body}{closing}")
            return
        self._given = self._lead = ""
        self._trim = True
        self._out += [ToolCall(c.name, c.arguments, c.id or self._make_id()) for c in calls]

    def _give_up(self, block: Block) -> None:
        self._block = None
        self._text(block.opening)


def _any_of(needles: Sequence[str]) -> re.Pattern[str] | None:
    """Finds the first of the needles, the longest where several begin at one place."""
    if not needles:
        return None
    return re.compile("|".join(map(re.escape, sorted(needles, key=len, reverse=True))))
