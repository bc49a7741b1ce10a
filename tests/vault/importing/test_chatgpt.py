"""What comes over from ChatGPT; the files are made up, in the shapes that it writes."""

from __future__ import annotations

import copy
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.vault.importing.helpers import read, said, written

from snug.domain.conversation import PartKind, Role


def gpt_node(
    key: str, parent: str | None, role: str, parts: list[Any], **message: Any
) -> dict[str, Any]:
    content = message.pop("content", {"content_type": "text", "parts": parts})
    return {
        "id": key,
        "parent": parent,
        "children": [],
        "message": {
            "id": key,
            "author": {"role": role},
            "create_time": 1700000000.5,
            "content": content,
            "metadata": message.pop("metadata", {}),
            **message,
        },
    }


CHATGPT = {
    "title": "Tides",
    "create_time": 1700000000.25,
    "update_time": 1700000900.0,
    "conversation_id": "gpt-1",
    "current_node": "a2",
    "is_archived": True,
    "mapping": {
        "root": {"id": "root", "parent": None, "children": ["s"], "message": None},
        "s": gpt_node("s", "root", "system", [""]),
        "q": gpt_node("q", "s", "user", ["Why tides?", {"content_type": "image_asset_pointer"}]),
        "a1": gpt_node("a1", "q", "assistant", ["The wind."], metadata={"model_slug": "gpt-4o"}),
        "t": gpt_node(
            "t",
            "q",
            "assistant",
            [],
            content={"content_type": "thoughts", "thoughts": [{"content": "The moon pulls."}]},
        ),
        "call": gpt_node("call", "t", "assistant", ["search(moon)"], recipient="web"),
        "tool": gpt_node("tool", "call", "tool", ["results"]),
        "a2": gpt_node("a2", "tool", "assistant", ["The moon."], metadata={"model_slug": "o3"}),
    },
}


def test_a_chat_of_chatgpt_comes_over_with_its_branches(tmp_path: Path) -> None:
    (tree,), problems, formats = read(written(tmp_path, [CHATGPT]))
    assert (problems, formats) == ([], {"ChatGPT"})
    chat = tree.conversation
    assert (chat.title, chat.created_ms, chat.updated_ms) == ("Tides", 1700000000250, 1700000900000)
    assert tree.archived
    assert said(tree)[0] == (
        Role.USER,
        "Why tides?\n\n[A picture, which Snug does not bring over]",
    )
    assert said(tree)[-1] == (Role.ASSISTANT, "The moon.")
    texts = {message.text: message for message in chat.messages}
    assert texts["The wind."].model == "gpt-4o"
    assert texts["The wind."].parent_id == chat.messages[0].id
    thought = next(m for m in chat.messages if m.parts[0].kind is PartKind.REASONING)
    assert thought.reasoning == "The moon pulls."
    # What went to a tool and came from it is left out; what followed hangs on what was before.
    assert texts["The moon."].parent_id == thought.id
    assert len(chat.messages) == 4


def test_the_zip_of_chatgpt_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("user.json", '{"id": "me"}')
        archive.writestr("chat.html", "<html>")
        archive.writestr("conversations.json", json.dumps([CHATGPT]))
        archive.writestr("conversations-001.json", json.dumps([CHATGPT | {"id": "other"}]))
    trees, problems, formats = read(path)
    assert (len(trees), problems, formats) == (2, [], {"ChatGPT"})


def test_a_canvas_of_chatgpt_comes_over_and_marks_of_sources_do_not(tmp_path: Path) -> None:
    canvas = json.dumps({"name": "Plan", "type": "code/python", "content": "print(1)"})
    chat = copy.deepcopy(CHATGPT)
    node = gpt_node("canvas", "root", "assistant", [canvas])
    node["message"]["recipient"] = "canmore.create_textdoc"
    said = "It rains \ue200cite\ue202turn0search0\ue201."
    cited = gpt_node("cited", "canvas", "assistant", [said])
    chat["mapping"] |= {"canvas": node, "cited": cited}
    trees, problems, _ = read(written(tmp_path, [chat]))
    texts = [message.text for message in trees[0].conversation.messages]
    assert "**Plan**\n\n```python\nprint(1)\n```" in texts
    assert "It rains ." in texts
    assert not problems


@pytest.mark.parametrize(
    ("mark", "shown"),
    [
        ('entity\ue202["city","Paris","capital of France"]', "Paris"),
        ("entity\ue202[broken", "[broken"),
        ("entity\ue202" + "[" * 100_000, "[" * 100_000),
        ('entity\ue202["city",{"a":1}]', ""),
        ("url\ue202the site\ue202https://example.org/a", "[the site](https://example.org/a)"),
        ("url\ue202the site\ue202javascript:alert(1)", "the site"),
        ("link_title\ue202Quinces\ue202turn0search3", "Quinces"),
        ("navlist\ue202turn0news1", ""),
        ("filecite\ue202turn0file0", ""),
        ("cite", ""),
    ],
)
def test_the_words_in_marks_of_chatgpt_come_over(tmp_path: Path, mark: str, shown: str) -> None:
    chat = copy.deepcopy(CHATGPT)
    node = gpt_node("marked", "root", "assistant", [f"I like \ue200{mark}\ue201, much."])
    chat["mapping"] |= {"marked": node}
    trees, problems, _ = read(written(tmp_path, [chat]))
    texts = [message.text for message in trees[0].conversation.messages]
    assert f"I like {shown}, much." in texts
    assert not problems
