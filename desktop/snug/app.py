"""The composition root: builds rooms → services → window or terminal, and owns shutdown order.

Nothing heavy is imported before it is needed: the terminal never loads Qt, a list of models never
loads llama.cpp, and the window shows before either the vault's keyring or the engine is touched.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from snug import __version__
from snug.cli.main import FAILED, run_command
from snug.cli.output import say
from snug.cli.parser import build_parser
from snug.cli.secrets import given_secret, with_secret
from snug.cli.session import Session
from snug.domain.errors import SnugError, UserError, VaultLockedError, WrongKeyError
from snug.domain.importing import Found
from snug.domain.unlocking import NOTHING, Secret
from snug.engine.host import EngineHost
from snug.engine.hosts import build_engine
from snug.engine.sandbox import possible_walls
from snug.guardian import Launch, has_display
from snug.hardening import harden, take_from_environment
from snug.hub.wall import build_wall
from snug.hub_parts import HubParts
from snug.logs import log_defects, start_logging
from snug.models.elsewhere import KEPT_AS
from snug.models.library import Library
from snug.models.starter import find_starter
from snug.paths import Paths, find_paths
from snug.services.adoption import Adoption
from snug.services.branches import Branches
from snug.services.bundle import Profile, Services
from snug.services.conversations import ConversationService
from snug.services.doctor import Report, examine
from snug.services.engine_settings import Host
from snug.services.exporting import Exporting
from snug.services.importing import Importing
from snug.services.keeping import Keeping
from snug.services.keys import KeyService
from snug.services.models import ModelService
from snug.services.organiser import Organiser
from snug.services.preferences import Preferences
from snug.services.temporary import SplitStore, TemporaryChats
from snug.ui.settings.preferences_keys import OPEN_CONVERSATION
from snug.vault.care import VaultCare
from snug.vault.conversations import Conversations
from snug.vault.keys import SLOT_FILE
from snug.vault.vault import Vault, glance
from snug.window import profiles_of, run_window

_log = logging.getLogger(__name__)


class Application:
    """One vault, one engine, one library, and the services over them. Close it at the end."""

    def __init__(
        self,
        paths: Paths,
        vault: Vault,
        offline: bool,
        crash_signal: int | None = None,
        hub_token: str = "",
        note: str = "",
    ) -> None:
        self._vault = vault
        store = vault.conversations
        preferences = Preferences(store)
        engine = build_engine(
            preferences, lambda: models.settings.host is Host.ISOLATED, vault.kv_states
        )
        self._engine = engine
        library = Library(paths.models, find_starter, keeper=store)
        models = ModelService(library, store, engine)
        models.release_quarantine = lambda model: engine.forgive(model.sha256)
        parts = HubParts(paths, vault, library, models, preferences, engine, offline, hub_token)
        self._downloads = parts.downloads
        self._memories: list[Vault] = []  # of temporary chats; at most one
        temporary = TemporaryChats(self._make_memory)
        split = SplitStore(store, temporary)
        conversations = ConversationService(split, models, engine, temporary.keeps)
        home = vault.key_home
        self.services = Services(
            profile=Profile(
                version=__version__,
                data_dir=paths.home,
                shared_dir=paths.data,
                resources=paths.resources,
                key_note=home.notice if home is not None else note,
                created=vault.newly_created,
                offline=offline,
                crash_signal=crash_signal,
            ),
            conversations=conversations,
            models=models,
            preferences=preferences,
            hub=parts.hub,
            trends=parts.trends,
            downloads=parts.downloads,
            network=parts.network,
            cards=parts.cards,
            adoption=Adoption(library),
            first_models=parts.first_models,
            organiser=Organiser(vault.organising, conversations),
            temporary=temporary,
            branches=Branches(split, store, engine, temporary.holds),
            exporting=Exporting(store, vault.organising, _make_pdf),
            keys=KeyService(vault.keys) if home is not None else None,
            importing=Importing(store, _read_chats),
            keeping=Keeping(vault, vault.keys) if home is not None else None,
            profiles=profiles_of(paths),
        )

    @classmethod
    def open(
        cls,
        paths: Paths,
        secret: Secret,
        offline: bool,
        crash_signal: int | None = None,
        hub_token: str = "",
    ) -> Application:
        """Open the person's vault. Raises: as `Vault.open`."""
        vault = Vault.open(paths.vault, paths.keys, secret)
        application = cls(paths, vault, offline, crash_signal, hub_token)
        if crash_signal is not None:
            application.note_crash(crash_signal)
        return application

    @classmethod
    def temporary(cls, paths: Paths, offline: bool, secret: Secret = NOTHING) -> Application:
        """On a vault in memory: nothing is kept. It knows which models lie elsewhere."""
        vault, note = Vault.temporary(), ""
        try:
            kept = glance(paths.vault, paths.keys, secret, KEPT_AS)
            vault.conversations.set_setting(KEPT_AS, kept or "")
        except (VaultLockedError, WrongKeyError):
            note = "The chats are locked, so models outside Snug's own folder are not known now."
        except SnugError:
            pass  # whoever opens the vault is told
        return cls(paths, vault, offline, note=note)

    def note_crash(self, crash_signal: int) -> None:
        """The window before this one died by a signal: the place to be careful from now on.

        The engine's supervisor is told here, so that the model in use gets the isolated host.
        """
        _log.error("the window before this one was ended by signal %d", crash_signal)
        with contextlib.suppress(SnugError):
            model = self.services.conversations.interrupted_model(
                self.services.preferences.get(OPEN_CONVERSATION)
            )
            if model is not None:
                self._engine.note_crash(model.sha256, "Snug itself ended while it ran this model.")

    def close(self) -> None:
        """Stop downloads and answers, free the model, close the vault: in this order."""
        self._downloads.close()
        self.services.conversations.stop_all()
        self._engine.close()
        for memory in self._memories:
            memory.close()
        self._vault.close()

    def tidy(self) -> None:
        """What retention rules and the trash's days ask for; a disk that refuses is no failure."""
        with contextlib.suppress(SnugError):
            if self.services.organiser is not None:
                self.services.organiser.tidy()

    def _make_memory(self) -> Conversations:
        self._memories.append(Vault.temporary())
        return self._memories[-1].conversations


def _make_pdf(title: str, body: str) -> bytes:
    from snug.ui.text.pdf import make_pdf  # late: the terminal loads Qt for a PDF alone

    return make_pdf(title, body)


def _read_chats(path: Path) -> Iterator[Found]:
    from snug.vault.importing.reading import read  # late: start-up counts

    return read(path)


def main(argv: list[str] | None = None, launch: Launch | None = None, hub_token: str = "") -> int:
    """Entry point of `snug`. Returns: the exit code.

    Args:
        launch: how the guardian started this process; None without one.
        hub_token: what HF_TOKEN held, where it was taken out of the environment already.
    """
    options = build_parser(__version__).parse_args(argv)
    harden()
    if options.offline or os.environ.get("SNUG_OFFLINE") == "1":
        options.offline = True
    options.hub_token = hub_token or take_from_environment("HF_TOKEN")
    build_wall(lambda: bool(options.offline))
    try:
        paths = find_paths(options.data_dir)
        if options.profile:
            paths = paths.of_profile(profiles_of(paths).find(options.profile).id)
    except SnugError as error:
        say(error.message)
        return FAILED
    start_logging(paths.home)
    if launch is not None:  # else this is only a part of another program
        log_defects()
    if options.run is None:
        if has_display():
            return run_window(paths, options, launch or Launch(), Application.open)
        say("There is no display here, so Snug talks in the terminal.")
        chat = build_parser(__version__).parse_args([*(argv or sys.argv[1:]), "chat"])
        chat.offline, chat.hub_token = options.offline, options.hub_token
        options = chat
    return run_command(_session(paths, options))


def _session(paths: Paths, options: Namespace) -> Session:
    return Session(
        options=options,
        open=lambda: _opened(lambda: _open_in_terminal(paths, options)),
        create=lambda passphrase: _opened(lambda: _create(paths, options, passphrase)),
        lock_window=lambda: _lock_window(paths),
        ask_window=lambda: _ask_window(paths),
        open_temporary=lambda: _opened(lambda: _open_nothing(paths, options)),
        examine=lambda: _examine(paths, options.key_file),
        bench=lambda progress: _bench(paths, progress),
        care=VaultCare(paths.vault, paths.keys),
        check_closed=lambda: _check_closed(paths),
        with_secret=partial(with_secret, key_file=options.key_file),
        profiles=profiles_of(paths),
    )


@contextlib.contextmanager
def _opened(build: Callable[[], Application]) -> Iterator[Services]:
    application = build()
    try:
        yield application.services
    finally:
        application.close()


def _open_in_terminal(paths: Paths, options: Namespace) -> Application:
    """Open the vault, asking for the passphrase where it is needed and somebody is there."""
    application = with_secret(
        lambda secret: Application.open(
            paths, secret, options.offline, hub_token=options.hub_token
        ),
        options.key_file,
    )
    if application.services.profile.created:
        say(f"A new vault was made in {paths.vault}. {application.services.profile.key_note}")
    application.tidy()
    return application


def _open_nothing(paths: Paths, options: Namespace) -> Application:
    return Application.temporary(paths, options.offline, given_secret(options.key_file))


def _create(paths: Paths, options: Namespace, passphrase: str | None) -> Application:
    """Make the vault. Raises: UserError (there is one)."""
    if (paths.vault / SLOT_FILE).exists():
        raise UserError(
            f"There is a vault in {paths.vault} already. `snug vault passphrase` sets its "
            "passphrase, `snug keys` the rest; another --data-dir holds another one."
        )
    return Application.open(paths, Secret(passphrase), options.offline)


def _check_closed(paths: Paths) -> None:
    from snug.ui.single_instance import is_open  # late, as below

    if is_open(paths.runtime):
        raise UserError("Snug's window is open on these chats. Close it first, then try again.")


def _ask_window(paths: Paths) -> bool:
    from snug.ui.single_instance import ask_for_question  # late, as below

    return ask_for_question(paths.runtime)


def _lock_window(paths: Paths) -> bool:
    # Late: the terminal needs no Qt for anything else.
    from snug.ui.single_instance import ask_to_lock

    return ask_to_lock(paths.runtime)


def _examine(paths: Paths, key_file: Path | None) -> Report:
    problems: list[str] = []
    try:
        Vault.open(paths.vault, paths.keys, given_secret(key_file)).close()
    except SnugError as error:
        problems.append(error.message)
    engine = EngineHost()
    try:
        return examine(__version__, paths.data, engine, tuple(problems), possible_walls().sentence)
    finally:
        engine.close()


def _bench(paths: Paths, progress: Callable[[str], None]) -> dict[str, object]:
    from snug.bench.measure import measure

    return measure(progress)
