from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest

from snug.domain.conversation import (
    Conversation,
    ConversationSettings,
    EarlierSummary,
    Message,
    Overflow,
    Part,
    PartKind,
    Role,
    Status,
)
from snug.domain.errors import UserError, WrongKeyError
from snug.domain.events import Timings, Usage
from snug.domain.exporting import ExportFormat, ExportOptions, chosen, file_stem
from snug.domain.importing import ImportedConversation
from snug.domain.model import Adapter
from snug.domain.sampling import Sampling
from snug.vault.conversations import Conversations
from snug.vault.exporting.archive import seal, unseal
from snug.vault.exporting.html_page import html_page
from snug.vault.exporting.jsonl import lines
from snug.vault.exporting.readable import markdown
from snug.vault.exporting.snug_json import document, read_document

RESOURCES = Path(__file__).parents[3] / "resources"
HTML = ExportOptions(ExportFormat.HTML)


def a_message(name: str, parent: str | None, words: str, **more: object) -> Message:
    role = Role.ASSISTANT if name.startswith("a") else Role.USER
    made = Message(name, "chat", parent, role, (Part(PartKind.TEXT, words),), created_ms=1_234_567)
    return replace(made, **more)  # type: ignore[arg-type]


def a_tree() -> ImportedConversation:
    """Two answers to one question, the second with all that a message can have."""
    full = a_message(
        "a2",
        "u1",
        "Four.",
        parts=(Part(PartKind.REASONING, "hm, 2+2"), Part(PartKind.TEXT, "Four. 四 🐺")),
        model="starter",
        usage=Usage(9, 3, 2),
        timings=Timings(0.5, 0.1, 20.0),
        pinned=True,
    )
    failed = a_message("a1", "u1", "", parts=(), status=Status.FAILED, error="no memory")
    settings = ConversationSettings(
        "starter",
        "Be brief.",
        Sampling(temperature=0.1, seed=3, dry_breakers=("x",)),
        (Adapter("/models/a.gguf", "ab", 0.5),),
        Overflow.SUMMARISE,
    )
    conversation = Conversation(
        "chat",
        "Sums: 2/2",
        1_000_001,
        2_000_002,
        (a_message("u1", None, "2+2?"), failed, full),
        "a2",
        settings,
        "unsent",
        (EarlierSummary("a2", "they added", "starter", 7),),
    )
    return ImportedConversation(conversation, "School", ("maths",), True, True)


def with_text(text: str) -> ImportedConversation:
    tree = a_tree()
    messages = (a_message("u1", None, text),)
    return replace(tree, conversation=replace(tree.conversation, messages=messages, leaf_id="u1"))


def test_json_keeps_everything_and_satisfies_its_schema() -> None:
    content = b"".join(document([a_tree(), with_text("again")]))
    schema = json.loads((RESOURCES / "conversations.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(content), schema)
    assert read_document(content) == ([a_tree(), with_text("again")], [])


def test_what_the_vault_takes_in_is_what_it_gave_out(store: Conversations) -> None:
    trees, _ = read_document(b"".join(document([a_tree()])))
    store.import_trees(trees)
    assert store.conversation("chat") == a_tree().conversation


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"\xff", b'{"format": "snug-conversations", "version": 2}']
)
def test_what_is_no_export_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(UserError):
        read_document(content)


def test_a_conversation_that_cannot_be_read_is_told_and_the_others_come() -> None:
    whole = json.loads(b"".join(document([a_tree(), with_text("good")])))
    whole["conversations"][0]["messages"].reverse()
    trees, problems = read_document(json.dumps(whole).encode())
    assert (trees, len(problems)) == ([with_text("good")], 1)


def test_fine_tuning_lines_end_in_complete_answers_and_skips_are_counted() -> None:
    told = list(lines(a_tree().conversation, ExportOptions(ExportFormat.JSONL)))
    assert [number for _, number in told] == [2, 0]
    assert json.loads(told[0][0])["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "2+2?"},
        {"role": "assistant", "content": "Four. 四 🐺"},
    ]


def test_options_leave_branches_and_reasoning_out() -> None:
    options = ExportOptions(ExportFormat.JSON, branches=False, reasoning=False)
    left = chosen(a_tree(), options).conversation
    assert [m.id for m in left.messages] == ["u1", "a2"]
    assert [m.reasoning for m in left.messages] == ["", ""]


def test_an_open_fence_in_markdown_swallows_nothing() -> None:
    tree = with_text("````py\n```\nprint()\n")
    tree = replace(
        tree,
        conversation=replace(
            tree.conversation,
            messages=(*tree.conversation.messages, a_message("a9", "u1", "after")),
            leaf_id="a9",
        ),
    )
    page = markdown(tree, ExportOptions(ExportFormat.MARKDOWN))
    assert "````py\n```\nprint()\n````\n\n## Model" in page


@pytest.mark.parametrize(
    ("title", "stem"),
    [
        ("../../etc/passwd", "etc passwd"),
        ("...", "Untitled"),
        ("CON", "CON_"),
        ("a\u202egnp.exe", "a gnp.exe"),
        ("狼" * 200, "狼" * 53),
    ],
)
def test_titles_make_safe_file_names(title: str, stem: str) -> None:
    assert file_stem(title) == stem


HOSTILE = (
    "<script>alert(1)</script> <img src=//evil.example/x.png onerror=alert(1)>",
    "</style></title></body><svg onload=alert(1)>",
    "[x](javascript:alert(1)) [y](JaVaScRiPt&#58;alert(1)) [z](data:text/html,x) [w](file:///etc)",
    "![beacon](https://evil.example/?q=1) ![b][r]\n\n[r]: //evil.example/x",
    '[x](https://user@bank.example/) [q](https://a.example/" onclick=alert)',
    "<javascript:alert(1)> <https://ok.example/>",
    '```py" onmouseover="alert(1)\n</code></pre><iframe src=x>\n```',
    "| a |\n|---|\n| <base href=//evil.example> |",
    "abc \u202e txt \u2066 and \U000e0041",
)


class _Seen(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_page_is_active_or_loaded(text: str) -> None:
    tree = with_text(text)
    tree = replace(tree, conversation=replace(tree.conversation, title=text))
    page = html_page(tree, HTML)
    seen = _Seen(page)
    names = [tag for tag, _ in seen.tags]
    assert not {"script", "img", "iframe", "svg", "base", "link", "object", "form"} & set(names)
    assert names.count("style") == names.count("title") == names.count("body") == 1
    for _, attributes in seen.tags:
        assert not any(name.startswith("on") or name == "src" for name in attributes)
        address = attributes.get("href")
        assert address is None or address.startswith(("http://", "https://", "mailto:"))
        assert address is None or "@" not in address
    assert not set("\u202e\u2066\U000e0041") & set(page)


def test_age_archives_open_with_their_passphrase_alone() -> None:
    sealed = seal(b"wolves", "long enough")
    assert sealed.startswith(b"age-encryption.org/v1\n-> scrypt ")
    assert b"wolves" not in sealed
    assert unseal(sealed, "long enough") == b"wolves"
    for wrong in (sealed, sealed[:-1], b"no archive"):
        with pytest.raises(WrongKeyError):
            unseal(wrong, "another" if wrong is sealed else "long enough")


def test_age_archives_open_for_their_recipient() -> None:
    from pyrage import x25519  # type: ignore[import-untyped]

    identity = x25519.Identity.generate()
    sealed = seal(b"wolves", recipients=[str(identity.to_public())])
    assert unseal(sealed, identity_text=f"# mine\n{identity}\n") == b"wolves"
    with pytest.raises(UserError):
        seal(b"wolves", recipients=["age1nonsense"])
