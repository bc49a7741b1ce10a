"""What is a formula and what is money, and what waits while an answer grows."""

from __future__ import annotations

from time import perf_counter

import pytest

from snug.ui.text.lifting import MAX_LIFTED, Kind, lift, restored, settled_length, split_marks


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("let $x$ and $y_1$, the $n$th", ["x", "y_1", "n"]),
        (r"\(a\) and \[b=1\] and $$c$$", ["a", "b=1", "c"]),
        ("| $|x|$ | **$y$** |", ["|x|", "y"]),
        ("from $0$ to $10$, $2 \\times 3$, $5x + 3$", ["0", "10", "2 \\times 3", "5x + 3"]),
        ("price $3.50, then $x = 2$.", ["x = 2"]),
        ("a $x\n+y$ b", ["x\n+y"]),
    ],
)
def test_formulas_are_found(text: str, formulas: list[str]) -> None:
    assert [piece.text for piece in lift(text)[1]] == formulas


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 to $10 today, or (US$10)",
        "$5-$10, US$5 and US$10, $20k and $30k, $5/month or $50/year, $100 million$",
        "$HOME/bin:$PATH, $HOME and $PATH, from $a to $b",
        "`$x$` and `` ` $x$ `` and \\$5 and \\$6",
        "a $x\n\ny$ and \\[1\\]",
        "[^a-z] and [^1]: x",
    ],
)
def test_money_variables_and_code_are_left_alone(text: str) -> None:
    assert lift(text) == (text, [])


def test_what_was_lifted_comes_back_in_its_place() -> None:
    text, lifted = lift("a $x$ b[^1]")
    pieces = split_marks(text, lifted)
    assert [p if isinstance(p, str) else (p.kind, p.text) for p in pieces] == [
        "a ",
        (Kind.FORMULA, "x"),
        " b",
        (Kind.NOTE, "1"),
    ]
    assert restored(text, lifted) == "a $x$ b[^1]"


def test_a_text_cannot_forge_a_mark() -> None:
    forged = "\ufdd2\ufdd3\ufddd $x$"
    text, lifted = lift(forged)
    assert [p for p in split_marks(text, lifted) if not isinstance(p, str)] == lifted
    assert len(lifted) == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a $", "a "),
        ("a $\\frac{1", "a "),
        ("a \\", "a "),
        ("a \\(x", "a "),
        ("a [^1", "a "),
        ("a $5 is", "a $5 is"),
        ("a $HOME is a", "a $HOME is a"),
        ("a [b", "a [b"),
        ("a $x$ b", "a $x$ b"),
        ("a $" + "x" * 400, "a $" + "x" * 400),
    ],
)
def test_a_formula_that_has_begun_waits_for_its_end(text: str, shown: str) -> None:
    assert text[: settled_length(text)] == shown


@pytest.mark.alone
@pytest.mark.parametrize("piece", ["`", "$x ", "$", "\\(", "` `` ``` ", "[^", "$x\\$", "$$a"])
def test_many_signs_take_no_time(piece: str) -> None:
    text = (piece * 20_000)[:20_000]
    began_s = perf_counter()
    assert len(lift(text)[1]) <= MAX_LIFTED
    assert perf_counter() - began_s < 0.2
