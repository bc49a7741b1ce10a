"""The YAML at the head of a README, read as data from a stranger.

Only mappings, lists and texts come out: no tags, no numbers, no dates, and no aliases, with which
a few lines stand for gigabytes. Nothing here recurses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import yaml
from yaml import events

MAX_BYTES: Final = 64 * 1024
_MAX_DEPTH: Final = 16
_MAX_NODES: Final = 20_000
_MAX_SCALAR: Final = 2_000
_FENCE: Final = "---"

Value: TypeAlias = "str | list[Value] | dict[str, Value]"


class FrontMatterError(ValueError):
    """It is no YAML that a README needs."""


def split(text: str) -> tuple[str, str]:
    """A README's front matter and the text below it; "" where it has none.

    Raises:
        FrontMatterError: it begins, and does not end within 64 KB.
    """
    unified = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if not unified.startswith(f"{_FENCE}\n"):
        return "", unified
    end = unified.find(f"\n{_FENCE}", len(_FENCE), MAX_BYTES + len(_FENCE))
    if end < 0:
        raise FrontMatterError("it does not end within 64 KB")
    rest = unified.find("\n", end + 1)
    return unified[len(_FENCE) + 1 : end + 1], unified[rest + 1 :] if rest >= 0 else ""


def read(text: str) -> dict[str, Value]:
    """The mapping that a front matter is; empty for an empty one.

    Raises:
        FrontMatterError: it is no YAML mapping, uses aliases, or is far too intricate.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the quick one, where it was built
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=loader):
            builder.take(event)
    except FrontMatterError:
        raise
    except (yaml.YAMLError, ValueError) as error:
        raise FrontMatterError("it is no YAML that Snug reads") from error
    root = builder.root
    if root in (None, ""):
        return {}
    if not isinstance(root, dict):
        raise FrontMatterError("it is no list of names and values")
    return root


def texts(value: Value | None, most: int, length: int) -> tuple[str, ...]:
    """A text, or the texts of a list, as a tuple; nested values are left out."""
    many = value if isinstance(value, list) else [value]
    found = (one[:length].strip() for one in many[:most] if isinstance(one, str))
    return tuple(dict.fromkeys(one for one in found if one))


@dataclass(slots=True)
class _Open:
    """A container that is being filled; `key` waits for its value."""

    value: list[Value] | dict[str, Value]
    key: str | None = None
    keyless: bool = False  # the key was no text: its value is dropped


class _Builder:
    """Puts values together from the parser's events."""

    def __init__(self) -> None:
        self.root: Value | None = None
        self._stack: list[_Open] = []
        self._nodes = 0

    def take(self, event: events.Event) -> None:
        """The next event. Raises: FrontMatterError."""
        if isinstance(event, events.AliasEvent):
            raise FrontMatterError("it refers to parts of itself")
        if isinstance(event, events.ScalarEvent):
            self._add(str(event.value)[:_MAX_SCALAR])
        elif isinstance(event, events.MappingStartEvent):
            self._open({})
        elif isinstance(event, events.SequenceStartEvent):
            self._open([])
        elif isinstance(event, events.MappingEndEvent | events.SequenceEndEvent):
            self._stack.pop()

    def _open(self, container: list[Value] | dict[str, Value]) -> None:
        if len(self._stack) >= _MAX_DEPTH:
            raise FrontMatterError("it is nested too deeply")
        self._add(container)
        self._stack.append(_Open(container))

    def _add(self, value: Value) -> None:
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            raise FrontMatterError("it holds too many values")
        if not self._stack:
            self.root = value if self.root is None else self.root
            return
        into = self._stack[-1]
        if isinstance(into.value, list):
            into.value.append(value)
        elif into.keyless:
            into.keyless = False
        elif into.key is None:
            into.key = value if isinstance(value, str) else None
            into.keyless = into.key is None
        else:
            into.value.setdefault(into.key, value)
            into.key = None
