from __future__ import annotations

import random

import pytest
from tests.ui.texts import EVERYTHING, SHORT

from snug.ui.text.blocks import Block, Code, Prose
from snug.ui.text.bombs import is_bomb
from snug.ui.text.markdown import LIST_CHUNK, Splitter, split


def in_pieces(text: str, seed: int) -> tuple[list[Block], list[list[Block]]]:
    """Blocks at the end, and those that were final along the way."""
    rng = random.Random(seed)
    splitter = Splitter()
    final: list[list[Block]] = []
    at = 0
    while at < len(text):
        step = rng.randint(1, 12)
        splitter.feed(text[at : at + step])
        at += step
        blocks = splitter.blocks()
        final.append(blocks[: splitter.finished_count])
    splitter.finish()
    return splitter.blocks(), final


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("text", [EVERYTHING, *SHORT])
def test_pieces_give_the_same_blocks_as_the_whole(text: str, seed: int) -> None:
    assert in_pieces(text, seed)[0] == split(text)


@pytest.mark.parametrize("text", [EVERYTHING, *SHORT])
def test_a_finished_block_never_changes(text: str) -> None:
    end, steps = in_pieces(text, 7)
    for blocks in steps:
        assert end[: len(blocks)] == blocks


def test_code_in_a_list_keeps_its_place_and_the_list_goes_on() -> None:
    blocks = split("1. Do:\n   ```py\n   x\n     y\n   ```\n   so\n2. next")
    assert blocks == [
        Prose("1. Do:"),
        Code("x\n  y", "py", 3),
        Prose("so", 3),
        Prose("2. next"),
    ]


def test_a_fence_that_is_not_closed_runs_to_the_end() -> None:
    assert split("```js\na\n\nb\n") == [Code("a\n\nb", "js", 0, closed=False)]


def test_a_longer_fence_holds_shorter_ones() -> None:
    assert split("````md\n```\nx\n```\n````") == [Code("```\nx\n```", "md")]


def test_code_within_a_line_opens_no_block() -> None:
    assert split("```not a fence``` here") == [Prose("```not a fence``` here")]


def test_long_lists_are_cut_where_numbers_go_on() -> None:
    numbered = "\n".join(f"{n}. x" for n in range(1, 3 * LIST_CHUNK))
    assert len(split(numbered)) > 1
    ones = "\n".join("1. x" for _ in range(3 * LIST_CHUNK))
    assert len(split(ones)) == 1


@pytest.mark.parametrize("partial", ["`", "``", "```", "```pyth", "- ", "1.", "=", "#", "---"])
def test_what_may_become_a_mark_does_not_flash_up(partial: str) -> None:
    splitter = Splitter()
    splitter.feed(f"text\n{partial}")
    assert splitter.blocks() == [Prose("text")]


@pytest.mark.parametrize(
    ("so_far", "shown"),
    [("some **bo", "some **bo**"), ("a `co", "a `co`"), ("a **", "a "), ("so `", "so ")],
)
def test_open_marks_are_closed_while_the_text_grows(so_far: str, shown: str) -> None:
    splitter = Splitter()
    splitter.feed(so_far)
    assert splitter.blocks() == [Prose(shown)]


def test_a_closing_fence_that_is_half_there_is_not_code() -> None:
    splitter = Splitter()
    splitter.feed("```\nx\n``")
    assert splitter.blocks() == [Code("x", closed=False)]


@pytest.mark.parametrize(
    "text",
    [
        "x" * 30_000,
        ">" * 5_000 + " deep",
        "|" + "a|" * 5_000,
        "- " * 60 + "deep",
        " " * 500 + "far in",
        "\n".join("| a | b | c |" for _ in range(600)),
        "\n".join("- x" for _ in range(1_000)),
    ],
)
def test_bombs_are_recognised(text: str) -> None:
    assert is_bomb(text)


@pytest.mark.parametrize("text", [EVERYTHING, "- - -", "***", "> > two", "a" * 5_000])
def test_ordinary_texts_are_no_bombs(text: str) -> None:
    assert not is_bomb(text)
