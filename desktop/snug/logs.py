"""The log: ids, sizes, durations and where something went wrong; never a word of the person's.

An error's own text may quote a prompt or a file name, so only its type and its place are written.
"""

from __future__ import annotations

import logging
import logging.handlers
import sys
import threading
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


def log_defects() -> None:
    """Defects that nobody catches, in any thread, go to the log as all else does.

    Python would print them with their own text, and what a window prints ends up in the journal of
    the desktop. Instead there is one line on stderr, the same for all.
    """
    logger = logging.getLogger("snug")

    def note(
        kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logger.error("defect", exc_info=(kind, error or BaseException(), trace))
        print(f"Snug made a mistake ({kind.__name__}); where, is in the log.", file=sys.stderr)

    def on_main(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            note(kind, error, trace)

    def on_thread(args: threading.ExceptHookArgs) -> None:
        if issubclass(args.exc_type, SystemExit):
            return  # as Python itself does
        note(args.exc_type, args.exc_value, args.exc_traceback)

    def on_unraisable(args: sys.UnraisableHookArgs) -> None:
        note(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook = on_main
    threading.excepthook = on_thread
    sys.unraisablehook = on_unraisable


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
