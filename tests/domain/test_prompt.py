"""What of a conversation may be dropped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snug.domain.conversation import Role
from snug.domain.prompt import PromptMessage, answer_reserve, drop_oldest, droppable

_ROLES = {"s": Role.SYSTEM, "u": Role.USER, "a": Role.ASSISTANT}


def _talk(roles: str) -> tuple[PromptMessage, ...]:
    return tuple(PromptMessage(_ROLES[role], str(i)) for i, role in enumerate(roles))


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


@pytest.mark.parametrize(("context", "reserve"), [(256, 64), (2048, 512), (8192, 512), (0, 0)])
def test_a_quarter_but_at_most_512_tokens_are_kept_for_the_answer(
    context: int, reserve: int
) -> None:
    assert answer_reserve(context) == reserve
