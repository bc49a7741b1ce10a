"""Temporary conversations beside kept ones: nothing of them reaches the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from snug.app import Application
from snug.domain.conversation import Message, Part, PartKind, Role
from snug.domain.unlocking import Secret
from snug.paths import find_paths

WORD = "zanzibarquince"


def planted(folder: Path) -> list[Path]:
    """Files in which the word lies in the clear, database files included."""
    return [p for p in folder.rglob("*") if p.is_file() and WORD.encode() in p.read_bytes()]


def test_a_temporary_conversation_leaves_the_vault_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    paths = find_paths(tmp_path / "data")
    application = Application.open(paths, Secret(), offline=True)
    try:
        services = application.services
        temporary = services.temporary
        assert temporary is not None
        made = temporary.begin()
        store = services.conversations._store
        parts = (Part(PartKind.TEXT, WORD),)
        question = Message("mq", made.id, None, Role.USER, parts)
        store.add_message(question, durable=True)
        store.append_journal("mq", parts)
        store.finish_message(question)
        services.conversations.rename(made.id, f"{WORD} title")
        store.set_draft(made.id, WORD)
        assert services.conversations.conversation(made.id).messages[0].text == WORD
        assert services.conversations.summaries() == ()
        assert services.conversations.search(WORD) == ()
        assert [one.id for one in temporary.summaries()] == [made.id]
        assert not temporary.keeps(made.id)
        with application._vault._database.reading() as connection:
            for table in ("conversations", "messages", "journal", "kv_states"):
                count = connection.execute(f"SELECT count(*) FROM {table}").get
                assert count == 0
        assert planted(tmp_path) == []
        services.conversations.delete(made.id)
        assert temporary.summaries() == ()
    finally:
        application.close()
    assert planted(tmp_path) == []
