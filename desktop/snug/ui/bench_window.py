"""The window's part of the benchmark: event loop gaps while a real answer streams."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from snug.domain.events import Failed, Finished, TextDelta
from snug.services.bundle import Services
from snug.ui.chat.chat_page import ChatPage
from snug.ui.frame_probe import FrameProbe
from snug.ui.look.theme import Theme
from snug.ui.main_window import MainWindow

_LIMIT_MS = 60_000
_STREAM_MS = 10_000  # then the answer is stopped


def stream_in_window(
    services: Services, prompt: str, resident_bytes: Callable[[], int]
) -> tuple[list[float], int]:
    """Show the real window, ask, and follow the answer to its end.

    Returns:
        Gaps of the event loop in ms between the first text and the end, and the process's memory in
        bytes when the answer was there.
    """
    app = QApplication.instance() or QApplication([])
    theme = Theme(services.profile.resources)
    if isinstance(app, QApplication):
        theme.install(app)
    window = MainWindow(services, theme)
    window.resize(1280, 800)
    window.show()
    page = window.chat_page
    if not isinstance(page, ChatPage):
        raise TypeError("the window has no chat page")
    loop = QEventLoop()
    probe = FrameProbe(window)
    gaps: list[float] = []

    def take(event: object) -> None:
        if isinstance(event, TextDelta) and not gaps:
            gaps.append(0.0)
            probe.start()
            QTimer.singleShot(_STREAM_MS, page.stop)
        if isinstance(event, Finished | Failed):
            gaps.extend(probe.stop())
            QTimer.singleShot(200, loop.quit)

    page.run_event.connect(take)
    QTimer.singleShot(_LIMIT_MS, loop.quit)
    QTimer.singleShot(300, lambda: page.send(prompt))
    loop.exec()
    memory = resident_bytes()
    window.close()
    return gaps, memory
