"""Conversations with tools, as templates of several habits take them."""

from __future__ import annotations

import json

import pytest
from tests.engine.rendering import CHATML, TALK, render

from snug.domain.conversation import Role
from snug.domain.events import ToolCall
from snug.domain.prompt import PromptMessage
from snug.domain.tools import check_tools
from snug.engine.output.dialect import dialect_of
from snug.engine.template import TemplateRenderer

TOOLS = json.loads(check_tools('[{"name": "look_up", "description": "Finds a word."}]'))
CALL = ToolCall("look_up", '{"word": "Ulm"}', "abcdef123")
CALLED = (
    PromptMessage(Role.USER, "Where?"),
    PromptMessage(Role.ASSISTANT, "", tool_calls=(CALL,)),
    PromptMessage(Role.TOOL, "on the Danube", tool_call_id=CALL.id, name="look_up"),
)
_EACH_CALL = (
    "{{ tools | tojson }}{% for m in messages %}{{ m.role }}:{{ m.content }}"
    "{% for c in m.tool_calls %}CALL %s{% endfor %}|{% endfor %}"
)


@pytest.mark.parametrize(
    "arguments",
    [
        "{{ c.function.arguments | tojson }}",
        "{{ c.function.arguments }}",
        "{{ 'x' + c.function.arguments }}",
        "{{ c.function.arguments if c.function.arguments is string else "
        "c.function.arguments | tojson }}",
    ],
)
def test_arguments_are_json_in_every_template(renderer: TemplateRenderer, arguments: str) -> None:
    text = render(renderer, _EACH_CALL.replace("%s", arguments), CALLED, tools=TOOLS)
    assert '{"word": "Ulm"}' in text
    assert "tool:on the Danube" in text


def test_a_template_without_tools_is_told_of_them_in_words(renderer: TemplateRenderer) -> None:
    text = render(renderer, CHATML, (*TALK[:1], *CALLED), tools=TOOLS)
    assert "Be brief.\n\nYou may call functions." in text
    assert '"name": "look_up"' in text
    assert '<tool_call>{"name": "look_up", "arguments": {"word": "Ulm"}}</tool_call>' in text
    assert "<tool_response>on the Danube</tool_response>" in text
    assert "<tool_call>" in {block.opening for block in dialect_of(CHATML).blocks}


def test_a_template_made_for_tools_works_without(renderer: TemplateRenderer) -> None:
    template = "{% for t in tools %}{{ t }}{% endfor %}{{ messages[-1].content }}"
    assert render(renderer, template, TALK) == "Bye"


def test_a_template_that_wants_lists_of_parts_gets_them(renderer: TemplateRenderer) -> None:
    template = (
        "{% for m in messages %}{% for part in m.content %}{% if part.type == 'text' %}"
        "{{ part.text }};{% endif %}{% endfor %}{% endfor %}"
    )
    assert render(renderer, template, TALK) == "Be brief.;Hello;Hi!;Bye;"


def test_a_template_that_hides_the_newest_message_on_purpose_is_left_alone(
    renderer: TemplateRenderer,
) -> None:
    assert render(renderer, "{{ messages[0].content }}", TALK) == "Be brief."
