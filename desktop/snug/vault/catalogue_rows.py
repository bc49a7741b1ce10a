"""Repositories as rows of the catalogue's tables, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import apsw

from snug.domain import trends
from snug.domain.hub import Category, RemoteFile, Repository, Variant
from snug.domain.licence import NOT_STATED, Licence, LicenceClass
from snug.vault.query import Value, fetch
from snug.vault.rows import storable

_PROJECTOR = -1
_COLUMNS = (
    "id",
    "category",
    "family",
    "licence_class",
    "architecture",
    "gated",
    "runnable",
    "trending",
    "downloads",
    "modified_ms",
    "context_length",
    "files_known",
    "smallest_bytes",
    "largest_bytes",
    "seen_ms",
)
_UPSERT = (
    f"INSERT INTO hub_models({', '.join(_COLUMNS)}) VALUES({', '.join('?' * len(_COLUMNS))}) "
    f"ON CONFLICT(id) DO UPDATE SET {', '.join(f'{c} = excluded.{c}' for c in _COLUMNS)} "
    "RETURNING seq"
)
_SELECT = """SELECT m.seq, m.id, m.category, m.licence_class, m.architecture, m.gated, m.trending,
    m.downloads, m.modified_ms, m.context_length, d."commit", d.likes, d.parameter_count,
    d.licence_id, d.licence_name, d.licence_link, d.licence_reason, d.licence_from
    FROM hub_models m JOIN hub_details d ON d.model = m.seq WHERE m.seq IN"""


def put(connection: apsw.Connection, told: Repository, seen_ms: int) -> None:
    """Insert or update one, keeping what an earlier and fuller answer told of it."""
    known = by_id(connection, told.id)
    one = told if known is None else merged(known, told)
    smallest, largest = trends.size_range(one)
    row = (
        storable(one.id),
        one.category.value,
        trends.family(one),
        one.licence.licence_class.value,
        storable(one.architecture),
        int(one.gated),
        int(trends.is_runnable(one)),
        one.trending_score,
        one.downloads,
        one.modified_ms,
        one.context_length,
        int(bool(one.variants)),
        smallest,
        largest,
        seen_ms,
    )
    seq = int(fetch(connection, _UPSERT, row)[0][0])
    _put_details(connection, seq, one)
    if known is None or known.base_models != one.base_models:
        _put_bases(connection, seq, one.base_models)
    if known is None or (known.variants, known.projectors) != (one.variants, one.projectors):
        _put_files(connection, seq, one)


def merged(known: Repository, told: Repository) -> Repository:
    """What was told last, with the files and facts that only an earlier answer had."""
    licence = told.licence
    silent = licence.id in NOT_STATED and not licence.inherited_from
    if silent and known.licence.inherited_from:
        licence = known.licence  # a listing does not look at the base models
    with_files = bool(told.variants or told.projectors)
    return replace(
        told,
        licence=licence,
        commit=told.commit if with_files or not known.variants else known.commit,
        context_length=told.context_length or known.context_length,
        architecture=told.architecture or known.architecture,
        parameter_count=told.parameter_count or known.parameter_count,
        base_models=told.base_models or known.base_models,
        variants=told.variants if with_files else known.variants,
        projectors=told.projectors if with_files else known.projectors,
        modified_ms=told.modified_ms or known.modified_ms,
    )


def by_id(connection: apsw.Connection, identifier: str) -> Repository | None:
    """One by its name, in upper or lower case; None where it is not kept."""
    found = fetch(connection, "SELECT seq FROM hub_models WHERE id = ?", (storable(identifier),))
    read = by_seq(connection, [int(found[0][0])]) if found else ()
    return read[0] if read else None


def by_seq(connection: apsw.Connection, seqs: Sequence[int]) -> tuple[Repository, ...]:
    """Several in the order of `seqs`, with their files."""
    if not seqs:
        return ()
    marks = f"({', '.join('?' * len(seqs))})"
    values: tuple[Value, ...] = tuple(seqs)
    bases: dict[int, list[str]] = {}
    for model, base in fetch(
        connection,
        f"SELECT model, base FROM hub_bases WHERE model IN {marks} ORDER BY model, position",  # noqa: S608
        values,
    ):
        bases.setdefault(model, []).append(base)
    files: dict[int, list[tuple[Any, ...]]] = {}
    for row in fetch(
        connection,
        "SELECT model, variant, quantization, path, size_bytes, sha256 FROM hub_files "  # noqa: S608
        f"WHERE model IN {marks} ORDER BY model, variant, part",
        values,
    ):
        files.setdefault(row[0], []).append(row[1:])
    found = {
        row[0]: _repository(row, tuple(bases.get(row[0], ())), files.get(row[0], ()))
        for row in fetch(connection, f"{_SELECT} {marks}", values)
    }
    return tuple(found[seq] for seq in seqs if seq in found)


def _repository(
    row: tuple[Any, ...], bases: tuple[str, ...], files: Iterable[tuple[Any, ...]]
) -> Repository:
    (_, identifier, category, licence_class, architecture, gated, trending, downloads) = row[:8]
    (modified_ms, context_length, commit, likes, parameter_count) = row[8:13]
    (licence_id, name, link, reason, inherited_from) = row[13:]
    variants, projectors = _files(files)
    return Repository(
        id=identifier,
        category=Category(category),
        licence=Licence(
            licence_id, LicenceClass(licence_class), reason, name, link, inherited_from
        ),
        commit=commit,
        gated=bool(gated),
        downloads=downloads,
        likes=likes,
        trending_score=trending,
        context_length=context_length,
        architecture=architecture,
        parameter_count=parameter_count,
        base_models=bases,
        variants=variants,
        projectors=projectors,
        modified_ms=modified_ms,
    )


def _files(
    rows: Iterable[tuple[Any, ...]],
) -> tuple[tuple[Variant, ...], tuple[RemoteFile, ...]]:
    split: dict[int, tuple[str, list[RemoteFile]]] = {}
    for variant, quantization, path, size_bytes, sha256 in rows:
        _, parts = split.setdefault(variant, (quantization, []))
        parts.append(RemoteFile(path, size_bytes, sha256))
    _, projectors = split.pop(_PROJECTOR, ("", []))
    variants = tuple(Variant(quantization, tuple(parts)) for quantization, parts in split.values())
    return variants, tuple(projectors)


def _put_details(connection: apsw.Connection, seq: int, one: Repository) -> None:
    licence = one.licence
    texts = (licence.id, licence.name, licence.link, licence.reason, licence.inherited_from)
    connection.execute(
        "INSERT OR REPLACE INTO hub_details VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (seq, one.commit, one.likes, one.parameter_count, *(storable(text) for text in texts)),
    )


def _put_bases(connection: apsw.Connection, seq: int, bases: tuple[str, ...]) -> None:
    connection.execute("DELETE FROM hub_bases WHERE model = ?", (seq,))
    for position, base in enumerate(bases):
        connection.execute("INSERT INTO hub_bases VALUES(?, ?, ?)", (seq, position, storable(base)))


def _put_files(connection: apsw.Connection, seq: int, one: Repository) -> None:
    connection.execute("DELETE FROM hub_files WHERE model = ?", (seq,))
    groups = [(_PROJECTOR, "", one.projectors)]
    groups += [(i, v.quantization, v.files) for i, v in enumerate(one.variants)]
    connection.executemany(
        "INSERT INTO hub_files VALUES(?, ?, ?, ?, ?, ?, ?)",
        [
            (seq, variant, part, storable(label), storable(f.path), f.size_bytes, f.sha256)
            for variant, label, files in groups
            for part, f in enumerate(files)
        ],
    )
