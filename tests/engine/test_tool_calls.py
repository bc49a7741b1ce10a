"""Tool calls of each family's form, told from the text around them, however the stream is cut."""

# ruff: noqa: RUF001 - DeepSeek spells its markers with wide bars

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snug.domain.conversation import Role
from snug.domain.events import ReasoningDelta, TextDelta, ToolCall
from snug.domain.prompt import PromptMessage
from snug.domain.tools import read_tools, tools_json
from snug.engine.output.dialect import dialect_of
from snug.engine.output.splitter import OutputEvent
from snug.engine.output.stream import OutputStream
from snug.engine.template import TemplateRenderer

TOOLS = read_tools(
    json.dumps(
        [
            {
                "name": "look_up",
                "parameters": {
                    "type": "object",
                    "properties": {"word": {"type": "string"}, "count": {"type": "integer"}},
                },
            }
        ]
    )
)
_JSON = '{"word": "a", "count": 2}'
_NAMED = '{"name": "look_up", "arguments": ' + _JSON + "}"
_TOOL_NAMED = '{"tool_name": "look_up", "parameters": ' + _JSON + "}"
_XML = "<function=look_up>\n<parameter=word>\na\n</parameter>\n<parameter=count>2</parameter>\n"
_DSML = "｜DSML｜"


def _invoke(prefix: str, more: str = "") -> str:
    return (
        f'<{prefix}invoke name="look_up">\n<{prefix}parameter name="word"{more}>a'
        f'</{prefix}parameter>\n<{prefix}parameter name="count">2</{prefix}parameter>\n'
        f"</{prefix}invoke>"
    )


# family: (what its template shows, a call as the model writes it)
FAMILIES = {
    "hermes": ("<tool_call>", f"<tool_call>\n{_NAMED}\n</tool_call>"),
    "qwen-coder": (
        "<tool_call><function=name>",
        f"<tool_call>\n{_XML}</function>\n</tool_call>",
    ),
    "qwen-coder bare": ("<tool_call><function=name>", f"{_XML}</function>"),
    "glm": (
        "<tool_call>name<arg_key>",
        "<tool_call>look_up\n<arg_key>word</arg_key>\n<arg_value>a</arg_value>\n"
        "<arg_key>count</arg_key>\n<arg_value>2</arg_value>\n</tool_call>",
    ),
    "mistral": ("[TOOL_CALLS]", f"[TOOL_CALLS][{_NAMED}]"),
    "mistral 2506": ("[TOOL_CALLS][ARGS]", f"[TOOL_CALLS]look_up[ARGS]{_JSON}"),
    "mistral id": ("[TOOL_CALLS]", f"[TOOL_CALLS]look_up[CALL_ID]a1b2c3d4e[ARGS]{_JSON}"),
    "llama 3.1": (
        "<|python_tag|>",
        '{"name": "look_up", "parameters": ' + _JSON + "}",
    ),
    "llama tag": ("<|python_tag|>", f"<|python_tag|>{_NAMED}"),
    "deepseek r1": (
        "<｜tool▁call▁begin｜>",
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>look_up\n```json\n"
        f"{_JSON}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    ),
    "deepseek v3.1": (
        "<｜tool▁call▁begin｜>",
        f"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>look_up<｜tool▁sep｜>{_JSON}"
        "<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    ),
    "deepseek v3.2": (
        "｜DSML｜",
        f"<{_DSML}function_calls>\n" + _invoke(_DSML, ' string="true"') + f"\n</{_DSML}tool_calls>",
    ),
    "kimi": (
        "<|tool_call_argument_begin|>",
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.look_up:0"
        f"<|tool_call_argument_begin|>{_JSON}<|tool_call_end|><|tool_calls_section_end|>",
    ),
    "minimax m1": ("<tool_calls>", f"<tool_calls>\n{_NAMED}\n</tool_calls>"),
    "minimax m2": (
        "<minimax:tool_call>",
        "<minimax:tool_call>\n" + _invoke("") + "\n</minimax:tool_call>",
    ),
    "nemotron": ("<TOOLCALL>", f"<TOOLCALL>[{_NAMED}]</TOOLCALL>"),
    "seed": ("<seed:tool_call>", f"<seed:tool_call>\n{_XML}</function>\n</seed:tool_call>"),
    "command-r": ("Action:", f"Action:\n```json\n[\n{_TOOL_NAMED}\n]\n```"),
    "command-r7b": ("<|START_ACTION|>", f"<|START_ACTION|>[\n{_TOOL_NAMED}\n]<|END_ACTION|>"),
    "granite": ("<|tool_call|>", f"<|tool_call|>[{_NAMED}]"),
    "functionary 3.1": ("<function=", f"<function=look_up>{_JSON}</function>"),
    "functionary 3.2": (">>>all", f"look_up\n{_JSON}"),
    "firefunction": ("functools[", f"functools[{_NAMED}]"),
    "lfm": (
        "<|tool_call_start|>",
        '<|tool_call_start|>[look_up(word="a", count=2)]<|tool_call_end|>',
    ),
    "apertus": ("<|tools_prefix|>", '<|tools_prefix|>[{"look_up": ' + _JSON + "}]<|tools_suffix|>"),
    "solar": (
        "<|tool_call:begin|>",
        "<|begin|>assistant<|tool_calls|><|tool_call:begin|>x1<|tool_call:name|>look_up"
        f"<|tool_call:args|>{_JSON}<|tool_call:end|><|calls|>",
    ),
    "gemma": ("<|tool_call>", '<|tool_call>call:look_up{word:<|"|>a<|"|>,count:2}<tool_call|>'),
    "gpt-oss": (
        "<|channel|>",
        f"<|channel|>commentary to=functions.look_up <|constrain|>json<|message|>{_JSON}<|call|>",
    ),
    "gpt-oss role": (
        "<|channel|>",
        f" to=functions.look_up<|channel|>commentary json<|message|>{_JSON}",
    ),
    "no tools known": ("", f"<tool_call>{_NAMED}</tool_call>"),
}
_CUTS = st.lists(st.integers(min_value=1, max_value=9), max_size=60)


def _read(template: str, pieces: Iterable[bytes], tools: bool = True) -> list[OutputEvent]:
    """The events of a stream, neighbours of one kind merged, ids counted."""
    ids = (f"id{n}" for n in itertools.count(1))
    stream = OutputStream(
        dialect_of(template), tools=TOOLS if tools else (), make_id=lambda: next(ids)
    )
    merged: list[OutputEvent] = []
    for event in [*(e for piece in pieces for e in stream.feed(piece)), *stream.flush()]:
        last = merged[-1] if merged else None
        if isinstance(event, TextDelta) and isinstance(last, TextDelta):
            merged[-1] = TextDelta(last.text + event.text)
        elif isinstance(event, ReasoningDelta) and isinstance(last, ReasoningDelta):
            merged[-1] = ReasoningDelta(last.text + event.text)
        else:
            merged.append(event)
    return merged


def _cut(data: bytes, cuts: list[int]) -> Iterable[bytes]:
    position = 0
    for cut in cuts:
        yield data[position : position + cut]
        position += cut
    yield data[position:]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [1, 5, 10_000])
def test_a_call_of_each_family_is_one_event_with_whole_json(family: str, size: int) -> None:
    template, written = FAMILIES[family]
    data = written.encode()
    events = _read(template, (data[i : i + size] for i in range(0, len(data), size)))
    assert [type(event) for event in events] == [ToolCall]
    call = events[0]
    assert isinstance(call, ToolCall)
    assert (call.name, json.loads(call.arguments)) == ("look_up", {"word": "a", "count": 2})
    assert call.id


@pytest.mark.parametrize("family", FAMILIES)
def test_without_tools_nothing_is_a_call(family: str) -> None:
    template, written = FAMILIES[family]
    assert not [
        e for e in _read(template, [written.encode()], tools=False) if isinstance(e, ToolCall)
    ]


_SOUP = st.lists(
    st.sampled_from(
        (
            *("<tool_call>", "</tool_call>", _NAMED, "{", "}", '"', "\n", " ", "<", "é漢🙂"),
            *("<think>", "</think>", "[TOOL_CALLS]", "[ARGS]", "look_up", _JSON, "functools["),
            *("<|channel|>", "analysis", "commentary", "final", "<|message|>", "<|end|>"),
            *(" to=functions.", "<|start|>assistant", "<|call|>", "<function=", "</function>"),
            *(">>>", "all\n", "<|python_tag|>", "<|tool_call_begin|>", "<|tool_call_end|>"),
        )
    ),
    max_size=14,
)
_TEMPLATES = st.sampled_from(sorted({template for template, _ in FAMILIES.values()}))


@settings(max_examples=400)
@given(_SOUP, _CUTS, _TEMPLATES)
def test_however_a_stream_is_cut_the_events_are_the_same(
    soup: list[str], cuts: list[int], template: str
) -> None:
    data = "".join(soup).encode()
    whole = _read(template, [data])
    assert _read(template, _cut(data, cuts)) == whole
    assert _read(template, (data[i : i + 1] for i in range(len(data)))) == whole


@settings(max_examples=400)
@given(_SOUP, _TEMPLATES)
def test_every_word_that_went_in_comes_out_once(soup: list[str], template: str) -> None:
    marked = "".join(f"{piece}w{n}q" for n, piece in enumerate(soup))
    out = "".join(
        event.name + event.arguments + event.id if isinstance(event, ToolCall) else event.text
        for event in _read(template, [marked.encode()])
    )
    for number in range(len(soup)):
        assert out.count(f"w{number}q") == 1


def test_reasoning_several_calls_and_text_after_come_in_order() -> None:
    call = f"<tool_call>{_NAMED}</tool_call>"
    events = _read("<tool_call>", [f"<think>\nwhy</think>\n\nSo. {call}\n{call}\nDone.".encode()])
    assert [type(e) for e in events] == [ReasoningDelta, TextDelta, ToolCall, ToolCall, TextDelta]
    assert events[0] == ReasoningDelta("why")
    assert events[-1] == TextDelta("Done.")
    assert [e.id for e in events if isinstance(e, ToolCall)] == ["id1", "id2"]


def test_gpt_oss_shows_only_its_final_channel() -> None:
    stream = (
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Hi."
    )
    assert _read("<|channel|>", [stream.encode()]) == [ReasoningDelta("Hm."), TextDelta("Hi.")]


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>no json</tool_call> and on",
        '<tool_call>{"name": "look_up", "arguments": [1]}</tool_call>',
        '<tool_call>{"name": "look_up", "arguments": {',
        "a < b and <tool_ca",
        "[" * 3000,
        "<tool_call>" + "[" * 30_000 + "</tool_call>",
    ],
)
def test_what_is_no_call_stays_text(text: str) -> None:
    assert _read("<tool_call>", [text.encode()]) == [TextDelta(text)]


def test_a_closing_marker_within_an_argument_does_not_end_the_call() -> None:
    call = '<tool_call>{"name": "look_up", "arguments": {"word": "</tool_call>"}}</tool_call>'
    (event,) = _read("<tool_call>", [call.encode()])
    assert isinstance(event, ToolCall)
    assert json.loads(event.arguments) == {"word": "</tool_call>"}


def test_a_text_parameter_that_looks_like_a_number_stays_text() -> None:
    call = "<tool_call><function=look_up><parameter=word>5</parameter></function></tool_call>"
    (event,) = _read("<tool_call><function=", [call.encode()])
    assert isinstance(event, ToolCall)
    assert json.loads(event.arguments) == {"word": "5"}


def test_an_object_that_names_no_known_tool_is_an_answer() -> None:
    answer = '{"name": "Ada", "parameters": {"born": 1815}}'
    assert _read("<|python_tag|>", [answer.encode()]) == [TextDelta(answer)]


def test_text_is_passed_on_at_once_beside_tools() -> None:
    stream = OutputStream(dialect_of("<tool_call>"), tools=TOOLS)
    assert stream.feed(b"Hello") == [TextDelta("Hello")]
    assert stream.feed(b" <b") == [TextDelta(" <b")]


@pytest.mark.skipif(
    "SNUG_TEMPLATES" not in os.environ, reason="SNUG_TEMPLATES names no folder of templates"
)
def test_each_real_template_shows_the_talk_the_tools_and_the_result() -> None:
    templates = sorted(Path(os.environ["SNUG_TEMPLATES"]).glob("*.jinja"))
    assert templates
    variables = {"add_generation_prompt": True, "bos_token": "<s>", "eos_token": "</s>"}
    tools = json.loads(tools_json(TOOLS))
    asked = (PromptMessage(Role.SYSTEM, "Brief."), PromptMessage(Role.USER, "Weather?"))
    call = ToolCall("look_up", '{"word": "Ulm"}', "abcdef123")
    told = (
        *asked,
        PromptMessage(Role.ASSISTANT, "", tool_calls=(call,)),
        PromptMessage(Role.TOOL, "17 degrees", tool_call_id=call.id, name=call.name),
    )
    renderer = TemplateRenderer()
    missing = []
    for template in templates:
        text = template.read_text()
        plain = renderer.render(text, asked, {**variables, "tools": None})
        whole = renderer.render(text, told, {**variables, "tools": tools})
        words = ("Weather?", "look_up", "Ulm", "17 degrees")
        if "Weather?" not in plain or not all(word in whole for word in words):
            missing.append(template.name)
    renderer.close()
    assert not missing
