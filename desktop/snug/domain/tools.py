"""Functions that a model may call, checked when they come in, and calls as they are kept.

Nothing here runs a function: Snug shows what the model asks for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from snug.domain.errors import UserError
from snug.domain.events import ToolCall
from snug.domain.schema import check_schema, nesting_of

MAX_BYTES = 64 * 1024  # of the whole list
MAX_DEPTH = 80  # a schema may be 64 deep, and stands a few levels down in the list
MAX_TOOLS = 128
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NO_PARAMETERS = '{"type": "object", "properties": {}}'


@dataclass(frozen=True, slots=True)
class ToolFunction:
    """One function that a model may call.

    Attributes:
        parameters: JSON schema of its arguments, as text.
    """

    name: str
    description: str
    parameters: str

    def types(self) -> Mapping[str, str]:
        """Parameter name → the JSON type that its schema names; only those that name one."""
        properties = json.loads(self.parameters).get("properties")
        if not isinstance(properties, dict):
            return {}
        found = {
            name: schema.get("type")
            for name, schema in properties.items()
            if isinstance(schema, dict)
        }
        return {name: kind for name, kind in found.items() if isinstance(kind, str)}


def check_tools(text: str) -> str:
    """A list of functions as compact JSON in OpenAI's shape; "" for an empty list.

    Both `{"type": "function", "function": {…}}` and the inner object alone are taken.

    Raises:
        UserError: no JSON list, over 64 KB, more than 128 functions, a name that is not 1–64
            letters, digits, "_" or "-", a name twice, or parameters that `check_schema` refuses.
    """
    return tools_json(read_tools(text)) if text.strip() else ""


def tools_json(tools: tuple[ToolFunction, ...]) -> str:
    """Functions as JSON text in OpenAI's shape; "" for none."""
    return json.dumps([_shape(tool) for tool in tools], ensure_ascii=False) if tools else ""


def read_tools(text: str) -> tuple[ToolFunction, ...]:
    """The functions of a JSON list; none for "". Raises: as `check_tools`."""
    if not text.strip():
        return ()
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise UserError(f"The tools are larger than {MAX_BYTES // 1024} KB; leave some out.")
    if nesting_of(text) > MAX_DEPTH:
        raise UserError(f"The tools are nested deeper than {MAX_DEPTH} levels; flatten them.")
    try:
        entries = json.loads(text)
    except ValueError as error:
        raise UserError(f"The tools are no valid JSON: {error}.") from error
    if not isinstance(entries, list):
        raise UserError("The tools are a JSON list, in square brackets.")
    if len(entries) > MAX_TOOLS:
        raise UserError(f"There are {len(entries)} tools; {MAX_TOOLS} is the limit.")
    tools = tuple(_tool(entry, number) for number, entry in enumerate(entries, 1))
    names = [tool.name for tool in tools]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UserError(f'Two tools are named "{twice}"; give one of them another name.')
    return tools


def call_text(call: ToolCall) -> str:
    """A call as the JSON text that is kept of it: name, arguments (as text) and id."""
    return json.dumps(
        {"name": call.name, "arguments": call.arguments, "id": call.id}, ensure_ascii=False
    )


def read_call(text: str) -> ToolCall:
    """The call of a kept text; one that makes no sense has no name, and the text as arguments."""
    try:
        kept = json.loads(text)
    except ValueError:
        kept = None
    if not isinstance(kept, dict):
        return ToolCall("", text)
    name, arguments, identity = (kept.get(key, "") for key in ("name", "arguments", "id"))
    if not (isinstance(name, str) and isinstance(arguments, str) and isinstance(identity, str)):
        return ToolCall("", text)
    return ToolCall(name, arguments, identity)


def openai_call(call: ToolCall) -> dict[str, Any]:
    """A call in OpenAI's shape, its arguments as JSON text."""
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }


def _tool(entry: object, number: int) -> ToolFunction:
    inner = entry.get("function", entry) if isinstance(entry, dict) else None
    if not isinstance(inner, dict):
        raise UserError(f'Tool {number} is no function: it needs a "name" and "parameters".')
    name, description = inner.get("name"), inner.get("description") or ""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UserError(
            f'The name of tool {number} must be 1 to 64 letters, digits, "_" or "-"; '
            f"{str(name)[:80]!r} is not."
        )
    if not isinstance(description, str):
        raise UserError(f'The description of tool "{name}" is no text.')
    parameters = inner.get("parameters")
    parameters = json.loads(_NO_PARAMETERS) if parameters is None else parameters
    try:
        checked = check_schema(json.dumps(parameters, ensure_ascii=False))
    except UserError as error:
        raise UserError(f'Parameters of tool "{name}": {error.message}') from error
    return ToolFunction(name, description, checked)


def _shape(tool: ToolFunction) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": json.loads(tool.parameters),
        },
    }
