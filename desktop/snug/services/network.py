"""What Snug may do on the network, and what it did: the offline switch, the ways out, the ledger.

Choices are kept in the vault. What was said when Snug was started (--offline, SNUG_OFFLINE,
HF_ENDPOINT, HF_TOKEN, HTTPS_PROXY) comes before them and cannot be changed in the window.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from snug.domain.errors import SnugError, UserError
from snug.domain.ledger import LedgerEntry, Outcome
from snug.services.ledger import Settings, VaultLedger
from snug.services.listeners import Listeners
from snug.services.token import Secrets, TokenKeeper, TokenPlace

_OFFLINE: Final = "network.offline"
_ENDPOINT: Final = "network.endpoint"
_PROXY: Final = "network.proxy"
_SPEED_LIMIT: Final = "network.speed_limit"
_LOOK_AGAIN_S: Final = 1.0  # at what another process may have switched
_MAX_SPEED: Final = 10**12


class Network:
    """The switch, the settings and the ledger. Any thread; setters wait for the vault's writer."""

    def __init__(
        self,
        store: Settings,
        secrets: Secrets,
        *,
        forced_offline: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare; neither the keyring nor the network is touched.

        Args:
            secrets: the keyring of the operating system.
            forced_offline: by `--offline` or `SNUG_OFFLINE`; cannot be switched off.
            environment: HF_ENDPOINT, HF_TOKEN and HTTPS_PROXY, where they are set.
        """
        environment = environment or {}
        self._store = store
        self._forced_offline = forced_offline
        self._stated_endpoint = environment.get("HF_ENDPOINT", "").strip()
        self._stated_proxy = environment.get("HTTPS_PROXY", "").strip()
        self._keeper = TokenKeeper(store, secrets, environment.get("HF_TOKEN", ""))
        self._ledger = VaultLedger(store)
        self._lock = threading.Lock()
        self._listeners = Listeners[[]]()
        self._used = False
        self._kept_offline = False
        self._unkept = False  # offline was wished for, and could not be written down
        self._turns = 0  # of the switch in this process
        self._looked_at = -_LOOK_AGAIN_S

    # -- the offline switch -------------------------------------------------------------------

    @property
    def forced_offline(self) -> bool:
        """Offline since the start, and for as long as this process lives."""
        return self._forced_offline

    @property
    def offline(self) -> bool:
        """Whether no socket may be opened. Costs a look at the clock; the vault once a second."""
        if self._forced_offline:
            return True
        now = time.monotonic()
        if now - self._looked_at >= _LOOK_AGAIN_S:
            self._look_again(now)
        return self._kept_offline or self._unkept

    def _look_again(self, now: float) -> None:
        self._looked_at = now
        turns = self._turns
        try:
            kept = self._store.setting(_OFFLINE) == "1"
        except SnugError:
            return  # closing; what was last known still holds
        with self._lock:
            if turns == self._turns:  # what was read is not older than the switch
                self._kept_offline = kept

    def set_offline(self, offline: bool) -> None:
        """Turn the switch: counts at once, also for what is under way, and is kept.

        Raises:
            UserError: it was forced at the start.
            EnvironmentFault: it cannot be kept; going offline counts all the same.
        """
        if self._forced_offline:
            if offline:
                return
            raise UserError(
                "Snug was started offline (--offline or SNUG_OFFLINE). Start it without that to "
                "use the network."
            )
        if offline:
            self._hold(True, unkept=True)
        self._store.set_setting(_OFFLINE, "1" if offline else "0")
        self._hold(offline)
        self._listeners.tell()

    def _hold(self, offline: bool, *, unkept: bool = False) -> None:
        with self._lock:
            self._turns += 1
            self._kept_offline, self._unkept = offline, unkept
            self._looked_at = time.monotonic()

    # -- ways out -----------------------------------------------------------------------------

    @property
    def endpoint_is_stated(self) -> bool:
        """HF_ENDPOINT is set and counts before what is kept."""
        return bool(self._stated_endpoint)

    @property
    def endpoint(self) -> str:
        """Address of the Hub or the mirror that is asked; "" for the Hub itself."""
        return self._stated_endpoint or self._store.setting(_ENDPOINT) or ""

    def set_endpoint(self, address: str) -> None:
        """Ask this mirror from now on; "" for the Hub itself.

        Raises:
            UserError: it is no https address.
            EnvironmentFault: it cannot be kept.
        """
        from snug.hub.origins import Policy  # late: the room is not needed to show a setting

        address = address.strip().rstrip("/")
        Policy(address)
        self._store.set_setting(_ENDPOINT, address)
        self._listeners.tell()

    @property
    def proxy_is_stated(self) -> bool:
        """HTTPS_PROXY is set and counts before what is kept."""
        return bool(self._stated_proxy)

    @property
    def proxy(self) -> str:
        """Address of the proxy; "" goes by this machine's settings."""
        return self._stated_proxy or self._store.setting(_PROXY) or ""

    def set_proxy(self, address: str) -> None:
        """Go through this proxy from now on; "" goes by this machine's settings.

        Raises:
            UserError: it is not of the form http://HOST:PORT.
            EnvironmentFault: it cannot be kept.
        """
        from snug.hub.proxy import parse_proxy  # late, as above

        address = address.strip()
        if address:
            parse_proxy(address)
        self._store.set_setting(_PROXY, address)
        self._listeners.tell()

    @property
    def speed_limit(self) -> int:
        """The most bytes a second that downloads take; 0 for no limit."""
        kept = self._store.setting(_SPEED_LIMIT) or "0"
        return min(int(kept), _MAX_SPEED) if kept.isascii() and kept.isdigit() else 0

    def set_speed_limit(self, bytes_per_second: int) -> None:
        """Limit downloads from now on; 0 for no limit.

        Raises:
            EnvironmentFault: it cannot be kept.
        """
        self._store.set_setting(_SPEED_LIMIT, str(max(0, bytes_per_second)))
        self._listeners.tell()

    # -- the token ----------------------------------------------------------------------------

    @property
    def token_place(self) -> TokenPlace:
        """Where the token for gated repositories is."""
        return self._keeper.place

    @property
    def has_token(self) -> bool:
        """Whether there is a token; asks no keyring."""
        return self._keeper.place is not TokenPlace.NONE

    def token(self) -> str:
        """The token, for the gateway alone; "" for none. May wait 3 s for the keyring, once."""
        return self._keeper.token()

    def set_token(self, token: str) -> TokenPlace:
        """Keep a token in the keyring, else in the vault. Raises: UserError, EnvironmentFault."""
        place = self._keeper.set(token)
        self._listeners.tell()
        return place

    def forget_token(self) -> None:
        """Erase the kept token. Raises: EnvironmentFault."""
        self._keeper.forget()
        self._listeners.tell()

    # -- the ledger ---------------------------------------------------------------------------

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """The newest 2,000 requests or so, oldest first."""
        return self._ledger.entries()

    def was_used(self) -> bool:
        """Whether this run of Snug has opened a connection."""
        return self._used

    def watched(self, ledger: Ledger) -> Ledger:
        """The same ledger; what is recorded there is known here, too."""
        return _WatchedLedger(ledger, self._note)

    def _note(self, entry: LedgerEntry) -> None:
        if not self._used and entry.outcome is not Outcome.REFUSED:
            self._used = True
            self._listeners.tell()

    # -- who wants to know --------------------------------------------------------------------

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back when a setting changed or the network was first used. Returns: ends it.

        Args:
            callback: called on the thread of the change, at once; must not raise.
        """
        return self._listeners.add(callback)


class Ledger(Protocol):
    """Where requests are written down; as `snug.hub.ledger` says."""

    def record(self, entry: LedgerEntry) -> None:
        """Keep an entry, in the place of an earlier one with the same id."""

    def entries(self) -> tuple[LedgerEntry, ...]:
        """What is kept, oldest first."""


class _WatchedLedger:
    """Passes everything on, and tells of it."""

    def __init__(self, ledger: Ledger, note: Callable[[LedgerEntry], None]) -> None:
        self._ledger = ledger
        self._note = note

    def record(self, entry: LedgerEntry) -> None:
        """Keep an entry."""
        self._ledger.record(entry)
        self._note(entry)

    def entries(self) -> tuple[LedgerEntry, ...]:
        """What is kept, oldest first."""
        return self._ledger.entries()
