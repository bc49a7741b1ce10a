"""From token bytes to text: however a stream is cut, the result is the same."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snug.domain.events import ReasoningDelta, TextDelta
from snug.engine.output.dialect import REASONING_TAGS, dialect_of, opened_by, tags_of
from snug.engine.output.splitter import Splitter
from snug.engine.output.text import StopMatcher, Utf8Stream, partial_suffix

# Pieces that meet at every awkward place: tags, parts of tags, white space, wide characters.
_FRAGMENTS = st.sampled_from(
    (
        *("<think>", "</think>", "<thi", "nk>", "<", ">", "</", "\n", " ", "a", "é", "漢", "🙂"),
        *("[THINK]", "[/THINK]", "<thinking>", "</thinking>", "word ", "\n\n", "\u2003"),
    )
)
_TEXTS = st.lists(_FRAGMENTS, max_size=12).map("".join)
_CUTS = st.lists(st.integers(min_value=1, max_value=6), max_size=40)


def _splitter(thinking: str = "", *, may_open: bool = True, goes_on: bool = False) -> Splitter:
    return Splitter(dialect_of(""), thinking, may_open=may_open, goes_on=goes_on)


def _pieces(text: str, cuts: list[int]) -> Iterable[str]:
    """The text in pieces of the given lengths, the rest in one."""
    position = 0
    for cut in cuts:
        yield text[position : position + cut]
        position += cut
    yield text[position:]


def _split(splitter: Splitter, pieces: Iterable[str]) -> tuple[str, str]:
    """(reasoning, text) of a stream."""
    events = [e for piece in pieces for e in splitter.feed(piece)] + list(splitter.flush())
    assert all(event.text for event in events)
    reasoning = "".join(e.text for e in events if isinstance(e, ReasoningDelta))
    return reasoning, "".join(e.text for e in events if isinstance(e, TextDelta))


@given(st.text(), _CUTS)
def test_characters_come_whole_however_the_bytes_are_cut(text: str, cuts: list[int]) -> None:
    data = text.encode(errors="replace")
    stream = Utf8Stream()
    out = [stream.feed(bytes(piece, "latin-1")) for piece in _pieces(data.decode("latin-1"), cuts)]
    assert "".join(out) + stream.flush() == data.decode()


@given(st.binary(max_size=40), _CUTS)
def test_broken_bytes_become_replacement_characters_however_they_are_cut(
    data: bytes, cuts: list[int]
) -> None:
    stream = Utf8Stream()
    out = [stream.feed(bytes(piece, "latin-1")) for piece in _pieces(data.decode("latin-1"), cuts)]
    assert "".join(out) + stream.flush() == data.decode(errors="replace")


def test_an_unfinished_character_is_not_shown_before_its_end() -> None:
    stream = Utf8Stream()
    assert [stream.feed(bytes([byte])) for byte in "🙂".encode()] == ["", "", "", "🙂"]


@given(_TEXTS, _CUTS, st.sampled_from(["", "</think>", "[/THINK]"]), st.booleans())
def test_reasoning_is_split_alike_however_the_text_is_cut(
    text: str, cuts: list[int], opened: str, may_open: bool
) -> None:
    whole = _split(_splitter(opened, may_open=may_open), [text])
    assert _split(_splitter(opened, may_open=may_open), _pieces(text, cuts)) == whole
    assert _split(_splitter(opened, may_open=may_open), text) == whole


@given(
    st.text(alphabet="abc", max_size=20),
    st.lists(st.text(alphabet="abc", min_size=1, max_size=4), max_size=4),
    _CUTS,
)
def test_stop_texts_end_alike_however_the_text_is_cut(
    text: str, stops: list[str], cuts: list[int]
) -> None:
    def ended(pieces: Iterable[str]) -> tuple[str, bool]:
        matcher = StopMatcher(stops)
        return "".join([*map(matcher.feed, pieces)]) + matcher.flush(), matcher.hit

    whole = ended([text])
    assert ended(_pieces(text, cuts)) == whole
    assert ended(text) == whole
    assert whole[1] is any(stop in text for stop in stops)
    assert not any(stop in whole[0] for stop in stops)
    assert text.startswith(whole[0])
    assert whole[1] or whole[0] == text


def test_the_stop_text_that_is_complete_first_ends_the_stream() -> None:
    matcher = StopMatcher(["abc", "b"])
    assert matcher.feed("xabc") == "xa"
    assert matcher.hit


def test_nothing_comes_after_a_stop_text() -> None:
    matcher = StopMatcher(["END"])
    assert matcher.feed("done END more") == "done "
    assert matcher.feed("and more") == ""
    assert matcher.flush() == ""


@pytest.mark.parametrize(("opening", "closing"), REASONING_TAGS)
def test_thinking_is_told_from_the_answer(opening: str, closing: str) -> None:
    stream = f" \n{opening}\nWhy?\n{closing}\n\nBecause."
    assert _split(_splitter(), stream) == ("Why?\n", "Because.")


def test_an_unclosed_think_block_is_reasoning_to_its_end() -> None:
    assert _split(_splitter(), ["<think>", "so far </th"]) == ("so far </th", "")


def test_a_block_opened_by_the_prompt_needs_no_opening_tag() -> None:
    assert _split(_splitter("</think>"), ["\nHm", "m.</th", "ink>\n\nYes."]) == (
        "Hmm.",
        "Yes.",
    )


@pytest.mark.parametrize(
    "text",
    [
        "Use <think> and </think> around it.",
        "a<think>b</think>",
        "<thin",
        "<b>bold</b>",
        "<THINK>no</THINK>",
        "</think> first",
    ],
)
def test_tags_that_do_not_open_the_answer_are_text(text: str) -> None:
    assert _split(_splitter(), text) == ("", text)


def test_a_second_block_after_the_first_is_text() -> None:
    stream = "<think>one</think>two <think>three</think>"
    assert _split(_splitter(), stream) == ("one", "two <think>three</think>")


def test_a_tag_in_the_continuation_of_a_visible_answer_is_text() -> None:
    splitter = _splitter(may_open=False)
    assert _split(splitter, "<think>x</think>") == ("", "<think>x</think>")


def test_text_without_tags_is_passed_on_at_once() -> None:
    splitter = _splitter()
    assert list(splitter.feed("Hello")) == [TextDelta("Hello")]
    assert list(splitter.feed(" <")) == [TextDelta(" <")]


def test_an_empty_think_block_leaves_only_the_answer() -> None:
    assert _split(_splitter(), "<think>\n\n</think>\n\nHi") == ("", "Hi")


@pytest.mark.parametrize(
    ("prompt", "closing"),
    [
        ("<|im_start|>assistant\n<think>\n", "</think>"),
        ("[THINK]", "[/THINK]"),
        ("<|im_start|>assistant\n", ""),
        ("<think>\n\n</think>\n\n", ""),
    ],
)
def test_a_prompt_that_ends_in_an_opening_tag_opens_a_block(prompt: str, closing: str) -> None:
    assert opened_by(prompt) == closing


def test_the_longest_beginning_of_a_needle_is_held_back() -> None:
    assert partial_suffix("ab<thi", ["<think>", "i"]) == 4
    assert partial_suffix("<think>", ["<think>"]) == 0
    assert partial_suffix("", ["x"]) == 0
    assert partial_suffix("text", []) == 0


def test_thinking_that_goes_on_keeps_its_line_ends() -> None:
    splitter = _splitter("</think>", goes_on=True)
    assert _split(splitter, "\n\nThen.</think>Yes.") == ("\n\nThen.", "Yes.")


@pytest.mark.parametrize(
    ("template", "closing"),
    [
        ("{{ x.split('</think>')[-1] }}", "</think>"),
        ("{{ '[THINK]' }}{{ '[/THINK]' }}", "[/THINK]"),
        ("", "</think>"),
    ],
)
def test_the_tags_of_a_model_are_those_of_its_template(template: str, closing: str) -> None:
    assert tags_of(template)[1] == closing
