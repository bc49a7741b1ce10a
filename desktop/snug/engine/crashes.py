"""How often the isolated engine may crash, how long it waits, and what a crash is called."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass

_KEPT = "Everything up to here was kept"
_GO_ON = f"{_KEPT}; you can continue."
_SIGNALS = {
    signal.SIGILL: (
        "The engine met an instruction that this processor lacks (signal 4). "
        f"{_KEPT}. Restart Snug; it then uses a plainer engine."
    ),
    getattr(signal, "SIGBUS", -1): (
        "The model file changed or could not be read while it was in use (signal 7). "
        f"{_KEPT}. Check the file and the disk, then continue."
    ),
    getattr(signal, "SIGKILL", -1): (
        "The system ended the engine (signal 9), most likely because memory ran short. "
        f"{_KEPT}. Close other programs, or choose a smaller model or a shorter context."
    ),
}


def crash_sentence(exit_code: int | None) -> str:
    """What happened, for the person.

    Args:
        exit_code: of the child, negative for a signal; None where it is unknown.
    """
    if exit_code is not None and exit_code < 0:
        known = _SIGNALS.get(-exit_code)
        return known or f"The engine ended unexpectedly (signal {-exit_code}). {_GO_ON}"
    return f"The engine ended unexpectedly (code {exit_code}). {_GO_ON}"


def hang_sentence(seconds: float) -> str:
    """The engine gave no sign and was ended."""
    return f"The engine gave no sign for {seconds:.0f} s and was ended. {_GO_ON}"


GARBAGE = f"The engine's process sent something that makes no sense and was ended. {_GO_ON}"


@dataclass(frozen=True, slots=True)
class CrashLimits:
    """When to wait and when to give up.

    Attributes:
        waits_s: before the first, second … start after a crash.
        crashes: so many within `window_s` are too many.
    """

    waits_s: tuple[float, ...] = (1.0, 4.0, 16.0)
    crashes: int = 3
    window_s: float = 600.0


class CrashLog:
    """Crashes by what was running (a model with its settings). One thread at a time."""

    def __init__(self, limits: CrashLimits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._moments: dict[Hashable, deque[float]] = {}

    def note(self, key: Hashable) -> None:
        """It has just crashed."""
        self._moments.setdefault(key, deque(maxlen=self._limits.crashes)).append(self._clock())

    def too_many(self, key: Hashable) -> bool:
        """It crashed too often within the window."""
        return len(self._recent(key)) >= self._limits.crashes

    def wait_s(self, key: Hashable) -> float:
        """How much longer to wait before the next start."""
        recent = self._recent(key)
        if not recent:
            return 0.0
        wait = self._limits.waits_s[min(len(recent), len(self._limits.waits_s)) - 1]
        return max(0.0, recent[-1] + wait - self._clock())

    def forgive(self) -> None:
        """Forget all crashes."""
        self._moments.clear()

    def _recent(self, key: Hashable) -> list[float]:
        since = self._clock() - self._limits.window_s
        return [moment for moment in self._moments.get(key, ()) if moment > since]
