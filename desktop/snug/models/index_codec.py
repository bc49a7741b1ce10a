"""The library's index as JSON, and back without trusting it.

Fields may be added, never renamed: an older Snug skips what it does not know.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

from snug.domain.errors import UserError
from snug.domain.model import ModelFile
from snug.domain.sampling import Sampling
from snug.models.files import FileStamp

VERSION: Final = 1
# What is read out of a header grows; an entry that an earlier reading made is read again once.
READING: Final = 2
_MAX_OTHERS: Final = 32


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A model in the index.

    Attributes:
        files: how its files looked when they were checked, the first one first.
        imported_ms: when it was added, in milliseconds since 1970.
        others: the files of other places with the same content.
        reading: of the Snug that read its header.
    """

    model: ModelFile
    files: tuple[FileStamp, ...]
    imported_ms: int = 0
    others: tuple[tuple[FileStamp, ...], ...] = ()
    reading: int = READING


@dataclass(frozen=True, slots=True)
class IndexContent:
    """All of the index.

    Attributes:
        entries: models that were imported or downloaded.
        starter: what was read from the starter model's header, so that a start need not.
        leaving: files that are being deleted; what a crash left of them goes at the next start.
    """

    entries: tuple[IndexEntry, ...] = ()
    starter: IndexEntry | None = None
    leaving: tuple[FileStamp, ...] = ()


@dataclass(frozen=True, slots=True)
class Decoded:
    """An index as read.

    Attributes:
        version: of the Snug that wrote it.
        lost: entries that make no sense and were left out.
    """

    content: IndexContent
    version: int
    lost: int

    @property
    def damaged(self) -> bool:
        """Whether something is lost; a newer Snug's entries may only be of another form."""
        return self.lost > 0 and self.version <= VERSION


def encode(content: IndexContent) -> bytes:
    """The index as UTF-8 JSON."""
    document = {
        "version": VERSION,
        "entries": [asdict(entry) for entry in content.entries],
        "starter": asdict(content.starter) if content.starter is not None else None,
        "leaving": [asdict(stamp) for stamp in content.leaving],
    }
    # A stray surrogate (from an undecodable path) is kept as an escape.
    return json.dumps(document, ensure_ascii=True, indent=1).encode("ascii")


def decode(data: bytes) -> Decoded:
    """Read an index.

    Raises:
        ValueError: it is no index at all.
    """
    try:
        document = json.loads(data)
    except RecursionError:
        raise ValueError("the index is nested too deeply") from None
    if not isinstance(document, dict) or not isinstance(document.get("entries"), list):
        raise ValueError("the index has no entries")
    version = _integer(document, "version")
    entries: list[IndexEntry] = []
    lost = 0
    for item in document["entries"]:
        try:
            entries.append(_entry(item))
        except (ValueError, UserError):
            lost += 1
    try:
        starter = _entry(document.get("starter"))
    except (ValueError, UserError):
        starter = None
    leaving = _stamps(document.get("leaving"))
    return Decoded(IndexContent(tuple(entries), starter, leaving), version, lost)


def _entry(item: object) -> IndexEntry:
    fields = _mapping(item)
    files = fields.get("files")
    if not isinstance(files, list) or not files:
        raise ValueError("an entry without files")
    return IndexEntry(
        model=_model(_mapping(fields.get("model"))),
        files=tuple(_stamp(_mapping(file)) for file in files),
        imported_ms=_integer(fields, "imported_ms"),
        others=_others(fields.get("others")),
        reading=_integer({"reading": 0, **fields}, "reading"),
    )


def _others(listed: object) -> tuple[tuple[FileStamp, ...], ...]:
    """Other places; those that make no sense are forgotten, for they are only spare ones."""
    places = listed[:_MAX_OTHERS] if isinstance(listed, list) else []
    return tuple(place for place in map(_stamps, places) if place)


def _stamps(listed: object) -> tuple[FileStamp, ...]:
    try:
        return tuple(_stamp(_mapping(item)) for item in listed) if isinstance(listed, list) else ()
    except ValueError:
        return ()


def _stamp(fields: Mapping[str, object]) -> FileStamp:
    return FileStamp(
        path=_text(fields, "path"),
        size_bytes=_integer(fields, "size_bytes"),
        mtime_ns=_integer(fields, "mtime_ns"),
    )


def _model(fields: Mapping[str, object]) -> ModelFile:
    texts = {name: _text(fields, name) for name in _TEXTS}
    numbers = {name: _integer(fields, name) for name in _NUMBERS}
    if not texts["name"] or not texts["path"]:
        raise ValueError("an entry without name or path")
    sampling = fields.get("sampling")
    model = ModelFile(
        name=texts["name"],
        path=texts["path"],
        size_bytes=numbers["size_bytes"],
        sha256=texts["sha256"],
        architecture=texts["architecture"],
        quantization=texts["quantization"],
        context_length=numbers["context_length"],
    )
    return replace(
        model,
        licence=texts["licence"],
        source=texts["source"],
        parameter_count=numbers["parameter_count"],
        layers=numbers["layers"],
        chat_template=texts["chat_template"],
        note=texts["note"],
        tool_template=_later(fields, "tool_template"),
        commit=_later(fields, "commit"),
        projector=_later(fields, "projector"),
        program=_later(fields, "program"),
        sampling=None if sampling is None else _sampling(_mapping(sampling)),
    )


_TEXTS: Final[Sequence[str]] = (
    "name",
    "path",
    "sha256",
    "architecture",
    "quantization",
    "licence",
    "source",
    "chat_template",
    "note",
)
_NUMBERS: Final[Sequence[str]] = ("size_bytes", "context_length", "parameter_count", "layers")


def _sampling(fields: Mapping[str, object]) -> Sampling:
    return Sampling(
        temperature=_real(fields, "temperature"),
        top_k=_integer(fields, "top_k"),
        top_p=_real(fields, "top_p"),
        min_p=_real(fields, "min_p"),
        repeat_penalty=_real(fields, "repeat_penalty"),
        repeat_last_n=_integer(fields, "repeat_last_n"),
    )


def _mapping(item: object) -> Mapping[str, object]:
    if not isinstance(item, dict):
        raise ValueError("not an object")
    return item


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value


def _later(fields: Mapping[str, object], name: str) -> str:
    """A text that earlier versions do not have."""
    return _text({name: "", **fields}, name)


def _integer(fields: Mapping[str, object], name: str) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise ValueError(f"{name} is no whole number")
    return value


def _real(fields: Mapping[str, object], name: str) -> float:
    value = fields.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"{name} is no number")
    return float(value)
