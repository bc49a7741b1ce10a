"""The text of a licence, from the Hub only, as plain text that nothing renders."""

from __future__ import annotations

import re
import threading
import time
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from snug.domain.errors import NotFoundError
from snug.domain.hub import Repository
from snug.domain.remote_names import shown
from snug.hub.client import HubClient, check_status
from snug.hub.errors import AccessError, AnswerError, RefusedError, UnknownRepositoryError
from snug.hub.gateway import Document, Gateway
from snug.hub.header import file_url

MAX_BYTES: Final = 512 * 1024
_MAX_NAMES: Final = 5000
_PATIENCE_S: Final = 30.0
_FILE: Final = re.compile(
    r"(?:licen[cs]e|copying|unlicense|model[-_ ]licen[cs]e)(?:[-_ .][a-z0-9._ -]{0,40})?", re.I
)
_ENDINGS: Final = ("", ".txt", ".md", ".rst")
_PAGE: Final = re.compile(
    r"/([A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9._-]{1,96})/(?:blob|raw|resolve)/([^/]{1,100})/(.+)"
)
_KEPT: Final = frozenset("\n\t")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_HTML: Final = re.compile(r"\s*(?:<!doctype html|<html)", re.IGNORECASE)


class LicenceTexts:
    """Finds and reads licences. Any thread; calls block."""

    def __init__(self, gateway: Gateway, client: HubClient) -> None:
        self._gateway = gateway
        self._client = client

    def read(self, repository: Repository, stop: threading.Event | None = None) -> str:
        """The text that a repository's page links to, or that lies in it or its base models.

        Raises:
            NotFoundError: there is none on the Hub; the text says where else to look.
            OfflineError, NetworkFault, StoppedError.
        """
        for found in self._places(repository, stop):
            try:
                text = self._text(*found, stop)
            except (UnknownRepositoryError, AccessError, AnswerError, RefusedError):
                continue
            if text.strip() and not _HTML.match(text):
                return text
        raise NotFoundError(_nowhere(repository))

    def _places(
        self, repository: Repository, stop: threading.Event | None
    ) -> Iterator[tuple[str, str, str]]:
        """(repository, revision, path), the likeliest first."""
        licence = repository.licence
        stating = licence.inherited_from or repository.id
        linked = _linked(licence.link, stating, self._gateway.policy.endpoint)
        if linked is not None:
            yield linked
        owners = dict.fromkeys((stating, repository.id, *repository.base_models[:4]))
        for owner in owners:
            try:
                info = self._client.model_info(
                    owner, files=False, reason=f"licence of {owner}", stop=stop
                )
            except (UnknownRepositoryError, AccessError, AnswerError):
                continue
            commit = getattr(info, "sha", None)
            revision = commit if isinstance(commit, str) and commit.isalnum() else "main"
            for path in licence_files(getattr(info, "siblings", None)):
                yield owner, revision, path

    def _text(self, repository: str, revision: str, path: str, stop: threading.Event | None) -> str:
        url = file_url(self._gateway, repository, revision, path)
        reason = f"licence of {repository}"
        deadline = time.monotonic() + _PATIENCE_S
        body = bytearray()
        with self._gateway.open(url, reason, stop=stop, deadline=deadline) as reply:
            check_status(Document(reply.status, reply.headers, b""))
            while len(body) <= MAX_BYTES and (data := reply.read(64 * 1024)):
                body += data
        text = plain_text(bytes(body[:MAX_BYTES]))
        if len(body) > MAX_BYTES:
            text += f"\n\n[Cut short here: the text is longer than {MAX_BYTES:,} bytes.]"
        return text


def plain_text(body: bytes) -> str:
    """Bytes as text without anything that a screen would obey instead of show."""
    text = body.decode("utf-8", errors="replace").removeprefix("\ufeff")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(ch for ch in text if ch in _KEPT or unicodedata.category(ch) not in _UNSEEN)


def licence_files(siblings: Any) -> Sequence[str]:
    """The names among a repository's files that hold a licence, the plainest first."""
    if not isinstance(siblings, list | tuple):
        return ()
    names = (getattr(one, "rfilename", None) for one in siblings[:_MAX_NAMES])
    found = [
        name for name in names if isinstance(name, str) and len(name) < 100 and _is_licence(name)
    ]
    return sorted(found, key=lambda name: (len(name), name))[:3]


def _is_licence(name: str) -> bool:
    stem, dot, ending = name.rpartition(".")
    plain = stem if dot and f".{ending.lower()}" in _ENDINGS else name
    return "/" not in name and _FILE.fullmatch(plain) is not None


def _linked(link: str, owner: str, endpoint: str) -> tuple[str, str, str] | None:
    """The file that a page's link means; None where it lies elsewhere than on the Hub."""
    if not link or any(ch in link for ch in "\\\0"):
        return None
    if "://" not in link:
        path = link.removeprefix("./").lstrip("/")
        return (owner, "main", path) if _sound(path) else None
    parts = _parts(link)
    hosts = {"huggingface.co", "hf.co", urlsplit(endpoint).hostname}
    match = _PAGE.fullmatch(unquote(parts[1])) if parts and parts[0] in hosts else None
    if match is None or not _sound(match.group(3)):
        return None
    return match.group(1), match.group(2), match.group(3)


def _parts(link: str) -> tuple[str, str] | None:
    try:
        split = urlsplit(link)
        return (split.hostname or "", split.path) if split.scheme in ("https", "http") else None
    except ValueError:
        return None


def _sound(path: str) -> bool:
    return 0 < len(path) < 200 and ".." not in path.split("/") and path.isprintable()


def _nowhere(repository: Repository) -> str:
    licence = repository.licence
    name = shown(licence.name or licence.id)
    owner = licence.inherited_from or repository.id
    if not name:
        return f"{repository.id} states no licence, so there is no text to show. Ask its makers."
    where = shown(licence.link, 300) if "://" in licence.link else f"huggingface.co/{owner}"
    return (
        f"No text of the licence {name} lies on the Hub beside {owner}. Read it at {where} in your "
        "browser; Snug itself opens no other site."
    )
