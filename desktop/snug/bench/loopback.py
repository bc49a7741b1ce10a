"""A server in a process of its own that hands out one file as fast as the system can.

python -m snug.bench.loopback FILE    prints its port, and serves until its input ends
"""

from __future__ import annotations

import socket
import sys
import threading
from pathlib import Path
from typing import Final

_BACKLOG: Final = 8
_MOST_REQUEST: Final = 64 * 1024


def serve(path: Path) -> None:
    """Answer every GET with the whole file; a thread for each connection."""
    with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listening:
        print(listening.getsockname()[1], flush=True)
        threading.Thread(target=_accept, args=(listening, path), daemon=True).start()
        sys.stdin.buffer.read()  # whoever started it is done, or gone


def _accept(listening: socket.socket, path: Path) -> None:
    while True:
        client, _ = listening.accept()
        threading.Thread(target=_answer, args=(client, path), daemon=True).start()


def _answer(client: socket.socket, path: Path) -> None:
    with client, path.open("rb") as file:
        request = b""
        while b"\r\n\r\n" not in request and len(request) < _MOST_REQUEST:
            piece = client.recv(4096)
            if not piece:
                return
            request += piece
        size = path.stat().st_size
        client.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        client.sendfile(file)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
