"""How fast models answered on this machine, kept in the vault."""

from __future__ import annotations

import json
from typing import Any, Final, Protocol

from snug.domain.speed import Measurement, Where

_SPEEDS: Final = "model.speeds"
_KEPT: Final = 64


class SpeedStore(Protocol):
    """Named values. Any thread."""

    def setting(self, name: str) -> str | None:
        """A value; None where unset."""

    def set_setting(self, name: str, value: str) -> None:
        """Keep a value."""


class Speeds:
    """The last measurement of each model. Any thread."""

    def __init__(self, store: SpeedStore) -> None:
        self._store = store

    def all(self) -> dict[str, Measurement]:
        """By the model's key, oldest first; empty where what is kept makes no sense."""
        try:
            kept = json.loads(self._store.setting(_SPEEDS) or "{}")
            return {str(key): _measurement(values) for key, values in kept.items()}
        except (ValueError, TypeError, AttributeError, IndexError, OverflowError):
            return {}

    def keep(self, key: str, one: Measurement) -> None:
        """Remember a measurement in place of an earlier one. Raises: SnugError."""
        kept = self.all()
        kept.pop(key, None)
        kept[key] = one
        rows = {
            k: [m.tokens_per_second, m.active_bytes, m.where.value, m.name]
            for k, m in list(kept.items())[-_KEPT:]
        }
        self._store.set_setting(_SPEEDS, json.dumps(rows, ensure_ascii=False))


def _measurement(values: list[Any]) -> Measurement:
    """Earlier versions kept speed and size only, of processors for the most part."""
    speed, size = float(values[0]), int(values[1])
    where = Where(values[2]) if len(values) > 2 else Where.CPU
    return Measurement(speed, size, where, str(values[3])[:200] if len(values) > 3 else "")
