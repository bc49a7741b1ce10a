"""What a command is given: the parsed options and ways to open what it needs."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from snug.services.bundle import Services
from snug.services.doctor import Report
from snug.services.profiles import Profiles


@dataclass(frozen=True, slots=True)
class Session:
    """Passed to every command by `app.py`.

    Attributes:
        open: the services on the person's vault, closed at the end of the block.
        create: the services on a vault that is made by this, with a passphrase where one is given.
        lock_window: lock the window that is open on this data; False where none is.
        open_temporary: the services on an empty vault in memory; nothing of it is kept.
        examine: the doctor's report; works without a vault.
        profiles: the profiles of this device; they are listed without a key.
        bench: measures; the argument is called with progress texts.
    """

    options: Namespace
    open: Callable[[], AbstractContextManager[Services]]
    create: Callable[[str | None], AbstractContextManager[Services]]
    lock_window: Callable[[], bool]
    open_temporary: Callable[[], AbstractContextManager[Services]]
    examine: Callable[[], Report]
    profiles: Profiles
    bench: Callable[[Callable[[str], None]], dict[str, object]]
