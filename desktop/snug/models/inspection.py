"""Everything that can be told about a model file without llama.cpp.

This is what every file passes before the engine, or its disposable child, is given it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from snug.domain.errors import ModelFileError
from snug.models.damage import Damage, GgufError, Problem
from snug.models.files import FileStamp, GgufFile
from snug.models.gguf import GgufHeader
from snug.models.metadata_checks import check_architecture, check_metadata
from snug.models.roles import FileRole, refusal, role_of
from snug.models.shards import Shards, inspect_shards
from snug.models.tensor_checks import check_small_tensors, check_tensors
from snug.models.vocabulary_checks import check_vocabulary

MAX_PROBLEMS: Final = 20
_WITH_NUMBERS: Final = frozenset({FileRole.CHAT, FileRole.EMBEDDING, FileRole.DRAFT})
_WITH_VOCABULARY: Final = frozenset({FileRole.CHAT, FileRole.EMBEDDING, FileRole.VOCABULARY})


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found out about a file.

    Attributes:
        header: None where it could not be read.
        role: the part it plays; None where the header could not be read.
        files: the file and, where the model is split, all others, in order.
        parameter_count: weights in all of them.
        damage: what is wrong with it as the file that it is, whatever its part; at most 20.
    """

    header: GgufHeader | None = None
    role: FileRole | None = None
    files: tuple[FileStamp, ...] = ()
    parameter_count: int = 0
    damage: tuple[Problem, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why it cannot be talked to: its part, where that is another one, and its damage."""
        refused = refusal(self.role) if self.role is not None else None
        return self.damage if refused is None else (refused, *self.damage)


def inspect(path: Path) -> Inspection:
    """Check a file, and the other files of a split model. Never raises for what a file holds."""
    try:
        with GgufFile(path) as file:
            return _inspect_open(path, file)
    except GgufError as error:
        return Inspection(damage=(error.problem,))


def problems(path: Path) -> tuple[str, ...]:
    """Everything wrong with a file, in sentences; empty when it is a sound model to talk to.

    Never raises for what a file holds, or for a path that is no file.
    """
    return tuple(problem.text for problem in inspect(path).problems)


def sound(path: Path) -> Inspection:
    """An inspection that found a sound model to talk to. Raises: ModelFileError."""
    found = inspect(path)
    if found.problems:
        raise ModelFileError(told(found.problems))
    return found


def told(found: tuple[Problem, ...]) -> str:
    """The first of some problems, and how many more there are."""
    more = len(found) - 1
    also = "" if not more else f" ({more} more: `snug models check` lists all.)"
    return found[0].text + also


def _inspect_open(path: Path, file: GgufFile) -> Inspection:
    header = file.header
    try:
        shards = inspect_shards(path, header)
    except GgufError as error:
        return Inspection(header, files=(file.stamp,), damage=(error.problem,))
    role = role_of(header)
    return Inspection(
        header=header,
        role=role,
        files=(file.stamp, *shards.files),
        parameter_count=header.parameter_count + shards.parameter_count,
        damage=tuple(islice(_damage(file, role, shards), MAX_PROBLEMS)),
    )


def _damage(file: GgufFile, role: FileRole, shards: Shards) -> Iterator[Problem]:
    # First what most often goes wrong: a download that stopped.
    yield from check_tensors(file.header)
    yield from shards.problems
    named = True
    for problem in check_architecture(file.header):
        named = False
        yield problem
    if named and role in _WITH_NUMBERS:
        yield from check_metadata(file.header)
        yield from check_small_tensors(file.header)
    if role in _WITH_VOCABULARY:
        try:
            yield from check_vocabulary(file)
        except GgufError as error:
            yield error.problem
    if not file.unchanged():
        yield Problem(
            Damage.CHANGED,
            "The file changed while it was read. Wait until its download is over, then try again.",
        )
