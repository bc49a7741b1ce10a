"""What stands between a model's call markers, read as calls. None where it makes no sense."""

# ruff: noqa: RUF001 - DeepSeek spells its markers with wide bars

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from snug.domain.events import ToolCall

MAX_PYTHON = 64 * 1024  # characters of a call in Python's notation; longer ones stay text
Types = Mapping[str, Mapping[str, str]]  # function → parameter → JSON type

_NAME = r"[A-Za-z0-9_.:/-]{1,128}"
_DECODER = json.JSONDecoder()
_TAGGED = re.compile(
    rf"""\s*<(?:\w+:|｜DSML｜)?(?:function|invoke)(?:=|\s+name=")({_NAME})"?\s*>(.*)"""
    r"</(?:\w+:|｜DSML｜)?(?:function|invoke)>\s*",
    re.DOTALL,
)
_PARAMETER = re.compile(
    r"""\s*<((?:\w+:|｜DSML｜)?param(?:eter)?)(?:=|\s+name=")([^>"]{1,128})"?"""
    r"""(?:\s+string="(true|false)")?\s*>(.*?)</\1>\s*""",
    re.DOTALL,
)
_PAIRS = re.compile(r"\s*<arg_key>(.*?)</arg_key>\s*<arg_value>(.*?)</arg_value>\s*", re.DOTALL)
_PAIRED = re.compile(rf"\s*({_NAME})\s*((?:<arg_key>.*)?)", re.DOTALL)
# name, then a marker, then JSON: Mistral, Kimi, DeepSeek, gpt-oss, Solar, Functionary.
_HEADED = (
    re.compile(rf"\s*(?P<name>{_NAME})(?:\[CALL_ID\](?P<id>\w+))?\[ARGS\](?P<json>.*)", re.DOTALL),
    re.compile(
        r"\s*(?:functions\.)?(?P<name>[A-Za-z0-9_-]+):(?P<index>\d+)\s*"
        r"<\|tool_call_argument_begin\|>(?P<json>.*)",
        re.DOTALL,
    ),
    re.compile(
        rf"\s*(?:function<｜tool▁sep｜>)?(?P<name>{_NAME})(?:<｜tool▁sep｜>|\s*\n)\s*"
        r"(?P<json>(?:```|\{).*)",
        re.DOTALL,
    ),
    re.compile(
        r"(?:<\|start\|>assistant)?(?:<\|channel\|>\w+)? to=functions\.(?P<name>[\w.-]+)"
        r"(?:(?:\s|<\|channel\|>|<\|constrain\|>)[^<]*)*<\|message\|>(?P<json>.*)",
        re.DOTALL,
    ),
    re.compile(
        rf"\s*(?P<id>[\w-]*)<\|tool_call:name\|>\s*(?P<name>{_NAME})\s*<\|tool_call:args\|>"
        r"(?P<json>.*)",
        re.DOTALL,
    ),
)
_FENCED = re.compile(r"\s*```(?:json)?\s*(.*?)\s*```\s*", re.DOTALL)
_GEMMA = re.compile(rf"\s*call:({_NAME})(\{{.*\}})\s*", re.DOTALL)
_GEMMA_TOKEN = re.compile(r'<\|"\|>(.*?)<\|"\|>|([{,]\s*)([A-Za-z_]\w*)\s*:', re.DOTALL)


def read_calls(text: str, types: Types) -> tuple[ToolCall, ...] | None:
    """The calls of a block, their arguments as JSON text; None where it is none.

    Args:
        types: what the functions' schemas say, to tell the text "5" from the number.
    """
    inner = text.strip()
    inner = inner.removeprefix("functools") if inner.startswith("functools[") else inner
    try:
        for read in (_json_calls, _headed_call, _gemma_call, _python_calls):
            calls = read(inner)
            if calls:
                return calls
        return _tagged_calls(inner, types) or _paired_call(inner, types)
    except (RecursionError, MemoryError):  # a model may nest brackets without end
        return None


def call_of(value: object) -> ToolCall | None:
    """A call in one of the shapes that models write it in as JSON."""
    if not isinstance(value, dict):
        return None
    inner = value.get("function")
    if isinstance(inner, dict):
        value = {"id": value.get("id"), **inner}
    elif isinstance(inner, str) and value.get("type") != "function":
        value = {**value, "name": inner}
    name = next((v for k in ("name", "tool_name") if isinstance(v := value.get(k), str)), "")
    arguments = next(
        (value[k] for k in ("arguments", "parameters", "args", "input") if k in value), None
    )
    if not name and len(value) == 1:  # Apertus: {"name": {…}}
        name, arguments = next(iter(value.items()))
        if not isinstance(arguments, dict):
            return None
    text = _arguments(arguments)
    identity = next(
        (str(value[k]) for k in ("id", "tool_call_id") if isinstance(value.get(k), str | int)), ""
    )
    return ToolCall(name.strip(), text, identity) if name.strip() and text else None


def _arguments(value: object) -> str:
    """Arguments as the JSON text of an object; "" where they are none."""
    if value is None or value == "":
        return "{}"
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else ""


def _values(text: str) -> Iterator[Any]:
    """JSON values one after another. Raises: ValueError where something else comes."""
    position = 0
    while position < len(text):
        value, position = _DECODER.raw_decode(text, position)
        yield value
        while position < len(text) and text[position] in " \t\r\n,;":
            position += 1


def _json_calls(text: str) -> tuple[ToolCall, ...] | None:
    if not text.startswith(("{", "[")):
        return None
    try:
        values = [*_values(text)]
    except ValueError:
        return None
    flat = [item for value in values for item in (value if isinstance(value, list) else [value])]
    calls = [call_of(item) for item in flat]
    return tuple(c for c in calls if c is not None) if calls and None not in calls else None


def _headed_call(text: str) -> tuple[ToolCall, ...] | None:
    for pattern in _HEADED:
        match = pattern.fullmatch(text)
        if match is None:
            continue
        found = match.groupdict()
        body = found["json"]
        fenced = _FENCED.fullmatch(body)
        arguments = _arguments((fenced.group(1) if fenced else body).strip())
        if arguments:
            name = found["name"]
            index = found.get("index")
            identity = found.get("id") or (f"functions.{name}:{index}" if index else "")
            return (ToolCall(name, arguments, identity),)
    return None


def _gemma_call(text: str) -> tuple[ToolCall, ...] | None:
    """`call:name{key:<|"|>text<|"|>,other:5}`."""
    match = _GEMMA.fullmatch(text)
    if match is None:
        return None

    def as_json(token: re.Match[str]) -> str:
        if token.group(1) is not None:
            return json.dumps(token.group(1), ensure_ascii=False)
        return f"{token.group(2) or ''}{json.dumps(token.group(3) or '')}:"

    arguments = _arguments(_GEMMA_TOKEN.sub(as_json, match.group(2)))
    return (ToolCall(match.group(1), arguments),) if arguments else None


def _python_calls(text: str) -> tuple[ToolCall, ...] | None:
    """`[name(key="text"), other()]` or one call alone, read and never run."""
    if len(text) > MAX_PYTHON or "(" not in text:
        return None
    try:
        tree = ast.parse(text, mode="eval").body
        calls = tree.elts if isinstance(tree, ast.List) else [tree]
        return tuple(_python_call(node) for node in calls)
    except (SyntaxError, ValueError, TypeError):
        return None


def _python_call(node: ast.expr) -> ToolCall:
    if not isinstance(node, ast.Call) or node.args:
        raise ValueError("no call with named arguments")
    name = ast.unparse(node.func).removesuffix(".call")
    if not re.fullmatch(_NAME, name):
        raise ValueError("no name of a function")
    values = {k.arg: _literal(k.value) for k in node.keywords if k.arg is not None}
    if len(values) != len(node.keywords):
        raise ValueError("an argument without a name")
    return ToolCall(name, json.dumps(values, ensure_ascii=False))


class _JsonWords(ast.NodeTransformer):
    """`true`, `false` and `null` as Python's constants."""

    _WORDS = {"true": True, "false": False, "null": None}  # noqa: RUF012 - never changed

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A name: one of the three, else as it is."""
        return ast.Constant(self._WORDS[node.id]) if node.id in self._WORDS else node


def _literal(node: ast.expr) -> Any:
    return ast.literal_eval(_JsonWords().visit(node))


def _tagged_calls(text: str, types: Types) -> tuple[ToolCall, ...] | None:
    """`<function=name><parameter=key>value</parameter></function>` and its relatives."""
    calls: list[ToolCall] = []
    for part in re.split(r"(?<=</function>)|(?<=invoke>)\s*(?=<)", text):
        if not part.strip():
            continue
        match = _TAGGED.fullmatch(part)
        if match is None:
            return None
        name, body = match.groups()
        arguments = _tagged_arguments(name, body, types)
        if arguments is None:
            return None
        calls.append(ToolCall(name, arguments))
    return tuple(calls) or None


def _tagged_arguments(name: str, body: str, types: Types) -> str | None:
    if body.strip().startswith("{"):  # Functionary 3.1
        return _arguments(body.strip()) or None
    values: dict[str, Any] = {}
    position = 0
    while position < len(body) and body[position:].strip():
        match = _PARAMETER.match(body, position)
        if match is None:
            return None
        _, key, is_text, value = match.groups()
        kind = {"true": "string", "false": ""}.get(is_text or "", types.get(name, {}).get(key, ""))
        values[key] = _typed(_unwrapped(value), kind)
        position = match.end()
    return json.dumps(values, ensure_ascii=False)


def _paired_call(text: str, types: Types) -> tuple[ToolCall, ...] | None:
    """`name<arg_key>key</arg_key><arg_value>value</arg_value>` (GLM)."""
    match = _PAIRED.fullmatch(text)
    if match is None or not (match.group(2) or match.group(1) in types):
        return None
    name, body = match.groups()
    values: dict[str, Any] = {}
    position = 0
    while position < len(body):
        pair = _PAIRS.match(body, position)
        if pair is None:
            return None
        key = pair.group(1).strip()
        values[key] = _typed(pair.group(2), types.get(name, {}).get(key, ""))
        position = pair.end()
    return (ToolCall(name, json.dumps(values, ensure_ascii=False)),)


def _unwrapped(value: str) -> str:
    """Without the line ends that stand just inside the tags, and without a CDATA around it."""
    value = value.removeprefix("\n").removesuffix("\n")
    if value.startswith("<![CDATA[") and value.endswith("]]>"):
        return value[9:-3]
    return value


def _typed(value: str, kind: str) -> Any:
    """A value that was written as text: what its schema says, else what it looks like."""
    if kind == "string":
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
