"""The window's part of the composition root: which profile, opening it, locking it, the way out."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from snug.cli.output import say
from snug.cli.secrets import given_secret
from snug.domain.errors import SnugError
from snug.domain.profile import ProfileEntry
from snug.domain.unlocking import NOTHING, Secret
from snug.guardian import Launch
from snug.hardening import forget_freed, overwrite_freed
from snug.paths import Paths
from snug.services.bundle import Services
from snug.services.profiles import Profiles
from snug.vault.care import VaultCare
from snug.vault.keys import key_home
from snug.vault.profiles import ProfileFolders

if TYPE_CHECKING:
    from snug.ui.locks.lock_window import OtherProfiles

_FAILED = 1


class Opened(Protocol):
    """An open vault with all that works on it."""

    services: Services

    def close(self) -> None:
        """End all of it."""


OpenVault = Callable[[Paths, Secret, bool, int | None, str], Opened]


def profiles_of(paths: Paths) -> Profiles:
    """The profiles of a data folder."""
    return Profiles(ProfileFolders(paths.data, paths.keys), paths.profile)


def run_window(paths: Paths, options: Namespace, launch: Launch, open_vault: OpenVault) -> int:
    """Show the window until it is closed. Returns: the exit code.

    Args:
        open_vault: opens what lies at paths: with a secret, offline or not, after a crash by this
            signal, with this token of the Hub.
    """
    wanted = _wanted(paths, options, launch)
    return 0 if wanted is None else _show_window(wanted, options, launch, open_vault)


def _wanted(paths: Paths, options: Namespace, launch: Launch) -> Paths | None:
    """The profile to open: as named, the only one, or as chosen; None for none.

    After a crash it is the one that crashed.
    """
    profiles = profiles_of(paths)
    entries = profiles.list()
    if options.profile or len(entries) == 1:
        return paths
    last = profiles.last.id
    if launch.crash_signal is None:
        from snug.ui.application import make_application
        from snug.ui.locks.profile_window import choose_profile

        app = make_application(sys.argv[:1], paths.resources)
        chosen = choose_profile(app, paths.resources, entries, last)
        if chosen is None:
            return None
        profiles.remember(chosen)
        last = chosen
    return paths.of_profile(last)


def _show_window(paths: Paths, options: Namespace, launch: Launch, open_vault: OpenVault) -> int:
    from snug.ui.application import run

    opened: list[Opened] = []

    def build(secret: Secret) -> Services:
        given = secret if secret != NOTHING else given_secret(options.key_file)
        # Told once: who unlocks the chats an hour later knows.
        crash_signal, launch.crash_signal = launch.crash_signal, None
        try:
            opened.append(
                open_vault(paths, given, options.offline, crash_signal, options.hub_token)
            )
        except SnugError:
            launch.crash_signal = crash_signal
            raise
        return opened[-1].services

    def shutdown() -> None:
        if opened:
            while opened:
                opened.pop().close()
            forget_freed()

    overwrite_freed()
    try:
        return run(
            build,
            shutdown,
            runtime=paths.runtime,
            resources=paths.resources,
            kinds=lambda: _kinds(paths),
            others=_others(paths, options),
            care=VaultCare(paths.vault, paths.keys),
            shown=launch.tell_shown,
        )
    except SnugError as error:
        say(error.message)
        return _FAILED
    finally:
        shutdown()


def _kinds(paths: Paths) -> tuple[str, ...]:
    """What opens the vault; () where there is none, or it cannot be told."""
    try:
        return tuple(kind.value for kind in key_home(paths.vault, paths.keys).kinds)
    except SnugError:
        return ()


def _others(paths: Paths, options: Namespace) -> OtherProfiles:
    """The profiles but this one, for the locked window."""
    from snug.ui.another_window import open_profile
    from snug.ui.locks.lock_window import OtherProfiles

    def there() -> tuple[ProfileEntry, ...]:
        return tuple(entry for entry in profiles_of(paths).list() if entry.id != paths.profile)

    return OtherProfiles(there, lambda one: open_profile(one, paths.data, options.offline))
