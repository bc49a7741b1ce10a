"""LM Studio keeps `publisher/repository/file.gguf`, named as on the Hub.

Source: lmstudio.ai/docs, "Import models".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from snug.domain.adoption import Program
from snug.domain.errors import UserError
from snug.domain.hub import parse_reference
from snug.models.adoption.walking import Candidate, walk

# Where it puts what was added by hand; no publisher on the Hub.
_NO_PUBLISHERS: Final = frozenset({"imported-models", "local", "models"})


def read_lm_studio(root: Path) -> Iterator[Candidate]:
    """Every GGUF file in LM Studio's folder."""
    for found in walk(root):
        parts = found.path.relative_to(root).parts
        source = _repository(parts[0], parts[1]) if len(parts) >= 3 else ""
        yield Candidate(Program.LM_STUDIO, found.path, source=source, problem=found.problem)


def _repository(publisher: str, name: str) -> str:
    if publisher.casefold() in _NO_PUBLISHERS:
        return ""
    try:
        return parse_reference(f"{publisher}/{name}").repository
    except UserError:
        return ""
