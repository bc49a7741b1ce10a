"""What a person types to mean a model."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import Final

from snug.domain.errors import NotFoundError
from snug.models.damage import quoted
from snug.models.digest import stamp_of
from snug.models.index_codec import IndexEntry
from snug.models.names import quantization_label

_NEAREST: Final = 5
_REPOSITORY: Final = re.compile(r"([^/\s:\\]+/[^/\s:\\]+?)(?::([^/\s:\\]+))?")


def path_of(reference: str) -> Path | None:
    """The path that is meant; None where it looks like a name.

    A path ends in .gguf, or has a folder in it and exists.
    """
    try:
        path = Path(reference).expanduser()
    except RuntimeError:  # "~somebody" who does not exist
        path = Path(reference)
    if reference.casefold().endswith(".gguf"):
        return path
    # "model" alone must not turn into a path because a folder of that name is at hand.
    has_folder = any(separator in reference for separator in (os.sep, os.altsep or os.sep))
    return path if has_folder and stamp_of(path) is not None else None


def entry_of_repository(entries: Sequence[IndexEntry], reference: str) -> IndexEntry | None:
    """The entry that `owner/repo:QUANT` means; `owner/repo` alone where only one is here."""
    match = _REPOSITORY.fullmatch(reference)
    if match is None:
        return None
    repository, label = match.group(1).casefold(), (match.group(2) or "").casefold()
    candidates = [entry for entry in entries if entry.model.source.casefold() == repository]
    if not label:
        return candidates[0] if len(candidates) == 1 else None
    for strip in ("", "ud-"):
        for entry in candidates:
            file_label = quantization_label(PurePath(entry.model.path).name)
            labels = (entry.model.quantization.casefold(), file_label.casefold())
            if label in (name.removeprefix(strip) for name in labels):
                return entry
    return None


def not_found(reference: str, names: Iterable[str]) -> NotFoundError:
    """The error for an unknown model, with the names that come nearest."""
    by_fold = {name.casefold(): name for name in names}
    nearest = difflib.get_close_matches(reference.casefold()[:200], by_fold, _NEAREST, cutoff=0.0)
    if nearest:
        hint = "There is: " + ", ".join(quoted(by_fold[name]) for name in nearest) + "."
    else:
        hint = "The library is empty; import a .gguf file."
    return NotFoundError(f"There is no model {quoted(reference)}. {hint}")
