"""What goes wrong between here and the Hub, in the one error tree."""

from __future__ import annotations

from snug.domain.errors import EnvironmentFault, UserError


class OfflineError(UserError):
    """The offline switch is on: no socket is opened, and what was under way has ended."""

    def __init__(self) -> None:
        super().__init__(
            "Snug is offline and makes no connection. To use the Hub, turn offline off in "
            "Settings, or start Snug without --offline and SNUG_OFFLINE."
        )


class StoppedError(UserError):
    """The person stopped it."""

    def __init__(self) -> None:
        super().__init__("Stopped.")


class RefusedError(EnvironmentFault):
    """Snug will not talk to this address: no https, or a host that is not the Hub's."""


class NetworkFault(EnvironmentFault):
    """The network or the other side failed; trying again may help.

    Attributes:
        wait_s: how long the other side asks to wait; 0 where it does not.
    """

    def __init__(self, message: str, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class AnswerError(EnvironmentFault):
    """The other side answered with something that trying again will not mend."""


class AccessError(UserError):
    """The repository is gated or private: the person must accept something or give a token."""


class UnknownRepositoryError(UserError):
    """The Hub has no such repository, file or revision."""
