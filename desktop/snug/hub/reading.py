"""Reads what the Hub tells of a repository, taking nothing for granted.

Every field may be missing, of another type, or absurd; a field that makes no sense counts as not
told. Nothing here raises for any input.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from snug.domain.hub import RemoteFile, Repository, Variant, category_of
from snug.domain.licence import Licence, LicenceFacts, classify, strictest_of
from snug.domain.remote_names import (
    Shard,
    is_gguf,
    is_model,
    is_projector,
    quantization_of,
    shard_of,
    shown,
)

MAX_FILES: Final = 5000
MAX_NUMBER: Final = 2**53
_MAX_TAGS: Final = 500
_MAX_TEXT: Final = 500
_MAX_PATH: Final = 1000
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9._-]{1,96}")
_TAGGED: Final = "license:"
_BASE_TAG: Final = re.compile(r"base_model:(?:quantized:|finetune:|adapter:|merge:)?(.+)")


def repository_of(info: Any) -> Repository | None:
    """A repository from huggingface_hub's ModelInfo; None where it has no sound name."""
    identifier = _text(info, "id")
    if _ID.fullmatch(identifier) is None:
        return None
    tags = _texts(_value(info, "tags"), _MAX_TAGS)
    gguf = _value(info, "gguf")
    files = tuple(_files(_value(info, "siblings")))
    facts = facts_of(info)
    commit = _text(info, "sha")
    return Repository(
        id=identifier,
        category=category_of(_text(info, "pipeline_tag"), tags, identifier),
        licence=classify(facts.id, facts.name, facts.link),
        commit=commit if _COMMIT.fullmatch(commit) else "",
        gated=_value(info, "gated") in (True, "auto", "manual"),
        downloads=_count(_value(info, "downloads")),
        likes=_count(_value(info, "likes")),
        trending_score=_count(_value(info, "trending_score")),
        context_length=_count(_value(gguf, "context_length")),
        architecture=shown(_text(gguf, "architecture"), 60),
        parameter_count=_count(_value(gguf, "total")),
        base_models=facts.base_models,
        variants=variants_of(files),
        projectors=tuple(file for file in files if is_projector(file.path)),
        modified_ms=_moment(_value(info, "last_modified")),
    )


def facts_of(info: Any) -> LicenceFacts:
    """What a repository states of its licence and of what it was made from."""
    card = _value(info, "card_data")
    tags = _texts(_value(info, "tags"), _MAX_TAGS)
    stated = _value(card, "license")
    licence = strictest_of(_texts([stated] if isinstance(stated, str) else stated, 16))
    if not licence:
        licence = strictest_of([t[len(_TAGGED) :] for t in tags if t.startswith(_TAGGED)])
    base = _value(card, "base_model")
    bases = _texts([base] if isinstance(base, str) else base, 8)
    if not bases:
        matches = (_BASE_TAG.fullmatch(tag) for tag in tags)
        bases = tuple(dict.fromkeys(match.group(1) for match in matches if match is not None))
    return LicenceFacts(
        id=shown(licence.lower(), 80),
        name=shown(_text(card, "license_name"), 80),
        link=shown(_text(card, "license_link"), 300),
        base_models=tuple(one for one in bases if _ID.fullmatch(one))[:8],
    )


def licence_of(info: Any) -> Licence:
    """The licence that a repository states itself."""
    facts = facts_of(info)
    return classify(facts.id, facts.name, facts.link)


def variants_of(files: Iterable[RemoteFile]) -> tuple[Variant, ...]:
    """The models among the files, shards together, smallest first; incomplete ones left out."""
    alone: list[Variant] = []
    split: dict[tuple[str, int], dict[int, RemoteFile]] = {}
    for file in files:
        if not is_model(file.path):
            continue
        shard: Shard | None = shard_of(file.path)
        if shard is None:
            alone.append(Variant(quantization_of(file.path), (file,)))
        else:
            split.setdefault((shard.stem, shard.count), {})[shard.number] = file
    for (stem, count), parts in split.items():
        if len(parts) == count:
            ordered = tuple(parts[number] for number in range(1, count + 1))
            alone.append(Variant(quantization_of(f"{stem}.gguf"), ordered))
    return tuple(sorted(alone, key=lambda v: (v.size_bytes, v.files[0].path)))


def _files(siblings: Any) -> Iterable[RemoteFile]:
    if not isinstance(siblings, list | tuple):
        return
    for sibling in siblings[:MAX_FILES]:
        path = _value(sibling, "rfilename")
        if not isinstance(path, str) or not is_gguf(path) or len(path) > _MAX_PATH:
            continue
        lfs = _value(sibling, "lfs")
        sha256 = _value(lfs, "sha256")
        size = _count(_value(lfs, "size")) or _count(_value(sibling, "size"))
        sound = isinstance(sha256, str) and _SHA256.fullmatch(sha256) is not None
        yield RemoteFile(path, size, sha256 if sound else "")


def _value(holder: Any, name: str) -> Any:
    """A field of an object or of a mapping; None where there is none."""
    if isinstance(holder, Mapping):
        return holder.get(name)
    return getattr(holder, name, None)


def _text(holder: Any, name: str) -> str:
    value = _value(holder, name)
    return value[:_MAX_TEXT] if isinstance(value, str) else ""


def _texts(values: Any, most: int) -> tuple[str, ...]:
    if not isinstance(values, list | tuple):
        return ()
    return tuple(v[:_MAX_TEXT] for v in values[:most] if isinstance(v, str))


def _count(value: Any) -> int:
    """A number from 0 to 2^53; 0 for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(value) if 0 <= value <= MAX_NUMBER else 0


def _moment(value: Any) -> int:
    if not isinstance(value, datetime.datetime):
        return 0
    try:
        return max(0, int(value.timestamp() * 1000))
    except (OverflowError, OSError, ValueError):
        return 0
