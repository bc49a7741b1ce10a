"""What licences the person accepted, when, and which text they were shown; kept in the vault."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import asdict
from typing import Any, Final

from snug.domain.hub import Repository
from snug.domain.licence import LicenceClass
from snug.domain.model_card import Acceptance
from snug.services.ledger import Settings

MAX_KEPT: Final = 1_000
_KEY: Final = "hub.acceptances"


class Acceptances:
    """The records, oldest first. Any thread; `keep` waits for the vault's writer."""

    def __init__(self, store: Settings) -> None:
        self._store = store
        self._lock = threading.Lock()

    def keep(self, repository: Repository, shown_text: str, time_ms: int) -> Acceptance:
        """Record that the person accepted a repository's licence.

        The same licence of the same commit with the same text is kept once, at its first time.

        Args:
            shown_text: the licence's text as it stood on the screen; "" where there was none.

        Raises:
            SnugError: the vault cannot be written.
        """
        licence = repository.licence
        text = hashlib.sha256(shown_text.encode("utf-8", "replace")).hexdigest()
        made = Acceptance(
            repository=repository.id,
            commit=repository.commit,
            licence_id=licence.id,
            licence_name=licence.name,
            licence_class=licence.licence_class,
            text_sha256=text if shown_text else "",
            gated=repository.gated,
            time_ms=time_ms,
        )
        with self._lock:
            kept = self.all()
            for one in kept:
                if _same(one, made):
                    return one
            rows = [asdict(one) for one in (*kept, made)[-MAX_KEPT:]]
            self._store.set_setting(_KEY, json.dumps(rows, ensure_ascii=False))
        return made

    def of(self, repository: str, commit: str = "") -> Acceptance | None:
        """The newest of a repository, of this commit before any other; None where there is none."""
        found = [one for one in self.all() if one.repository.casefold() == repository.casefold()]
        exact = [one for one in found if commit and one.commit == commit]
        return next(reversed(exact or found), None)

    def all(self) -> tuple[Acceptance, ...]:
        """All records; those that make no sense are left out."""
        try:
            rows = json.loads(self._store.setting(_KEY) or "[]")
        except ValueError:
            return ()
        found = (_acceptance(row) for row in (rows if isinstance(rows, list) else ()))
        return tuple(one for one in found if one is not None)


def _same(one: Acceptance, other: Acceptance) -> bool:
    return (one.repository, one.commit, one.licence_id, one.licence_name, one.text_sha256) == (
        other.repository,
        other.commit,
        other.licence_id,
        other.licence_name,
        other.text_sha256,
    )


def _acceptance(row: Any) -> Acceptance | None:
    try:
        return Acceptance(
            **{
                **row,
                "licence_class": LicenceClass(row["licence_class"]),
                "time_ms": int(row["time_ms"]),
            }
        )
    except (TypeError, ValueError, KeyError):
        return None
