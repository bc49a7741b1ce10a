from __future__ import annotations

import contextlib
import copy
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.vault.importing.helpers import read
from tests.vault.importing.test_chatgpt import CHATGPT
from tests.vault.importing.test_formats import CLAUDE, LM_STUDIO, OPEN_WEBUI, gpt4all_chat, q

from snug.domain.conversation import Conversation
from snug.domain.errors import UserError
from snug.services.importing import Importing
from snug.vault import backups
from snug.vault.importing import (
    chatgpt,
    gpt4all,
    jan,
    listing,
    open_webui,
    reading,
    sources,
)
from snug.vault.importing.building import milliseconds
from snug.vault.vault import Vault

DOCUMENTS = ([CHATGPT], [CLAUDE], [OPEN_WEBUI], LM_STUDIO, [CHATGPT, CLAUDE, OPEN_WEBUI])
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from([1e300, -1, "", "q", "root", "2024-13-45", "1e999", "\0", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "parent", "role", "parts", "message", "text", "content"]), inner
        )
    ),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a document."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            found += places(inner, (*path, number))
    return found


def sound(conversation: Conversation) -> bool:
    """Parents stand before their children, and the end is one of the messages."""
    seen: set[str | None] = {None}
    for message in conversation.messages:
        if message.parent_id not in seen or message.id in seen:
            return False
        seen.add(message.id)
    return conversation.leaf_id in seen - {None}


@given(
    number=st.integers(0, len(DOCUMENTS) - 1), chance=st.randoms(), junk=st.lists(JUNK, max_size=4)
)
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_stands_where_the_rest_is_read_or_the_place_is_told(
    tmp_path_factory: pytest.TempPathFactory, number: int, chance: Any, junk: list[Any]
) -> None:
    document: Any = copy.deepcopy(DOCUMENTS[number])
    for value in junk:
        *way, last = chance.choice(places(document))
        target = document
        for step in way:
            target = target[step]
        target[last] = value
        if not places(document):
            return
    path = tmp_path_factory.mktemp("hostile") / "conversations.json"
    path.write_text(json.dumps(document))
    trees, _, _ = read(path)
    assert all(sound(tree.conversation) for tree in trees)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[",
        b"{",
        b"[{]",
        b'[{"mapping": {}}',
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b'[{"mapping": {"a": NaN}}]',
        b'[{"mapping": "\xff\xfe"}]',
        b"\xff\xfe[\0]\0",
        b'["\\ud800", 1, null, [], {}]',
        b'{"messages": [{"role": "user", "content": "\xff"}]}\n{}',
        b"\xf5\xd5\x53\xcc",
        b"\xf5\xd5\x53\xcc\0\0\0\x0c" + b"\xff" * 12 + b"\0\0\0\x03abc",
        b'{"format": "snug-conversations", "version": 99, "conversations": []}',
        b'{"format": "snug-conversations", "version": 1, "conversations": [{"id": 1}, 5]}',
    ],
)
def test_damaged_files_are_told_without_a_traceback(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    trees, _, _ = read(path)
    assert trees == []
    with pytest.raises(UserError, match=r"file\.json"):
        Importing(Nowhere(), reading.read).run(path)


class Nowhere:
    def import_trees(self, trees: object) -> Any:
        raise AssertionError("nothing is to be stored")


def test_what_comes_before_the_damage_is_read(tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    whole = json.dumps([CHATGPT, CHATGPT | {"conversation_id": "gpt-2"}])
    path.write_text(whole[: len(whole) - 40])
    trees, problems, _ = read(path)
    assert len(trees) == 1
    assert len(problems) == 1


def test_circles_and_missing_parents_end(tmp_path: Path) -> None:
    document = copy.deepcopy(CHATGPT)
    document["mapping"]["q"]["parent"] = "a2"  # type: ignore[index]
    document["mapping"]["a1"]["parent"] = "a1"  # type: ignore[index]
    document["mapping"]["s"]["parent"] = "nowhere"  # type: ignore[index]
    path = tmp_path / "c.json"
    path.write_text(json.dumps([document]))
    ((tree,), problems, _) = read(path)
    assert problems == []
    assert sound(tree.conversation)
    assert len(tree.conversation.messages) == 4


def test_halves_of_characters_are_replaced_on_the_way_in(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    document = json.dumps([CHATGPT]).replace("The wind.", "The \\ud83c wind.")
    path.write_text(document)
    vault = Vault.temporary()
    report = Importing(vault.conversations, reading.read).run(path)
    assert report.conversations + len(report.problems) == 1
    vault.close()


def test_a_bomb_is_no_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_MUCH", 1024**2)
    path = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("conversations.json", "w", force_zip64=True) as member,
    ):
        for _ in range(40):
            member.write(bytes(1024**2))
    monkeypatch.setattr(sources, "_MOST_RATIO", 900)
    with pytest.raises(UserError, match="unfold"):
        read(path)


def test_a_link_out_of_a_folder_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text(json.dumps([CHATGPT]))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link.json").symlink_to(outside)
    assert read(folder) == ([], [], set())


@pytest.mark.parametrize(
    ("value", "ms"),
    [
        (1700000000, 1700000000000),
        (1700000000.5, 1700000000500),
        (1700000000000, 1700000000000),
        ("2024-05-01T10:00:00Z", 1714557600000),
        ("2024-05-01T10:00:00", 1714557600000),
        ("1700000000", 1700000000000),
        (-5, 0),
        (1e300, 253402300799999),
        (True, 0),
        (None, 0),
        ("soon", 0),
        ([], 0),
        (float("inf"), 0),
    ],
)
def test_times_are_seconds_milliseconds_or_iso(value: object, ms: int) -> None:
    assert milliseconds(value) == ms


# -- into the vault ---------------------------------------------------------------------------


def test_importing_again_adds_only_what_is_new(tmp_path: Path) -> None:
    vault = Vault.temporary()
    importing = Importing(vault.conversations, reading.read)
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([CHATGPT, CLAUDE]))
    first = importing.run(path)
    assert (first.conversations, first.messages, first.skipped) == (2, 6, 0)
    again = importing.run(path)
    assert (again.conversations, again.messages, again.skipped) == (0, 0, 6)
    grown = copy.deepcopy(CLAUDE)
    more = {"uuid": "9", "sender": "human", "text": "Thanks", "created_at": "2024-05-02T10:00:00Z"}
    grown["chat_messages"].append(more)  # type: ignore[attr-defined]
    path.write_text(json.dumps([CHATGPT, grown]))
    later = importing.run(path)
    assert (later.conversations, later.messages, later.skipped) == (0, 1, 6)
    assert {hit.title for hit in vault.conversations.search("tag:Claude")} == {"Contract"}
    vault.close()


def test_what_snug_exports_comes_back(tmp_path: Path) -> None:
    from snug.vault.exporting import snug_json

    trees, _, _ = read(written(tmp_path))
    path = tmp_path / "export.json"
    path.write_bytes(b"".join(snug_json.document(trees)))
    again, problems, formats = read(path)
    assert (again, problems, formats) == (trees, [], {"Snug"})


def written(folder: Path) -> Path:
    path = folder / "several.json"
    path.write_text(json.dumps([CHATGPT, CLAUDE, OPEN_WEBUI]))
    return path


def test_it_can_be_stopped_and_keeps_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_CHUNK", 50_000)
    vault = Vault.temporary()
    path = tmp_path / "conversations.json"
    path.write_text(
        json.dumps([CHATGPT | {"conversation_id": f"gpt-{number}"} for number in range(350)])
    )
    told: list[float] = []
    report = Importing(vault.conversations, reading.read).run(
        path, told.append, cancelled=lambda: len(told) >= 2
    )
    assert report.cancelled
    assert report.conversations == 200
    assert 0 < told[0] < told[1] < 1
    vault.close()


@pytest.mark.parametrize("foreign", ["{}", "[1, 2]", "no chats"])
def test_files_without_chats_can_be_stopped_too(tmp_path: Path, foreign: str) -> None:
    for number in range(50):
        (tmp_path / f"{number:02}.json").write_text(foreign)
    asked = iter(range(50))
    vault = Vault.temporary()
    report = Importing(vault.conversations, reading.read).run(
        tmp_path, cancelled=lambda: next(asked) == 5
    )
    assert report.cancelled
    assert next(asked) == 6
    vault.close()


def test_what_takes_far_more_memory_as_values_than_as_text_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_MOST_INSIDE", 1000)
    for name, text in (("whole.json", '{"a":[%s]}'), ("list.json", "[[%s]]")):
        path = tmp_path / name
        path.write_text(text % ",".join(["[]"] * 2000))
        _, problems, _ = read(path)
        assert "lists and objects" in problems[0]


def test_a_broken_list_is_given_up_where_it_breaks(tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    path.write_bytes(b'[{"a": nothing}' + b" " * (8 * 1024 * 1024))
    read_bytes = 0

    class Counted:
        def __init__(self) -> None:
            self.file = path.open("rb")

        def read(self, size: int = -1) -> bytes:
            nonlocal read_bytes
            data = self.file.read(size)
            read_bytes += len(data)
            return data

    counted = Counted()
    with pytest.raises(ValueError, match="Expecting value"):
        list(listing.entries(counted))
    counted.file.close()
    assert read_bytes <= 2 * 1024 * 1024


@pytest.mark.alone
@pytest.mark.parametrize(
    "make",
    [
        lambda n: jan_text("<think>" * n),
        lambda n: open_webui_text('<details type="reasoning"' * n),
        lambda n: chatgpt._MARK.sub(chatgpt._words_of_mark, "\ue200" * n),
        lambda n: gpt4all.read(gpt4all_chat(9) + q("Text: ") * n),
    ],
)
def test_marks_that_nothing_closes_take_time_that_grows_with_the_text_alone(
    make: Callable[[int], object],
) -> None:
    def seconds(n: int) -> float:
        best = 9e9
        for _ in range(3):
            start = time.perf_counter()
            with contextlib.suppress(ValueError):
                make(n)
            best = min(best, time.perf_counter() - start)
        return best

    assert seconds(40_000) < 12 * seconds(5_000) + 0.01


def jan_text(text: str) -> object:
    return jan.read({}, [{"id": "m", "role": "user", "content": [{"text": {"value": text}}]}])


def open_webui_text(text: str) -> object:
    message = {"role": "user", "content": text}
    return open_webui.read({"chat": {"history": {"messages": {"m": message}}}})


def test_files_of_snug_that_another_command_reads_are_sent_on(tmp_path: Path) -> None:
    age = tmp_path / "all.age"
    age.write_bytes(b"age-encryption.org/v1\n-> scrypt")
    backup = tmp_path / "mine.snugbackup"
    with zipfile.ZipFile(backup, "w") as archive:
        for name in ("manifest.json", "vault.json", "snug.db"):
            archive.writestr(name, "{}")
    half = tmp_path / "half.zip"
    half.write_bytes(backup.read_bytes()[:60])
    for path, words in ((age, "unarchive"), (backup, "vault restore"), (half, "cut off")):
        with pytest.raises(UserError, match=words):
            list(reading.read(path))
    with pytest.raises(UserError, match="unarchive"):
        backups.read(age)
