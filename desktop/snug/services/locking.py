"""When the chats are locked, what goes with the lock, and how long a wrong answer waits."""

from __future__ import annotations

import time
from collections.abc import Callable

from snug.services.keys import KeyService
from snug.services.preferences import Preferences

LOCK_MINUTES = "lock.minutes"  # 0 is never
LOCK_ON_SLEEP = "lock.sleep"  # "1" or "0"
FORGET_COPIED = "lock.clipboard"  # "1" or "0"
IDLE_CHOICES = (0, 1, 5, 15, 60)  # minutes
_USUAL_MINUTES = 15
_LONGEST_WAIT_S = 30


class LockSettings:
    """The person's choices. Where nothing was chosen, a vault that asks for a key is locked too.

    Args:
        keys: None for a vault in memory, which is never locked: nothing would open it again.
    """

    def __init__(self, preferences: Preferences, keys: KeyService | None) -> None:
        self._preferences = preferences
        self._keys = keys

    @property
    def possible(self) -> bool:
        """There is something that opens it again."""
        return self._keys is not None

    @property
    def asks(self) -> bool:
        """A lock means something: the vault does not open without a question."""
        return self._keys is not None and not self._keys.silent()

    @property
    def idle_minutes(self) -> int:
        """Minutes without use until it is locked; 0 is never."""
        kept = self._preferences.get(LOCK_MINUTES)
        if not self.possible:
            return 0
        if kept.isdigit():
            return int(kept)
        return _USUAL_MINUTES if self.asks else 0

    @property
    def on_sleep(self) -> bool:
        """Whether it is locked when the computer sleeps or its screen is locked."""
        kept = self._preferences.get(LOCK_ON_SLEEP)
        return self.possible and (kept == "1" if kept else self.asks)

    @property
    def forgets_copied(self) -> bool:
        """Whether what was last copied from Snug leaves the clipboard with the lock."""
        return self._preferences.get(FORGET_COPIED, "1") == "1"

    def set_idle_minutes(self, minutes: int) -> None:
        """Choose. Raises: SnugError (it could not be kept)."""
        self._preferences.set(LOCK_MINUTES, str(minutes))

    def set_on_sleep(self, locks: bool) -> None:
        """Choose. Raises: SnugError (it could not be kept)."""
        self._preferences.set(LOCK_ON_SLEEP, "1" if locks else "0")

    def set_forgets_copied(self, forgets: bool) -> None:
        """Choose. Raises: SnugError (it could not be kept)."""
        self._preferences.set(FORGET_COPIED, "1" if forgets else "0")


class Patience:
    """Makes guessing by hand slow: 1, 2, 4, … seconds after each wrong answer, 30 at most."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._wrong = 0
        self._until = 0.0

    def note_wrong(self) -> None:
        """An answer was wrong."""
        self._until = self._now() + min(2**self._wrong, _LONGEST_WAIT_S)
        self._wrong += 1

    def left_s(self) -> float:
        """Seconds until the next answer is taken; 0 for at once."""
        return max(0.0, self._until - self._now())
