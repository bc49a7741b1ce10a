"""From what programs point to, to what can be taken: each file's first bytes are looked at.

Looking reads at most 128 KiB of a file and writes nothing. Parts of a split model become one,
the file with which a model sees pictures is put beside it, and what cannot be taken is listed with
the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

from snug.domain.adoption import Found, Program
from snug.domain.remote_names import clean_text
from snug.models.adoption.folder import read_folder
from snug.models.adoption.hugging_face import read_hugging_face
from snug.models.adoption.jan import read_jan
from snug.models.adoption.known import NOTHING, Known
from snug.models.adoption.lm_studio import read_lm_studio
from snug.models.adoption.ollama import read_ollama
from snug.models.adoption.walking import MAX_FILES, Candidate, leads_into
from snug.models.damage import GgufError
from snug.models.names import clean_name, shard_name, title
from snug.models.peek import Peek, peek
from snug.models.roles import FileRole
from snug.models.summary import licence_of, propose_name, quantization_of

_READERS: Final[Mapping[Program, Callable[[Path], Iterator[Candidate]]]] = {
    Program.LM_STUDIO: read_lm_studio,
    Program.HUGGING_FACE: read_hugging_face,
    Program.OLLAMA: read_ollama,
    Program.JAN: read_jan,
    Program.GPT4ALL: lambda root: read_folder(root, Program.GPT4ALL),
    Program.FOLDER: read_folder,
}
_ADDED: Final = "sha256-"
T = TypeVar("T")


def look(folders: Mapping[Program, Iterable[Path]], known: Known = NOTHING) -> tuple[Found, ...]:
    """All that programs keep in these folders, by program and name; each file once.

    Never raises for what lies there. Any thread; about 0.5 ms for each file.
    """
    found: list[Found] = []
    seen: set[tuple[int, int]] = set()
    for program, roots in folders.items():
        for root in roots:
            candidates = islice(_readable(_READERS[program](root)), MAX_FILES)
            found += _readable(_look_at(root, list(candidates), known, seen))
    order = list(Program)
    found.sort(key=lambda one: (order.index(one.program), bool(one.problem), one.name.casefold()))
    return tuple(found)


def kind_of(folder: Path) -> Program:
    """Which program's layout a folder that the person names has."""
    if (folder / "manifests").is_dir() and (folder / "blobs").is_dir():
        return Program.OLLAMA
    if any(folder.glob("models--*--*")):
        return Program.HUGGING_FACE
    return Program.FOLDER


def _readable(found: Iterator[T]) -> Iterator[T]:
    """What comes before a folder that this person may not read, or that goes meanwhile."""
    with suppress(OSError):
        yield from found


def _look_at(
    root: Path, candidates: Sequence[Candidate], known: Known, seen: set[tuple[int, int]]
) -> Iterator[Found]:
    inside = (root if root.is_dir() else root.parent).resolve()
    projectors: dict[Path, list[Path]] = {}
    looked: list[tuple[Candidate, Peek]] = []
    for candidate in candidates:
        if candidate.problem:
            yield _left_out(candidate, candidate.problem)
            continue
        if _is_later_part(candidate.path):
            continue
        try:
            peeked = peek(candidate.path)
        except GgufError as error:
            yield _left_out(candidate, error.problem.text)
            continue
        if peeked.role is FileRole.PROJECTOR:
            projectors.setdefault(candidate.path.parent, []).append(candidate.path)
        elif peeked.identity not in seen:
            seen.add(peeked.identity)
            looked.append((candidate, peeked))
    for candidate, peeked in looked:
        beside = projectors.get(candidate.path.parent, [])
        yield _found(candidate, peeked, beside, inside, known)


def _found(
    candidate: Candidate, peeked: Peek, beside: list[Path], inside: Path, known: Known
) -> Found:
    header, file_name = peeked.header, candidate.path.name
    said = candidate.name or ("" if file_name.startswith(_ADDED) else file_name)
    quantization = quantization_of(header, "" if said != file_name else file_name)
    quantization = quantization or clean_text(candidate.quantization)[:32]
    parts = _parts(candidate.path)
    size, problem = _size(parts, inside)
    problem = peeked.problem or problem
    if not problem and candidate.size_bytes and candidate.size_bytes != peeked.stamp.size_bytes:
        problem = (
            f"The file has {peeked.stamp.size_bytes:,} bytes, but {candidate.program.label} says "
            f"{candidate.size_bytes:,}: it was cut short, or replaced. Get it again there."
        )
    here = peeked.identity in known.files or candidate.expected in known.digests
    return Found(
        program=candidate.program,
        path=candidate.path,
        name=propose_name(header, said or "model", quantization),
        size_bytes=size or peeked.stamp.size_bytes,
        quantization=quantization,
        already=here,
        problem=problem,
        source=candidate.source,
        commit=candidate.commit,
        licence=licence_of(header) or candidate.licence,
        expected=candidate.expected if len(parts) == 1 else "",
        files=len(parts),
        projector=_projector(candidate, beside),
    )


def _left_out(candidate: Candidate, problem: str) -> Found:
    try:
        size = candidate.path.stat().st_size
    except (OSError, ValueError):
        size = candidate.size_bytes
    name = clean_name(candidate.name) if candidate.name else title(candidate.path.name)
    return Found(candidate.program, candidate.path, name, size, problem=problem)


def _is_later_part(path: Path) -> bool:
    """A part of a split model whose first part lies beside it, and stands for all."""
    name = shard_name(path.name)
    return name is not None and name.number > 1 and path.with_name(name.sibling(1)).exists()


def _parts(path: Path) -> list[Path]:
    name = shard_name(path.name)
    if name is None or name.number != 1 or not 1 < name.count <= 1000:
        return [path]
    return [path.with_name(name.sibling(number)) for number in range(1, name.count + 1)]


def _size(parts: list[Path], inside: Path) -> tuple[int, str]:
    """Bytes in all parts, and what is wrong with them."""
    if len(parts) == 1:
        return 0, ""
    size = missing = 0
    for part in parts:
        try:
            size += part.stat().st_size
        except (OSError, ValueError):
            missing += 1
            continue
        if not leads_into(part, inside):
            return size, "A part of this model is a link that leads out of the program's folder."
    if missing:
        return size, f"{missing} of the model's {len(parts)} files are not here. Get them there."
    return size, ""


def _projector(candidate: Candidate, beside: list[Path]) -> Path | None:
    """The program's own word, else what lies beside it, F16 before others."""
    if candidate.projector is not None and not beside:
        try:
            found = peek(candidate.projector).role is FileRole.PROJECTOR
        except GgufError:
            return None
        return candidate.projector if found else None
    named = [path for path in beside if path == candidate.projector]
    half = [path for path in beside if "f16" in path.name.casefold().replace("bf16", "")]
    return next(iter((*named, *half, *sorted(beside))), None)
