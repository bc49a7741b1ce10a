"""How many tokens to guess ahead, from what steps cost here and how far guesses held.

A step over several tokens costs more than one over a single token: little more where the memory is
the limit, nearly as many times more where arithmetic is. Guessing pays where the tokens that come
out of a step rise faster than its cost. Both are measured while answering; guesses are also judged
while none is tried, since the text itself tells whether they would have held.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

WIDTHS = (1, 2, 4, 8, 16, 33)  # tokens of a step that are measured; the first is a plain step
WORTHWHILE = 1.08  # gain below which a plain step is taken: a wrong guess is a loss for sure
_LEARN = 0.12  # weight of the newest judgement of a guess
_LEARN_COST = 0.25
_UNMEASURED = 0.35  # cost of each further token in parts of a plain step, until it is measured
_FIRST_TRUST = 0.5


class Pace:
    """Learns from one answer to the next, as long as a model is loaded.

    Attributes:
        steps: how many steps were taken so far, by their tokens.
    """

    def __init__(self) -> None:
        self.steps: Counter[int] = Counter()
        self._cost: dict[int, float] = {}  # width → seconds
        self._held = _FIRST_TRUST  # share of guessed tokens that were right

    @property
    def trust(self) -> float:
        """Share of guessed tokens that turned out right, lately."""
        return self._held

    def choose(self, available: int, guess_s: float = 0.0) -> int:
        """How many of `available` guesses to try; 0 where a plain step is faster.

        Args:
            guess_s: seconds that each guess costs by itself, where another model makes them.
        """
        plain = self._cost.get(1)
        if plain is None or available <= 0:
            return 0
        best, gain = 0, WORTHWHILE
        for width in WIDTHS[1:]:
            guesses = min(width - 1, available)
            cost = self.cost(guesses + 1) + guesses * guess_s
            now = self.expected(guesses) * plain / cost
            if now > gain:
                best, gain = guesses, now
            if guesses == available:
                break
        return best

    def expected(self, guesses: int) -> float:
        """Tokens that a step with so many guesses brings on average, its own one included."""
        total, share = 1.0, 1.0
        for _ in range(guesses):
            share *= self._held
            total += share
        return total

    def cost(self, width: int) -> float:
        """Seconds of a step over so many tokens: measured, or between or beyond what was."""
        known = sorted(self._cost.items())
        if not known:
            return 0.0
        for (low, low_s), (high, high_s) in pairwise(known):
            if low <= width <= high:
                return low_s + (high_s - low_s) * (width - low) / (high - low)
        last, last_s = known[-1]
        return last_s + max(0, width - last) * _UNMEASURED * known[0][1]

    def took(self, width: int, seconds: float) -> None:
        """A step over so many tokens took so long."""
        self.steps[width] += 1
        step = min((w for w in WIDTHS if w >= width), default=WIDTHS[-1])
        if step != width and width != 1:
            seconds *= step / width  # to the measured width above it
        old = self._cost.get(step)
        # A pause of the machine is no property of the step.
        if old is not None and seconds > 3.0 * old:
            seconds = 3.0 * old
        self._cost[step] = seconds if old is None else old + _LEARN_COST * (seconds - old)

    def judged(self, right: int, wrong: int) -> None:
        """So many guessed tokens were right, and then so many (0 or 1) wrong."""
        for outcome in (*(1.0,) * right, *(0.0,) * wrong):
            self._held += _LEARN * (outcome - self._held)
