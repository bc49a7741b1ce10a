"""The lock at the foot of the bar: whether anything left this computer since Snug was started."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from snug.services.finding import Network
from snug.ui.look.icons import bind_icon
from snug.ui.look.theme import Theme
from snug.ui.sidebar import Sidebar

LOOK_MS = 2_000  # it may turn while a download runs, and nobody is told


class NetworkLock(QObject):
    """Keeps the words and the sign of the lock true."""

    def __init__(
        self, network: Network | None, offline: bool, sidebar: Sidebar, theme: Theme
    ) -> None:
        """Show the state at once.

        Args:
            offline: Snug was started so.
        """
        super().__init__(sidebar)
        self._network = network
        self._offline = offline
        self._sidebar = sidebar
        self._theme = theme
        self._shown: tuple[bool, bool] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self.look)
        if network is not None:
            self._timer.start()
        self.look()

    def look(self) -> None:
        """Read the state and show it where it changed."""
        network = self._network
        state = (
            self._offline or (network is not None and network.offline),
            network is not None and network.was_used(),
        )
        if state == self._shown:
            return
        self._shown = state
        offline, used = state
        sign = ("globe", "text_soft") if used and not offline else ("lock", "good")
        bind_icon(self._sidebar.lock, sign[0], self._theme, sign[1], pad=3)
        self._sidebar.set_network_words(*self._words(offline, used))

    def _words(self, offline: bool, used: bool) -> tuple[str, str]:
        if offline:
            return (
                self.tr("Offline: nothing can be sent"),
                self.tr("Snug makes no connection at all. Press to see what was sent before."),
            )
        if used:
            return (
                self.tr("Network used: see what for"),
                self.tr("Every request is listed. Your chats never leave this computer."),
            )
        return (
            self.tr("Private: nothing was sent"),
            self.tr("No connection was made. Your chats never leave this computer."),
        )
