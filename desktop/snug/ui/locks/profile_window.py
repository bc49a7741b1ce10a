"""Asks whose chats are to be opened, before anything is; only where there are several profiles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from snug.domain.profile import ProfileEntry
from snug.ui.look.icons import app_icon
from snug.ui.look.parts import flat, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.polite_end import PoliteEnd

_MARK = 48


class ProfileWindow(QWidget):
    """One button for each profile.

    Attributes:
        chosen: the id of one.
        left: the person would rather leave.
    """

    chosen = Signal(str)
    left = Signal()

    def __init__(self, entries: Sequence[ProfileEntry], before: str, theme: Theme) -> None:
        """Make it.

        Args:
            before: id of the profile that was chosen last; Return chooses it again.
        """
        super().__init__()
        self.setObjectName("profileWindow")
        self.setWindowTitle(self.tr("Snug"))
        self.setAccessibleName(self.tr("Choose a profile"))
        self.setProperty("surface", "page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumSize(SIZES.window_least_width, SIZES.window_least_height)
        mark = QLabel()
        pixmap = app_icon(theme.resources).pixmap(QSize(_MARK, _MARK), self.devicePixelRatioF())
        mark.setPixmap(pixmap)
        title = label(self.tr("Which profile?"), "title")
        title.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        inner = QWidget()
        inner.setMaximumWidth(SIZES.dialog)
        column = flat(QVBoxLayout(inner), spacing=SIZES.gap_3)
        column.addWidget(mark, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(title)
        column.addSpacing(SIZES.gap_2)
        for entry in entries:
            column.addWidget(self._button(entry, entry.id == before))
        leave = push_button("profileLeaveButton", self.tr("Close Snug"), "link", self.close)
        column.addWidget(leave, 0, Qt.AlignmentFlag.AlignHCenter)
        self._arrange(inner)
        last = self.findChild(QPushButton, f"chooseProfile_{before}")
        if last is not None:
            last.setFocus()  # only now: before, it was in no window
        room = self.screen().availableSize()
        self.resize(QSize(SIZES.window_width, SIZES.window_height).boundedTo(room))

    def _arrange(self, inner: QWidget) -> None:
        """In the middle, and within reach where there are many."""
        held = QWidget()
        whole = QVBoxLayout(held)
        whole.setContentsMargins(*(SIZES.gap_6,) * 4)
        whole.addStretch(2)
        across = flat(QHBoxLayout())
        across.addStretch(1)
        across.addWidget(inner, 4)
        across.addStretch(1)
        whole.addLayout(across)
        whole.addStretch(3)
        area = QScrollArea()
        area.setObjectName("profileArea")
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(held)
        flat(QVBoxLayout(self)).addWidget(area)

    def _button(self, entry: ProfileEntry, was_last: bool) -> QWidget:
        button = push_button(
            f"chooseProfile_{entry.id}",
            entry.name.replace("&", "&&"),
            "primary" if was_last else "",
            partial(self.chosen.emit, entry.id),
        )
        button.setAccessibleName(entry.name)
        button.setAutoDefault(True)
        return button

    def closeEvent(self, event: QCloseEvent) -> None:
        """The person leaves, or has chosen."""
        event.accept()
        self.left.emit()


def choose_profile(
    app: QApplication, resources: Path, entries: Sequence[ProfileEntry], before: str
) -> str | None:
    """Ask, and wait. Returns: the id of the chosen profile; None where the person leaves."""
    theme = Theme(resources)
    theme.install(app)
    window = ProfileWindow(entries, before, theme)
    answers: list[str] = []
    window.chosen.connect(answers.append)
    window.chosen.connect(lambda _id: app.exit())
    window.left.connect(app.exit)
    signals = PoliteEnd(window.close, window)
    # Its end is not the program's, and must not be taken for it by a later event loop.
    app.setQuitOnLastWindowClosed(False)
    window.show()
    window.activateWindow()
    app.exec()
    signals.close()
    app.setQuitOnLastWindowClosed(True)
    window.left.disconnect()
    window.close()
    for made in (window, theme):
        made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return answers[0] if answers else None
