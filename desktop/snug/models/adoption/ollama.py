"""Ollama: `manifests/<registry>/<owner>/<model>/<tag>` names the blobs `sha256-<hex>` of a model.

A manifest gives the model's name, its quantization and its licence's text. That a blob's name is
its content's hash is what it says, not what is known: it is compared when the model is taken.

Source: ollama's server/manifest.go, server/images.go (media types) and fixblobs.go (blob names).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from snug.domain.adoption import Program
from snug.domain.licence import strictest_of
from snug.models.adoption.licence_text import licence_in
from snug.models.adoption.walking import LEADS_OUT, UNFINISHED, Candidate, leads_into, small_bytes

_TYPE: Final = "application/vnd.ollama.image."
_DIGEST: Final = re.compile(r"sha256[:-]([0-9a-f]{64})")
_PART: Final = re.compile(r"[\w.][\w.-]{0,127}")
_MAX_MANIFESTS: Final = 2_000
_MAX_LAYERS: Final = 64
_OF_HUB: Final = frozenset({"hf.co", "huggingface.co"})
_ADAPTED: Final = (
    "Ollama applies an adapter to this model, which Snug would leave out. "
    "Use it in Ollama, or import its files one by one."
)
_IN_PARTS: Final = (
    "Ollama keeps this model in {} separate files, which Snug cannot join. Get the model as one "
    "GGUF file."
)
_GONE: Final = "Ollama's list names this model, but its file is not there. Pull it again in Ollama."


@dataclass(frozen=True, slots=True)
class _Layer:
    """One blob of a model: the end of its media type, its hash, its size in bytes."""

    kind: str
    sha256: str
    size_bytes: int


def read_ollama(root: Path) -> Iterator[Candidate]:
    """Every model that Ollama's manifests name; each blob once, under its first name."""
    blobs = root / "blobs"
    inside = root.resolve()
    seen: set[str] = set()
    for manifest in _manifests(root / "manifests"):
        found = _candidate(manifest.relative_to(root / "manifests").parts, manifest, blobs, inside)
        if found is None or (found.expected and found.expected in seen):
            continue
        seen.add(found.expected)
        yield found


def _candidate(
    parts: tuple[str, ...], manifest: Path, blobs: Path, inside: Path
) -> Candidate | None:
    layers = _layers(_json(small_bytes(manifest, inside)))
    models = [layer for layer in layers if layer.kind == "model"]
    if not models:
        return None  # A model in the cloud, or of another kind than GGUF.
    first = models[0]
    path = blobs / f"sha256-{first.sha256}"
    config = next((layer for layer in layers if layer.kind == "config"), None)
    stated = _json(small_bytes(blobs / f"sha256-{config.sha256}", inside)) if config else {}
    projector = next((layer for layer in layers if layer.kind == "projector"), None)
    return Candidate(
        Program.OLLAMA,
        path,
        name=_name(parts),
        source=f"{parts[1]}/{parts[2]}" if parts[0] in _OF_HUB else "",
        licence=_licence(layers, blobs, inside),
        expected=first.sha256,
        size_bytes=first.size_bytes,
        quantization=_quantization(stated),
        projector=blobs / f"sha256-{projector.sha256}" if projector else None,
        problem=_problem(path, inside, layers, len(models)),
    )


def _problem(path: Path, inside: Path, layers: list[_Layer], models: int) -> str:
    if models > 1:
        return _IN_PARTS.format(models)
    if any(layer.kind == "adapter" for layer in layers):
        return _ADAPTED
    if not path.exists():
        partial = path.with_name(f"{path.name}-partial").exists()
        return UNFINISHED if partial else _GONE
    return "" if leads_into(path, inside) else LEADS_OUT


def _manifests(root: Path) -> Iterator[Path]:
    """Files at `registry/owner/model/tag`, no links among them."""
    left = _MAX_MANIFESTS
    folders = [root]
    while folders and left:
        folder = folders.pop()
        depth = len(folder.relative_to(root).parts)
        try:
            entries = sorted(folder.iterdir(), reverse=True)
        except OSError:
            continue
        for path in entries:
            if path.is_symlink() or not _PART.fullmatch(path.name):
                continue
            if depth < 3 and path.is_dir():
                folders.append(path)
            elif depth == 3 and path.is_file():
                yield path
                left -= 1


def _layers(manifest: Mapping[str, Any]) -> list[_Layer]:
    listed = manifest.get("layers")
    found = [_layer(item, "") for item in listed[:_MAX_LAYERS]] if isinstance(listed, list) else []
    found.append(_layer(manifest.get("config"), "config"))
    return [layer for layer in found if layer is not None]


def _layer(item: object, kind: str) -> _Layer | None:
    if not isinstance(item, dict):
        return None
    media, digest, size = item.get("mediaType"), item.get("digest"), item.get("size")
    match = _DIGEST.fullmatch(digest) if isinstance(digest, str) else None
    if match is None or not isinstance(media, str):
        return None
    named = media.partition(";")[0].removeprefix(_TYPE)
    known = size if isinstance(size, int) and 0 <= size < 2**63 else 0
    return _Layer(kind or named, match[1], known)


def _licence(layers: list[_Layer], blobs: Path, inside: Path) -> str:
    texts = (
        small_bytes(blobs / f"sha256-{layer.sha256}", inside)
        for layer in layers
        if layer.kind == "license"
    )
    return strictest_of([licence_in(raw.decode("utf-8", errors="replace")) for raw in texts])


def _name(parts: tuple[str, ...]) -> str:
    registry, owner, model, tag = parts
    base = model if owner == "library" or registry in _OF_HUB else f"{owner} {model}"
    return base if tag == "latest" else f"{base} {tag}"


def _quantization(config: Mapping[str, Any]) -> str:
    stated = config.get("file_type")
    return stated[:32] if isinstance(stated, str) and _PART.fullmatch(stated) else ""


def _json(raw: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(raw or b"{}")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
