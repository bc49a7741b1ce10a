"""JSONL for fine-tuning: one line `{"messages": […]}` for each branch, as OpenAI's API has it.

Source: https://platform.openai.com/docs/guides/supervised-fine-tuning (chat format).
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from snug.domain.conversation import Conversation, Message, Role
from snug.domain.exporting import ExportOptions, branches, teachable


def lines(conversation: Conversation, options: ExportOptions) -> Iterator[tuple[bytes, int]]:
    """A line and its number of messages for each branch; (b"", 0) for one that teaches nothing."""
    told: set[str] = set()
    for path in branches(conversation, options.branches):
        kept = teachable(path)
        if not kept:
            yield b"", 0
        elif kept[-1].id not in told:  # another branch may end in the same complete answer
            told.add(kept[-1].id)
            yield _line(conversation, kept, options), len(kept)


def _line(
    conversation: Conversation, messages: tuple[Message, ...], options: ExportOptions
) -> bytes:
    said = [{"role": m.role.value, "content": m.text} for m in messages]
    if not options.system_prompt:
        said = [entry for entry in said if entry["role"] != Role.SYSTEM]
    elif conversation.settings.system_prompt and messages[0].role is not Role.SYSTEM:
        prompt = {"role": Role.SYSTEM.value, "content": conversation.settings.system_prompt}
        said.insert(0, prompt)
    text = json.dumps({"messages": said}, ensure_ascii=False)
    return f"{text}\n".encode("utf-8", "replace")
