"""What of a conversation may be dropped."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snug.domain.conversation import Role
from snug.domain.prompt import PromptMessage, answer_reserve, drop_oldest, droppable

_ROLES = {"s": Role.SYSTEM, "u": Role.USER, "a": Role.ASSISTANT}


def _talk(roles: str) -> tuple[PromptMessage, ...]:
    """Messages by the first letters of their roles; a capital letter is pinned."""
    return tuple(
        PromptMessage(_ROLES[role.lower()], str(i), pinned=role.isupper())
        for i, role in enumerate(roles)
    )


def _letters(messages: Sequence[PromptMessage]) -> str:
    return "".join(m.role.value[0].upper() if m.pinned else m.role.value[0] for m in messages)


@pytest.mark.parametrize(
    ("roles", "steps"),
    [
        ("u", (0,)),
        ("su", (0,)),
        ("uau", (0, 2)),
        ("suauau", (0, 2, 4)),
        ("uuau", (0, 1, 3)),
        ("aua", (0, 1)),
        ("uaau", (0, 3)),
        ("s", (0,)),
        ("", (0,)),
    ],
)
def test_each_step_ends_before_a_message_of_the_person(roles: str, steps: tuple[int, ...]) -> None:
    assert droppable(_talk(roles)) == steps


@given(st.text(alphabet="sua", max_size=12))
def test_whatever_is_dropped_the_newest_question_and_the_system_prompt_stay(roles: str) -> None:
    messages = _talk(roles)
    system = [m for m in messages if m.role is Role.SYSTEM]
    for count in droppable(messages):
        left = drop_oldest(messages, count)
        turns = [m for m in left if m.role is not Role.SYSTEM]
        assert len(messages) - len(left) == count
        assert [m for m in left if m.role is Role.SYSTEM] == system
        assert count == 0 or turns[0].role is Role.USER
        questions = [m for m in messages if m.role is Role.USER]
        assert not questions or questions[-1] in left


@pytest.mark.parametrize(
    ("roles", "left"),
    [
        ("suAuauau", ["suAuauau", "suAuau", "suAu"]),
        ("suaUauau", ["suaUauau", "sUauau", "sUau"]),
        ("uaUau", ["uaUau", "Uau"]),
        ("uAuAu", ["uAuAu"]),
        ("uauaU", ["uauaU", "uaU", "U"]),
        ("uauaA", ["uauaA", "uaA"]),
    ],
)
def test_a_pinned_message_and_its_exchange_stay(roles: str, left: list[str]) -> None:
    messages = _talk(roles)
    assert [_letters(drop_oldest(messages, n)) for n in droppable(messages)] == left


@given(st.text(alphabet="uaUA", max_size=14).map(lambda roles: "u" + roles))
def test_dropping_never_makes_two_of_a_kind_meet_that_did_not_before(roles: str) -> None:
    messages = _talk(roles)
    had_pairs = {pair for pair in ("uu", "aa") if pair in roles.lower()}
    for count in droppable(messages):
        left = drop_oldest(messages, count)
        assert len(messages) - len(left) == count
        assert [m for m in messages if m.pinned] == [m for m in left if m.pinned]
        assert left[0].role is Role.USER
        assert {pair for pair in ("uu", "aa") if pair in _letters(left).lower()} <= had_pairs


@pytest.mark.parametrize(("context", "reserve"), [(256, 64), (2048, 512), (8192, 512), (0, 0)])
def test_a_quarter_but_at_most_512_tokens_are_kept_for_the_answer(
    context: int, reserve: int
) -> None:
    assert answer_reserve(context) == reserve
