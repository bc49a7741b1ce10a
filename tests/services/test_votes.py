from __future__ import annotations

import pytest
from tests.services.test_prompts import Kept

from snug.domain.conversation import Message, Role
from snug.services.votes import Tally, Votes, Winner


def answer(number: int, model: str) -> Message:
    return Message(f"a{number}", "c", "q", Role.ASSISTANT, (), model=model)


@pytest.fixture
def votes() -> Votes:
    return Votes(Kept())


def test_votes_count_for_each_model_whichever_stood_first(votes: Votes) -> None:
    votes.add(answer(1, "A"), answer(2, "B"), Winner.FIRST, blind=True)
    votes.add(answer(3, "B"), answer(4, "A"), Winner.FIRST, blind=False)
    votes.add(answer(5, "B"), answer(6, "A"), Winner.SECOND, blind=False)
    votes.add(answer(7, "A"), answer(8, "B"), Winner.EQUAL, blind=False)
    assert votes.tally("A", "B") == Tally(first=2, second=1, equal=1)
    assert votes.tally("B", "A") == Tally(first=1, second=2, equal=1)
    assert votes.tally("A", "C").count == 0


def test_saying_something_else_of_the_same_two_answers_takes_its_place(votes: Votes) -> None:
    votes.add(answer(1, "A"), answer(2, "B"), Winner.FIRST, blind=True)
    votes.add(answer(2, "B"), answer(1, "A"), Winner.NEITHER, blind=False)
    (vote,) = votes.all()
    assert (vote.winner, vote.question_id, vote.blind) == (Winner.NEITHER, "q", False)


@pytest.mark.parametrize("kept", ["{", "[3]", '[{"winner": "x"}]', '[{"first_model": "A"}]'])
def test_votes_that_cannot_be_read_are_none(kept: str) -> None:
    values = Kept()
    values.set("votes", kept)
    assert Votes(values).all() == ()
