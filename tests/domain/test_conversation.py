"""The tree of messages."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snug.domain.conversation import (
    TITLE_LENGTH,
    Conversation,
    Message,
    Part,
    PartKind,
    Role,
    join_parts,
    new_id,
    path_to,
    title_from,
)
from snug.domain.errors import NotFoundError

_KINDS = st.sampled_from(PartKind)


def _message(name: str, parent: str | None, role: Role = Role.USER) -> Message:
    return Message(name, "c", parent, role, (Part(PartKind.TEXT, name),))


def _tree() -> Conversation:
    """a → b → c, and beside c its sibling d → e; beside b its sibling f."""
    messages = (
        _message("a", None),
        _message("b", "a", Role.ASSISTANT),
        _message("c", "b"),
        _message("d", "b"),
        _message("e", "d", Role.ASSISTANT),
        _message("f", "a", Role.ASSISTANT),
    )
    return Conversation("c", "", 0, 0, messages, leaf_id="e")


def _ids(messages: tuple[Message, ...]) -> str:
    return "".join(message.id for message in messages)


def test_the_active_path_runs_from_the_root_to_the_leaf() -> None:
    assert _ids(_tree().active_path()) == "abde"


@pytest.mark.parametrize(("leaf", "path"), [(None, ""), ("no-such", ""), ("a", "a"), ("f", "af")])
def test_a_path_to_any_message(leaf: str | None, path: str) -> None:
    assert _ids(path_to(_tree().messages, leaf)) == path


def test_a_path_with_a_lost_parent_begins_after_it() -> None:
    messages = (_message("x", "gone"), _message("y", "x"))
    assert _ids(path_to(messages, "y")) == "xy"


def test_a_cycle_in_damaged_data_ends_with_each_message_once() -> None:
    messages = (_message("a", "c"), _message("b", "a"), _message("c", "b"), _message("d", None))
    assert _ids(path_to(messages, "b")) == "cab"
    assert _ids(path_to((_message("a", "a"),), "a")) == "a"


def test_siblings_share_parent_and_role() -> None:
    tree = _tree()
    assert _ids(tree.siblings(tree.message("c"))) == "cd"
    assert _ids(tree.siblings(tree.message("b"))) == "bf"
    assert _ids(tree.siblings(tree.message("a"))) == "a"


@pytest.mark.parametrize(("message", "leaf"), [("a", "f"), ("b", "e"), ("c", "c"), ("d", "e")])
def test_the_newest_leaf_below_a_message_was_stored_last(message: str, leaf: str) -> None:
    assert _tree().newest_leaf_below(message) == leaf


def test_an_unknown_message_is_told_as_such() -> None:
    with pytest.raises(NotFoundError, match="zz"):
        _tree().message("zz")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Hello", "Hello"),
        ("\n\n  What is\tlove? \nBaby", "What is love?"),
        ("", "New chat"),
        (" \n\t\n", "New chat"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 59 + "…"),
        ("word " * 20, "word word word word word word word word word word word…"),
    ],
)
def test_a_title_is_the_first_line_cut_at_a_word(text: str, title: str) -> None:
    assert title_from(text) == title


@given(st.text())
def test_a_title_is_one_short_line_and_never_empty(text: str) -> None:
    title = title_from(text)
    assert 0 < len(title) <= TITLE_LENGTH
    assert title == " ".join(title.split())


@given(st.lists(st.builds(Part, _KINDS, st.text(max_size=3)), max_size=12))
def test_joining_parts_keeps_every_word_in_order(parts: list[Part]) -> None:
    joined = join_parts(parts)
    for kind in PartKind:
        assert "".join(p.text for p in joined if p.kind is kind) == "".join(
            p.text for p in parts if p.kind is kind
        )
    assert all(part.text for part in joined)
    for one, other in itertools.pairwise(joined):
        assert one.kind is not other.kind or one.kind is PartKind.TOOL_CALL


def test_text_and_reasoning_are_told_apart() -> None:
    parts = (Part(PartKind.REASONING, "hm"), Part(PartKind.TEXT, "yes"), Part(PartKind.TEXT, "!"))
    message = Message("m", "c", None, Role.ASSISTANT, parts)
    assert (message.text, message.reasoning) == ("yes!", "hm")


def test_ids_are_unique_and_sort_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(10**18, 10**18 + 100 * 10**6, 10**6))
    monkeypatch.setattr(time, "time_ns", lambda: next(moments))
    ids = [new_id() for _ in range(100)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 100
    assert {len(name) for name in ids} == {26}
