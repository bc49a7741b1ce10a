"""Jan keeps `llamacpp/models/<name>/model.yml`, which names the model's file.

That file lies beside it, or where the person imported it from: such a one is not Jan's and is left
out with a sentence. Only flat `key: value` lines are read, which is all that Jan writes.

Source: jan's llamacpp extension (ModelConfig: model_path, mmproj_path, size_bytes, model_sha256).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final

from snug.domain.adoption import Program
from snug.models.adoption.walking import (
    LEADS_OUT,
    Candidate,
    is_partial,
    leads_into,
    small_bytes,
    walk,
)

CONFIG: Final = "model.yml"
_MAX_CONFIG_BYTES: Final = 64 * 1024
_MAX_CONFIGS: Final = 2_000
_LINE: Final = re.compile(r"([a-z0-9_]{1,40}):[ \t]+(.+)")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_GONE: Final = "Jan's list names this model, but its file is not there. Get it again in Jan."


def read_jan(root: Path) -> Iterator[Candidate]:
    """Every model that a model.yml names, and GGUF files that none does."""
    inside = root.resolve()
    named: set[Path] = set()
    for config in _configs(root):
        candidate = _candidate(root, config, _flat(small_bytes(config, inside, _MAX_CONFIG_BYTES)))
        if candidate is None:
            continue
        named |= {path for path in (candidate.path, candidate.projector) if path is not None}
        yield candidate
    for found in walk(root):
        if found.path not in named:
            yield Candidate(Program.JAN, found.path, problem=found.problem)


def _candidate(root: Path, config: Path, stated: dict[str, str]) -> Candidate | None:
    path = _place(root, config, stated.get("model_path", ""))
    if path is None:
        return None
    projector = _place(root, config, stated.get("mmproj_path", ""))
    inside = root.resolve()
    problem = ""
    if not path.exists() or is_partial(path.name):
        problem = _GONE
    elif not leads_into(path, inside):
        problem = LEADS_OUT
    size, digest = stated.get("size_bytes", ""), stated.get("model_sha256", "").casefold()
    return Candidate(
        Program.JAN,
        path,
        name=stated.get("name", "") or config.parent.name,
        expected=digest if _SHA256.fullmatch(digest) else "",
        size_bytes=int(size) if size.isascii() and size.isdigit() and len(size) < 19 else 0,
        projector=projector if projector is not None and leads_into(projector, inside) else None,
        problem=problem,
    )


def _place(root: Path, config: Path, stated: str) -> Path | None:
    """The path that is meant: absolute, from Jan's data folder, or beside the model.yml."""
    if not stated or "\0" in stated:
        return None
    path = Path(stated)
    if path.is_absolute() or PureWindowsPath(stated).is_absolute():
        return path
    parts = PurePosixPath(stated.replace("\\", "/")).parts
    if ".." in parts:
        return None
    # `llamacpp/models/…` from the data folder; the root here is its `llamacpp/models`.
    for base in (root.parent.parent, root.parent, config.parent):
        if (base / Path(*parts)).exists():
            return base / Path(*parts)
    return config.parent / parts[-1]


def _configs(root: Path) -> Iterator[Path]:
    """The model.yml files, at most three folders deep (`author/name/file`)."""
    left = _MAX_CONFIGS
    folders = [(root, 3)]
    while folders and left:
        folder, below = folders.pop()
        left -= 1
        try:
            inner = sorted(folder.iterdir(), reverse=True)
        except OSError:
            continue
        for path in inner:
            if path.is_symlink():
                continue
            if path.name == CONFIG and path.is_file():
                yield path
            elif below and path.is_dir():
                folders.append((path, below - 1))


def _flat(raw: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in raw.decode("utf-8", errors="replace").splitlines():
        match = _LINE.fullmatch(line.rstrip())
        if match is not None:
            value = match[2].strip()
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
            found.setdefault(match[1], value[1:-1] if quoted else value)
    return found
