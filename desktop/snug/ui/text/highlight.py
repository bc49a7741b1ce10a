"""Colours code without ever holding up the window.

Pygments reads the code token by token in slices of a few milliseconds; the colours lie over the
text as a layer, so that the document itself is not touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter

from pygments.lexer import Lexer
from pygments.token import Comment, Error, Keyword, Name, Number, Operator, String, _TokenType
from pygments.util import ClassNotFound
from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QBrush, QTextBlock, QTextCharFormat, QTextDocument, QTextLayout

from snug.ui.look.theme import Theme
from snug.ui.text.safe_text import shown_code

MAX_CODE = 20_000  # characters; longer code stays in one colour
MAX_CODE_LINE = 2_000
SLICE_S = 0.004
REST = 10  # a further pass waits ten times as long as the last one took

_ROLES: tuple[tuple[_TokenType, str], ...] = (
    (Comment, "code_comment"),
    (Keyword, "code_keyword"),
    (Operator.Word, "code_keyword"),
    (Name.Builtin.Pseudo, "code_keyword"),
    (Name.Tag, "code_keyword"),
    (String, "code_string"),
    (Number, "code_number"),
    (Name.Constant, "code_number"),
    (Name.Function, "code_name"),
    (Name.Class, "code_name"),
    (Name.Decorator, "code_name"),
    (Name.Builtin, "code_name"),
    (Name.Attribute, "code_name"),
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of one line in one colour of the palette."""

    start: int
    length: int
    role: str


@dataclass(slots=True)
class Passage:
    """One code block to be coloured; `start` is the position of its first line."""

    start: int
    language: str
    text: str


def warm_up() -> None:
    """Load what reading code takes, 40 ms once, before an answer is in the middle of it."""
    lexer_for("python")


@lru_cache(maxsize=32)
def lexer_for(language: str) -> Lexer | None:
    """The reader of a language; None where there is none."""
    if not language:
        return None
    # Late: the first window shows no code, and start-up counts.
    from pygments.lexers import get_lexer_by_name

    try:
        return get_lexer_by_name(language.lower(), stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


def stretches(passage: Passage) -> Iterator[tuple[int, list[Stretch]]]:
    """The coloured stretches of each line, from the first line on, read bit by bit."""
    lexer = lexer_for(passage.language)
    text = shown_code(passage.text)
    too_long = any(len(line) > MAX_CODE_LINE for line in text.split("\n"))
    if lexer is None or len(text) > MAX_CODE or too_long:
        return
    row, column = 0, 0
    line: list[Stretch] = []
    for kind, value in lexer.get_tokens(text):
        role = _role(kind)
        for number, piece in enumerate(value.split("\n")):
            if number:
                yield row, line
                row, column, line = row + 1, 0, []
            if piece and role:
                line.append(Stretch(column, len(piece), role))
            column += len(piece)
    yield row, line


@lru_cache(maxsize=512)
def _role(kind: _TokenType) -> str:
    if kind in Error:
        return ""
    return next((role for token, role in _ROLES if kind in token), "")


class Highlighter(QObject):
    """Keeps the code blocks of one document coloured. Lives on the window's thread."""

    def __init__(self, document: QTextDocument, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._document = document
        self._theme = theme
        self._waiting: dict[int, Passage] = {}
        self._done: dict[tuple[int, int], list[Stretch]] = {}
        self._job: Iterator[tuple[int, list[Stretch]]] | None = None
        self._start = 0
        self._block = QTextBlock()
        self._row = 0
        self._spent_s = 0.0
        self._formats = self._make_formats()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_timer_timeout)

    def colour(self, passage: Passage) -> None:
        """Colour a code block, soon; what is under way for it is finished first."""
        if lexer_for(passage.language) is None:
            return
        self._waiting[passage.start] = passage
        if self._job is None and not self._timer.isActive():
            self._timer.start(min(1000, round(REST * self._spent_s * 1000)))

    def reset(self) -> None:
        """The document is written anew, perhaps in other colours."""
        self.forget(0)
        self._formats = self._make_formats()

    def forget(self, position: int) -> None:
        """The document was changed from `position` on."""
        self._waiting = {s: p for s, p in self._waiting.items() if s < position}
        self._done = {k: v for k, v in self._done.items() if k[0] < position}
        if self._job is not None and self._start >= position:
            self._job = None
            if self._waiting:
                self._timer.start(0)

    def _make_formats(self) -> dict[str, QTextCharFormat]:
        made: dict[str, QTextCharFormat] = {}
        for role in {role for _, role in _ROLES}:
            words = QTextCharFormat()
            words.setForeground(QBrush(self._theme.color(role)))
            made[role] = words
        return made

    def _on_timer_timeout(self) -> None:
        began_s = perf_counter()
        if self._job is None:
            if not self._waiting:
                return
            passage = self._waiting.pop(next(iter(self._waiting)))
            self._start = passage.start
            self._block = self._document.findBlock(passage.start)
            self._row = 0
            self._job = stretches(passage)
            self._spent_s = 0.0
        dirty: list[int] = []
        for row, line in self._job:
            if self._apply(row, line):
                dirty.append(self._block.position())
            if perf_counter() - began_s > SLICE_S:
                break
        else:
            self._job = None
        self._spent_s += perf_counter() - began_s
        if dirty:  # Qt lays these lines out again, as its own highlighter has it do
            end = self._block.position() + self._block.length()
            self._document.markContentsDirty(dirty[0], end - dirty[0])
        if self._job is not None:
            self._timer.start(0)
        elif self._waiting:
            self._timer.start(min(1000, round(REST * self._spent_s * 1000)))

    def _apply(self, row: int, line: list[Stretch]) -> bool:
        key = (self._start, row)
        while self._row < row:
            self._block = self._block.next()
            self._row += 1
        if self._done.get(key) == line or not self._block.isValid():
            return False
        self._done[key] = line
        ranges: list[QTextLayout.FormatRange] = []
        for stretch in line:
            made = QTextLayout.FormatRange()
            made.start = stretch.start
            made.length = stretch.length
            made.format = self._formats[stretch.role]
            ranges.append(made)
        self._block.layout().setFormats(ranges)
        return True
