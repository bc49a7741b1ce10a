"""A conversation in the shapes that chat templates take it in, most faithful first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from snug.domain.conversation import Role
from snug.domain.events import ToolCall
from snug.domain.prompt import PromptMessage
from snug.domain.tools import openai_call

_HOW_TO_CALL = (
    "You may call functions. These are the functions, one JSON object each:\n{tools}\n"
    "To call one, write a line like this and nothing after it:\n"
    '<tool_call>{{"name": "the function", "arguments": {{"its parameter": "a value"}}}}</tool_call>'
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to give a conversation to a template.

    Attributes:
        messages: as JSON, in OpenAI's shape.
        needles: texts of which each must be in what the template writes; without them it has
            overlooked something.
    """

    messages: list[dict[str, Any]]
    variables: dict[str, Any]
    needles: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()

    def shows(self, text: str) -> bool:
        """Whether the template took everything in."""
        return all(needle in text for needle in self.needles) and not any(
            wrong in text for wrong in self.unwanted
        )


def attempts(messages: Sequence[PromptMessage], variables: dict[str, Any]) -> Iterator[Attempt]:
    """The conversation as it is, then as stricter, older and plainer templates want it."""
    whole = tuple(messages)
    tools = variables.get("tools")
    shapes = dict.fromkeys((whole, alternating(whole), alternating(without_system(whole))))
    for shape in shapes:
        yield _attempt(shape, variables)
        if any(message.tool_calls for message in shape):
            yield _attempt(shape, variables, as_text=True)
    yield _attempt(whole, variables, in_parts=True)
    # Made for tools, and fails without; Firefunction has names of its own.
    listed = json.dumps(tools, ensure_ascii=False) if tools else ""
    yield _attempt(whole, {**variables, "tools": tools or [], "functions": listed, "datetime": ""})
    if tools or any(m.tool_calls or m.role is Role.TOOL for m in whole):
        plain = told_in_text(whole, tools or [])
        none = {**variables, "tools": None}
        for shape in dict.fromkeys((plain, alternating(plain), alternating(without_system(plain)))):
            yield _attempt(shape, none)
        yield _attempt(plain, {**variables, "tools": []})


def without_system(messages: Sequence[PromptMessage]) -> tuple[PromptMessage, ...]:
    """The system message in front of the first message of the person, for models without one."""
    system = "\n\n".join(m.text for m in messages if m.role is Role.SYSTEM)
    if not system:
        return tuple(messages)
    rest = [m for m in messages if m.role is not Role.SYSTEM]
    for index, message in enumerate(rest):
        if message.role is Role.USER:
            rest[index] = replace(message, text=f"{system}\n\n{message.text}")
            break
    return tuple(rest)


def alternating(messages: Sequence[PromptMessage]) -> tuple[PromptMessage, ...]:
    """Neighbours of one role joined: an answer that never came leaves two questions in a row."""
    joined: list[PromptMessage] = []
    for message in messages:
        last = joined[-1] if joined else None
        if last is not None and last.role is message.role and message.role is not Role.TOOL:
            joined[-1] = replace(
                last,
                text=f"{last.text}\n\n{message.text}",
                tool_calls=(*last.tool_calls, *message.tool_calls),
            )
        else:
            joined.append(message)
    return tuple(joined)


def told_in_text(
    messages: Sequence[PromptMessage], tools: Sequence[dict[str, Any]]
) -> tuple[PromptMessage, ...]:
    """The same for a template that knows nothing of tools: functions, calls and results in words.

    Calls are asked for in the form that `dialect_of` expects of such a template.
    """
    told = [_told(message) for message in messages]
    if not tools:
        return tuple(told)
    functions = "\n".join(json.dumps(tool["function"], ensure_ascii=False) for tool in tools)
    how = _HOW_TO_CALL.format(tools=functions)
    if told and told[0].role is Role.SYSTEM:
        return (replace(told[0], text=f"{told[0].text}\n\n{how}"), *told[1:])
    return (PromptMessage(Role.SYSTEM, how), *told)


def _told(message: PromptMessage) -> PromptMessage:
    if message.role is Role.TOOL:
        return PromptMessage(Role.USER, f"<tool_response>{message.text}</tool_response>")
    if not message.tool_calls:
        return message
    calls = "\n".join(map(_call_in_words, message.tool_calls))
    return replace(message, text=f"{message.text}\n{calls}".strip(), tool_calls=())


def _call_in_words(call: ToolCall) -> str:
    name = json.dumps(call.name, ensure_ascii=False)
    return f'<tool_call>{{"name": {name}, "arguments": {call.arguments}}}</tool_call>'


def _attempt(
    messages: Sequence[PromptMessage],
    variables: dict[str, Any],
    *,
    as_text: bool = False,
    in_parts: bool = False,
) -> Attempt:
    tools = variables.get("tools") or []
    newest = messages[-1].text.strip() if messages else ""
    names = [str(tools[0]["function"]["name"])] if tools else []
    names += [word for m in messages for call in m.tool_calls for word in _plain_words(call)]
    unwanted: tuple[str, ...] = ()
    if not as_text:  # a mapping that was written as Python's, not as JSON
        values = [_arguments(call) for message in messages for call in message.tool_calls]
        unwanted = tuple(
            str(value) for value in values if value and str(value) != json.dumps(value)
        )
    return Attempt(
        [_as_json(message, as_text, in_parts) for message in messages],
        variables,
        (newest, *names) if newest else tuple(names),
        unwanted,
    )


def _as_json(message: PromptMessage, as_text: bool, in_parts: bool) -> dict[str, Any]:
    content = [{"type": "text", "text": message.text}] if in_parts else message.text
    entry: dict[str, Any] = {"role": message.role.value, "content": content}
    if message.tool_calls:
        entry["tool_calls"] = [_call(call, as_text) for call in message.tool_calls]
    if message.role is Role.TOOL:
        entry |= {"tool_call_id": message.tool_call_id, "name": message.name}
    return entry


def _call(call: ToolCall, as_text: bool) -> dict[str, Any]:
    """Most templates want the arguments as a mapping, some as text."""
    shape = openai_call(call)
    if not as_text:
        shape["function"]["arguments"] = _arguments(call)
    return shape


def _arguments(call: ToolCall) -> Any:
    try:
        return json.loads(call.arguments)
    except ValueError:
        return call.arguments


def _plain_words(call: ToolCall) -> list[str]:
    """An argument that every notation spells alike, where there is one."""
    arguments = _arguments(call)
    values = arguments.values() if isinstance(arguments, dict) else ()
    return [value for value in values if isinstance(value, str) and value.isalnum()][:1]
