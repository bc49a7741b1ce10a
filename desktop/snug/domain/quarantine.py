"""A model that is not run, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A model with the settings that it crashed with.

    Attributes:
        reason: a sentence for the person.
        settings: mark of the load options; other options get a new chance.
    """

    sha256: str
    name: str
    reason: str
    settings: str
