"""One connection that can be stopped at any moment and never waits longer than it was told.

Every wait is a short poll that looks at the stop signal, the idle limit and the deadline, so no
second thread is needed to break a read. Bytes are counted as HTTP sees them, before encryption.
"""

from __future__ import annotations

import io
import queue
import selectors
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Final

from snug.hub.errors import NetworkFault, RefusedError
from snug.hub.halt import Halt
from snug.hub.wall import gateway_pass

POLL_S: Final = 0.05
_MAX_ADDRESSES: Final = 8
_MAX_PROXY_ANSWER: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited.

    Attributes:
        idle_s: without a single byte.
        connect_s: for each address, and for the encryption to be agreed on.
    """

    idle_s: float = 30.0
    connect_s: float = 15.0


class Wire(io.RawIOBase):
    """A connected socket as a raw stream, plain or encrypted."""

    def __init__(
        self,
        host: str,
        port: int,
        patience: Patience,
        halt: Halt,
        deadline: float | None = None,
    ) -> None:
        """Connect.

        Args:
            halt: ends whatever goes on, within 50 ms.
            deadline: of `time.monotonic`, for all of it; None for no bound.

        Raises:
            NetworkFault: no such host, nobody there, or too slow.
            StoppedError, OfflineError: `halt` is set.
        """
        super().__init__()
        self.sent = 0
        self.received = 0
        self.allowance: int | None = None  # bytes that may still be received
        self._host = host
        self._patience = patience
        self._halt = halt
        self._deadline = deadline
        self._socket: socket.socket = self._connect(port)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._watching = selectors.EVENT_READ

    def tunnel(self, host: str, port: int, authorization: str) -> None:
        """Ask the proxy at the other end for a way through to the real host.

        Raises:
            NetworkFault: the proxy says no.
        """
        credentials = f"Proxy-Authorization: {authorization}\r\n" if authorization else ""
        self.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n".encode())
        self.sendall(f"{credentials}\r\n".encode())
        answer = b""
        piece = bytearray(4096)
        while b"\r\n\r\n" not in answer:
            count = self.readinto(memoryview(piece))
            answer += piece[:count]
            if not count or len(answer) > _MAX_PROXY_ANSWER:
                break
        words = answer.split(b"\r\n", 1)[0].split()
        if len(words) < 2 or words[1] != b"200":
            raise NetworkFault(
                f"The proxy {self._host} gave no way through to {host}. "
                "Check the proxy's settings (HTTPS_PROXY)."
            )
        self._host = host

    def encrypt(self, context: ssl.SSLContext) -> None:
        """Agree on TLS and check the certificate.

        Raises:
            RefusedError: the certificate is not good for this host. There is no way round it.
            NetworkFault: TLS fails otherwise.
        """
        plain = self._socket
        try:
            secure = context.wrap_socket(
                plain, server_hostname=self._host, do_handshake_on_connect=False
            )
        except (OSError, ValueError) as error:
            raise NetworkFault(f"No secure connection to {self._host}: {error}.") from error
        self._selector.unregister(plain)
        self._socket = secure
        self._selector.register(secure, selectors.EVENT_READ)
        self._watching = selectors.EVENT_READ
        end = time.monotonic() + self._patience.connect_s
        try:
            while True:
                try:
                    return secure.do_handshake()
                except ssl.SSLWantReadError:
                    self._wait(selectors.EVENT_READ, end)
                except ssl.SSLWantWriteError:
                    self._wait(selectors.EVENT_WRITE, end)
        except ssl.SSLCertVerificationError as error:
            raise RefusedError(
                f"{self._host} could not prove who it is ({error.verify_message}), so nothing was "
                "sent. Check this machine's date, or ask who runs your network."
            ) from error
        except OSError as error:
            raise NetworkFault(f"No secure connection to {self._host}: {_said(error)}.") from error

    def readable(self) -> bool:
        """It is a stream to read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # narrower on purpose
        """Wait for bytes and put them into `buffer`. Returns: how many; 0 at the end."""
        self._halt.check()
        self._check_deadline()  # also where bytes come so fast that there is nothing to wait for
        view = memoryview(buffer)
        if self.allowance is not None:
            view = view[: self.allowance + 1]
        end = time.monotonic() + self._patience.idle_s
        while True:
            try:
                count = self._socket.recv_into(view)
                break
            except (ssl.SSLWantReadError, BlockingIOError):
                self._wait(selectors.EVENT_READ, end)
            except ssl.SSLWantWriteError:
                self._wait(selectors.EVENT_WRITE, end)
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
                return 0
            except OSError as error:
                raise NetworkFault(
                    f"The connection to {self._host} broke: {_said(error)}."
                ) from error
        self.received += count
        if self.allowance is not None:
            self.allowance -= count
            if self.allowance < 0:
                raise NetworkFault(f"{self._host} sent far more than it should; Snug hung up.")
        return count

    def sendall(self, data: bytes) -> None:
        """Send all of it; what http.client calls."""
        view = memoryview(data)
        end = time.monotonic() + self._patience.idle_s
        while view:
            self._halt.check()
            try:
                count = self._socket.send(view)
            except (ssl.SSLWantWriteError, BlockingIOError):
                self._wait(selectors.EVENT_WRITE, end)
            except ssl.SSLWantReadError:
                self._wait(selectors.EVENT_READ, end)
            except OSError as error:
                raise NetworkFault(
                    f"The connection to {self._host} broke: {_said(error)}."
                ) from error
            else:
                self.sent += count
                view = view[count:]

    def makefile(self, mode: str = "rb", *_: object) -> io.BufferedReader:
        """A buffered stream over this one; what http.client calls."""
        return io.BufferedReader(self, 16 * 1024)

    def close(self) -> None:
        """Hang up; harmless twice."""
        if not self.closed:
            self._selector.close()
            self._socket.close()
        super().close()

    def _wait(self, event: int, end: float) -> None:
        if event != self._watching:
            self._selector.modify(self._socket, event)
            self._watching = event
        while not self._selector.select(POLL_S):
            self._check_time(end)
        self._halt.check()
        self._check_deadline()

    def _check_deadline(self) -> None:
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise NetworkFault(f"{self._host} answers too slowly. Try again later.")

    def _check_time(self, end: float) -> None:
        self._halt.check()
        self._check_deadline()
        if time.monotonic() > end:
            raise NetworkFault(
                f"{self._host} sent nothing for {self._patience.idle_s:g} s. Try again later."
            )

    def _connect(self, port: int) -> socket.socket:
        last: OSError | None = None
        for family, address in self._addresses(port)[:_MAX_ADDRESSES]:
            connecting = socket.socket(family, socket.SOCK_STREAM)
            try:
                connecting.setblocking(False)
                with gateway_pass():
                    self._reach(connecting, address)
                return connecting
            except OSError as error:
                connecting.close()
                last = error
            except BaseException:
                connecting.close()
                raise
        raise NetworkFault(
            f"{self._host} cannot be reached: {_said(last)}. Check the network, then try again."
        ) from last

    def _reach(self, connecting: socket.socket, address: tuple[object, ...]) -> None:
        end = time.monotonic() + self._patience.connect_s
        try:
            connecting.connect(address)
            return
        except BlockingIOError:
            pass
        with selectors.DefaultSelector() as selector:
            selector.register(connecting, selectors.EVENT_WRITE)
            while not selector.select(POLL_S):
                self._halt.check()
                if time.monotonic() > min(end, self._deadline or end):
                    raise TimeoutError("no answer")
        code = connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, "connection refused or lost")

    def _addresses(self, port: int) -> list[tuple[socket.AddressFamily, tuple[object, ...]]]:
        """Look the name up on a thread of its own: the system's look-up cannot be stopped."""
        answers: queue.SimpleQueue[list[tuple[object, ...]] | OSError] = queue.SimpleQueue()

        def look_up() -> None:
            try:
                with gateway_pass():
                    found = socket.getaddrinfo(self._host, port, type=socket.SOCK_STREAM)
                answers.put([tuple(entry) for entry in found])
            except (OSError, UnicodeError) as error:
                answers.put(error if isinstance(error, OSError) else OSError(str(error)))

        threading.Thread(target=look_up, name="hub-look-up", daemon=True).start()
        end = time.monotonic() + self._patience.connect_s
        while True:
            try:
                answer = answers.get(timeout=POLL_S)
                break
            except queue.Empty:
                self._check_time(end)
        if isinstance(answer, OSError):
            raise NetworkFault(
                f"{self._host} was not found: {_said(answer)}. Check the network, then try again."
            ) from answer
        return [(entry[0], entry[4]) for entry in answer]  # type: ignore[misc] # as socket says


def _said(error: OSError | None) -> str:
    if error is None:
        return "no address"
    return error.strerror or str(error) or type(error).__name__
