"""Conversations and a template, as the tests of templates render them."""

from __future__ import annotations

from snug.domain.conversation import Role
from snug.domain.prompt import PromptMessage
from snug.engine.template import TemplateRenderer

VARIABLES: dict[str, object] = {
    "add_generation_prompt": True,
    "bos_token": "<s>",
    "eos_token": "</s>",
    "tools": None,
}
HELLO = (PromptMessage(Role.USER, "Hello"),)
TALK = (
    PromptMessage(Role.SYSTEM, "Be brief."),
    PromptMessage(Role.USER, "Hello"),
    PromptMessage(Role.ASSISTANT, "Hi!"),
    PromptMessage(Role.USER, "Bye"),
)

CHATML = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + "
    "message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def render(
    renderer: TemplateRenderer,
    template: str,
    messages: tuple[PromptMessage, ...] = HELLO,
    **variables: object,
) -> str:
    return renderer.render(template, messages, {**VARIABLES, **variables})
