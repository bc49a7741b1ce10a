"""KV states of the conversations that are not being answered now, so that none is read twice.

The newest lie in main memory under a budget; what leaves it goes to a keeper, which may put it on
disk. llama.cpp copies a state of 90 MB in 8 ms, and reading its 4,000 tokens again takes 30 s.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from snug.domain.kv_state import StateKeeper
from snug.engine.kv_state import KvState

SHORTEST = 64  # tokens; fewer are read again as fast as they are fetched
SHORTEST_KEPT = 256  # tokens; for the keeper
CLOSING_S = 4.0  # how long closing may spend on handing states over


@dataclass(frozen=True, slots=True)
class _Entry:
    """A state, the adapters it was computed with, and whether the keeper may have it."""

    state: KvState
    adapters: str
    keep: bool


class WarmStates:
    """States by conversation, least recently used first. Engine thread only.

    Args:
        fingerprint: of the model and the cache's layout; a kept state serves only the same one.
        budget_bytes: of main memory for all of them.
    """

    def __init__(self, keeper: StateKeeper | None, fingerprint: str, budget_bytes: int) -> None:
        self._keeper = keeper
        self._fingerprint = fingerprint
        self._budget = budget_bytes
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    @property
    def size_bytes(self) -> int:
        """Of all states in main memory."""
        return sum(len(entry.state.data) for entry in self._entries.values())

    def put(self, conversation: str, state: KvState, adapters: str = "", *, keep: bool) -> None:
        """Keep a conversation's state, in place of its earlier one.

        Args:
            adapters: names those that it was computed with.
            keep: whether it may be given to the keeper.
        """
        if len(state.tokens) < SHORTEST:
            return
        self._entries.pop(conversation, None)
        self._entries[conversation] = _Entry(state, adapters, keep)
        while self._entries and self.size_bytes > self._budget:
            self._hand_over(*self._entries.popitem(last=False))

    def take(
        self, conversation: str, tokens: Sequence[int], at_least: int, adapters: str = ""
    ) -> KvState | None:
        """The state that shares most with a prompt; of its own conversation where there is one.

        Args:
            at_least: tokens that must be shared; fewer are not worth it.
        """
        mine = self._own(conversation, adapters) if conversation else None
        if mine is not None:
            # An answer's tokens may not be those that its text is read as, so that a comparison
            # by number would stop at the first answer. Spelling is compared once it is restored.
            return mine if shared_tokens(mine.tokens, tokens) >= min(at_least, SHORTEST) else None
        shared, state = max(
            (
                (shared_tokens(entry.state.tokens, tokens), entry.state)
                for entry in self._entries.values()
                if entry.adapters == adapters
            ),
            key=lambda pair: pair[0],
            default=(0, None),
        )
        return state if shared >= at_least else None

    def drop(self, conversation: str) -> None:
        """Forget a conversation's state."""
        self._entries.pop(conversation, None)

    def close(self) -> None:
        """Give the newest states to the keeper, for as long as closing may take."""
        deadline = time.monotonic() + CLOSING_S
        while self._entries:
            conversation, entry = self._entries.popitem()
            if time.monotonic() < deadline:
                self._hand_over(conversation, entry)

    def _own(self, conversation: str, adapters: str) -> KvState | None:
        entry = self._entries.pop(conversation, None)  # it comes back, grown, when it is left
        if entry is not None:
            return entry.state if entry.adapters == adapters else None
        if self._keeper is None:
            return None
        data = self._keeper.load(conversation, self._fingerprint + adapters)
        return KvState.parse(data) if data is not None else None

    def _hand_over(self, conversation: str, entry: _Entry) -> None:
        if self._keeper is None or not entry.keep or len(entry.state.tokens) < SHORTEST_KEPT:
            return
        self._keeper.save(conversation, self._fingerprint + entry.adapters, entry.state.data)


def shared_tokens(one: Sequence[int], other: Sequence[int]) -> int:
    """Length of the common beginning."""
    low, high = 0, min(len(one), len(other))
    while low < high:  # slices compare at C's speed; the first difference is found by halving
        middle = (low + high + 1) // 2
        if list(one[low:middle]) == list(other[low:middle]):
            low = middle
        else:
            high = middle - 1
    return low
