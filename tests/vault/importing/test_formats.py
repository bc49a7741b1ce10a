"""What comes over from each other program; the files are made up, in the shapes that it writes."""

from __future__ import annotations

import copy
import io
import json
import struct
import zipfile
from pathlib import Path

import pytest
from tests.vault.importing.helpers import read, said, written

from snug.domain.conversation import Role

# -- Claude -----------------------------------------------------------------------------------

CLAUDE = {
    "uuid": "claude-1",
    "name": "Contract",
    "created_at": "2024-05-01T10:00:00.123456Z",
    "updated_at": "2024-05-01T11:00:00Z",
    "chat_messages": [
        {
            "uuid": "1",
            "sender": "human",
            "text": "Check this",
            "content": [{"type": "text", "text": "Check this"}],
            "created_at": "2024-05-01T10:00:01Z",
            "attachments": [{"file_name": "deed.txt", "extracted_content": "The parties agree."}],
            "files": [{"file_name": "plan.pdf"}],
        },
        {
            "uuid": "2",
            "sender": "assistant",
            "text": "",
            "content": [
                {"type": "thinking", "thinking": "Look at clause 3."},
                {"type": "tool_use", "name": "search"},
                {"type": "text", "text": "Clause 3 is vague."},
            ],
            "created_at": "2024-05-01T10:00:09Z",
        },
    ],
}


def test_a_chat_of_claude_comes_over_with_thoughts_and_attached_texts(tmp_path: Path) -> None:
    (tree,), problems, formats = read(written(tmp_path, [CLAUDE]))
    assert (problems, formats) == ([], {"Claude"})
    question, answer = tree.conversation.active_path()
    assert "The parties agree." in question.text
    assert "plan.pdf" in question.text
    assert (answer.text, answer.reasoning) == ("Clause 3 is vague.", "Look at clause 3.")
    assert tree.conversation.created_ms == 1714557600123


def test_branches_of_claude_are_branches(tmp_path: Path) -> None:
    edited = {"uuid": "3", "sender": "human", "text": "Check that", "parent_message_uuid": ""}
    messages = [*CLAUDE["chat_messages"], edited]  # type: ignore[misc]
    messages[1] = messages[1] | {"parent_message_uuid": "1"}
    (tree,), _, _ = read(written(tmp_path, [CLAUDE | {"chat_messages": messages}]))
    assert [message.parent_id is None for message in tree.conversation.messages] == [
        True,
        False,
        True,
    ]


# -- LM Studio --------------------------------------------------------------------------------

LM_STUDIO = {
    "name": "Walnut cake",
    "createdAt": 1715000000000,
    "pinned": True,
    "systemPrompt": "Be brief.",
    "lastUsedModel": {"identifier": "qwen3-4b"},
    "messages": [
        {
            "versions": [
                {"type": "singleStep", "role": "user", "content": [{"type": "text", "text": "Hi"}]},
                {"type": "singleStep", "role": "user", "content": [{"type": "text", "text": "Ho"}]},
            ],
            "currentlySelected": 1,
        },
        {
            "versions": [
                {
                    "type": "multiStep",
                    "role": "assistant",
                    "senderInfo": {"senderName": "qwen3-8b"},
                    "steps": [
                        {
                            "type": "contentBlock",
                            "style": {"type": "thinking"},
                            "content": [{"type": "text", "text": "Nuts."}],
                        },
                        {"type": "debugInfoBlock"},
                        {"type": "contentBlock", "content": [{"type": "text", "text": "Bake."}]},
                    ],
                }
            ],
            "currentlySelected": 0,
        },
    ],
}


def test_a_chat_of_lm_studio_comes_over_with_its_versions(tmp_path: Path) -> None:
    (tree,), problems, formats = read(written(tmp_path, LM_STUDIO, "1715.conversation.json"))
    assert (problems, formats) == ([], {"LM Studio"})
    assert said(tree) == [(Role.USER, "Ho"), (Role.ASSISTANT, "Bake.")]
    assert tree.conversation.messages[-1].reasoning == "Nuts."
    assert tree.conversation.messages[-1].model == "qwen3-8b"
    assert len(tree.conversation.messages) == 3
    assert tree.conversation.settings.system_prompt == "Be brief."
    assert tree.pinned


# -- Open WebUI -------------------------------------------------------------------------------

OPEN_WEBUI = {
    "id": "owui-1",
    "title": "Harbour",
    "created_at": 1716000000,
    "updated_at": 1716000900,
    "pinned": True,
    "meta": {"tags": ["law", "sea"]},
    "chat": {
        "title": "Harbour",
        "models": ["llama3:8b"],
        "params": {"system": "You know the law."},
        "history": {
            "currentId": "c",
            "messages": {
                "a": {"id": "a", "parentId": None, "role": "user", "content": "Whose is it?"},
                "b": {
                    "id": "b",
                    "parentId": "a",
                    "role": "assistant",
                    "content": "The town's.",
                    "model": "llama3:8b",
                },
                "c": {
                    "id": "c",
                    "parentId": "a",
                    "role": "assistant",
                    "timestamp": 1716000100,
                    "model": "qwen3:8b",
                    "content": '<details type="reasoning" done="true" duration="2">\n'
                    "<summary>Thought for 2 seconds</summary>\n&gt; Look &amp; see\n</details>\n"
                    "The state's.",
                },
            },
        },
    },
}


def test_a_chat_of_open_webui_comes_over_with_branches_tags_and_thoughts(tmp_path: Path) -> None:
    (tree,), problems, formats = read(written(tmp_path, [OPEN_WEBUI], "chat-export.json"))
    assert (problems, formats) == ([], {"Open WebUI"})
    assert said(tree) == [(Role.USER, "Whose is it?"), (Role.ASSISTANT, "The state's.")]
    assert {m.text for m in tree.conversation.messages} >= {"The town's."}
    assert next(m.reasoning for m in tree.conversation.active_path() if m.reasoning) == "Look & see"
    assert set(tree.tags) == {"law", "sea", "Open WebUI"}
    assert tree.conversation.settings.system_prompt == "You know the law."


def test_the_bare_chat_of_an_older_open_webui_is_read_too(tmp_path: Path) -> None:
    (tree,), _, formats = read(written(tmp_path, OPEN_WEBUI["chat"]))
    assert formats == {"Open WebUI"}
    assert tree.conversation.title == "Harbour"


# -- Jan --------------------------------------------------------------------------------------


def test_threads_of_jan_come_over_from_their_folders(tmp_path: Path) -> None:
    folder = tmp_path / "threads" / "jan_1"
    folder.mkdir(parents=True)
    thread = {
        "id": "jan_1",
        "object": "thread",
        "title": "Ward",
        "created": 1717000000,
        "assistants": [{"model": {"id": "gemma"}, "instructions": "Be kind."}],
    }
    (folder / "thread.json").write_text(json.dumps(thread))
    lines = [
        {
            "id": "m1",
            "role": "user",
            "content": [{"type": "text", "text": {"value": "Dose?", "annotations": []}}],
            "created_at": 1717000001000,
        },
        {
            "id": "m2",
            "role": "assistant",
            "content": [{"type": "text", "text": {"value": "<think>Hm.</think>\n5 mg."}}],
            "created_at": 1717000002,
        },
    ]
    text = "\n".join(json.dumps(line) for line in lines)
    (folder / "messages.jsonl").write_text(f"{text}\nnot json\n")
    (tree,), problems, formats = read(tmp_path)
    assert (problems, formats) == ([], {"Jan"})
    assert said(tree) == [(Role.USER, "Dose?"), (Role.ASSISTANT, "5 mg.")]
    assert tree.conversation.messages[1].reasoning == "Hm."
    assert tree.conversation.messages[1].model == "gemma"


# -- GPT4All ----------------------------------------------------------------------------------


def q(text: str | None) -> bytes:
    if text is None:
        return b"\xff\xff\xff\xff"
    encoded = text.encode("utf-16-be")
    return struct.pack(">I", len(encoded)) + encoded


def gpt4all_chat(version: int) -> bytes:
    """A chat as GPT4All wrote it in version 9 and writes it in version 12."""
    out = io.BytesIO()
    out.write(struct.pack(">Iiq", 0xF5D553CC, version, 1718000000))
    out.write(q("chat-id") + q("Nuts 🌰") + q(None) + q("model.gguf") + struct.pack(">I", 0))
    if version < 11:  # the state of a model
        out.write(b"\1" + struct.pack(">ii", 2, 0) + q("resp") + q("gen") + struct.pack(">i", 7))
    out.write(struct.pack(">i", 2))
    for number, (name, value) in enumerate((("Prompt: ", "Why 🌰?"), ("Response: ", "Oil."))):
        if version < 12:
            out.write(struct.pack(">i", number))
        out.write(q(name) + q(value))
        if version < 10:
            out.write(q(""))
        out.write(q(None) + b"\0\0\0\0")
        if version >= 11 and name == "Response: ":
            out.write(b"\0")
        out.write(struct.pack(">q", 0))
        if version >= 10:
            out.write(struct.pack(">q", 0))
        if version >= 12:
            thinks = name == "Response: "
            out.write(struct.pack(">q", int(thinks)))
            if thinks:
                out.write(q("Response: ") + q("") + struct.pack(">q", 1))
                out.write(q("Think: ") + q("<think>Fat.</think>") + struct.pack(">iq", 5, 0))
    return out.getvalue()


@pytest.mark.parametrize("version", [9, 11, 12])
def test_a_chat_of_gpt4all_comes_over(tmp_path: Path, version: int) -> None:
    path = tmp_path / "gpt4all-chat-id.chat"
    path.write_bytes(gpt4all_chat(version))
    (tree,), problems, formats = read(path)
    assert (problems, formats) == ([], {"GPT4All"})
    assert tree.conversation.title == "Nuts 🌰"
    assert said(tree) == [(Role.USER, "Why 🌰?"), (Role.ASSISTANT, "Oil.")]
    assert tree.conversation.messages[1].reasoning == ("Fat." if version == 12 else "")
    path.write_bytes(gpt4all_chat(version)[:40])
    assert read(path)[1]


# -- Cherry Studio ----------------------------------------------------------------------------


def test_topics_of_cherry_studio_come_over_with_the_answers_of_several_models(
    tmp_path: Path,
) -> None:
    topic = {"id": "t1", "name": "Press", "createdAt": "2025-01-02T03:04:05.000Z"}
    assistants = {"assistants": [{"name": "Editor", "prompt": "Check facts.", "topics": [topic]}]}
    answers = [
        {
            "id": name,
            "role": "assistant",
            "askId": "q",
            "blocks": [f"b-{name}"],
            "model": {"name": name},
            "foldSelected": name == "second",
        }
        for name in ("first", "second")
    ]
    whole = {
        "version": 5,
        "localStorage": {
            "persist:cherry-studio": json.dumps({"assistants": json.dumps(assistants)})
        },
        "indexedDB": {
            "topics": [
                {
                    "id": "t1",
                    "messages": [
                        {"id": "q", "role": "user", "blocks": ["b-q"]},
                        *answers,
                        {"id": "q2", "role": "user", "content": "Sure?"},
                    ],
                }
            ],
            "message_blocks": [
                {"id": "b-q", "type": "main_text", "content": "True?"},
                {"id": "b-first", "type": "main_text", "content": "Yes."},
                {"id": "b-second", "type": "main_text", "content": "No."},
            ],
        },
    }
    path = tmp_path / "backup.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.json", json.dumps(whole))
    (tree,), problems, formats = read(path)
    assert (problems, formats) == ([], {"Cherry Studio"})
    assert [text for _, text in said(tree)] == ["True?", "No.", "Sure?"]
    assert len(tree.conversation.messages) == 4
    assert tree.folder == "Editor"
    assert tree.conversation.settings.system_prompt == "Check facts."


# -- JSONL ------------------------------------------------------------------------------------


def test_lines_for_fine_tuning_come_over(tmp_path: Path) -> None:
    lines = [
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "Hi"}, {"type": "image_url"}],
                },
                {"role": "assistant", "content": "Ho"},
            ]
        },
        {"prompt": "old"},
        {"messages": [{"role": "user", "content": "Alone"}]},
    ]
    path = tmp_path / "data.jsonl"
    text = "\n\n".join(json.dumps(line) for line in lines)
    path.write_text(f"\ufeff{text}\n{{broken\n", encoding="utf-8")
    trees, problems, formats = read(path)
    assert formats == {"OpenAI JSONL"}
    assert [said(tree)[0][1].strip() for tree in trees] == ["Hi", "Alone"]
    assert trees[0].conversation.settings.system_prompt == "Be brief."
    assert [problem.split(":")[0] for problem in problems] == [
        "data.jsonl, line 3",  # as an editor counts: blank ones too
        "data.jsonl, line 6",
    ]


def test_an_artifact_of_claude_comes_over(tmp_path: Path) -> None:
    made = {"title": "Clock", "type": "application/vnd.ant.code", "language": "js", "content": "1"}
    block = {"type": "tool_use", "name": "artifacts", "input": made}
    chat = copy.deepcopy(CLAUDE)
    chat["chat_messages"][-1]["content"] = [{"type": "text", "text": "Here:"}, block]
    trees, _, _ = read(written(tmp_path, [chat]))
    texts = [message.text for message in trees[0].conversation.messages]
    assert any("Here:\n\n**Clock**\n\n```js\n1\n```" in text for text in texts)


def test_the_system_prompt_of_newer_chats_of_lm_studio_comes_over(tmp_path: Path) -> None:
    chat = copy.deepcopy(LM_STUDIO)
    chat["systemPrompt"] = ""
    fields = [{"key": "llm.prediction.systemPrompt", "value": "Be brief."}]
    chat["perChatPredictionConfig"] = {"fields": fields}
    trees, _, _ = read(written(tmp_path, chat, "a.conversation.json"))
    assert trees[0].conversation.settings.system_prompt == "Be brief."
