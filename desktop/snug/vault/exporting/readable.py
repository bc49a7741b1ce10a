"""Conversations to read: Markdown and plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from snug.domain.conversation import Message, Role, Status
from snug.domain.exporting import ExportOptions, branches
from snug.domain.importing import ImportedConversation
from snug.domain.visible_text import visible_line
from snug.vault.exporting.snug_json import iso_time

_TITLE_LENGTH = 300
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*$", re.MULTILINE)
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|!&])")


def versions(
    tree: ImportedConversation, options: ExportOptions
) -> Iterator[tuple[bool, tuple[Message, ...]]]:
    """Stretches to print, each message once: the active branch, then what others add to it.

    The flag tells whether a stretch is another version.
    """
    shown: set[str] = set()
    for path in branches(tree.conversation, options.branches):
        fresh = tuple(message for message in path if message.id not in shown)
        other = bool(shown)
        shown.update(message.id for message in fresh)
        if fresh:
            yield other, fresh


def speaker(message: Message, options: ExportOptions) -> str:
    """Who speaks, in one line, as the options tell it."""
    names = {Role.USER: "You", Role.SYSTEM: "System", Role.TOOL: "Tool"}
    name = names.get(message.role, "Model")
    if message.role is Role.ASSISTANT and options.models and message.model:
        name = visible_line(message.model, _TITLE_LENGTH)
    return name if message.status is Status.COMPLETE else f"{name} ({message.status.value})"


def moment(message: Message, options: ExportOptions) -> str:
    """When it was written, to the minute; "" where the options leave it out or nobody knows."""
    if not options.times or message.created_ms <= 0:
        return ""
    return iso_time(message.created_ms)[:16].replace("T", " ") + " UTC"


def title_of(tree: ImportedConversation) -> str:
    """The title in one line, with nothing hidden in it."""
    return visible_line(tree.conversation.title, _TITLE_LENGTH) or "Untitled"


def markdown(tree: ImportedConversation, options: ExportOptions) -> str:
    """The conversation as Markdown; messages as they were written, fences closed."""
    blocks = [f"# {_escaped(title_of(tree))}"]
    prompt = tree.conversation.settings.system_prompt
    if prompt and options.system_prompt:
        blocks += ["## System prompt", closed(prompt)]
    for other, messages in versions(tree, options):
        if other:
            blocks.append("---\n\n*Another version*")
        for message in messages:
            when = moment(message, options)
            blocks.append(
                f"## {_escaped(speaker(message, options))}" + (f" · {when}" if when else "")
            )
            if message.reasoning:
                blocks.append("> **Reasoning**\n>\n" + _quoted(closed(message.reasoning)))
            if message.text.strip():
                blocks.append(closed(message.text))
            blocks += [fenced(call, "json") for call in message.tool_calls]
            if message.error:
                blocks.append("*" + _escaped(visible_line(message.error, 1000)) + "*")
    return "\n\n".join(blocks) + "\n"


def plain(tree: ImportedConversation, options: ExportOptions) -> str:
    """The conversation as plain text."""
    title = title_of(tree)
    blocks = [f"{title}\n{'=' * len(title)}"]
    prompt = tree.conversation.settings.system_prompt
    if prompt and options.system_prompt:
        blocks.append(f"[System prompt]\n{prompt.strip()}")
    for other, messages in versions(tree, options):
        if other:
            blocks.append("-" * 20 + "\nAnother version")
        for message in messages:
            when = moment(message, options)
            head = f"[{speaker(message, options)}{', ' + when if when else ''}]"
            rows = [head]
            if message.reasoning:
                rows += ["(Reasoning)", message.reasoning.strip(), "(Answer)"]
            rows += [message.text.strip(), *message.tool_calls, message.error]
            blocks.append("\n".join(row for row in rows if row))
    return "\n\n".join(blocks) + "\n"


def closed(text: str) -> str:
    """Markdown whose last code fence is closed, so that it cannot swallow what follows."""
    fence = ""
    for match in _FENCE.finditer(text):
        mark = match.group(1)
        if not fence:
            fence = mark
        elif mark[0] == fence[0] and len(mark) >= len(fence) and match.group().strip() == mark:
            fence = ""
    body = text.strip("\n")
    return f"{body}\n{fence}" if fence else body


def fenced(text: str, language: str) -> str:
    """The text as a block of code, whatever fences stand in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _quoted(text: str) -> str:
    return "\n".join(f"> {row}".rstrip() for row in text.split("\n"))


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
