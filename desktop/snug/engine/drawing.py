"""The tokens of an answer, one after another, decoded ahead of themselves where that pays.

Each token is drawn from the model's own logits by the answer's own sampler, guessed or not: a guess
only decides what is decoded together. That may change the last bits of the logits, so that answers
that must be repeatable are guessed only where it does not (`exactness`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from snug.engine.decoder import MOST_AT_ONCE, Decoder
from snug.engine.lookup import PromptLookup
from snug.engine.pace import Pace
from snug.engine.sampler import Sampler

_FIRST_TRY = 3  # guesses for each token that was foretold
Chooser = Callable[[int, float], int]  # (guesses to be had, seconds of each) → guesses to try


class Guesser(Protocol):
    """Knows, perhaps, what comes next."""

    def append(self, token: int) -> None:
        """The text went on with this token."""

    def propose(self, choose: Chooser) -> tuple[list[int], int | None]:
        """Guesses to decode, as many as `choose` finds worthwhile.

        Returns:
            The guesses, and the first of them where none is tried, to be judged for nothing.
        """


class LookupGuesser:
    """Guesses from the prompt and the answer so far.

    A place that was just found must foretell one token before anything is tried, and then about as
    many are tried as it has foretold: where a text only seems to repeat itself, a wide step of
    wrong guesses would cost as much as ten tokens.
    """

    def __init__(self, tokens: Sequence[int]) -> None:
        self._lookup = PromptLookup(tokens)

    def append(self, token: int) -> None:
        """As `Guesser`."""
        self._lookup.append(token)

    def propose(self, choose: Chooser) -> tuple[list[int], int | None]:
        """As `Guesser`."""
        guesses = self._lookup.guess(MOST_AT_ONCE - 1)
        if not guesses:
            return [], None
        count = choose(min(len(guesses), _FIRST_TRY * self._lookup.held), 0.0)
        return guesses[:count], guesses[0]


class TokenSource:
    """Draws tokens. Engine thread only."""

    def __init__(
        self,
        decoder: Decoder,
        sampler: Sampler,
        ends_turn: Callable[[int], bool],
        guesser: Guesser | None = None,
        pace: Pace | None = None,
        may_guess: Callable[[], bool] = lambda: True,
    ) -> None:
        """Ready to draw after a prefill.

        Args:
            may_guess: asked before guesses are decoded.
        """
        self._decoder = decoder
        self._sampler = sampler
        self._ends_turn = ends_turn
        self._guesser = guesser if decoder.can_go_back else None
        self._pace = pace or Pace()
        self._may_guess = may_guess
        self._waiting: int | None = None  # drawn, but without a KV entry yet
        self._tried: list[int] = []  # guesses that were decoded with the last step
        self._base = 0  # tokens cached up to and with the one that those guesses follow
        self._place = -1  # in the last batch, whose logits the next token is drawn from
        self._drawn_from = -1
        self._shadow: int | None = None  # a guess that was not tried

    @property
    def drawn_from(self) -> int:
        """The place in the last batch whose logits the last token was drawn from."""
        return self._drawn_from

    def draw(self) -> int:
        """The next token; the one before it is decoded first. Raises: Aborted, SnugError."""
        began = 0.0
        self._decoder.heed_stop()  # what was guessed right comes without another step
        if self._waiting is not None:
            began = time.perf_counter()
            self._decode(self._waiting)
        self._drawn_from = self._place
        token = self._sampler.draw(self._place)
        if began:
            # With the draw, since a graphics card is still computing when llama_decode returns.
            self._pace.took(1 + len(self._tried), time.perf_counter() - began)
        self._settle(token)
        if self._guesser is not None:
            self._guesser.append(token)
        return token

    def close(self) -> None:
        """Take back what was decoded beyond the last token drawn."""
        if self._tried and self._place < len(self._tried):
            self._decoder.rewind(self._base + self._place)
        self._tried = []

    def _decode(self, token: int) -> None:
        self._waiting, self._tried, self._shadow = None, [], None
        guesses: list[int] = []
        if self._guesser is not None and self._decoder.free > MOST_AT_ONCE:
            guesses, self._shadow = self._guesser.propose(self._pace.choose)
            if guesses and not self._may_guess():
                guesses, self._shadow = [], guesses[0]
        if not guesses:
            self._decoder.step(token)
            self._place = -1
            return
        self._decoder.step_ahead(token, guesses)  # may be stopped: then none of them was tried
        self._tried = guesses
        self._base = self._decoder.cached - len(guesses)
        self._place = 0

    def _settle(self, token: int) -> None:
        """What the token just drawn says of the guess for its place."""
        if not self._tried:
            if self._shadow is not None:
                right = token == self._shadow
                self._pace.judged(int(right), int(not right))
                self._shadow = None
            self._waiting = token
            return
        if self._place == len(self._tried):  # all of them held, and this one comes after them
            self._tried = []
            self._waiting = token
            return
        right = token == self._tried[self._place]
        self._pace.judged(int(right), int(not right))
        if right and not self._ends_turn(token):
            self._place += 1
            return
        self._decoder.rewind(self._base + self._place)
        self._tried = []
        self._waiting = token
