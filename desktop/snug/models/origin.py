"""Where a GGUF file says it comes from: author, base models, data sets. All of it hearsay.

Source: the general.* keys of ggml's gguf.md; `general.datasets` and `general.quantized_by` are
older or later ways that converters in use write.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from snug.domain.model_card import Base, FileOrigin, Relation
from snug.domain.remote_names import clean_text
from snug.models.gguf import GgufHeader
from snug.models.inspection import inspect

_MOST: Final = 16
_LENGTH: Final = 200
_ON_HUB: Final = re.compile(
    r"(?:https?://(?:www\.)?(?:huggingface\.co|hf\.co)/)?"
    r"([A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9._-]{1,96})/?"
)


def read_origin(path: Path) -> FileOrigin:
    """What a file's metadata tells; empty where it cannot be read. May read some megabytes."""
    header = inspect(path).header
    return FileOrigin() if header is None else origin_of(header)


def origin_of(header: GgufHeader) -> FileOrigin:
    """What a header tells of where the file comes from."""

    def said(key: str) -> str:
        return clean_text((header.text(f"general.{key}") or "")[: 4 * _LENGTH])[:_LENGTH]

    repository = said("source.huggingface.repository") or said("source.repo_url")
    return FileOrigin(
        name=said("name"),
        author=said("author"),
        organization=said("organization"),
        quantized_by=said("quantized_by"),
        description=said("description"),
        repository=_on_hub(repository or said("repo_url")),
        licence_id=said("license").lower()[:80],
        licence_name=said("license.name")[:80],
        licence_link=said("license.link"),
        bases=_bases(header, said("quantized_by") != ""),
        datasets=_numbered(header, "dataset") or _texts(header, "general.datasets"),
        languages=_texts(header, "general.languages"),
        tags=_texts(header, "general.tags"),
    )


def _bases(header: GgufHeader, quantized: bool) -> tuple[Base, ...]:
    """Base models that have a place on the Hub."""
    relation = Relation.QUANTIZED if quantized else Relation.UNKNOWN
    names = (_on_hub(name) for name in _numbered(header, "base_model"))
    return tuple(Base(name, relation) for name in dict.fromkeys(names) if name)


def _numbered(header: GgufHeader, kind: str) -> tuple[str, ...]:
    """`general.<kind>.0.repo_url` and its like, else the names, as "owner/name" where possible."""
    found = []
    for number in range(min(header.integer(f"general.{kind}.count") or 0, _MOST)):
        stem = f"general.{kind}.{number}"
        url = clean_text((header.text(f"{stem}.repo_url") or "")[:_LENGTH])
        name = clean_text((header.text(f"{stem}.name") or "")[:_LENGTH])
        address = re.sub(r"^(https?://[^/]+/)datasets/", r"\1", url)
        one = _on_hub(address) or name or url
        if one:
            found.append(one)
    return tuple(dict.fromkeys(found))


def _texts(header: GgufHeader, key: str) -> tuple[str, ...]:
    value = header.metadata.get(key)
    if value is None or not isinstance(value.content, tuple):
        return ()
    words = (clean_text(v[:_LENGTH]) for v in value.content[:_MOST] if isinstance(v, str))
    return tuple(dict.fromkeys(word for word in words if word))


def _on_hub(text: str) -> str:
    """The "owner/name" in an address on the Hub, or in the name itself; "" for anything else."""
    match = _ON_HUB.fullmatch(text)
    return match.group(1) if match is not None else ""
