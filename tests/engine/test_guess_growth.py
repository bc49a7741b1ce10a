"""How many guesses a place in the text is trusted with."""

from __future__ import annotations

from snug.engine.drawing import LookupGuesser

TEXT = list(range(100, 140))


def take_all(available: int, _guess_s: float) -> int:
    return available


def test_a_place_that_was_just_found_is_judged_before_it_is_tried() -> None:
    guesser = LookupGuesser(TEXT + TEXT[:3])
    assert guesser.propose(take_all) == ([], TEXT[3])


def test_more_is_tried_the_more_a_place_has_foretold() -> None:
    guesser = LookupGuesser(TEXT + TEXT[:3])
    guesser.propose(take_all)
    guesser.append(TEXT[3])
    assert guesser.propose(take_all) == (TEXT[4:7], TEXT[4])
    guesser.append(TEXT[4])
    assert guesser.propose(take_all) == (TEXT[5:11], TEXT[5])


def test_a_wrong_guess_takes_the_trust_in_its_place_away() -> None:
    guesser = LookupGuesser(TEXT + TEXT[:3])
    guesser.propose(take_all)
    for token in (*TEXT[3:6], 1, *TEXT[20:23]):
        guesser.append(token)
    assert guesser.propose(take_all) == ([], TEXT[23])
