"""Prompts that are kept for another time, and personas: how a chat is to be led."""

from __future__ import annotations

import re
from dataclasses import dataclass

from snug.domain.conversation import ConversationSettings

MAX_NAME = 80
MAX_TEXT = 200_000
_FIELD = re.compile(r"\{\{([^{}:|\n]{1,60})(?::([^{}\n]{0,400}))?\}\}")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A text to be sent, with fields such as `{{name}}` or `{{tone:kind|formal}}`."""

    id: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Persona:
    """What a chat begins with: instructions, model, how tokens are drawn, adapters."""

    id: str
    name: str
    settings: ConversationSettings


@dataclass(frozen=True, slots=True)
class Field:
    """A place in a prompt that is filled in.

    Attributes:
        start, end: where it stands, braces included.
        choices: what may stand there; () for anything.
    """

    name: str
    start: int
    end: int
    choices: tuple[str, ...] = ()


def fields_of(text: str) -> tuple[Field, ...]:
    """The fields of a prompt, in their order."""
    return tuple(
        Field(
            found[1].strip(),
            found.start(),
            found.end(),
            tuple(one.strip() for one in (found[2] or "").split("|") if one.strip()),
        )
        for found in _FIELD.finditer(text)
    )
