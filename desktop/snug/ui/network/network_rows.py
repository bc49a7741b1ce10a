"""The settings of the network: the offline switch, how fast, through what, and the token."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from snug.domain.errors import SnugError
from snug.services.network import Network
from snug.services.token import TokenPlace
from snug.ui.bridge import Bridge
from snug.ui.look.parts import Choice, Segments, flat, hairline, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.settings.setting_rows import ChoiceButton, Fold, explanation, setting_row
from snug.ui.tasks import Tasks

_SPEEDS_MB = (1, 2, 5, 10, 20, 50)
_ONLINE, _OFFLINE = "online", "offline"


class NetworkRows(QObject):
    """Builds the rows and keeps what is chosen.

    Attributes:
        ledger_requested: the person wants to see what was sent.
        failed: something could not be kept; a sentence.
    """

    ledger_requested = Signal()
    failed = Signal(str)

    def __init__(self, network: Network, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._network = network
        self._theme = theme
        self._bridge = Bridge(self)
        self._tasks = Tasks(self._bridge, self)

    def finish(self) -> None:
        """Wait for what was begun; call before the rows go."""
        self._tasks.close()
        self._bridge.close()

    def make(self) -> list[QWidget]:
        """The rows, those for firms and mirrors folded into the last."""
        rows = [self._switch_row(), self._ledger_row(), self._speed_row(), self._token_row()]
        more = Fold("moreNetworkButton", [self._mirror_row(), self._proxy_row()], hairline)
        self.refresh()
        return [*rows, more]

    def refresh(self) -> None:
        """Show what is in force; another Snug may have changed it."""
        network = self._network
        self._switch.set_value(_OFFLINE if network.offline else _ONLINE)
        self._switch.setEnabled(not network.forced_offline)
        self._switch_words.setText(self._switch_text())
        self._token_words.setText(self._token_text())
        stated = network.token_place is TokenPlace.ENVIRONMENT
        self._token.setVisible(not network.has_token)
        self._keep_token.setVisible(not network.has_token)
        self._forget_token.setVisible(network.has_token and not stated)

    # -- rows ---------------------------------------------------------------------------------

    def _switch_row(self) -> QWidget:
        self._switch = Segments(
            "offlineChoice",
            self.tr("Network"),
            (Choice(_ONLINE, self.tr("Online")), Choice(_OFFLINE, self.tr("Offline"))),
        )
        self._switch.chosen.connect(self._on_switch_chosen)
        row = setting_row(self.tr("Network"), " ", self._switch)
        self._switch_words = explanation(row)
        return row

    def _switch_text(self) -> str:
        if self._network.forced_offline:
            return self.tr(
                "Snug was started offline and makes no connection at all. Start it without "
                "--offline and SNUG_OFFLINE to choose here."
            )
        if self._network.offline:
            return self.tr("No connection is opened at all. Downloads wait.")
        return self.tr(
            "Snug asks the Hub only when you look for models or get one. Your chats and files are "
            "never sent anywhere."
        )

    def _ledger_row(self) -> QWidget:
        show = push_button(
            "ledgerButton", self.tr("Show what was sent"), "", self.ledger_requested.emit
        )
        words = self.tr("Every request with its host, purpose and size.")
        return setting_row(self.tr("Network ledger"), words, show)

    def _speed_row(self) -> QWidget:
        button = ChoiceButton(
            "speedLimitChoice", self.tr("Speed of downloads"), self._theme, self._on_speed_chosen
        )
        limit = self._network.speed_limit
        choices = [Choice("0", self.tr("No limit"))]
        choices += [Choice(str(n * 1_000_000), self.tr("{} MB/s").format(n)) for n in _SPEEDS_MB]
        if str(limit) not in [choice.value for choice in choices]:
            choices.append(Choice(str(limit), self.tr("{} MB/s").format(f"{limit / 1e6:g}")))
        button.offer(choices, str(limit))
        words = self.tr("Leaves the rest of the line to others. Counts at once.")
        return setting_row(self.tr("Speed of downloads"), words, button)

    def _token_row(self) -> QWidget:
        control = QWidget()
        line = flat(QHBoxLayout(control), spacing=SIZES.gap_2)
        self._token = _field("hubToken", self.tr("Your token of the Hub"), "hf_…")
        self._token.setEchoMode(QLineEdit.EchoMode.Password)
        self._token.returnPressed.connect(self._on_token_returned)
        self._keep_token = push_button(
            "keepTokenButton", self.tr("Keep"), "", self._on_token_returned
        )
        self._forget_token = push_button(
            "forgetTokenButton", self.tr("Forget it"), "", self._on_forget_pressed
        )
        for part in (self._token, self._keep_token, self._forget_token):
            line.addWidget(part)
        row = setting_row(self.tr("Token for gated models"), " ", control)
        self._token_words = explanation(row)
        return row

    def _token_text(self) -> str:
        match self._network.token_place:
            case TokenPlace.ENVIRONMENT:
                return self.tr("Taken from HF_TOKEN, and kept nowhere by Snug.")
            case TokenPlace.KEYRING:
                return self.tr("Kept in your desktop's keyring. Only the Hub gets it.")
            case TokenPlace.VAULT:
                return self.tr(
                    "There is no keyring here, so it is kept encrypted in Snug's own database. "
                    "Only the Hub gets it."
                )
        return self.tr(
            "Some makers want to know who takes their model. Make a token with read access on "
            "your account's page on the Hub."
        )

    def _mirror_row(self) -> QWidget:
        network = self._network
        words = self.tr("Address of a mirror of the Hub, if you use one. It gets your token, too.")
        if network.endpoint_is_stated:
            words = self.tr("HF_ENDPOINT is set and counts before what is kept here.")
        return self._address_row(
            "mirror",
            self.tr("Mirror"),
            words,
            "https://",
            network.endpoint,
            network.set_endpoint,
            not network.endpoint_is_stated,
        )

    def _proxy_row(self) -> QWidget:
        network = self._network
        words = self.tr("If your network wants one. Empty goes by this computer's settings.")
        if network.proxy_is_stated:
            words = self.tr("HTTPS_PROXY is set and counts before what is kept here.")
        return self._address_row(
            "proxy",
            self.tr("Proxy"),
            words,
            "http://host:port",
            network.proxy,
            network.set_proxy,
            not network.proxy_is_stated,
        )

    def _address_row(
        self,
        name: str,
        title: str,
        words: str,
        form: str,
        value: str,
        keep: Callable[[str], None],
        free: bool,
    ) -> QWidget:
        control = QWidget()
        line = flat(QHBoxLayout(control), spacing=SIZES.gap_2)
        field = _field(f"{name}Field", title, form)
        field.setText(value)
        field.setEnabled(free)
        button = push_button(f"{name}Keep", self.tr("Keep"), "", lambda: take())
        button.setAccessibleName(self.tr("Keep: {}").format(title))
        button.setEnabled(False)

        def take() -> None:
            if self._try(lambda: keep(field.text())):
                button.setEnabled(False)

        field.textEdited.connect(lambda: button.setEnabled(True))
        field.returnPressed.connect(take)
        line.addWidget(field)
        line.addWidget(button)
        return setting_row(title, words, control)

    # -- changes ------------------------------------------------------------------------------

    def _on_switch_chosen(self, value: str) -> None:
        self._try(lambda: self._network.set_offline(value == _OFFLINE))
        self.refresh()

    def _on_speed_chosen(self, value: str) -> None:
        self._try(lambda: self._network.set_speed_limit(int(value)))

    def _on_token_returned(self) -> None:
        """The keyring may take seconds to answer, so not on the window's thread."""
        token = self._token.text()
        self._token.clear()
        self._tasks.run(self, lambda: self._network.set_token(token), self._on_kept, self._on_fail)

    def _on_forget_pressed(self) -> None:
        self._tasks.run(self, self._network.forget_token, self._on_kept, self._on_fail)

    def _on_kept(self, _: object) -> None:
        self.refresh()

    def _on_fail(self, message: str) -> None:
        self.refresh()
        self.failed.emit(message)

    def _try(self, change: Callable[[], None]) -> bool:
        try:
            change()
        except SnugError as error:
            self.failed.emit(error.message)
            return False
        return True


def _field(name: str, accessible_name: str, form: str) -> QLineEdit:
    made = QLineEdit()
    made.setObjectName(name)
    made.setAccessibleName(accessible_name)
    made.setPlaceholderText(form)
    made.setMinimumWidth(SIZES.sidebar)
    return made
