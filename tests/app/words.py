"""Words that nobody else writes, each for one place, and the search for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.vault.helpers import forms

PLACES = (
    "message",
    "edited",
    "title",
    "system",
    "folder",
    "tag",
    "trashed",
    "emptied",
    "search",
    "terminal search",
    "temporary",
    "draft",
    "second draft",
    "pasted",
    "dialog folder",
    "exported name",
    "archive passphrase",
    "passphrase",
    "unsaved",
    "terminal message",
    "model folder",
    "model file",
    "proxy password",
    "hub token",
    "hub search",
    "profile message",
    "imported",
)
# Letters alone, so that a fold for searching changes none of them.
WORDS = {place: f"quokka{place.replace(' ', '')}wombat" for place in PLACES}


def files_of(roots: Iterable[Path]) -> Iterator[Path]:
    for root in roots:
        yield from (path for path in sorted(root.rglob("*")) if path.is_file())


def found_in(roots: Iterable[Path], words: dict[str, str]) -> dict[str, set[str]]:
    """Which words lie in which files, or in their names, in any encoding."""
    wanted = {place: tuple(forms(word)) for place, word in words.items()}
    found: dict[str, set[str]] = {}
    for path in files_of(roots):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue  # it was passing
        content += b"\0" + str(path).encode(errors="surrogateescape")
        for place, encodings in wanted.items():
            if any(form in content for form in encodings):
                found.setdefault(place, set()).add(str(path))
    return found
