"""Answers held to a JSON schema."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from tests.engine.asking import Asking

from snug.domain.errors import UserError
from snug.domain.events import StopReason
from snug.domain.sampling import Sampling
from snug.domain.schema import check_schema
from snug.engine.grammar import to_gbnf

DOG = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "age": {"type": "integer"},
        "good": {"type": "boolean"},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 2, "maxItems": 3},
    },
    "required": ["name", "age", "good", "tags"],
}
AWKWARD: dict[str, Any] = {
    "type": "object",
    "properties": {
        'quote " and \\ back': {"const": 'say "hi"\n\\ \t€🙂'},
        "漢字 é 🙂": {"enum": ["naïve", "漢", "👩‍👩‍👧", '"', "\\", "\n"]},
        "none": {"type": "null"},
        "nested": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "type": "object",
                "properties": {"x": {"anyOf": [{"type": "boolean"}, {"type": "null"}]}},
                "required": ["x"],
            },
        },
    },
    "required": ['quote " and \\ back', "漢字 é 🙂", "none", "nested"],
}
TREE: dict[str, Any] = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "id": {"enum": [1, 2]},
                "child": {"anyOf": [{"$ref": "#/$defs/leaf"}, {"type": "null"}]},
            },
            "required": ["id", "child"],
        },
        "leaf": {"type": "object", "properties": {"id": {"const": 7}}, "required": ["id"]},
    },
}
_LONG = 200


def _answer(ask: Asking, schema: dict[str, Any], temperature: float) -> Any:
    sampling = Sampling(temperature=temperature, seed=11, max_tokens=_LONG)
    answer = ask("Write JSON about a dog.", sampling, schema=check_schema(json.dumps(schema)))
    assert answer.finished.stop_reason is StopReason.END
    assert not answer.reasoning
    return json.loads(answer.text)


@pytest.mark.parametrize("temperature", [0.0, 1.5])
class TestAnswers:
    """Valid JSON of the asked shape, however tokens are drawn."""

    def test_an_object_has_its_properties_in_their_types(
        self, ask: Asking, temperature: float
    ) -> None:
        dog = _answer(ask, DOG, temperature)
        assert set(dog) == {"name", "age", "good", "tags"}
        assert isinstance(dog["name"], str)
        assert len(dog["name"]) <= 12
        assert isinstance(dog["age"], int)
        assert isinstance(dog["good"], bool)
        assert 2 <= len(dog["tags"]) <= 3
        assert set(dog["tags"]) <= {"a", "b"}

    def test_quotes_backslashes_and_emoji_survive(self, ask: Asking, temperature: float) -> None:
        got = _answer(ask, AWKWARD, temperature)
        assert got['quote " and \\ back'] == 'say "hi"\n\\ \t€🙂'
        assert got["漢字 é 🙂"] in AWKWARD["properties"]["漢字 é 🙂"]["enum"]
        assert got["none"] is None
        assert got["nested"][0]["x"] in (True, False, None)

    def test_references_are_followed(self, ask: Asking, temperature: float) -> None:
        tree = _answer(ask, TREE, temperature)
        assert tree["id"] in (1, 2)
        assert tree["child"] in ({"id": 7}, None)


def test_a_thinking_template_answers_the_schema_at_once(ask: Asking) -> None:
    opening = "<|im_start|>assistant\n"
    template = ask.model.chat_template.replace(opening, f"{opening}<think>\n")
    assert "<think>" in template
    thinking = replace(ask, model=replace(ask.model, chat_template=template))
    assert thinking("Hi", Sampling(temperature=0, max_tokens=4)).reasoning
    assert set(_answer(thinking, DOG, 0.0)) == {"name", "age", "good", "tags"}


def test_an_answer_cut_by_its_limit_is_told_as_such(ask: Asking) -> None:
    sampling = Sampling(temperature=0.0, max_tokens=5)
    answer = ask("Write JSON about a dog.", sampling, schema=json.dumps(DOG))
    assert answer.finished.stop_reason is StopReason.LENGTH


@pytest.mark.parametrize(
    "schema",
    [
        *('{"type": "no-such-type"}', '{"enum": []}', '{"anyOf": []}', '{"$ref": "#/nowhere"}'),
        *('{"properties": []}', '{"$ref": "#/a", "a": {"$ref": "#/a"}}', '{"required": 5}', "{"),
        *('{"type": "object", "properties": {"a": 5}}', '{"items": 5}', '{"allOf": [5]}', "[]"),
    ],
)
def test_a_schema_that_cannot_be_followed_is_one_sentence(ask: Asking, schema: str) -> None:
    answer = ask("Hi", schema=schema)
    assert answer.failure.startswith("The schema cannot be followed")
    assert "4" in ask("What is 2+2?").text


@pytest.mark.alone
@pytest.mark.parametrize(
    "schema",
    [
        '{"a":' * 10_000 + "1" + "}" * 10_000,
        '{"type":"string","pattern":"(?<=x)*"}',
        '{"items":' * 65 + "{}" + "}" * 65,
        '{"enum":["' + "x" * 70_000 + '"]}',
        '{"type":"array","items":{},"maxItems":1000000000}',
        '{"type":"string","minLength":1e9}',
        json.dumps({"properties": {f"p{n}": {"maxLength": 1000} for n in range(21)}}),
        json.dumps({"properties": {f"p{n}": {} for n in range(201)}}),
    ],
    ids=["deep", "pattern", "65 levels", "large", "items", "length", "sum", "properties"],
)
def test_what_would_break_the_parser_is_refused_within_50_ms(schema: str) -> None:
    began = time.perf_counter()
    with pytest.raises(UserError):
        check_schema(schema)
    assert time.perf_counter() - began < 0.05


def test_the_largest_schemas_that_are_let_through_are_followed_quickly(ask: Asking) -> None:
    names = [f"p{number}" for number in range(20)]
    large = {
        "type": "object",
        "properties": {
            **{name: {"type": "string", "maxLength": 1000} for name in names},
            **{f"q{number}": {"type": "integer"} for number in range(180)},
        },
        "required": names,
    }
    text = check_schema(json.dumps(large))
    began = time.perf_counter()
    answer = ask("Hi", Sampling(temperature=0.0, max_tokens=4), schema=text)
    assert time.perf_counter() - began < 10.0
    assert answer.finished.stop_reason is StopReason.LENGTH


def test_a_constant_is_written_as_the_grammar_reads_it() -> None:
    assert r'"\"say \\\"hi\\\"\""' in to_gbnf(json.dumps({"const": 'say "hi"'}))
    assert '"\\"🙂\\""' in to_gbnf(json.dumps({"const": "🙂"}))
