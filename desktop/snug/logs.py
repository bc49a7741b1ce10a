"""The log: ids, sizes, durations and where something went wrong; never a word of the person's.

An error's own text may quote a prompt or a file name, so only its type and its place are written.
"""

from __future__ import annotations

import logging
import logging.handlers
import traceback
from pathlib import Path
from types import TracebackType

_BYTES = 256 * 1024
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class _Formatter(logging.Formatter):
    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - the base class's name
        kind, _, trace = ei
        lines = [
            f"  {Path(frame.filename).name}:{frame.lineno} in {frame.name}"
            for frame in traceback.extract_tb(trace)
        ]
        return "\n".join([*lines, kind.__name__ if kind is not None else ""])


def start_logging(folder: Path) -> None:
    """Log warnings and errors to `snug.log` in this folder, 256 KiB at most, two files kept."""
    logger = logging.getLogger("snug")
    if logger.handlers:
        return
    try:
        handler = logging.handlers.RotatingFileHandler(
            folder / "snug.log", maxBytes=_BYTES, backupCount=1, encoding="utf-8", delay=True
        )
    except OSError:
        return
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    logging.raiseExceptions = False
