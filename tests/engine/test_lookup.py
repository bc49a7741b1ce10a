"""Guesses from the text itself."""

from __future__ import annotations

from snug.engine.lookup import PromptLookup


def test_a_guess_follows_the_last_occurrence() -> None:
    lookup = PromptLookup([1, 2, 3, 10, 11, 1, 2, 3, 20, 21, 22, 1, 2, 3])
    assert lookup.guess(2) == [20, 21]
    assert lookup.guess(99) == [20, 21, 22, 1, 2, 3]


def test_a_longer_run_that_agrees_is_believed_before_a_later_shorter_one() -> None:
    lookup = PromptLookup([8, 9, 1, 2, 3, 30, 7, 1, 2, 3, 40, 8, 9, 1, 2, 3])
    assert lookup.guess(1) == [30]


def test_the_end_of_the_text_does_not_find_itself() -> None:
    assert PromptLookup([1, 2, 3]).guess(4) == []
    assert PromptLookup([1, 2, 3, 4, 5, 6, 7]).guess(4) == []
    assert PromptLookup([]).guess(4) == []


def test_two_tokens_that_agree_are_not_enough() -> None:
    assert PromptLookup([1, 2, 9, 5, 6, 1, 2]).guess(4) == []


def test_a_guess_that_held_goes_on_where_it_stood() -> None:
    # After 1 2 3 come 4 5 6 7; a later text would say otherwise of 5 6 7, were it asked anew.
    lookup = PromptLookup([1, 2, 3, 4, 5, 6, 7, 50, 51, 5, 6, 7, 60, 1, 2, 3])
    assert lookup.guess(3) == [4, 5, 6]
    for token in (4, 5, 6, 7):
        lookup.append(token)
    assert lookup.guess(2) == [50, 51]


def test_a_guess_that_failed_is_looked_for_anew() -> None:
    lookup = PromptLookup([1, 2, 3, 4, 5, 6, 1, 2, 3])
    assert lookup.guess(2) == [4, 5]
    lookup.append(99)
    assert lookup.guess(2) == []
    for token in (1, 2, 3):
        lookup.append(token)
    assert lookup.guess(1) == [99]


def test_what_repeats_is_guessed_up_to_the_end_and_no_further() -> None:
    lookup = PromptLookup([7] * 10)
    for _ in range(5):
        guess = lookup.guess(8)
        assert guess
        assert set(guess) == {7}
        lookup.append(7)


def test_it_says_what_a_search_of_the_whole_text_would() -> None:
    text = [(n * n * 7 + n // 3) % 5 for n in range(400)]

    def search(tokens: list[int]) -> list[int]:
        for length in (5, 3):
            for start in range(len(tokens) - length - 1, -1, -1):
                if tokens[start : start + length] == tokens[-length:]:
                    return tokens[start + length : start + length + 4]
        return []

    for end in range(3, len(text)):
        assert PromptLookup(text[:end]).guess(4) == search(text[:end])
