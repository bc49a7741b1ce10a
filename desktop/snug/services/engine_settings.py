"""How the person wants models to run: kept in the vault, read where a model is loaded or asked."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Protocol, TypeVar

from snug.domain.errors import UserError
from snug.domain.model import KvType
from snug.domain.prompt import Overflow

CONTEXT_LENGTH = "model.context_length"  # tokens; "" lets Snug choose
KV_TYPE = "engine.kv_type"
HOST = "engine.host"
IDLE_MINUTES = "engine.idle_minutes"
OVERFLOW = "engine.overflow"
THREADS = "engine.threads"  # "" lets Snug choose
DRAFT = "engine.draft"  # name of a model; "" for none
LOOKUP = "engine.lookup"  # "1" or "0"
DEFAULT_IDLE_MINUTES = 10
MAX_THREADS = 512

E = TypeVar("E", bound=StrEnum)


class Host(StrEnum):
    """Where the engine runs."""

    AUTO = "auto"  # in Snug, but models that crashed or are not admitted in a process of their own
    INSIDE = "inside"
    ISOLATED = "isolated"


class KeptTexts(Protocol):
    """What is needed of the vault."""

    def setting(self, name: str) -> str | None:
        """A kept text; None where unset."""

    def set_setting(self, name: str, value: str) -> None:
        """Keep a text."""


class EngineSettings:
    """The choices, typed; a kept value that makes no sense counts as unset. Any thread."""

    def __init__(self, store: KeptTexts) -> None:
        self._store = store
        self._host: Host | None = None  # for this process only

    @property
    def kv_type(self) -> KvType:
        """How the KV cache is kept."""
        return self._choice(KV_TYPE, KvType.F16)

    @property
    def host(self) -> Host:
        """Where the engine runs."""
        return self._host or self._choice(HOST, Host.AUTO)

    @property
    def overflow(self) -> Overflow:
        """What happens to a conversation that is longer than the context."""
        return self._choice(OVERFLOW, Overflow.DROP)

    @property
    def idle_minutes(self) -> int:
        """Minutes without use after which the model's memory is given back; 0 is never."""
        kept = self._number(IDLE_MINUTES)
        return DEFAULT_IDLE_MINUTES if kept is None else kept

    @property
    def threads(self) -> int | None:
        """Threads that compute; None lets Snug choose."""
        return self._number(THREADS) or None

    @property
    def draft(self) -> str:
        """Name of the small model that guesses ahead; "" for none."""
        return self._store.setting(DRAFT) or ""

    @property
    def lookup(self) -> bool:
        """Whether repetitions of the prompt are guessed ahead."""
        return self._store.setting(LOOKUP) != "0"

    def choose_kv_type(self, value: KvType) -> None:
        """Keep it. Raises, as all of these: SnugError."""
        self._store.set_setting(KV_TYPE, value.value)

    def use_host(self, value: Host) -> None:
        """As `choose_host`, but only until this process ends."""
        self._host = value

    def choose_host(self, value: Host) -> None:
        """Keep it."""
        self._store.set_setting(HOST, value.value)

    def choose_overflow(self, value: Overflow) -> None:
        """Keep it."""
        self._store.set_setting(OVERFLOW, value.value)

    def choose_idle_minutes(self, minutes: int) -> None:
        """Keep it; 0 is never."""
        self._store.set_setting(IDLE_MINUTES, str(max(0, minutes)))

    def choose_threads(self, threads: int | None) -> None:
        """Keep it; None lets Snug choose."""
        self._store.set_setting(THREADS, "" if threads is None else str(checked_threads(threads)))

    def choose_draft(self, name: str) -> None:
        """Keep the name of a model of the library; "" for none."""
        self._store.set_setting(DRAFT, name)

    def choose_lookup(self, wanted: bool) -> None:
        """Keep it."""
        self._store.set_setting(LOOKUP, "1" if wanted else "0")

    def _choice(self, name: str, default: E) -> E:
        kept = self._store.setting(name)
        return type(default)(kept) if kept in set(type(default)) else default

    def _number(self, name: str) -> int | None:
        kept = self._store.setting(name) or ""
        return int(kept) if kept.isdecimal() and kept.isascii() else None


def checked_threads(threads: int) -> int:
    """Raises: UserError where no computer has so many."""
    if not 1 <= threads <= MAX_THREADS:
        raise UserError(
            f"{threads} threads cannot work; choose 1 to {MAX_THREADS}. This computer has "
            f"{os.cpu_count() or 1}."
        )
    return threads
