"""Built files that outlive a checkout, safe against interruption and against a second set-up."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path


def file_sha256(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Cache:
    """Built files under `~/.cache/snug/<kind>/<key>/`, each folder complete or not there at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, key: str, pattern: str) -> Path | None:
        """The file kept under a key, if it is there and whole."""
        sums = self._folder / key / "SHA256SUMS"
        if not sums.is_file():
            return None
        digest, _, name = sums.read_text(encoding="utf-8").strip().partition("  ")
        path = sums.with_name(name)
        whole = path.match(pattern) and path.is_file() and file_sha256(path) == digest
        return path if whole else None

    def get(self, key: str, pattern: str, build: Callable[[Path], Path]) -> Path:
        """The file kept under a key; where there is none, `build` makes it in an empty folder."""
        found = self.find(key, pattern)
        if found:
            return found
        with self._locked(key):
            # Another set-up may have built it while this one waited.
            found = self.find(key, pattern)
            if found:
                return found
            with self._workshop(key) as workshop:
                return self._put(key, build(workshop))

    def _put(self, key: str, file: Path) -> Path:
        """Keeps a file under a key, in one step; while the key is locked."""
        staging = Path(tempfile.mkdtemp(prefix=f".new-{key}-", dir=self._folder))
        kept = staging / file.name
        shutil.copyfile(file, kept)
        digest = file_sha256(kept)
        sums = staging / "SHA256SUMS"
        sums.write_text(f"{digest}  {file.name}\n", encoding="utf-8")
        for path in (kept, sums):
            with path.open("rb") as written:
                os.fsync(written.fileno())
        target = self._folder / key
        if target.exists():
            shutil.rmtree(target)
        staging.chmod(0o755)
        staging.rename(target)
        return target / file.name

    @contextlib.contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        """Lets one set-up at a time build a key; the others wait for its result."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / f"{key}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("Another set-up is building the same; waiting for it …", flush=True)
                fcntl.flock(file, fcntl.LOCK_EX)
            for left_over in self._folder.glob(f".new-{key}-*"):
                shutil.rmtree(left_over, ignore_errors=True)
            yield

    @contextlib.contextmanager
    def _workshop(self, key: str) -> Iterator[Path]:
        """A folder to build in: beside the cache, since /tmp may be small and in memory."""
        path = Path(tempfile.mkdtemp(prefix=f".new-{key}-", dir=self._folder))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)
