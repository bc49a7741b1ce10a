"""Models that are split over several files.

llama.cpp is given the first file and finds the others by their names, so the first one must be
chosen and every name must follow the convention.

Source: llama_split_path in llama.cpp; keys split.no, split.count and split.tensors.count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from snug.models.damage import GET_AGAIN, Damage, GgufError, Problem, quoted
from snug.models.files import FileStamp, GgufFile
from snug.models.gguf import GgufHeader
from snug.models.names import shard_name
from snug.models.tables import ValueType
from snug.models.tensor_checks import check_tensors

MAX_SHARDS: Final = 1000


@dataclass(frozen=True, slots=True)
class Shards:
    """The files of a model beyond its first.

    Attributes:
        parameter_count: the weights in them.
    """

    files: tuple[FileStamp, ...] = ()
    parameter_count: int = 0
    problems: tuple[Problem, ...] = ()


def inspect_shards(path: Path, first: GgufHeader) -> Shards:
    """Look at the other files of a model that `path` is the first one of.

    Raises:
        GgufError: `path` is not the first one, or a file is missing or unreadable.
    """
    count = _count(first)
    if count <= 1:
        return Shards()
    names = {tensor.name for tensor in first.tensors}
    total = len(first.tensors)
    files: list[FileStamp] = []
    problems: list[Problem] = []
    parameters = 0
    for number, sibling in enumerate(_sibling_paths(path, first, count), start=2):
        try:
            with GgufFile(sibling) as file:
                problems += _check_shard(file.header, number, count)
                names.update(tensor.name for tensor in file.header.tensors)
                total += len(file.header.tensors)
                parameters += file.header.parameter_count
                files.append(file.stamp)
        except GgufError as error:
            raise GgufError(
                error.problem.damage, f"Part {number} of {count}: {error.problem.text}"
            ) from None
    problems += _check_total(first, total, len(names))
    return Shards(tuple(files), parameters, tuple(problems))


def _count(header: GgufHeader) -> int:
    value = header.metadata.get("split.count")
    if value is None:
        return 1
    if value.kind is not ValueType.UINT16 or not isinstance(value.content, int):
        raise GgufError(
            Damage.SHARD_MISMATCH, f'"split.count" is no 16-bit unsigned number. {GET_AGAIN}'
        )
    if value.content > MAX_SHARDS:
        raise GgufError(
            Damage.SHARD_MISMATCH,
            f"The file says it is one of {value.content:,} parts; "
            f"at most {MAX_SHARDS:,} are plausible. {GET_AGAIN}",
        )
    return value.content


def _number(header: GgufHeader) -> int | None:
    """The shard's own number, from 0; None where it is missing or of a type that aborts."""
    value = header.metadata.get("split.no")
    if value is None or value.kind is not ValueType.UINT16 or not isinstance(value.content, int):
        return None
    return value.content


def _sibling_paths(path: Path, header: GgufHeader, count: int) -> Iterator[Path]:
    name = shard_name(path.name)
    number = _number(header)
    if number != 0:
        first = f" ({quoted(name.sibling(1))})" if name is not None else ""
        part = "another part" if number is None else f"part {number + 1}"
        raise GgufError(
            Damage.NOT_FIRST_SHARD,
            f"This is {part} of a model in {count} files. Choose the first one{first}.",
        )
    if name is None or (name.number, name.count) != (1, count):
        raise GgufError(
            Damage.SHARD_NAME,
            f"This is the first of {count} files, but its name does not end in "
            f"-00001-of-{count:05d}.gguf, by which the others are found. "
            "Give all of them their original names.",
        )
    siblings = [path.with_name(name.sibling(other)) for other in range(2, count + 1)]
    missing = [sibling.name for sibling in siblings if not sibling.exists()]
    if missing:
        raise GgufError(
            Damage.SHARD_MISSING,
            f"The model is in {count} files, and {len(missing)} of them are not in this folder, "
            f"{quoted(missing[0])} first. Get what is missing.",
        )
    yield from siblings


def _check_shard(header: GgufHeader, number: int, count: int) -> Iterator[Problem]:
    found = _number(header)
    if found != number - 1:
        says = "not which part it is" if found is None else f"that it is part {found + 1}"
        yield Problem(
            Damage.SHARD_MISMATCH,
            f"The file in the place of part {number} of {count} says {says}. {GET_AGAIN}",
        )
    for problem in check_tensors(header):
        yield Problem(problem.damage, f"Part {number} of {count}: {problem.text}")


def _check_total(first: GgufHeader, total: int, distinct: int) -> Iterator[Problem]:
    expected = first.integer("split.tensors.count")
    if expected != total:
        yield Problem(
            Damage.SHARD_MISMATCH,
            f"All parts together hold {total:,} tensors; "
            f"the first one says {expected if expected is not None else 'nothing'}. "
            "The parts are of different models: get all of them again.",
        )
    elif distinct != total:
        yield Problem(
            Damage.TENSOR_TWICE,
            f"{total - distinct:,} tensors stand in more than one part. {GET_AGAIN}",
        )
