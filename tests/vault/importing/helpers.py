"""Reading the made-up files of other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from snug.domain.conversation import Role
from snug.domain.importing import ImportedConversation
from snug.vault.importing import reading


def read(path: Path) -> tuple[list[ImportedConversation], list[str], set[str]]:
    """Conversations, problems, and the formats that were recognised."""
    found = list(reading.read(path))
    trees = [one.tree for one in found if one.tree is not None]
    problems = [one.problem for one in found if one.problem]
    return trees, problems, {one.format for one in found if one.format}


def written(folder: Path, document: Any, name: str = "conversations.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def said(tree: ImportedConversation) -> list[tuple[Role, str]]:
    return [(message.role, message.text) for message in tree.conversation.active_path()]
