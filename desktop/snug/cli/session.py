"""What a command is given: the parsed options and ways to open what it needs."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from snug.domain.unlocking import Secret
from snug.services.bundle import Services
from snug.services.doctor import Report
from snug.services.keeping import Care
from snug.services.profiles import Profiles

T = TypeVar("T")


class WithSecret(Protocol):
    """Asks for the key where it is needed."""

    def __call__(self, work: Callable[[Secret], T]) -> T:
        """What `work` returns for the secret that opens the vault."""


@dataclass(frozen=True, slots=True)
class Session:
    """Passed to every command by `app.py`.

    Attributes:
        open: the services on the person's vault, closed at the end of the block.
        create: the services on a vault that is made by this, with a passphrase where one is given.
        ask_window: let the window that is open on this data ask quickly; False where none is.
        lock_window: lock the window that is open on this data; False where none is.
        open_temporary: the services on an empty vault in memory; nothing of it is kept.
        examine: the doctor's report; works without a vault.
        care: backups, restoring and salvaging, for which no vault may be open.
        check_closed: raises UserError where a window is open on this data.
        with_secret: do what needs the vault's key, asking for it where that is needed.
        profiles: the profiles of this device; they are listed without a key.
        bench: measures; the argument is called with progress texts.
    """

    options: Namespace
    open: Callable[[], AbstractContextManager[Services]]
    create: Callable[[str | None], AbstractContextManager[Services]]
    lock_window: Callable[[], bool]
    ask_window: Callable[[], bool]
    open_temporary: Callable[[], AbstractContextManager[Services]]
    examine: Callable[[], Report]
    care: Care
    check_closed: Callable[[], None]
    with_secret: WithSecret
    profiles: Profiles
    bench: Callable[[Callable[[str], None]], dict[str, object]]
