from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from tests.vault.conftest import Home
from tests.vault.helpers import a_conversation, a_message, an_answer, bytes_of, forms, text

from snug.domain.conversation import ConversationSettings, Message, Part, PartKind, Role, new_id
from snug.vault import keys
from snug.vault.conversations import Conversations
from snug.vault.database import Database
from snug.vault.vault import Vault

WORDS = (
    "marzipanquestion",
    "marzipanreasoning",
    "marzipananswer",
    "marzipanjournal",
    "marzipantitle",
    "marzipandraft",
    "marzipansystem",
    "marzipangeometry",
    "marzipanerror",
    "marzipanmodel",
)


def plant(store: Conversations) -> str:
    """A conversation with a word of `WORDS` in each place that can hold one."""
    conversation = a_conversation(store)
    question = a_message(store, conversation, "marzipanquestion")
    parts = (Part(PartKind.REASONING, "marzipanreasoning"), Part(PartKind.TEXT, "marzipananswer"))
    answer = Message(new_id(), conversation, question.id, Role.ASSISTANT, parts)
    store.add_message(replace(answer, model="marzipanmodel", error="marzipanerror"), durable=True)
    store.append_journal(an_answer(store, conversation, question).id, text("marzipanjournal"))
    store.set_title(conversation, "marzipantitle")
    store.set_draft(conversation, "marzipandraft")
    store.set_settings(conversation, ConversationSettings(system_prompt="marzipansystem"))
    store.set_setting("geometry", "marzipangeometry")
    return conversation


def planted_in(*folders: Path) -> set[str]:
    return {
        word
        for _, content in bytes_of(*folders)
        for word in WORDS
        if any(form in content for form in forms(word))
    }


def decrypted(home: Home) -> bytes:
    """Every page of the database file, free ones too, as somebody with the key may read them.

    Source: SQLite3 Multiple Ciphers, cipher "sqleet: ChaCha20": a page ends in a nonce of 16 bytes
    and a tag of 16; the nonce gives a one-time key, and its second half encrypts the page.
    """
    key = bytes(keys.unlock(home.folder, home.keys).raw)
    content = (home.folder / "snug.db").read_bytes()
    plain = bytearray()
    for number in range(len(content) // 4096):
        page = content[number * 4096 : (number + 1) * 4096]
        nonce = page[-32:-16]
        counter = int.from_bytes(nonce[12:], "little") ^ (number + 1)
        one_time = chacha20(key, counter, nonce[:12], bytes(64))
        start = 24 if number == 0 else 0
        plain += chacha20(one_time[32:], counter + 1, nonce[:12], page[start:-32])
    return bytes(plain)


def chacha20(key: bytes, counter: int, nonce: bytes, data: bytes) -> bytes:
    start = (counter % 2**32).to_bytes(4, "little") + nonce
    return Cipher(ChaCha20(key, start), mode=None).encryptor().update(data)


def test_the_search_for_planted_words_finds_them_where_they_are_plain(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("the marzipantitle of it")
    (tmp_path / "wide").write_bytes("a marzipandraft".encode("utf-16-le"))
    (tmp_path / "coded").write_bytes(next(iter(list(forms("marzipanerror"))[4:])))
    assert planted_in(tmp_path) == {"marzipantitle", "marzipandraft", "marzipanerror"}


def test_no_planted_word_lies_in_any_file_open_or_closed(home: Home, tmp_path: Path) -> None:
    vault = home.open()
    plant(vault.conversations)
    vault.conversations.search("marzipanquestion")
    assert planted_in(tmp_path) == set()
    vault.close()
    assert planted_in(tmp_path) == set()


def test_the_key_lies_in_no_file_but_its_own(home: Home) -> None:
    vault = home.open()
    plant(vault.conversations)
    raw = bytes(keys.unlock(home.folder, home.keys).raw)
    for path, content in bytes_of(home.folder, home.keys):
        assert raw not in content, path
        assert raw.hex().encode() not in content, path
    vault.close()


def test_nothing_of_a_temporary_vault_touches_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    vault = Vault.temporary()
    plant(vault.conversations)
    assert not list(tmp_path.iterdir())
    vault.close()
    assert not list(tmp_path.iterdir())


def test_a_deleted_conversation_is_in_no_page_even_decrypted(home: Home) -> None:
    vault = home.open()
    stays = a_conversation(vault.conversations, "stays")
    a_message(vault.conversations, stays, "hazel " * 500)
    gone = plant(vault.conversations)
    vault.conversations.set_setting("geometry", "")
    vault.close()
    assert b"marzipanquestion" in decrypted(home)
    vault = home.open()
    vault.conversations.delete(gone)
    assert (home.folder / "snug.db-wal").stat().st_size == 0
    content = decrypted(home)
    assert b"hazel" in content
    assert b"marzipan" not in content
    vault.close()


def test_words_of_a_replaced_text_are_in_no_page_even_decrypted(home: Home) -> None:
    vault = home.open()
    answer = an_answer(vault.conversations, a_conversation(vault.conversations))
    vault.conversations.finish_message(replace(answer, parts=text("marzipan hazel")))
    vault.conversations.finish_message(replace(answer, parts=text("almond hazel")))
    vault.close()
    content = decrypted(home)
    assert b"hazel" in content
    assert b"marzipan" not in content


def test_a_deletion_that_is_not_secure_would_be_seen(home: Home) -> None:
    home.folder.mkdir()
    key, _ = keys.create_vault(home.folder, home.keys, None, False)
    database = Database.open(home.folder, key)
    with database.writing() as connection:
        for number in range(100):
            connection.execute("INSERT INTO settings VALUES(?, 'marzipan')", (f"name {number}",))
    with database.writing() as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        connection.execute("DELETE FROM settings")
    database.close()
    assert b"marzipan" in decrypted(home)


def test_nothing_that_was_written_is_logged(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    vault = home.open()
    plant(vault.conversations)
    vault.close()
    assert "marzipan" not in caplog.text
    assert str(home.folder) not in caplog.text


def test_deleting_gives_the_space_back(home: Home) -> None:
    vault = home.open()
    conversation = a_conversation(vault.conversations)
    for _ in range(20):
        a_message(vault.conversations, conversation, "hazel " * 2000)
    vault.close()
    large = (home.folder / "snug.db").stat().st_size
    vault = home.open()
    vault.conversations.delete(conversation)
    assert (home.folder / "snug.db").stat().st_size < large / 2
    vault.close()
