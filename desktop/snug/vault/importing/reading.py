"""Finds out whose chats a file holds, and reads them one at a time.

The format is told from what is in a file, not from its name. A long list is read entry by entry, so
that an export of any size takes the memory of its longest conversation.
"""

from __future__ import annotations

import codecs
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from snug.domain.errors import UserError
from snug.domain.importing import Found
from snug.vault.exporting import snug_json
from snug.vault.importing import (
    chatgpt,
    cherry_studio,
    claude,
    gpt4all,
    jan,
    lm_studio,
    open_webui,
    openai_jsonl,
)
from snug.vault.importing.building import Loose, build, table
from snug.vault.importing.listing import check_size, entries
from snug.vault.importing.sources import Source, opened

SNUG = "Snug"
_PEEK = 4096
_WHOLE_BYTES = 512 * 1024**2  # of a binary file
_DOCUMENT_BYTES = 128 * 1024**2  # of a document that can only be read at once
_LINE_BYTES = 64 * 1024**2
_MOST_OTHERS = 1000
_SNUG_HEAD = re.compile(
    rb'\s*\{\s*"format":\s*"snug-conversations",\s*"version":\s*(?P<version>\d{1,9}),'
    rb'\s*"conversations":\s*'
)
# In this order: what has only messages could be several.
_KINDS = (chatgpt, claude, open_webui, lm_studio, openai_jsonl)
_BROKEN = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
    RuntimeError,  # also what is nested too deeply, and a way of packing that is not known
    UserError,
    zlib.error,
)


def read(path: Path) -> Iterator[Found]:
    """Every conversation of a file, zip or folder, and what could not be read of it.

    Between them, and where there are none, come empty ones that only tell how far it is.

    Raises:
        UserError: there is no such file, or it cannot be opened.
    """
    with opened(path) as sources:
        total = sum(source.bytes for source in sources) or 1
        done = 0
        threads = {s.folder: s for s in sources if s.base == "messages.jsonl"}
        jan_folders = {s.folder for s in sources if s.base == "thread.json"}
        for source in sources:
            if source.base == "messages.jsonl" and source.folder in jan_folders:
                continue  # read with its thread
            for found in _in_source(source, threads.get(source.folder)):
                yield replace(found, read=(done + source.position) / total)
            done += source.bytes
            yield Found(read=done / total)  # whoever wants to stop is asked here too


def _in_source(source: Source, messages: Source | None) -> Iterator[Found]:
    try:
        with source.open() as file:
            beginning = file.read(_PEEK)
        beginning = beginning.removeprefix(codecs.BOM_UTF8)
        if gpt4all.matches(beginning):
            yield _one(source.name, gpt4all.NAME, lambda: gpt4all.read(_all(source)))
            return
        bare = beginning.lstrip()
        if bare.startswith(b"["):
            yield from _of_list(source)
        elif bare.startswith(b"{"):
            yield from _of_document(source, beginning, messages)
        elif source.base.endswith((".json", ".jsonl")) and bare:
            yield Found(problem=f"{source.name}: this is no JSON.")
    except RecursionError:
        yield Found(problem=f"{source.name} cannot be read: it is nested too deeply.")
    except (*_BROKEN, OSError, zipfile.BadZipFile, EOFError) as error:
        yield Found(problem=f"{source.name} cannot be read: {str(error)[:160] or 'damaged'}.")


def _all(source: Source, most: int = _WHOLE_BYTES) -> bytes:
    with source.open() as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise UserError(f"it has {source.bytes:,} bytes, and Snug reads {most:,} at once")
    return content


def _document(source: Source) -> str:
    text = _all(source, _DOCUMENT_BYTES).decode("utf-8-sig", "replace")
    check_size(text)
    return text


def _of_list(source: Source) -> Iterator[Found]:
    with source.open() as file:
        others: list[str] = []  # told where the list is one of chats: of a list of others, nothing
        known = False
        for number, entry in enumerate(entries(file), start=1):
            place = f"{source.name}, conversation {number}"
            found = list(_of_entry(place, table(entry)))
            known = known or bool(found)
            yield from found or [Found()]
            if not found and len(others) < _MOST_OTHERS:
                others.append(f"{place}: this is no chat that Snug knows.")
        yield from (Found(problem=problem) for problem in others if known)


def _of_document(source: Source, beginning: bytes, messages: Source | None) -> Iterator[Found]:
    if snug_json.FORMAT.encode() in beginning[:200]:
        yield from _of_snug(source, beginning)
        return
    first, whole = _first_line(source)
    if first is not None and openai_jsonl.matches(first) and not lm_studio.matches(first):
        yield from _of_lines(source)
        return
    entry = first if first is not None and whole else table(json.loads(_document(source)))
    if cherry_studio.matches(entry):
        for loose in cherry_studio.read(entry):
            yield _built(f"{source.name}, topic {loose.key}", cherry_studio.NAME, loose)
    elif jan.matches(entry) and source.base == "thread.json":
        lines: Iterable[tuple[int, object]] = () if messages is None else _lines(messages)
        read = partial(jan.read, entry, (table(line) for _, line in lines))
        yield _one(source.name, jan.NAME, read)
    else:
        yield from _of_entry(source.name, entry)


def _of_entry(place: str, entry: dict[str, object]) -> Iterator[Found]:
    for kind in _KINDS:
        if kind.matches(entry):
            yield _one(place, kind.NAME, partial(kind.read, entry))
            return


def _one(place: str, name: str, make: Callable[[], Loose]) -> Found:
    try:
        loose = make()
    except _BROKEN as error:
        return _not_read(place, error)
    return _built(place, name, loose)


def _built(place: str, name: str, loose: Loose) -> Found:
    try:
        tree = build(replace(loose, tags=(*loose.tags, name)))
    except _BROKEN as error:
        return _not_read(place, error)
    return Found(name, tree) if tree is not None else Found(name)


def _not_read(place: str, error: Exception) -> Found:
    reason = f"{type(error).__name__}: {str(error)[:100]}"
    return Found(problem=f"{place} cannot be read ({reason}).")


def _of_snug(source: Source, beginning: bytes) -> Iterator[Found]:
    """As Snug writes it: the list comes last; a document in another order is read at once."""
    head = _SNUG_HEAD.match(beginning)
    if head is None:
        trees, problems = snug_json.read_document(_document(source).encode())
        yield from (Found(SNUG, tree) for tree in trees)
        yield from (Found(problem=f"{source.name}: {problem}") for problem in problems)
        return
    if int(head["version"]) != snug_json.VERSION:
        raise UserError(
            f"this export has version {int(head['version'])}, and this Snug reads version "
            f"{snug_json.VERSION}; update Snug"
        )
    with source.open() as file:
        for number, entry in enumerate(entries(file, skip=head.end()), start=1):
            try:
                yield Found(SNUG, snug_json.read_conversation(table(entry)))
            except _BROKEN as error:
                place = f"{source.name}, conversation {number}"
                yield Found(problem=f"{place} cannot be read ({type(error).__name__}).")


def _first_line(source: Source) -> tuple[dict[str, object] | None, bool]:
    """The first line as a document, where it is one, and whether it is the only one."""
    with source.open() as file:
        line = file.readline(_LINE_BYTES)
        rest = file.read(_PEEK)
    value = _value(line)
    return (None, False) if value is None else (table(value), not rest.strip())


def _of_lines(source: Source) -> Iterator[Found]:
    for number, entry in _lines(source):
        place = f"{source.name}, line {number}"
        if entry is None:
            yield Found(problem=f"{place}: this is no JSON.")
        elif openai_jsonl.matches(table(entry)):
            yield _one(place, openai_jsonl.NAME, partial(openai_jsonl.read, table(entry)))
        else:
            yield Found(problem=f"{place}: this has no messages.")


def _lines(source: Source) -> Iterator[tuple[int, object]]:
    """Each line that is not empty, with its number; None for what is no JSON."""
    with source.open() as file:
        number = 0
        while line := file.readline(_LINE_BYTES):
            number += 1
            if line.strip():
                yield number, _value(line)


def _value(line: bytes) -> object:
    try:
        text = line.decode("utf-8-sig")
        check_size(text)
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
