"""What a list of functions may hold, and calls as they are kept."""

from __future__ import annotations

import json

import pytest

from snug.domain.conversation import Part, PartKind, join_parts
from snug.domain.errors import UserError
from snug.domain.events import ToolCall
from snug.domain.tools import call_text, check_tools, read_call, read_tools


def _named(*names: str) -> str:
    return json.dumps([{"name": name} for name in names])


def test_both_shapes_of_a_function_are_taken() -> None:
    inner = {"name": "a", "description": "d", "parameters": {"type": "object"}}
    whole = json.dumps([{"type": "function", "function": inner}])
    assert check_tools(json.dumps([inner])) == check_tools(whole) == whole


def test_no_tools_are_no_text() -> None:
    assert check_tools("") == check_tools("[]") == ""


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{", "no valid JSON"),
        ("{}", "square brackets"),
        ("[1]", "Tool 1 is no function"),
        (_named("a b"), "letters, digits"),
        (_named("x" * 65), "letters, digits"),
        (_named("a", "a"), 'named "a"'),
        (_named(*map(str, range(129))), "128 is the limit"),
        ("[" + " " * 65_536 + "]", "64 KB"),
        ("[" * 100 + "]" * 100, "80 levels"),
        ('[{"name": "a", "parameters": []}]', 'Parameters of tool "a"'),
        ('[{"name": "a", "parameters": {"pattern": "x"}}]', "pattern"),
        ('[{"name": "a", "description": 5}]', "no text"),
    ],
)
def test_what_is_no_list_of_functions_is_refused_in_a_sentence(text: str, word: str) -> None:
    with pytest.raises(UserError, match=word) as caught:
        check_tools(text)
    assert caught.value.message.endswith((".", "…"))


def test_parameters_tell_their_types() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"enum": [1]}}}
    (tool,) = read_tools(json.dumps([{"name": "f", "parameters": schema}]))
    assert tool.types() == {"a": "string"}


def test_a_kept_call_is_read_as_it_was() -> None:
    call = ToolCall("look_up", '{"word": "é\\n"}', "id1")
    assert read_call(call_text(call)) == call
    assert read_call("no json") == ToolCall("", "no json")


def test_two_calls_stay_two_parts() -> None:
    call = Part(PartKind.TOOL_CALL, call_text(ToolCall("a", "{}")))
    assert join_parts((call, call)) == (call, call)
