"""Grammars in llama.cpp's notation (GBNF) from outside, read here before llama.cpp sees them.

llama.cpp's parser overflows its stack on deep nesting (ggml-org/llama.cpp #26600), writes a
repeated literal out as often as it is repeated, and prints what it cannot read to the terminal. All
of that is refused here, without recursion and with the line where it stands.

Source: the notation of llama.cpp's grammars/README.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from snug.domain.errors import UserError

MAX_BYTES = 64 * 1024
MAX_DEPTH = 64
MAX_REPEAT = 2000  # llama.cpp's own limit
MAX_SIZE = 100_000  # of one rule with all that it refers to written out
_ROOT = "root"

_ESCAPE = r'\\(?:[trn\\"\[\]-]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})'
_TOKEN = re.compile(
    r"(?P<space>[ \t]+|\#[^\r\n]*)"
    r"|(?P<line>\r\n|\r|\n)"
    rf'|(?P<literal>"(?:[^"\\]|{_ESCAPE})*")'
    rf"|(?P<set>\[\^?(?:[^\]\\]|{_ESCAPE})+\])"
    r"|(?P<token>!?<[^>\r\n]+>)"
    r"|(?P<name>[a-zA-Z0-9-]+)"
    r"|(?P<is>::=)"
    r"|(?P<repeat>[*+?]|\{\s*[0-9]{1,6}\s*(?:,\s*(?:[0-9]{1,6})?\s*)?\})"
    r"|(?P<mark>[().|])"
)
_CHARACTER = re.compile(rf"{_ESCAPE}|.", re.DOTALL)


@dataclass(slots=True)
class _Size:
    """How much an expression becomes when written out: symbols, and rules by their count."""

    symbols: int = 0
    rules: dict[str, int] = field(default_factory=dict)

    def add(self, other: _Size) -> None:
        """This, followed by the other one."""
        self.symbols = min(self.symbols + other.symbols, MAX_SIZE + 1)
        for name, count in other.rules.items():
            self.rules[name] = min(self.rules.get(name, 0) + count, MAX_SIZE + 1)

    def times(self, count: int) -> _Size:
        """This, so many times."""
        rules = {name: min(n * count, MAX_SIZE + 1) for name, n in self.rules.items()}
        return _Size(min(self.symbols * count, MAX_SIZE + 1), rules)


@dataclass(slots=True)
class _Open:
    """A bracket, or the rule itself, that is being read; `last` is what a repetition repeats."""

    size: _Size = field(default_factory=_Size)
    last: _Size | None = None

    def take(self, item: _Size | None) -> None:
        """The next item begins."""
        if self.last is not None:
            self.size.add(self.last)
        self.last = item


def check_grammar(text: str) -> str:
    """The grammar, unchanged.

    Raises:
        UserError: over 64 KB, nested deeper than 64, not in the notation, without a rule "root",
            with a rule that is not there, or one that grows too large when written out.
    """
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise UserError(f"The grammar is larger than {MAX_BYTES // 1024} KB; make it smaller.")
    rules = _Reader(text).rules()
    if _ROOT not in rules:
        raise UserError('The grammar has no rule "root"; begin it with: root ::= …')
    for rule in rules.values():
        for name in rule.rules:
            if name not in rules:
                raise UserError(f'The grammar has no rule "{name[:40]}", which it uses; add it.')
    _check_sizes(rules)
    return text


class _Reader:
    """Reads a grammar's rules one token after the other."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0

    def rules(self) -> dict[str, _Size]:
        """The size of each rule; of two with one name the later one counts, as in llama.cpp."""
        found: dict[str, _Size] = {}
        tokens = self._tokens()
        for kind, text in tokens:
            if kind == "line":
                continue
            if kind != "name" or next(tokens, ("", ""))[0] != "is":
                raise self._fault("a rule begins with its name and ::=")
            found[text] = self._body(tokens)
        return found

    def _tokens(self) -> Iterator[tuple[str, str]]:
        while self._place < len(self._text):
            match = _TOKEN.match(self._text, self._place)
            if match is None:
                raise self._fault(
                    f"{self._text[self._place : self._place + 20]!r} is not understood"
                )
            kind = str(match.lastgroup)
            if kind != "space":
                yield kind, match.group()
            self._place = match.end()

    def _body(self, tokens: Iterator[tuple[str, str]]) -> _Size:
        """One rule up to the line end that closes it."""
        stack = [_Open()]
        goes_on = True  # after ::= and |, and within brackets, a line may end
        for kind, text in tokens:
            if kind == "line":
                if len(stack) > 1 or goes_on:
                    continue
                break
            goes_on = text == "|"
            self._item(kind, text, stack)
        if len(stack) > 1:
            raise self._fault("a bracket is not closed")
        stack[0].take(None)
        return stack[0].size

    def _item(self, kind: str, text: str, stack: list[_Open]) -> None:
        top = stack[-1]
        if text == "(":
            if len(stack) >= MAX_DEPTH:
                raise UserError(
                    f"The grammar is nested deeper than {MAX_DEPTH} levels; flatten it."
                )
            stack.append(_Open())
        elif text == ")":
            if len(stack) == 1:
                raise self._fault("a bracket closes that was not opened")
            top.take(None)
            stack.pop()
            stack[-1].take(top.size)
        elif kind == "repeat":
            if top.last is None:
                raise self._fault("there is nothing before it to repeat")
            top.last = top.last.times(self._count(text))
        elif kind == "is":
            raise self._fault("a rule stands on a line of its own")
        else:
            top.take(_item_size(kind, text))

    def _count(self, text: str) -> int:
        """How often a repetition is written out."""
        numbers = [int(number) for number in re.findall("[0-9]+", text)]
        if any(number > MAX_REPEAT for number in numbers):
            raise self._fault(f"more than {MAX_REPEAT} repetitions; leave the upper limit out")
        return max(1, *numbers) if numbers else 1

    def _fault(self, what: str) -> UserError:
        line = self._text.count("\n", 0, self._place) + 1
        return UserError(f"The grammar cannot be followed: line {line}: {what}.")


def _item_size(kind: str, text: str) -> _Size | None:
    if text == "|":
        return None
    if kind == "name":
        return _Size(1, {text: 1})
    if kind == "literal" or kind == "set":
        return _Size(sum(1 for _ in _CHARACTER.finditer(text)) - 2)
    return _Size(1)


def _check_sizes(rules: dict[str, _Size]) -> None:
    """Refuse a rule that becomes too large; where rules turn in a circle, a round counts once."""
    known: dict[str, int] = {}
    for start in rules:
        path = [start]
        entered: set[str] = set()
        while path:
            name = path[-1]
            below = [n for n in rules[name].rules if n not in known and n not in entered]
            entered.add(name)
            path.extend(n for n in below if n != name)
            if path[-1] == name:
                path.pop()
                known[name] = known.get(name) or _written_out(rules[name], known, name)


def _written_out(rule: _Size, known: dict[str, int], name: str) -> int:
    size = rule.symbols + sum(known.get(n, 1) * count for n, count in rule.rules.items())
    if size > MAX_SIZE:
        raise UserError(
            f'The rule "{name[:40]}" of the grammar grows to more than {MAX_SIZE} symbols when its '
            "repetitions are written out; repeat less, or leave the upper limits out."
        )
    return size
