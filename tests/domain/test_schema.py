"""Which JSON schemas are let through."""

from __future__ import annotations

import json

import pytest

from snug.domain.errors import UserError
from snug.domain.schema import MAX_DEPTH, MAX_LENGTH, check_schema


@pytest.mark.parametrize(
    "schema",
    [
        "{}",
        '{"type": "object", "properties": {"pattern": {"type": "string"}}}',
        '{"properties": {"minLength": {"type": "integer"}, "maxItems": {"type": "integer"}}}',
        '{"enum": ["}}}{{{[[[", "a\\"{{\\\\"]}',
        '{"$ref": "#/$defs/a", "$defs": {"a": {"type": "null"}}}',
        f'{{"type": "string", "maxLength": {MAX_LENGTH}, "minLength": 0}}',
        '{"a":' * (MAX_DEPTH - 1) + "{}" + "}" * (MAX_DEPTH - 1),
        '{"const": "é🙂"}',
    ],
)
def test_a_good_schema_comes_back_as_the_same_json(schema: str) -> None:
    assert json.loads(check_schema(schema)) == json.loads(schema)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("", "no valid JSON"),
        ("{", "no valid JSON"),
        ("[]", "object"),
        ("5", "object"),
        ('"x"', "object"),
        ('{"a":' * MAX_DEPTH + "{}" + "}" * MAX_DEPTH, "deeper than 64"),
        ("[" * 100_000, "larger than 64 KB"),
        ("[" * 60_000, "deeper than 64"),
        ('{"pattern": "x"}', "pattern"),
        ('{"anyOf": [{"properties": {"a": {"pattern": "x"}}}]}', "pattern"),
        ('{"$ref": "https://example.org/schema"}', "only"),
        ('{"items": {"$ref": "file:///etc/passwd"}}', "only"),
        ('{"maxLength": 1001}', "maxLength"),
        ('{"minItems": -1}', "minItems"),
        ('{"maxItems": 2.5}', "maxItems"),
        ('{"minLength": "5"}', "minLength"),
        ('{"minLength": true}', "minLength"),
        ('{"minLength": NaN}', "minLength"),
        ('{"enum": ["' + "é" * 40_000 + '"]}', "larger than 64 KB"),
        ('{"x": ' + "9" * 5000 + "}", "no valid JSON"),
        ('{"a": "\ud800"', "no valid JSON"),
    ],
)
def test_a_bad_schema_is_refused_with_its_reason(schema: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        check_schema(schema)
