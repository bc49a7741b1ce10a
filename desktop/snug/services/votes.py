"""Which of two answers a person found better: kept, and counted for each pair of models."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from snug.domain.conversation import Message, now_ms
from snug.services.preferences import Kept, kept_list

_KEPT = "votes"
_MOST = 5000  # the newest ones


class Winner(StrEnum):
    """What was said of two answers."""

    FIRST = "first"
    SECOND = "second"
    EQUAL = "equal"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Vote:
    """One judgement. Answers are named by their ids: the texts stay where they are.

    Attributes:
        blind: the models' names were hidden when it was given.
    """

    first_model: str
    second_model: str
    winner: Winner
    blind: bool
    question_id: str = ""
    first_id: str = ""
    second_id: str = ""
    time_ms: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """The votes on a pair of models, whichever stood first."""

    first: int = 0
    second: int = 0
    equal: int = 0
    neither: int = 0

    @property
    def count(self) -> int:
        """All of them."""
        return self.first + self.second + self.equal + self.neither


class Votes:
    """Any thread. Raises (`add`): `DiskFullError`, `EnvironmentFault`; nothing was changed then."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def all(self) -> tuple[Vote, ...]:
        """Every vote, oldest first; one that cannot be read is left out."""
        found = []
        for entry in kept_list(self._kept.get(_KEPT)):
            try:
                found.append(Vote(**{**entry, "winner": Winner(entry["winner"])}))
            except (TypeError, KeyError, ValueError):
                continue
        return tuple(found)

    def add(self, first: Message, second: Message, winner: Winner, *, blind: bool) -> Vote:
        """Keep what was said of two answers to one question, in place of what was said before."""
        vote = Vote(
            first.model,
            second.model,
            winner,
            blind,
            first.parent_id or "",
            first.id,
            second.id,
            now_ms(),
        )
        pair = {first.id, second.id}
        kept = [one for one in self.all() if {one.first_id, one.second_id} != pair]
        entries = [asdict(one) for one in (*kept, vote)][-_MOST:]
        self._kept.set(_KEPT, json.dumps(entries))
        return vote

    def tally(self, first_model: str, second_model: str) -> Tally:
        """The votes on two models."""
        return tally(self.all(), first_model, second_model)


def tally(votes: Sequence[Vote], first_model: str, second_model: str) -> Tally:
    """Count the votes on two models, in whatever order they stood."""
    counts = dict.fromkeys(Winner, 0)
    turned = {Winner.FIRST: Winner.SECOND, Winner.SECOND: Winner.FIRST}
    for vote in votes:
        if (vote.first_model, vote.second_model) == (first_model, second_model):
            counts[vote.winner] += 1
        elif (vote.second_model, vote.first_model) == (first_model, second_model):
            counts[turned.get(vote.winner, vote.winner)] += 1
    return Tally(
        counts[Winner.FIRST], counts[Winner.SECOND], counts[Winner.EQUAL], counts[Winner.NEITHER]
    )
