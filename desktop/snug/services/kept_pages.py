"""Pages of the Hub that a card was made of, kept in the vault: so that it is as rich offline."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import msgspec

from snug.domain.conversation import now_ms
from snug.domain.model_card import PageState, RepositoryPage
from snug.services.ledger import Settings
from snug.services.lineage import Pages

MAX_KEPT: Final = 64
MAX_CHARACTERS: Final = 128 * 1024  # of one page; a larger one is not kept
_INDEX: Final = "cards.pages"
_PAGE: Final = "cards.page."


class KeptPages:
    """Looks at the Hub where it may, and at what was seen last where it may not. Any thread."""

    def __init__(
        self, store: Settings, live: Callable[[], Pages], offline: Callable[[], bool]
    ) -> None:
        self._store = store
        self._live = live
        self._offline = offline
        self._lock = threading.Lock()

    def page(
        self,
        repository: str,
        commit: str = "",
        stop: threading.Event | None = None,
        *,
        template: bool = True,
    ) -> RepositoryPage:
        """A repository's page; `read_ms` tells of a kept one when it was read.

        Raises:
            SnugError: it was stopped, or the vault cannot be written.
        """
        found = RepositoryPage(repository, PageState.UNREACHABLE)
        if not self._offline():
            found = self._live().page(repository, commit, stop, template=template)
        if found.state is PageState.UNREACHABLE:
            kept = self._kept(_key(repository, commit, True))
            if kept is None and not template:
                kept = self._kept(_key(repository, commit, False))
            return replace(kept, problem=found.problem or kept.problem) if kept else found
        if found.state is not PageState.MISSING:
            self._keep(_key(repository, commit, template), replace(found, read_ms=now_ms()))
        return found

    def _kept(self, key: str) -> RepositoryPage | None:
        try:
            text = self._store.setting(_PAGE + key) or ""
            return msgspec.json.decode(text, type=RepositoryPage) if text else None
        except msgspec.MsgspecError:
            return None

    def _keep(self, key: str, page: RepositoryPage) -> None:
        try:
            text = msgspec.json.encode(page).decode()
        except (UnicodeError, msgspec.MsgspecError):
            return  # a lone surrogate: not worth keeping
        if len(text) > MAX_CHARACTERS:
            return
        with self._lock:
            index = [one for one in self._index() if one != key]
            for old in index[: max(0, len(index) + 1 - MAX_KEPT)]:
                self._store.set_setting(_PAGE + old, "")
            self._store.set_setting(_PAGE + key, text)
            self._store.set_setting(_INDEX, json.dumps([*index, key][-MAX_KEPT:]))

    def _index(self) -> list[str]:
        try:
            kept = json.loads(self._store.setting(_INDEX) or "[]")
        except ValueError:
            return []
        return [str(one) for one in kept] if isinstance(kept, list) else []


def _key(repository: str, commit: str, template: bool) -> str:
    return f"{repository.casefold()}@{commit}{':t' if template else ''}"
