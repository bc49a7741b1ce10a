"""What was trending, kept in the vault: the last look in full, and a few figures of each day."""

from __future__ import annotations

import datetime
import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from snug.domain.hub import Category, RemoteFile, Repository, Variant
from snug.domain.licence import Licence, LicenceClass
from snug.services.ledger import Settings

MAX_DAYS: Final = 180
_LAST: Final = "hub.trending.last"
_DAYS: Final = "hub.trending.days"


@dataclass(frozen=True, slots=True)
class Look:
    """A listing and when it was made.

    Attributes:
        kept: it comes from the vault, not from the Hub just now.
    """

    time_ms: int
    repositories: tuple[Repository, ...]
    kept: bool = False


@dataclass(frozen=True, slots=True)
class TrendRow:
    """One repository on one day."""

    repository: str
    category: str
    architecture: str
    trending_score: int
    downloads: int


class Looks:
    """The kept looks. Any thread."""

    def __init__(self, store: Settings) -> None:
        self._store = store

    def keep(self, look: Look) -> None:
        """Keep a look: as the last one, and as its day's."""
        rows = [asdict(one) for one in look.repositories]
        self._store.set_setting(
            _LAST, json.dumps({"time_ms": look.time_ms, "repositories": rows}, ensure_ascii=False)
        )
        day = datetime.datetime.fromtimestamp(look.time_ms / 1000, datetime.UTC).date().isoformat()
        days = self._days()
        days[day] = [
            [r.id, r.category.value, r.architecture, r.trending_score, r.downloads]
            for r in look.repositories
        ]
        newest = dict(sorted(days.items())[-MAX_DAYS:])
        self._store.set_setting(_DAYS, json.dumps(newest, ensure_ascii=False))

    def last(self) -> Look | None:
        """The last look; None where there was none."""
        try:
            raw = json.loads(self._store.setting(_LAST) or "null")
            rows = tuple(_repository(row) for row in raw["repositories"])
            return Look(int(raw["time_ms"]), rows, kept=True)
        except (ValueError, TypeError, KeyError):
            return None

    def history(self) -> dict[str, tuple[TrendRow, ...]]:
        """The looks by day (YYYY-MM-DD, UTC), oldest first; the last one of each day."""
        return {
            day: tuple(TrendRow(*row) for row in rows if len(row) == 5)
            for day, rows in sorted(self._days().items())
        }

    def _days(self) -> dict[str, list[list[Any]]]:
        try:
            days = json.loads(self._store.setting(_DAYS) or "{}")
        except ValueError:
            return {}
        return days if isinstance(days, dict) else {}


def _repository(row: dict[str, Any]) -> Repository:
    licence = row["licence"]
    return Repository(
        **{
            **row,
            "category": Category(row["category"]),
            "licence": Licence(
                **{**licence, "licence_class": LicenceClass(licence["licence_class"])}
            ),
            "base_models": tuple(row["base_models"]),
            "variants": tuple(
                Variant(v["quantization"], tuple(RemoteFile(**f) for f in v["files"]))
                for v in row["variants"]
            ),
            "projectors": tuple(RemoteFile(**f) for f in row["projectors"]),
        }
    )
