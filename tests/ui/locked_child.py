"""Locks and unlocks a window many times in a process of its own, and reports what was left.

Arguments: folder, rounds. Prints one JSON document.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path

from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QPushButton, QWidget
from tests.ui.fakes import RESOURCES
from tests.ui.steps import Steps, child, shown
from tests.ui.vaulted import Vaulted

from snug.hardening import forget_freed, overwrite_freed
from snug.ui.application import run
from snug.ui.chat.chat_page import ChatPage
from snug.ui.locks.lock_window import LockWindow
from snug.ui.main_window import MainWindow

MASK = 0x5A
UNMASK = bytes(byte ^ MASK for byte in range(256))
# Masked, so that the look through the memory does not find what it looks with.
HIDDEN = bytes(byte ^ MASK for byte in b"quince marmalade %d" % (time.time_ns() % 10**9))


def planted() -> str:
    return HIDDEN.translate(UNMASK).decode()


def main() -> None:
    application = QApplication(["snug"])  # steps need one before the window does
    rooms = Vaulted(Path(sys.argv[1]))
    rounds = int(sys.argv[2])
    overwrite_freed()
    conversation = rooms.prepare(None, planted(), f"Answer about {planted()}.")
    names = ("widgets", "windows", "key", "words", "resident", "seen_before")
    report: dict[str, list[int]] = {name: [] for name in names}
    masked = bytearray()
    steps = Steps()

    def sit() -> None:
        window = main_window()
        assert rooms.vaults[-1]._key is not None
        masked[:] = bytes(byte ^ MASK for byte in rooms.vaults[-1]._key.raw)
        if window.chat_page.conversation_id is None:
            window.open_conversation(conversation)
        child(window, QPlainTextEdit, "composer").setPlainText(f"And the {planted()}?")
        if not report["seen_before"]:
            report["seen_before"] = [hits(HIDDEN), hits(masked), len(holding())]
        window.lock_requested.emit()

    def shutdown() -> None:
        rooms.shutdown()
        forget_freed()

    def look() -> None:
        report["words"].append(hits(HIDDEN))
        report["widgets"].append(len(holding()))
        report["windows"].append(
            sum(isinstance(thing, MainWindow | ChatPage) for thing in gc.get_objects())
        )
        report["key"].append(hits(masked))
        report["resident"].append(resident_kib())
        window = shown(LockWindow)
        assert window is not None
        child(window, QPushButton, "unlockButton").click()

    for _ in range(rounds):
        steps.then(lambda: shown(MainWindow) and main_window().desk.current is not None, sit)
        steps.then(can_open, look)
    steps.then(lambda: shown(MainWindow), lambda: reopened(report))
    run(
        rooms.build,
        shutdown,
        runtime=Path(sys.argv[1]),
        resources=RESOURCES,
        kinds=rooms.kinds,
        argv=["snug"],
    )
    print(json.dumps({**report, "left": [steps.left]}))
    application.processEvents()


def main_window() -> MainWindow:
    window = shown(MainWindow)
    assert window is not None
    return window


def can_open() -> bool:
    window = shown(LockWindow)
    return window is not None and child(window, QPushButton, "unlockButton").isVisible()


def reopened(report: dict[str, list[int]]) -> None:
    window = main_window()
    text = child(window, QPlainTextEdit, "composer").toPlainText()
    report["reopened"] = [int(planted() in text), int(window.chat_page.conversation_id is not None)]
    window.close()


def holding() -> list[str]:
    """Widgets and documents in which the planted words can be read."""
    words = planted()
    found = [
        repr(widget) for widget in QApplication.allWidgets() if words in " ".join(texts(widget))
    ]
    return found + [
        repr(thing)
        for thing in gc.get_objects()
        if isinstance(thing, QTextDocument) and words in thing.toPlainText()
    ]


def texts(widget: QWidget) -> list[str]:
    found = [widget.windowTitle(), widget.toolTip(), widget.accessibleName()]
    for name in ("text", "toPlainText", "title"):
        read = getattr(widget, name, None)
        if callable(read):
            found.append(str(read()))
    if isinstance(widget, QLineEdit):
        found.append(widget.placeholderText())
    return found


def hits(masked: bytes | bytearray) -> int:
    """How often this stands in the writable memory of this process, also with two bytes each."""
    count = 0
    wide = bytes(byte for one in masked for byte in (one, MASK))
    with Path("/proc/self/mem").open("rb", 0) as memory:
        for line in Path("/proc/self/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            if "rw" not in rights or "[v" in line:
                continue
            start, end = (int(edge, 16) for edge in span.split("-"))
            memory.seek(start)
            try:
                content = memory.read(end - start).translate(UNMASK)
            except OSError:
                continue
            count += content.count(masked) + content.count(wide)
    return count


def resident_kib() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


if __name__ == "__main__":
    main()
