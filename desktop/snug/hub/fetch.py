"""One file from the Hub to the disk: resumed where it stopped, hashed while it comes.

The bytes lie in `<sha256>.part`. What is there after a kill counts again only after it was hashed
anew, and nothing leaves this module that does not have the Hub's own sha256.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Final
from urllib.parse import quote

from snug.domain.download import Download, DownloadFile
from snug.hub.errors import (
    AccessError,
    AnswerError,
    NetworkFault,
    StoppedError,
    UnknownRepositoryError,
)
from snug.hub.gateway import Gateway, Reply, asked_wait_s
from snug.hub.queue import disk_errors

MAGIC: Final = b"GGUF"
_PIECE: Final = 256 * 1024
_FIRST_PIECE: Final = 4096  # enough to tell what it is
_HASH_PIECE: Final = 1024 * 1024
_MAX_ETAG: Final = 200
_RANGE: Final = re.compile(r"bytes (\d{1,16})-(\d{1,16})/(\d{1,16}|\*)")

Told = Callable[[int], None]  # bytes that count as done now; may wait, to keep a speed limit


class WrongContentError(AnswerError):
    """What came has not the sha256 that the Hub states; it was deleted."""


class _StartOverError(Exception):
    """The other side cannot go on from where we are."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file's bytes gather, and what is known of the sender's version of it."""

    part: Path
    etag: Path

    @classmethod
    def of(cls, folder: Path, sha256: str) -> Place:
        """The place for a file of this content."""
        return cls(folder / f"{sha256}.part", folder / f"{sha256}.etag")

    def size(self) -> int:
        """Bytes that are there."""
        try:
            return self.part.stat().st_size
        except OSError:
            return 0

    def clear(self) -> None:
        """Delete what is there."""
        with disk_errors():
            self.part.unlink(missing_ok=True)
            self.etag.unlink(missing_ok=True)


class Fetch:
    """Gets one file of a download. One thread; `run` may be called again after a fault."""

    def __init__(
        self, gateway: Gateway, download: Download, file: DownloadFile, folder: Path
    ) -> None:
        self.place = Place.of(folder, file.sha256)
        self._gateway = gateway
        self._download = download
        self._file = file
        self._authorize = download.gated
        self._digest = hashlib.sha256()
        self._done = 0

    def run(self, stop: threading.Event, told: Told) -> None:
        """Fetch what is missing and verify all of it; leaves a verified `.part`, synced.

        Args:
            told: called with the number of bytes of this file that are there, as they come.

        Raises:
            NetworkFault: try again, `.part` is kept.
            WrongContentError: its sha256 is wrong; `.part` is deleted.
            AnswerError: no model, or not the size that was announced; deleted where it began so.
            AccessError, UnknownRepositoryError, DiskFullError, EnvironmentFault, StoppedError,
            OfflineError.
        """
        with disk_errors():
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
            flags |= getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
            descriptor = os.open(self.place.part, flags, 0o600)
        try:
            self._hash_again(descriptor, stop, told)
            try:
                self._get_rest(descriptor, stop, told)
            except _StartOverError:
                self._restart(descriptor, told)
                self._get_rest(descriptor, stop, told)
            with disk_errors():
                os.fsync(descriptor)
        except _StartOverError:
            raise NetworkFault("The Hub answered a request that was not made. Try again.") from None
        finally:
            os.close(descriptor)
        if self._digest.hexdigest() != self._file.sha256:
            self.place.clear()
            raise WrongContentError(
                f"What came is not what the Hub announced (its SHA-256 is different), so Snug "
                f"deleted it. Try again; if it happens twice, choose another repository than "
                f"{self._download.repository}."
            )

    def _hash_again(self, descriptor: int, stop: threading.Event, told: Told) -> None:
        """Hash what an earlier run left; what this object itself wrote was hashed as it came."""
        with disk_errors():
            size = os.fstat(descriptor).st_size
            if self._done and size == self._done:
                os.lseek(descriptor, 0, os.SEEK_END)
                told(self._done)
                return
            self._digest, self._done = hashlib.sha256(), 0
            if size > self._file.size_bytes:
                os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            while data := os.read(descriptor, _HASH_PIECE):
                if stop.is_set():
                    raise StoppedError
                self._digest.update(data)
                self._done += len(data)
        told(self._done)

    def _restart(self, descriptor: int, told: Told) -> None:
        with disk_errors():
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            self.place.etag.unlink(missing_ok=True)
        self._digest, self._done = hashlib.sha256(), 0
        told(0)

    def _get_rest(self, descriptor: int, stop: threading.Event, told: Told) -> None:
        if self._done == self._file.size_bytes:
            return
        with self._ask(stop) as reply:
            if reply.status == 200 and self._done:
                self._restart(descriptor, told)
            self._remember_etag(reply.headers)
            self._receive(reply, descriptor, told)

    def _ask(self, stop: threading.Event) -> Reply:
        """Ask for what is missing; an answer whose body is the right one, as far as it says."""
        url = (
            f"{self._gateway.policy.endpoint}/{self._download.repository}"
            f"/resolve/{self._download.commit}/{quote(self._file.path)}"
        )
        headers: dict[str, str] = {}
        etag = self._known_etag()
        if self._done:
            headers["Range"] = f"bytes={self._done}-"
            if etag:
                headers["If-Range"] = etag
        reason = f"download {self._download.repository}"
        reply = self._gateway.open(
            url, reason, headers=headers, authorize=self._authorize, stop=stop
        )
        try:
            if reply.status in (401, 403) and not self._authorize and self._gateway.has_token:
                reply.close()
                self._authorize = True
                return self._ask(stop)
            self._check(reply, etag)
        except BaseException:
            reply.close()
            raise
        return reply

    def _check(self, reply: Reply, etag: str) -> None:
        size = self._file.size_bytes
        if reply.status == 206 and self._done:
            span = _RANGE.fullmatch((reply.headers.get("Content-Range") or "").strip())
            theirs = reply.headers.get("ETag") or ""
            if (
                span is None
                or int(span.group(1)) != self._done
                or span.group(3) not in ("*", str(size))
                or (etag and theirs and theirs != etag)
            ):
                raise _StartOverError
        elif reply.status == 200:
            length = reply.headers.get("Content-Length") or str(size)
            if length != str(size):
                raise AnswerError(
                    f"The Hub announced {size:,} bytes and now sends another file "
                    f"({length[:20]} bytes). It was replaced, or the connection is tampered with: "
                    "look at the repository again."
                )
        elif reply.status in (206, 416):
            raise _StartOverError
        else:
            raise self._refusal(reply.status, reply.headers)

    def _receive(self, reply: Reply, descriptor: int, told: Told) -> None:
        head = b"" if self._done == 0 else MAGIC
        while (missing := self._file.size_bytes - self._done) > 0:
            data = reply.read(min(_PIECE if self._done else _FIRST_PIECE, missing))
            if not data:
                raise NetworkFault("The connection ended early. Try again.")
            if len(head) < len(MAGIC):
                head += data[: len(MAGIC) - len(head)]
                if not MAGIC.startswith(head):
                    self.place.clear()
                    raise AnswerError(_no_model(data))
            with disk_errors():
                _write_all(descriptor, data)
            self._digest.update(data)
            self._done += len(data)
            told(self._done)

    def _known_etag(self) -> str:
        try:
            etag = self.place.etag.read_text("ascii")[: _MAX_ETAG + 1]
        except (OSError, ValueError):
            return ""
        return etag if _is_strong(etag) else ""

    def _remember_etag(self, headers: Message) -> None:
        """Only a hint for the next run; without it the sha256 still decides."""
        etag = (headers.get("ETag") or "").strip()
        if _is_strong(etag):
            with contextlib.suppress(OSError):
                self.place.etag.write_text(etag, "ascii")

    def _refusal(
        self, status: int, headers: Message
    ) -> NetworkFault | AnswerError | AccessError | UnknownRepositoryError:
        repository = self._download.repository
        page = f"{self._gateway.policy.endpoint}/{repository}"
        if status in (401, 403):
            if self._gateway.has_token:
                return AccessError(
                    f"The Hub does not let your token have {repository}. Open {page}, sign in as "
                    "the token's owner and accept the conditions; then resume."
                )
            return AccessError(
                f"{repository} is gated: its makers want to know who takes it. Open {page}, sign "
                "in and accept the conditions; then give Snug a token of yours (in Settings, or "
                "HF_TOKEN) and resume."
            )
        if status in (404, 410):
            return UnknownRepositoryError(
                f"{repository} no longer holds this file. Look at {page} for what it holds now."
            )
        if status == 429 or status == 408 or status >= 500:
            return NetworkFault(
                f"The Hub cannot answer now (HTTP {status}). Try again later.",
                asked_wait_s(headers),
            )
        return AnswerError(f"The Hub refused the download (HTTP {status}).")


def _is_strong(etag: str) -> bool:
    return (
        2 <= len(etag) <= _MAX_ETAG
        and etag.isascii()
        and etag.isprintable()
        and etag[0] == '"' == etag[-1]
    )


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _no_model(beginning: bytes) -> str:
    start = beginning[:64].lstrip().lower()
    what = "something that is no GGUF model"
    if start.startswith((b"<", b"\xef\xbb\xbf<")):
        what = "a web page instead of the model"
    elif start.startswith(b"pk\x03\x04"):
        what = "a zip archive instead of a GGUF model"
    elif beginning[:1] == b"\x80":
        what = "a Python pickle instead of a GGUF model; such files can run programs"
    elif start.startswith(b"version https://git-lfs"):
        what = "a pointer to the model instead of the model"
    return f"The Hub sent {what}. Snug stopped at once and kept nothing of it."
