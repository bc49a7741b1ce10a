"""An isolated engine's process as its owner sees it: frames in, frames out, and its end."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from snug.engine.wire import MAX_FRAME_BYTES, Frame, FrameReader

CHILD_COMMAND = (sys.executable, "-I", "-X", "utf8", "-m", "snug.engine.isolated_child")
_READ_BYTES = 2**17
_REAP_S = 5.0
# All that the child inherits: language, time zone, and which graphics card to use. No token, no
# passphrase file, no home folder.
_PASSED_ON = (
    *("LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT"),
    *("VK_DRIVER_FILES", "VK_ICD_FILENAMES", "GGML_VK_VISIBLE_DEVICES", "GGML_NO_BACKTRACE"),
    *("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"),
    *("GOMP_SPINCOUNT", "OMP_NUM_THREADS", "OMP_WAIT_POLICY"),
)


def child_environment() -> dict[str, str]:
    """The little that an isolated engine needs to know of this process's environment."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


class ChildProcess:
    """A started child. Its owner's thread only; nothing here blocks but `end`."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=child_environment(),
            cwd=Path(sys.executable).anchor,
            bufsize=0,
            start_new_session=True,  # Ctrl-C in a terminal is for the application to answer
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("pipes were asked for")
        self._stdin = self._process.stdin
        self.input = self._stdin.fileno()
        self.output = self._process.stdout.fileno()
        os.set_blocking(self.input, False)
        os.set_blocking(self.output, False)
        self._waiting: deque[memoryview] = deque()
        self._reader = FrameReader(MAX_FRAME_BYTES)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def behind(self) -> bool:
        """Frames wait to be written."""
        return bool(self._waiting)

    def send(self, frame: bytes) -> None:
        """Write a frame, now or when there is room."""
        self._waiting.append(memoryview(frame))
        if len(self._waiting) == 1:
            self.write()

    def write(self) -> None:
        """Write as much as there is room for. What a dead child does not take is forgotten."""
        try:
            while self._waiting:
                written = os.write(self.input, self._waiting[0])
                self._waiting[0] = self._waiting[0][written:]
                if not self._waiting[0]:
                    self._waiting.popleft()
        except BlockingIOError:
            return
        except OSError:
            self._waiting.clear()

    def read(self) -> list[Frame] | None:
        """The frames that have come; None where it has closed its end.

        Raises:
            WireError: it sent something that is no frame.
        """
        try:
            data = os.read(self.output, _READ_BYTES)
        except BlockingIOError:
            return []
        except OSError:
            return None
        return self._reader.feed(data) if data else None

    def finish(self) -> None:
        """Ask it to end in order: close its input."""
        self._waiting.clear()
        with contextlib.suppress(OSError):
            self._stdin.close()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def end(self) -> int | None:
        """Kill it if it still lives, and free its pipes. Returns: exit code, negative for a signal.

        Called when its output has ended, so that it is gone or about to be.
        """
        code: int | None
        try:
            code = self._process.wait(_REAP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = None
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_REAP_S)
        self.finish()
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code
