"""How fast Snug downloads, as a share of a bare client that does the least that is needed.

The bare client reads from the socket into one buffer, hashes with SHA-256, writes and syncs, on one
thread: the least that any client must do. Snug adds the gateway, the ledger, progress, the resume
record, the speed limit, the stop signal and the queue.
"""

from __future__ import annotations

import hashlib
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from snug.domain.download import Delivery, Download, DownloadFile
from snug.domain.errors import EnvironmentFault
from snug.domain.model import ModelFile
from snug.hub.access import open_hub
from snug.hub.ledger import MemoryLedger

SIZE_BYTES: Final = 512 * 1024 * 1024
ROUNDS: Final = 6
_PIECE: Final = 256 * 1024


def run_download(folder: Path) -> dict[str, object]:
    """`download_ratio`, and megabytes a second of both; the median of pairs run in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    source, sha256 = _make_file(folder / "source")
    ratios, ours, bare = [], [], []
    with _served(source) as port:
        bare_s = 0.0
        for number in range(ROUNDS + 1):
            if number % 2:  # who goes first alternates: the disk is busier for the second
                bare_s = _bare(port, folder / "bare")
            ours_s = _snug(port, folder / f"models-{number}", sha256)
            if not number % 2:
                bare_s = _bare(port, folder / "bare")
            if number:  # the first one warms the page cache
                ratios.append(bare_s / ours_s)
                bare.append(SIZE_BYTES / 1e6 / bare_s)
                ours.append(SIZE_BYTES / 1e6 / ours_s)
    source.unlink()
    return {
        "download_ratio": round(statistics.median(ratios), 3),
        "download_mb_per_s": round(statistics.median(ours)),
        "download_bare_mb_per_s": round(statistics.median(bare)),
    }


def _make_file(path: Path) -> tuple[Path, str]:
    digest = hashlib.sha256()
    with path.open("wb") as file:
        piece = b"GGUF" + os.urandom(1024 * 1024 - 4)
        for _ in range(SIZE_BYTES // len(piece)):
            file.write(piece)
            digest.update(piece)
    return path, digest.hexdigest()


@contextmanager
def _served(path: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "snug.bench.loopback", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None  # noqa: S101  for mypy
        try:
            yield int(server.stdout.readline())
        finally:
            server.terminate()


def _bare(port: int, path: Path) -> float:
    began = time.perf_counter()
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_PIECE))
    with socket.create_connection(("127.0.0.1", port)) as server, path.open("wb", 0) as out:
        server.sendall(b"GET /file HTTP/1.1\r\nHost: bench\r\n\r\n")
        head = b""
        while b"\r\n\r\n" not in head:
            head += server.recv(1)
        missing = SIZE_BYTES
        while missing:
            count = server.recv_into(buffer)
            if not count:
                raise EnvironmentFault("The bench's server ended early.")
            digest.update(buffer[:count])
            out.write(buffer[:count])
            missing -= count
        os.fsync(out.fileno())
    elapsed = time.perf_counter() - began
    path.unlink()
    return elapsed


def _snug(port: int, models: Path, sha256: str) -> float:
    models.mkdir(exist_ok=True)
    access = open_hub(models, MemoryLedger(), _taken, endpoint=f"http://127.0.0.1:{port}")
    stored = f"{sha256}.gguf"
    download = Download(
        id=sha256,
        repository="bench/model",
        commit="0" * 40,
        quantization="Q4_K_M",
        title="bench",
        files=(DownloadFile("model.gguf", SIZE_BYTES, sha256, stored),),
    )
    access.downloads.add(replace(download, created_ms=1))
    began = time.perf_counter()
    access.downloads.run(sha256, lambda event: None, threading.Event())
    elapsed = time.perf_counter() - began
    (models / stored).unlink()
    return elapsed


def _taken(delivery: Delivery) -> ModelFile:
    sha256 = delivery.download.files[0].sha256
    return ModelFile("bench", delivery.paths[0], SIZE_BYTES, sha256, "", "", 0)
