"""Reads a model's content again and tells whether it is what was added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from snug.domain.errors import ModelFileError
from snug.models import starter
from snug.models.damage import quoted
from snug.models.digest import Cancelled, Progress, sha256_of
from snug.models.entries import exchanged, missing_words, standing
from snug.models.files import FileStamp
from snug.models.index_codec import IndexEntry
from snug.models.inspection import Inspection, inspect, told
from snug.models.removal import Index


def verify_entry(
    index: Index, entry: IndexEntry, progress: Progress | None, cancelled: Cancelled | None
) -> str:
    """What is wrong with a model's content, in sentences; "" where it is what it was.

    A content that is right under another date, or that was never hashed, is noted as it is now.

    Raises:
        ImportCancelledError: `cancelled` said so.
        EnvironmentFault: the index cannot be written.
    """
    here = standing(entry)
    if here is None:
        return missing_words(entry)
    found = inspect(Path(here.model.path))
    if found.problems:
        return told(found.problems)
    try:
        digest = sha256_of(found.files, progress, cancelled)
    except ModelFileError as error:
        return error.message
    if here.model.sha256 and digest != here.model.sha256:
        return _differs(here, digest, found)
    fresh = replace(here, model=replace(here.model, sha256=digest), files=found.files)
    if fresh != entry:
        index.update(lambda content: exchanged(content, entry.model.name, fresh))
    return ""


def _differs(entry: IndexEntry, digest: str, found: Inspection) -> str:
    """What a hash that differs means, and what to do."""
    name, known = quoted(entry.model.name), entry.model.sha256
    hashes = f"its SHA-256 began with {known[:12]} and begins with {digest[:12]} now"
    if found.files == entry.files:
        return (
            f"The content of {name} has changed, though its size and date have not: {hashes}. "
            "The disk may be failing. Get the model again, and check the disk."
        )
    return (
        f"The file of {name} is not the one that was added: {hashes}. If you replaced it, use it "
        "and Snug takes the new one; if not, remove it and get the model again."
    )


def starter_problem(files: Sequence[FileStamp]) -> tuple[str, ...]:
    """Whether the starter's content is the one that belongs to Snug, in sentences."""
    try:
        digest = sha256_of(files)
    except ModelFileError as error:
        return (error.message,)
    if digest == starter.SHA256:
        return ()
    return (
        f"The starter model is not the one that belongs to Snug: its SHA-256 is {digest}, "
        f"and should be {starter.SHA256}. Install Snug again.",
    )
