"""JSON schemas from outside, checked before a grammar is made of them.

llama.cpp's grammar parser overflows its stack on deep nesting (ggml-org/llama.cpp #26600) and its
regular expressions can take for ever; both are refused here, cheaply.
"""

from __future__ import annotations

import json
from typing import Any

from snug.domain.errors import UserError

MAX_BYTES = 64 * 1024
MAX_DEPTH = 64


def check_schema(text: str) -> str:
    """The schema as compact JSON.

    Raises:
        UserError: no JSON object, over 64 KB, nested deeper than 64, a `pattern`, or a `$ref` to
            somewhere else.
    """
    if len(text.encode()) > MAX_BYTES:
        raise UserError(f"The schema is larger than {MAX_BYTES // 1024} KB; make it smaller.")
    if _depth(text) > MAX_DEPTH:
        raise UserError(f"The schema is nested deeper than {MAX_DEPTH} levels; flatten it.")
    try:
        schema = json.loads(text)
    except ValueError as error:
        raise UserError(f"The schema is no valid JSON: {error}.") from error
    if not isinstance(schema, dict):
        raise UserError("A JSON schema is an object, in curly brackets.")
    _walk(schema)
    return json.dumps(schema, ensure_ascii=False)


def _depth(text: str) -> int:
    """Deepest bracket nesting outside strings, found without recursion."""
    depth = deepest = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            in_string = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            in_string = True
        elif character in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "}]":
            depth -= 1
    return deepest


def _walk(node: Any) -> None:
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str):
            raise UserError('The schema uses "pattern", which Snug does not run; leave it out.')
        reference = node.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#"):
            raise UserError(f'The schema refers to "{reference[:80]}"; only "#/…" is followed.')
        for value in node.values():
            _walk(value)
    elif isinstance(node, list):
        for value in node:
            _walk(value)
