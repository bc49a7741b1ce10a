"""A real HTTP server on loopback that speaks the Hub's API, and misbehaves where it is told to."""

from __future__ import annotations

import hashlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "a" * 40
Answer = Callable[["Handler"], None]


@dataclass
class Repo:
    """A repository: its files by path, and what its page says."""

    files: dict[str, bytes] = field(default_factory=dict)
    card: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    task: str = "text-generation"
    gguf: dict[str, Any] = field(
        default_factory=lambda: {"context_length": 8192, "architecture": "llama", "total": 10**9}
    )
    gated: bool | str = False
    downloads: int = 10
    trending: int = 5
    commit: str = COMMIT
    older: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def at(self, revision: str) -> dict[str, bytes]:
        """The files of a commit, or of `main`."""
        return self.files if revision in ("main", self.commit) else self.older.get(revision, {})

    def publish(self, commit: str, files: dict[str, bytes]) -> None:
        """Change `main`."""
        self.older[self.commit] = self.files
        self.commit, self.files = commit, files


@dataclass
class Seen:
    """A request as the server got it."""

    path: str
    headers: dict[str, str]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: HubServer

    def do_GET(self) -> None:  # as http.server calls it
        self.close_connection = True
        path = unquote(urlsplit(self.path).path)
        with self.server.lock:
            self.server.seen.append(Seen(self.path, dict(self.headers)))
        try:
            for start, answer in list(self.server.answers.items()):
                if path.startswith(start):
                    return answer(self)
            if path == "/api/models":
                return self._listing()
            if path.startswith("/api/models/"):
                return self._details(path.removeprefix("/api/models/"))
            return self._file(path)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            return None

    def json(self, document: Any, status: int = 200, **headers: str) -> None:
        """Answer with a JSON document."""
        body = json.dumps(document).encode()
        self.start(status, {"Content-Length": str(len(body)), **headers})
        self.wfile.write(body)

    def start(self, status: int, headers: dict[str, str]) -> None:
        """Send the status line and headers."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def send_file(self, body: bytes, *, ranges: bool = True, etag: str = "") -> None:
        """Answer with a file, or with the part of it that is asked for."""
        etag = etag or f'"{hashlib.sha256(body).hexdigest()}"'
        first, last = self.asked_span(len(body))
        condition = self.headers.get("If-Range", etag)
        if (first or last + 1 < len(body)) and ranges and condition == etag:
            if first >= len(body):
                return self.start(416, {"Content-Length": "0"})
            span = f"bytes {first}-{last}/{len(body)}"
            self.start(
                206,
                {"Content-Length": str(last + 1 - first), "Content-Range": span, "ETag": etag},
            )
            return self.pour(body[first : last + 1])
        self.start(200, {"Content-Length": str(len(body)), "ETag": etag})
        return self.pour(body)

    def pour(self, body: bytes) -> None:
        """Send a body in pieces; counted, for tests of what was fetched twice."""
        view = memoryview(body)
        for at in range(0, len(view), 65536):
            with self.server.lock:  # before: once it is out, whoever waits for it may ask
                self.server.poured += len(view[at : at + 65536])
            self.wfile.write(view[at : at + 65536])

    def first_byte(self) -> int:
        """Where the asked range begins; 0 for all."""
        return self.asked_span(0)[0]

    def asked_span(self, size: int) -> tuple[int, int]:
        """The first and the last byte of the asked range of so many."""
        first, _, last = self.headers.get("Range", "").removeprefix("bytes=").partition("-")
        return int(first or 0), min(int(last), size - 1) if last else size - 1

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # as http.server calls it
        """Keep the test's output clean."""

    def _listing(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        search = asked.get("search", [""])[0].lower()
        task = asked.get("pipeline_tag", [""])[0]
        limit = int(asked.get("limit", ["1000"])[0])
        wanted = set(asked.get("filter", []))
        found = [
            self._described(name, repo, files=False)
            for name, repo in self.server.repos.items()
            if search in name.lower() and task in ("", repo.task) and wanted <= {*repo.tags}
        ]
        found.sort(key=lambda one: -one["trendingScore"])
        self.json(found[:limit])

    def _details(self, rest: str) -> None:
        name = "/".join(rest.split("/")[:2])
        repo = self.server.repos.get(name)
        if repo is None:
            return self.json({"error": "Repository not found"}, 401)
        described = self._described(name, repo, files="blobs" in self.path)
        described.setdefault("siblings", [{"rfilename": path} for path in repo.files])
        return self.json(described)

    def _described(self, name: str, repo: Repo, files: bool) -> dict[str, Any]:
        described: dict[str, Any] = {
            "id": name,
            "sha": repo.commit,
            "cardData": repo.card,
            "tags": repo.tags,
            "pipeline_tag": repo.task,
            "gguf": repo.gguf,
            "gated": repo.gated,
            "downloads": repo.downloads,
            "likes": 3,
            "trendingScore": repo.trending,
            "lastModified": "2026-11-01T10:00:00.000Z",
        }
        if files:
            described["siblings"] = [
                {
                    "rfilename": path,
                    "size": len(body),
                    "blobId": "b",
                    "lfs": {
                        "size": len(body),
                        "sha256": hashlib.sha256(body).hexdigest(),
                        "pointerSize": 130,
                    },
                }
                for path, body in repo.files.items()
            ]
        return described

    def _file(self, path: str) -> None:
        name, _, rest = path.removeprefix("/").partition("/resolve/")
        revision, _, file = rest.partition("/")
        repo = self.server.repos.get(name)
        body = repo.at(revision).get(file) if repo is not None else None
        if repo is None or body is None:
            return self.json({"error": "not found"}, 404)
        if repo.gated and "Authorization" not in self.headers:
            return self.json({"error": "gated"}, 401, **{"X-Error-Code": "GatedRepo"})
        if self.server.store is not None:
            where = f"{self.server.store.url}/{name}/resolve/{revision}/{file}"
            return self.start(302, {"Location": where, "Content-Length": "0"})
        return self.send_file(body)


class HubServer(ThreadingHTTPServer):
    """The server. `answers` maps beginnings of paths to misbehaviours; the first that fits wins."""

    daemon_threads = True

    def __init__(
        self, context: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        if context is not None:
            self.socket = context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "https" if context is not None else "http"
        self.url = f"{scheme}://{host}:{self.server_address[1]}"
        self.repos: dict[str, Repo] = {}
        self.answers: dict[str, Answer] = {}
        self.seen: list[Seen] = []
        self.poured = 0
        self.store: HubServer | None = None
        self.over = threading.Event()
        self.lock = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what many tests are about."""


@contextmanager
def serving(
    context: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> Iterator[HubServer]:
    """A server until the end of the block."""
    server = HubServer(context, host, port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="hub-server")
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join(5)
        server.server_close()


def gguf_bytes(size: int, seed: int = 1) -> bytes:
    """Bytes that begin like a GGUF and repeat nowhere soon."""
    unit = b"".join(hashlib.sha256(f"{seed}/{i}".encode()).digest() for i in range(2048))
    return (b"GGUF\x03\0\0\0" + unit * (size // len(unit) + 1))[:size]
