"""No message goes because a file names things badly, and what changed since comes in, too."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.vault.importing.helpers import read, said
from tests.vault.importing.test_chatgpt import gpt_node

from snug.domain.conversation import Message, Part, PartKind, Role
from snug.domain.importing import ImportReport
from snug.services.importing import Importing
from snug.vault.importing import building, reading
from snug.vault.vault import Vault


class Home:
    """A vault, and a file that is imported into it."""

    def __init__(self, folder: Path) -> None:
        self.vault = Vault.temporary()
        self._path = folder / "chats.json"

    def take(self, document: Any) -> ImportReport:
        self._path.write_text(json.dumps(document))
        return Importing(self.vault.conversations, reading.read).run(self._path)

    def texts(self) -> list[str]:
        store = self.vault.conversations
        return [m.text for row in store.summaries() for m in store.conversation(row.id).messages]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path)
    yield home
    home.vault.close()


def claude(*texts: str, chat: str = "u", **message: Any) -> dict[str, Any]:
    messages = [{"sender": "human", "text": text, **message} for text in texts]
    return {"uuid": chat, "created_at": "2024-01-01T00:00:00Z", "chat_messages": messages}


def lm_studio(*texts: str, **chat: Any) -> dict[str, Any]:
    def message(text: str) -> dict[str, Any]:
        content = [{"type": "text", "text": text}]
        version = {"type": "singleStep", "role": "user", "content": content}
        return {"currentlySelected": 0, "versions": [version]}

    return {"name": "x", "messages": [message(text) for text in texts], **chat}


def snug(*chats: dict[str, Any]) -> dict[str, Any]:
    return {"format": "snug-conversations", "version": 1, "conversations": list(chats)}


def snug_chat(key: str, message: str, text: str = "hi") -> dict[str, Any]:
    moment = "2024-01-01T00:00:00.000Z"
    part = {"kind": "text", "text": text}
    said = {"id": message, "parent_id": None, "role": "user", "parts": [part], "created_at": moment}
    times = {"created_at": moment, "updated_at": moment}
    return {"id": key, "title": "t", "messages": [said], **times}


@pytest.mark.parametrize(
    "document",
    [
        [claude("a", chat=""), claude("b", chat="")],
        [claude("a", "b", uuid="same")],
        [claude("a", "a", uuid="same")],
        snug(snug_chat("A", "same", "a"), snug_chat("B", "same", "b")),
    ],
    ids=["chats without a name", "messages of one name", "twice the same", "one id in two chats"],
)
def test_every_message_comes_and_comes_once(home: Home, document: Any) -> None:
    assert home.take(document).messages == 2
    assert (again := home.take(document)).messages == 0
    assert again.skipped == 2


def test_two_chats_of_lm_studio_without_a_time_are_two(home: Home) -> None:
    home.take(lm_studio("one"))
    home.take(lm_studio("two"))
    assert sorted(home.texts()) == ["one", "two"]


def test_what_was_edited_where_messages_have_no_names_is_another_branch(home: Home) -> None:
    home.take(lm_studio("one", "more", createdAt=1_700_000_000_000))
    assert home.take(lm_studio("ONE", "more", createdAt=1_700_000_000_000)).messages == 2
    assert home.texts() == ["one", "more", "ONE", "more"]


def test_what_was_edited_under_its_name_is_another_version(home: Home) -> None:
    home.take([claude("half", uuid="m")])
    assert home.take([claude("half and the rest", uuid="m")]).messages == 1
    assert home.texts() == ["half", "half and the rest"]
    again = home.take([claude("half and the rest", uuid="m")])
    assert (again.messages, again.skipped) == (0, 1)


def test_what_is_no_chat_among_chats_is_told(home: Home) -> None:
    report = home.take([claude("a"), 5, {"other": 1}])
    assert [problem.split(":")[0] for problem in report.problems] == [
        "chats.json, conversation 2",
        "chats.json, conversation 3",
    ]


def test_half_a_character_in_an_id_is_no_crash(home: Home) -> None:
    assert home.take(snug(snug_chat("\ud800", "\udfff", "\ud83c"))).messages == 1


def test_a_message_that_cannot_be_kept_is_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "_MAX_TEXT", 10)
    report = home.take([claude("short"), claude("much too long", chat="v")])
    assert (report.messages, len(report.problems)) == (1, 1)
    assert "13 characters" in report.problems[0]


def test_long_stretches_of_hidden_messages_do_not_hold_it_up(home: Home) -> None:
    count = 20_000
    mapping: dict[str, Any] = {"h0": {"parent": None, "message": None}}
    mapping |= {f"h{n}": {"parent": f"h{n - 1}", "message": None} for n in range(1, count)}
    mapping |= {f"u{n}": gpt_node(f"u{n}", f"h{count - 1}", "user", ["x"]) for n in range(count)}
    began = time.monotonic()
    assert home.take([{"conversation_id": "g", "mapping": mapping}]).messages == count
    assert time.monotonic() - began < 15  # a walk up for each of them takes minutes


# -- Jan ---------------------------------------------------------------------------------------


def jan(folder: Path, *messages: tuple[str, str, dict[str, Any]]) -> Path:
    (folder / "thread.json").write_text(json.dumps({"object": "thread", "id": "t", "title": "T"}))
    lines = [
        {
            "id": key,
            "role": role,
            "content": [
                {"type": "reasoning", "text": {"value": f"about {key}"}},
                {"type": "text", "text": {"value": key}},
            ],
            "created_at": 1_700_000_000 + number,
            "metadata": metadata,
        }
        for number, (key, role, metadata) in enumerate(messages)
    ]
    (folder / "messages.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    return folder


QUESTION: tuple[str, str, dict[str, Any]] = ("q", "user", {"parentId": None})
FIRST: tuple[str, str, dict[str, Any]] = ("first", "assistant", {"parentId": "q"})
SECOND: tuple[str, str, dict[str, Any]] = ("second", "assistant", {"parentId": "q"})


def test_versions_of_jan_are_branches_of_which_the_newest_shows(tmp_path: Path) -> None:
    (tree,), _, _ = read(jan(tmp_path, QUESTION, FIRST, SECOND))
    assert said(tree) == [(Role.USER, "q"), (Role.ASSISTANT, "second")]
    assert len(tree.conversation.messages) == 3
    assert tree.conversation.messages[1].reasoning == "about first"


def test_the_branch_that_was_chosen_in_jan_shows(tmp_path: Path) -> None:
    question = ("q", "user", {"parentId": None, "activeChildId": "first"})
    (tree,), _, _ = read(jan(tmp_path, question, FIRST, SECOND))
    assert said(tree) == [(Role.USER, "q"), (Role.ASSISTANT, "first")]


def test_an_answer_that_jan_lost_the_question_of_follows_it(tmp_path: Path) -> None:
    lost: tuple[str, str, dict[str, Any]] = ("lost", "assistant", {})
    (tree,), _, _ = read(jan(tmp_path, QUESTION, lost))
    assert said(tree) == [(Role.USER, "q"), (Role.ASSISTANT, "lost")]


@pytest.mark.parametrize("name", ["thread.json", "messages.jsonl"])
def test_either_file_of_a_thread_brings_both(tmp_path: Path, name: str) -> None:
    (tree,), problems, _ = read(jan(tmp_path, QUESTION, FIRST) / name)
    assert (len(tree.conversation.messages), problems) == (2, [])


def test_a_chat_that_has_grown_shows_its_new_end(home: Home) -> None:
    home.take([claude("one", "two")])
    home.take([claude("one", "two", "three")])
    store = home.vault.conversations
    (row,) = store.summaries()
    assert [m.text for m in store.conversation(row.id).active_path()] == ["one", "two", "three"]


def test_whoever_has_branched_off_meanwhile_stays_there(home: Home) -> None:
    home.take([claude("one", "two")])
    store = home.vault.conversations
    (row,) = store.summaries()
    first = store.conversation(row.id).active_path()[0]
    own = Message("own", row.id, first.id, Role.USER, (Part(PartKind.TEXT, "mine"),))
    store.add_message(own, durable=False)
    store.set_leaf(row.id, "own")
    home.take([claude("one", "two", "three")])
    assert [m.text for m in store.conversation(row.id).active_path()] == ["one", "mine"]


def test_a_figure_that_is_none_costs_the_figure_not_the_message(home: Home) -> None:
    chat = snug_chat("c", "m")
    chat["messages"][0]["timings"] = {"tokens_per_second": "x", "load_s": 0, "first_token_s": 0}
    home.take(snug(chat))
    assert home.texts() == ["hi"]
    (row,) = home.vault.conversations.summaries()
    assert home.vault.conversations.conversation(row.id).messages[0].timings is None
