"""JSON schemas from outside, checked before a grammar is made of them.

llama.cpp's grammar parser overflows its stack on deep nesting (ggml-org/llama.cpp #26600), its
regular expressions can take for ever, and a length limit is written out once per character; all are
refused here, cheaply.
"""

from __future__ import annotations

import json
from typing import Any

from snug.domain.errors import UserError

MAX_BYTES = 64 * 1024
MAX_DEPTH = 64
MAX_LENGTH = 1000  # characters of a text, items of a list; llama.cpp itself refuses 2,000
MAX_LENGTHS = 20_000  # of all lengths together
MAX_PROPERTIES = 200  # of one object; the work grows with their square
_LENGTHS = ("minLength", "maxLength", "minItems", "maxItems")


def check_schema(text: str) -> str:
    """The schema as compact JSON.

    Raises:
        UserError: no JSON object, over 64 KB, nested deeper than 64, a `pattern`, a `$ref` to
            somewhere else, a length over 1,000, or over 200 properties of one object.
    """
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise UserError(f"The schema is larger than {MAX_BYTES // 1024} KB; make it smaller.")
    if nesting_of(text) > MAX_DEPTH:
        raise UserError(f"The schema is nested deeper than {MAX_DEPTH} levels; flatten it.")
    try:
        schema = json.loads(text)
    except ValueError as error:
        raise UserError(f"The schema is no valid JSON: {error}.") from error
    if not isinstance(schema, dict):
        raise UserError("A JSON schema is an object, in curly brackets.")
    if _walk(schema) > MAX_LENGTHS:
        raise UserError(f"The schema's lengths add up to more than {MAX_LENGTHS}; shorten some.")
    return json.dumps(schema, ensure_ascii=False)


def nesting_of(text: str) -> int:
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


def _walk(node: Any) -> int:
    """Refuse what cannot be followed. Returns: the sum of all lengths below."""
    if isinstance(node, list):
        return sum(map(_walk, node))
    total = 0
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str):
            raise UserError('The schema uses "pattern", which Snug does not run; leave it out.')
        reference = node.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#"):
            raise UserError(f'The schema refers to "{reference[:80]}"; only "#/…" is followed.')
        properties = node.get("properties")
        if isinstance(properties, dict) and len(properties) > MAX_PROPERTIES:
            raise UserError(
                f"An object of the schema has {len(properties)} properties; {MAX_PROPERTIES} is "
                "the limit. Ask for fewer at a time."
            )
        total = sum(_length(node, name) for name in _LENGTHS)
        total += sum(map(_walk, node.values()))
    return total


def _length(node: dict[str, Any], name: str) -> int:
    value = node.get(name, 0)
    if isinstance(value, dict | list):  # a property of that name
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_LENGTH:
        raise UserError(
            f'The schema\'s "{name}" must be a whole number from 0 to {MAX_LENGTH}; '
            f"{str(value)[:20]} is not. Correct it or leave it out."
        )
    return value
