"""GGUF files in ordinary folders: GPT4All's, and any the person names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from snug.domain.adoption import Program
from snug.models.adoption.walking import Candidate, walk


def read_folder(root: Path, program: Program = Program.FOLDER) -> Iterator[Candidate]:
    """Every GGUF file below a folder; or the file itself, where it is one."""
    if root.is_file():
        yield Candidate(program, root)
        return
    for found in walk(root):
        yield Candidate(program, found.path, problem=found.problem)
