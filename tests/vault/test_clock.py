"""A clock that jumps: by a day, past 2038, and back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.vault.conftest import Home
from tests.vault.helpers import a_conversation, text

from snug.domain.conversation import Message, Role, new_id
from snug.domain.organising import DAY_MS

_END_OF_32_BITS_MS = 2**31 * 1000  # 2038-01-19 03:14:08 UTC
_JUMPS_MS = (0, DAY_MS, -DAY_MS, 5, 60 * 365 * DAY_MS, -50 * 365 * DAY_MS, 6)


def test_a_clock_that_jumps_changes_neither_the_order_nor_what_is_found(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = home.open()
    chat = a_conversation(vault.conversations)
    stored: list[Message] = []
    for number, jump_ms in enumerate(_JUMPS_MS):
        now = _END_OF_32_BITS_MS + jump_ms
        monkeypatch.setattr("snug.vault.tables.now_ms", lambda now=now: now)
        parent = stored[-1].id if stored else None
        message = Message(new_id(), chat, parent, Role.USER, text(f"jump{number}z"))
        stored.append(replace(message, created_ms=now))
        vault.conversations.add_message(stored[-1], durable=True)
    vault.close()
    vault = home.open()
    read = vault.conversations.conversation(chat)
    assert list(read.active_path()) == stored
    assert read.updated_ms == _END_OF_32_BITS_MS + _JUMPS_MS[-1]
    for message in stored:
        assert [hit.message_id for hit in vault.conversations.search(message.text)] == [message.id]
    vault.close()


def test_a_chat_changed_after_2038_heads_the_list(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = home.open()
    moments = iter((_END_OF_32_BITS_MS - 1, _END_OF_32_BITS_MS, _END_OF_32_BITS_MS + DAY_MS))
    monkeypatch.setattr("snug.vault.tables.now_ms", lambda: next(moments))
    chats = [a_conversation(vault.conversations) for _ in range(3)]
    assert [one.id for one in vault.conversations.summaries()] == chats[::-1]
    vault.close()
