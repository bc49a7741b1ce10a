"""Chat templates: exactly the expected text, and no harm from hostile ones."""

from __future__ import annotations

import datetime

import pytest
from tests.engine.rendering import CHATML, TALK, render

from snug.domain.conversation import Role
from snug.domain.errors import TemplateError
from snug.domain.prompt import PromptMessage
from snug.engine.template import (
    FALLBACK_TEMPLATE,
    MAX_TEMPLATE_BYTES,
    TemplateRenderer,
)
from snug.engine.template_shapes import alternating, without_system

LLAMA_3 = (
    "{% set loop_messages = messages %}{% for message in loop_messages %}"
    "{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'"
    "+ message['content'] | trim + '<|eot_id|>' %}"
    "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}"
    "{{ content }}{% endfor %}"
    "{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}"
    "{% endif %}"
    "{% if (message['role'] == 'assistant') %}{% set role = 'model' %}"
    "{% else %}{% set role = message['role'] %}{% endif %}"
    "{{ '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\\n'}}{% endif %}"
)
MISTRAL = """{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- if not tools is defined %}{%- set tools = none %}{%- endif %}
{%- set ns = namespace(index=0) %}
{%- for message in loop_messages %}
    {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
        {{- raise_exception("Conversation roles must alternate user and assistant roles") }}
    {%- endif %}
    {%- set ns.index = ns.index + 1 %}
{%- endfor %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"]|trim + eos_token}}
    {%- endif %}
{%- endfor %}
"""


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (
            CHATML,
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n"
            "<|im_start|>assistant\nHi!<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n"
            "<|im_start|>assistant\n",
        ),
        (
            LLAMA_3,
            "<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\nHi!<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n",
        ),
        (
            GEMMA,
            "<s><start_of_turn>user\nBe brief.\n\nHello<end_of_turn>\n"
            "<start_of_turn>model\nHi!<end_of_turn>\n"
            "<start_of_turn>user\nBye<end_of_turn>\n<start_of_turn>model\n",
        ),
        (MISTRAL, "<s>[INST] Hello[/INST] Hi!</s>[INST] Be brief.\n\nBye[/INST]"),
        (FALLBACK_TEMPLATE, "Be brief.\n\nUser: Hello\nAssistant: Hi!\nUser: Bye\nAssistant:"),
    ],
    ids=["chatml", "llama-3", "gemma", "mistral", "fallback"],
)
def test_known_templates_give_their_exact_text(
    renderer: TemplateRenderer, template: str, expected: str
) -> None:
    assert render(renderer, template, TALK) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ messages[0] | tojson }}", '{"role": "user", "content": "Hello"}'),
        ("{{ {'b': 'é', 'a': [1]} | tojson(sort_keys=true) }}", '{"a": [1], "b": "é"}'),
        ("{{ {'a': 1} | tojson(separators=(',', ':')) }}", '{"a":1}'),
        ("{{ 'é' | tojson(ensure_ascii=true) }}", '"\\u00e9"'),
        ("{{ {'a': 1} | tojson(indent=2) }}", '{\n  "a": 1\n}'),
        ("{% for i in [0, 1, 2] %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}", "01"),
        ("{% for i in [0, 1] %}{% if i == 0 %}{% continue %}{% endif %}{{ i }}{% endfor %}", "1"),
        (
            "{{ '<b>x</b>' | striptags }}{{ 'a b' | wordwrap(1) }}{{ 'ü' | urlencode }}",
            "xa\nb%C3%BC",
        ),
        ("a{% generation %}{{ messages[0].content }}{% endgeneration %}b", "aHellob"),
        ("{% if enable_thinking is defined %}x{% else %}y{% endif %}", "y"),
        ("{% if tools %}x{% else %}y{% endif %}", "y"),
        ("  {% if true %}\n  a\n  {% endif %}\nb", "  a\nb"),
        ("{{ messages[0].tool_calls }}|{{ messages[0]['name'] or 'none' }}", "|none"),
        ("{% set n = namespace(x=1) %}{% set n.x = n.x + 1 %}{{ n.x }}", "2"),
        ("{{ '漢字🙂' }}\n", "漢字🙂"),
        ("{{ 'a,b'.split(',') | last }}{{ ' x '.strip() }}{{ 'ab'[::-1] }}", "bxba"),
    ],
)
def test_what_models_templates_use_works_as_on_the_hub(
    renderer: TemplateRenderer, template: str, expected: str
) -> None:
    assert render(renderer, template) == expected


def test_a_template_may_ask_for_the_date(renderer: TemplateRenderer) -> None:
    before = datetime.datetime.now().astimezone().date()
    got = render(renderer, "{{ strftime_now('%Y-%m-%d') }}")
    assert got in (str(before), str(datetime.datetime.now().astimezone().date()))


def test_a_refused_system_message_goes_into_the_first_question(renderer: TemplateRenderer) -> None:
    assert "user\nBe brief.\n\nHello<end_of_turn>" in render(renderer, GEMMA, TALK)


def test_two_questions_in_a_row_are_joined_where_the_template_refuses_them(
    renderer: TemplateRenderer,
) -> None:
    stopped = (*TALK, PromptMessage(Role.USER, "Still there?"))
    assert render(renderer, MISTRAL, stopped).endswith(
        "[INST] Be brief.\n\nBye\n\nStill there?[/INST]"
    )
    assert "user\nBye\n\nStill there?<end_of_turn>" in render(renderer, GEMMA, stopped)
    assert "user\nBye<|im_end|>\n<|im_start|>user\nStill" in render(renderer, CHATML, stopped)


def test_what_a_template_refuses_for_good_is_told_in_its_words(renderer: TemplateRenderer) -> None:
    with pytest.raises(TemplateError, match="only on Sundays"):
        render(renderer, "{{ raise_exception('only on Sundays') }}", TALK)


@pytest.mark.parametrize(
    "template",
    [
        *("{% if %}", "{{ 1 / 0 }}", "{{ messages[9].content.x.y }}", "{{ undefined.x }}"),
        *("{% x %}", "{{ messages | nofilter }}", "{{ 'a' + 1 }}", "{{ none() }}"),
    ],
)
def test_a_broken_template_is_one_sentence(renderer: TemplateRenderer, template: str) -> None:
    with pytest.raises(TemplateError) as caught:
        render(renderer, template)
    assert caught.value.message.startswith("The model's chat template failed: ")
    assert "\n" not in caught.value.message


def test_messages_without_surrogate_pairs_and_with_every_plane_come_through(
    renderer: TemplateRenderer,
) -> None:
    text = "\0\x01\x7f\x85\u2028\ufeff\ufffe漢\U0001f642\U0010ffff مرحبا\r\n\t\"'\\{{ x }}{% x %}"
    assert render(renderer, "{{ messages[0].content }}", (PromptMessage(Role.USER, text),)) == text


def test_a_template_that_is_too_large_is_refused_with_the_limit(
    renderer: TemplateRenderer,
) -> None:
    fits = "{# " + "x" * (MAX_TEMPLATE_BYTES - 6) + " #}"
    assert render(renderer, fits) == ""
    with pytest.raises(TemplateError, match="256 KB is the limit"):
        render(renderer, fits + "xxx")


def test_the_output_may_be_four_times_the_input_and_64_kib(renderer: TemplateRenderer) -> None:
    limit = 64 * 1024 + 4 * len("Hello")
    assert len(render(renderer, f"{{{{ 'x' * {limit} }}}}")) == limit
    with pytest.raises(TemplateError, match="wrote more than"):
        render(renderer, f"{{{{ 'x' * {limit + 1} }}}}")


def test_a_megabyte_of_conversation_renders(renderer: TemplateRenderer) -> None:
    long = (PromptMessage(Role.USER, "word " * 200_000),)
    assert len(render(renderer, CHATML, long)) > 1_000_000


def test_folding_keeps_every_word_and_no_system_role() -> None:
    assert without_system(TALK) == (PromptMessage(Role.USER, "Be brief.\n\nHello"), *TALK[2:])


def test_alternating_joins_neighbours_of_one_role() -> None:
    twice = (*TALK[1:2], PromptMessage(Role.USER, "Well?"), TALK[2])
    assert alternating(twice) == (PromptMessage(Role.USER, "Hello\n\nWell?"), TALK[2])
    assert alternating(TALK) == TALK
