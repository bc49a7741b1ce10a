"""One window per data folder: a second start raises the first window and ends.

A lock on a file decides who is first. The kernel lets go of it when a process dies, even by
kill -9, so it is never stale. The socket only carries the wish to be raised; whoever holds the
lock may clear a socket that a dead process left behind. A terminal may also wish it to be locked.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

_SOCKET_PATH_MAX = 100  # bytes; unix(7) allows 107, some systems 103
_CONNECT_MS = 500
_HEARD = b"1"  # the first instance lives and does what it was asked
_RAISE = b"raise\n"
_LOCK = b"lock\n"
_QUESTION = b"ask\n"
_PATIENCE_S = 10.0  # of a second start, while the first has its lock but not yet its socket
_PAUSE_S = 0.05  # between two tries; another process cannot wake this one


class SingleInstance(QObject):
    """Claims a data folder for this process.

    Attributes:
        raise_requested: somebody started Snug again on the same folder.
        lock_requested: somebody wrote `snug vault lock` in a terminal.
        question_requested: `snug ask`, which the desktop may have bound to a key.
    """

    raise_requested = Signal()
    lock_requested = Signal()
    question_requested = Signal()

    def __init__(self, runtime: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = socket_name(runtime)
        self._lock_path = runtime / "window.lock"
        self._lock: int | None = None
        self._server: QLocalServer | None = None

    def claim(self) -> bool:
        """Become the one instance.

        Returns:
            False where another process is; it has then been asked to raise its window. At once,
            except while that process is still starting.
        """
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            if self._take_lock():
                self._listen()
                return True
            if _ask(self._name, _RAISE):
                return False
            time.sleep(_PAUSE_S)
        return False

    def close(self) -> None:
        """Give the folder up."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take_lock(self) -> bool:
        handle = os.open(self._lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock_now(handle)
        except OSError:
            os.close(handle)
            return False
        self._lock = handle
        return True

    def _listen(self) -> None:
        server = QLocalServer(self)
        server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        QLocalServer.removeServer(self._name)
        if server.listen(self._name):  # without a socket the window works, it only isn't raised
            server.newConnection.connect(self._on_new_connection)
            self._server = server

    def _on_new_connection(self) -> None:
        while self._server is not None and self._server.hasPendingConnections():
            asking = self._server.nextPendingConnection()
            asking.disconnected.connect(asking.deleteLater)
            asking.readyRead.connect(partial(self._on_asking_ready_read, asking))
            self._on_asking_ready_read(asking)  # it may have been quicker

    def _on_asking_ready_read(self, asking: QLocalSocket) -> None:
        if not asking.canReadLine():
            return
        wish = bytes(asking.readLine(len(_RAISE) + 1).data())
        signal = {
            _RAISE: self.raise_requested,
            _LOCK: self.lock_requested,
            _QUESTION: self.question_requested,
        }.get(wish)
        if signal is not None:
            asking.write(_HEARD)
            asking.flush()
            signal.emit()


def is_open(runtime: Path) -> bool:
    """Whether a window is open on a folder, a locked one too."""
    try:
        handle = os.open(runtime / "window.lock", os.O_RDWR)
    except OSError:
        return False
    try:
        _lock_now(handle)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def ask_to_lock(runtime: Path) -> bool:
    """Ask the window that is open on a folder to lock. False where there is none."""
    return _ask(socket_name(runtime), _LOCK)


def ask_for_question(runtime: Path) -> bool:
    """Ask the window that is open on a folder for its small one. False where there is none."""
    return _ask(socket_name(runtime), _QUESTION)


def _ask(name: str, wish: bytes) -> bool:
    socket = QLocalSocket()
    socket.connectToServer(name)
    if not socket.waitForConnected(_CONNECT_MS):
        return False
    socket.write(wish)
    socket.flush()
    heard = socket.waitForReadyRead(_CONNECT_MS)  # a process that is dying does not answer
    socket.disconnectFromServer()
    return heard


def socket_name(runtime: Path) -> str:
    """Where the socket is.

    In the folder; where that path is too long for a socket, under a hash of it in the user's own
    runtime or temporary folder.
    """
    digest = hashlib.sha256(os.fsencode(runtime.resolve())).hexdigest()[:24]
    if sys.platform == "win32":
        return f"snug-{digest}"
    path = runtime / "window.socket"
    if len(os.fsencode(path)) <= _SOCKET_PATH_MAX:
        return str(path)
    own = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    return str(own / f"snug-{os.getuid()}-{digest}")


if sys.platform == "win32":
    import msvcrt

    def _lock_now(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock_now(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
