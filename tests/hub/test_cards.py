"""What a repository tells of itself, read over a real connection, from friend and foe."""

from __future__ import annotations

import json
import threading
import time

import pytest
from tests.hub.hub_server import COMMIT, Handler, HubServer, Repo
from tests.hub.rooms import Rooms

from snug.domain.model_card import PageState, Relation
from snug.hub.cards import CardReader
from snug.hub.errors import StoppedError
from snug.hub.front_matter import FrontMatterError, read, split
from snug.hub.readme import training_quotes

README = """---
license: apache-2.0
language:
- en
- de
datasets:
- HuggingFaceTB/smoltalk
- "allenai/c4"
base_model: maker/base
base_model_relation: finetune
pipeline_tag: text-generation
---
# Tiny

## Training data

Two [open sets](https://example.org/x) of <b>dialogues</b>, and **books**.
<!-- not for readers -->

## How to run the training code

pip install evil

## Fine-tuning

Three epochs.
"""
TEMPLATE = "{% for m in messages %}{{ m.content }}{% endfor %}"


def offer(hub: HubServer, name: str = "maker/tiny", readme: str = README, **more: object) -> Repo:
    files: dict[str, bytes] = {"README.md": readme.encode()}
    files |= more.pop("files", {})  # type: ignore[call-overload]
    hub.repos[name] = Repo(files=files, tags=["gguf"], **more)  # type: ignore[arg-type]
    return hub.repos[name]


def test_a_page_tells_data_training_languages_and_what_it_was_made_from(rooms: Rooms) -> None:
    offer(rooms.hub, files={"chat_template.jinja": TEMPLATE.encode()})
    page = CardReader(rooms.gateway).page("maker/tiny")
    assert (page.state, page.commit, page.problem) == (PageState.READ, COMMIT, "")
    assert page.datasets == ("HuggingFaceTB/smoltalk", "allenai/c4")
    assert page.languages == ("en", "de")
    assert page.tasks == ("text-generation",)
    assert [(b.repository, b.relation) for b in page.bases] == [("maker/base", Relation.FINETUNE)]
    assert page.template == TEMPLATE
    assert [(q.source, q.heading, q.text) for q in page.training] == [
        ("maker/tiny", "Training data", "Two open sets of dialogues, and books."),
        ("maker/tiny", "Fine-tuning", "Three epochs."),
    ]


def test_each_request_goes_to_the_pinned_commit_and_into_the_ledger(rooms: Rooms) -> None:
    offer(rooms.hub)
    CardReader(rooms.gateway).page("maker/tiny")
    asked = [one.path for one in rooms.hub.seen]
    assert asked[1:] == [f"/maker/tiny/resolve/{COMMIT}/README.md"]
    assert {e.reason for e in rooms.ledger.entries()} == {"card of maker/tiny"}


def test_the_relation_that_the_hub_worked_out_counts(rooms: Rooms) -> None:
    repo = offer(rooms.hub, readme="# no front matter")
    repo.tags += ["base_model:maker/base", "base_model:quantized:maker/base", "dataset:a/b"]
    page = CardReader(rooms.gateway).page("maker/tiny")
    assert [(b.repository, b.relation) for b in page.bases] == [("maker/base", Relation.QUANTIZED)]
    assert page.datasets == ("a/b",)


def test_the_template_of_a_gguf_is_the_one_in_the_file(rooms: Rooms) -> None:
    repo = offer(rooms.hub, files={"chat_template.jinja": b"another"})
    repo.gguf = {**repo.gguf, "chat_template": TEMPLATE}
    assert CardReader(rooms.gateway).page("maker/tiny").template == TEMPLATE


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"chat_template": TEMPLATE}, TEMPLATE),
        ({"chat_template": [{"name": "tool_use", "template": "t"}, {"name": "default",
          "template": TEMPLATE}]}, TEMPLATE),
        ({"chat_template": {"a": 1}}, ""),
        ({"chat_template": ["x", {"name": 3}]}, ""),
        ([1, 2], ""),
        ("text", ""),
    ],
)  # fmt: skip
def test_a_template_in_the_tokenizers_settings_is_found(
    rooms: Rooms, config: object, expected: str
) -> None:
    offer(rooms.hub, files={"tokenizer_config.json": json.dumps(config).encode()})
    page = CardReader(rooms.gateway).page("maker/tiny")
    assert (page.template, page.state) == (expected, PageState.READ)


def test_settings_that_are_no_json_or_nested_without_end_are_no_template(rooms: Rooms) -> None:
    for body in (b"{", b"[" * 200_000, b'{"chat_template": "x"' + b"," * 400_000):
        offer(rooms.hub, files={"tokenizer_config.json": body})
        assert CardReader(rooms.gateway).page("maker/tiny").template == ""


def test_a_gated_repository_is_told_and_its_facts_are_kept(rooms: Rooms) -> None:
    offer(rooms.hub, gated="manual", files={"chat_template.jinja": b"x"})
    page = CardReader(rooms.gateway).page("maker/tiny")
    assert (page.state, page.template, page.gated) == (PageState.GATED, "", True)
    assert "maker/tiny is gated" in page.problem


def test_a_token_opens_a_gated_page_and_is_sent_only_after_the_refusal(
    hub: HubServer, tmp_path: object
) -> None:
    rooms = Rooms(hub, tmp_path / "m", token="hf_x")  # type: ignore[operator]
    offer(hub, gated="manual", files={"chat_template.jinja": TEMPLATE.encode()})
    page = CardReader(rooms.gateway).page("maker/tiny")
    assert (page.state, page.template) == (PageState.READ, TEMPLATE)
    sent = ["Authorization" in one.headers for one in hub.seen]
    assert sent == [False, False, True, False, True]
    rooms.downloads.close()


def test_a_missing_repository_is_told(rooms: Rooms) -> None:
    page = CardReader(rooms.gateway).page("maker/none")
    assert (page.state, page.commit) == (PageState.MISSING, "")
    assert page.problem == "maker/none is not on the Hub, or is private."


def test_offline_nothing_is_opened(hub: HubServer, tmp_path: object) -> None:
    rooms = Rooms(hub, tmp_path / "m", offline=True)  # type: ignore[operator]
    assert CardReader(rooms.gateway).page("maker/tiny").state is PageState.UNREACHABLE
    assert hub.seen == []
    rooms.downloads.close()


def test_a_fault_of_the_hub_is_told_in_words(rooms: Rooms) -> None:
    rooms.hub.answers["/api/models/"] = lambda h: h.json({}, 503)
    page = CardReader(rooms.gateway).page("maker/tiny")
    assert page.state is PageState.UNREACHABLE
    assert "fault of its own" in page.problem


def test_stopping_ends_a_look(impatient: Rooms) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoppedError):
        CardReader(impatient.gateway).page("maker/tiny", stop=stop)


def test_a_readme_of_ten_megabytes_is_read_to_a_bound(rooms: Rooms) -> None:
    offer(rooms.hub, readme="---\nlicense: mit\n" + "x: y\n" * 2_000_000)
    before = time.perf_counter()
    page = CardReader(rooms.gateway).page("maker/tiny")
    assert "was left out: it does not end within 64 KB" in page.problem
    assert page.datasets == ()
    received = sum(entry.bytes_received for entry in rooms.ledger.entries())
    assert 64_000 < received < 1_000_000
    assert time.perf_counter() - before < 5


def test_a_server_that_never_ends_its_readme_is_left(rooms: Rooms) -> None:
    offer(rooms.hub)

    def endless(handler: Handler) -> None:
        handler.start(200, {})
        while not handler.server.over.is_set():
            handler.wfile.write(b"# " + b"a" * 65536)

    rooms.hub.answers["/maker/tiny/resolve/"] = endless
    assert CardReader(rooms.gateway).page("maker/tiny").state is PageState.READ


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (BOMB, "refers to parts of itself"),
        ("a: &a\n  b: *a\n", "refers to parts of itself"),
        ("[" * 1000 + "]" * 1000, "nested too deeply"),
        ("{a: " * 1000 + "1" + "}" * 1000, "nested too deeply"),
        ("a: [" + "1," * 30_000 + "]", "too many values"),
        ("- a\n- b\n", "no list of names"),
        ("just words", "no list of names"),
        ("a: b: c", "no YAML"),
        ("\x00", "no YAML"),
        ("a: !!python/object/apply:os.system [ls", "no YAML"),
    ],
)
def test_hostile_front_matter_is_refused_at_once(text: str, told: str) -> None:
    before = time.perf_counter()
    with pytest.raises(FrontMatterError, match=told):
        read(text)
    assert time.perf_counter() - before < 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("license: no", {"license": "no"}),
        ("version: 1e400\nday: 2026-01-01", {"version": "1e400", "day": "2026-01-01"}),
        ("a: !!python/object/apply:os.system ['ls']", {"a": ["ls"]}),
        ("? [1, 2]\n: x\nb: c", {"b": "c"}),
        ("<<: {a: b}\n", {"<<": {"a": "b"}}),
        ("a: 1\na: 2", {"a": "1"}),
        ("", {}),
    ],
)
def test_front_matter_is_texts_lists_and_mappings_only(text: str, expected: object) -> None:
    assert read(text) == expected


def test_wrong_types_everywhere_give_an_empty_page(rooms: Rooms) -> None:
    lines = ("license", "language", "datasets", "base_model", "pipeline_tag", "base_model_relation")
    odd = "---\n" + "".join(f"{name}: {{x: [1, {{y: z}}]}}\n" for name in lines) + "---\n# T\n"
    offer(rooms.hub, readme=odd)
    page = CardReader(rooms.gateway).page("maker/tiny")
    assert (page.datasets, page.languages, page.bases, page.problem) == ((), (), (), "")


def test_a_readme_without_front_matter_is_all_body() -> None:
    assert split("# Hi\n---\nx: y\n---\n") == ("", "# Hi\n---\nx: y\n---\n")
    assert split("\ufeff---\r\na: b\r\n---\r\n# Hi") == ("a: b\n", "# Hi")


@pytest.mark.parametrize("heading", ["Training", "Training Data", "Datasets used", "Fine-tuning",
                                     "Post-training details", "1. Pretraining corpus"])  # fmt: skip
def test_sections_on_training_are_quoted(heading: str) -> None:
    (quote,) = training_quotes(f"# X\n\n### {heading}\ntext\n## Next\nother", "m/x")
    assert (quote.heading, quote.text) == (heading, "text")


@pytest.mark.parametrize("heading", ["How to fine-tune", "Usage", "Evaluation data", "Data privacy",
                                     "Provided files", "Training hardware"])  # fmt: skip
def test_other_sections_are_not(heading: str) -> None:
    assert training_quotes(f"## {heading}\ntext", "m/x") == ()


def test_a_heading_in_code_is_none_and_a_long_section_is_cut() -> None:
    (quote,) = training_quotes("```\n# Training\nx\n```\n# Training\n" + "word " * 1000, "m/x")
    assert quote.cut
    assert len(quote.text) <= 1200


@pytest.mark.alone
@pytest.mark.parametrize("piece", ["<!--", "<a", "![", "[x](", "**", "`", "# Training\n", "[", "("])
def test_no_readme_takes_long(piece: str) -> None:
    text = "# Training\n" + piece * (512 * 1024 // len(piece))
    before = time.perf_counter()
    training_quotes(text, "m/x")
    assert time.perf_counter() - before < 1
