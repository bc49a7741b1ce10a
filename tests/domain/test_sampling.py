"""Sampling values are checked where they are made."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snug.domain.errors import UserError
from snug.domain.sampling import MAX_SEED, Sampling, token_id

_RANGES: list[tuple[str, float, float]] = [
    ("temperature", 0, 2),
    ("top_k", 0, 1_000_000),
    ("top_p", 0, 1),
    ("min_p", 0, 1),
    ("repeat_penalty", 0.5, 2),
    ("repeat_last_n", 0, 65_536),
    ("seed", 0, MAX_SEED),
    ("max_tokens", 1, 1_000_000),
    ("typical_p", 0, 1),
    ("top_n_sigma", 0, 100),
    ("xtc_probability", 0, 1),
    ("xtc_threshold", 0, 1),
    ("dry_multiplier", 0, 10),
    ("dry_base", 1, 10),
    ("dry_allowed_length", 1, 1000),
    ("dry_last_n", 0, 65_536),
    ("dynatemp_range", 0, 2),
    ("dynatemp_exponent", 0.1, 10),
    ("mirostat", 0, 2),
    ("mirostat_tau", 0, 20),
    ("mirostat_eta", 0, 1),
    ("adaptive_target", 0, 1),
    ("adaptive_decay", 0, 0.99),
    ("frequency_penalty", -2, 2),
    ("presence_penalty", -2, 2),
    ("min_keep", 1, 1000),
]
_FIELDS = sorted(field.name for field in dataclasses.fields(Sampling))


class _Text(str):
    """A text that claims to be equal to, and larger than, anything."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True

    def __ge__(self, other: object) -> bool:
        return True


_ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([2**63, -(2**63), 10**9, _Text("1"), b"1", 1j, -0.0]),
    lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)


@pytest.mark.parametrize(("name", "low", "high"), _RANGES)
def test_both_ends_of_a_range_are_taken(name: str, low: float, high: float) -> None:
    for value in (low, high):
        wanted: dict[str, Any] = {name: value}
        assert getattr(Sampling(**wanted), name) == value


@pytest.mark.parametrize(("name", "low", "high"), _RANGES)
def test_what_lies_outside_is_refused_with_the_range(name: str, low: float, high: float) -> None:
    for value in (low - 1, high + 1, float("nan"), float("inf"), -float("inf"), 10**400, -(2**63)):
        wanted: dict[str, Any] = {name: value}
        with pytest.raises(UserError, match=rf"{name} must be between .* is not\.$"):
            Sampling(**wanted)


def test_no_seed_and_no_limit_are_taken() -> None:
    assert Sampling() == Sampling(seed=None, max_tokens=None)


@pytest.mark.parametrize("name", [name for name, _, _ in _RANGES])
def test_what_is_no_plain_number_is_refused(name: str) -> None:
    wrong: list[Any] = [True, "1", _Text("1"), [1], 1j, b"1", 10**5000]
    for value in wrong:
        with pytest.raises(UserError, match=rf"^{name} must be .* is not\.$"):
            Sampling(**{name: value})


@settings(max_examples=2000, deadline=None)
@given(st.dictionaries(st.sampled_from(_FIELDS), _ANYTHING, min_size=1, max_size=4))
def test_any_value_is_taken_or_told_in_a_sentence(given_values: dict[str, Any]) -> None:
    refusal = ""
    try:
        made = Sampling(**given_values)
    except UserError as error:
        refusal = error.message
    if refusal:
        assert refusal.endswith(".")
        assert len(refusal) < 300
    else:
        for name, value in given_values.items():
            assert type(getattr(made, name)) is type(value)
            assert type(value) is not bool or name == "ignore_eos"
        hash(made)
        json.dumps(dataclasses.asdict(made), allow_nan=False)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("dry_breakers", ["a"], "dry_breakers must"),
        ("dry_breakers", ("",), "dry_breakers must"),
        ("dry_breakers", ("é" * 21,), "1 to 40 bytes"),
        ("dry_breakers", ("a\0b",), "1 to 40 bytes"),
        ("dry_breakers", ("a",) * 33, "at most 32"),
        ("logit_bias", (("a", 101.0),), "bias of 'a' must be between -100 and 100"),
        ("logit_bias", (("a", True),), "bias of 'a' must be a number"),
        ("logit_bias", (("", 1.0),), "token and a number"),
        ("logit_bias", (("a", 1.0),) * 1001, "at most 1000"),
        ("logit_bias", {"a": 1.0}, "at most 1000"),
        ("ignore_eos", 1, "true or false"),
        ("grammar", 5, "a text"),
        ("grammar", "root ::= (", "not closed"),
    ],
)
def test_texts_and_biases_are_checked(name: str, value: Any, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        Sampling(**{name: value})


def test_a_token_is_named_by_number_or_text() -> None:
    assert token_id("#42") == 42
    for text in ("42", "#", "#4a", "##4", "# 4", "#٤", "#1234567890"):
        assert token_id(text) is None
