"""The services that a front end (window, terminal, server) is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from snug.services.adoption import Adoption
from snug.services.branches import Branches
from snug.services.conversations import ConversationService
from snug.services.downloads import DownloadService
from snug.services.exporting import Exporting
from snug.services.first_models import FirstModels
from snug.services.hub import HubService
from snug.services.importing import Importing
from snug.services.keeping import Keeping
from snug.services.keys import KeyService
from snug.services.models import ModelService
from snug.services.network import Network
from snug.services.organiser import Organiser
from snug.services.preferences import Preferences
from snug.services.profiles import Profiles
from snug.services.temporary import TemporaryChats
from snug.services.trends import Trends

if TYPE_CHECKING:  # Cards are made when one is looked at; start-up counts.
    from snug.services.cards import Cards


@dataclass(frozen=True, slots=True)
class Profile:
    """What a front end may say about where the data is.

    Attributes:
        key_note: how the key of the vault is kept, in a sentence for the person; for a vault in
            memory, what is not known because the person's own is locked.
        shared_dir: data folder of all profiles; None where `data_dir` is the only one.
        created: the vault was made by this very start.
        offline: nothing may be sent, by `--offline` or `SNUG_OFFLINE`.
        crash_signal: the signal that ended the window before this one, where native code crashed
            and the window opened again by itself; else None.
    """

    version: str
    data_dir: Path
    resources: Path
    key_note: str
    created: bool = False
    offline: bool = False
    crash_signal: int | None = None
    shared_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a front end can do.

    Attributes:
        hub: finding and getting models; None where nothing of the kind is wanted (the bench), as
            are the other services that need it.
        trends: what was seen on the Hub, kept.
        downloads: the queue.
        network: the one way out, its ledger and its switch.
        cards: where a model comes from, and which licences were accepted.
        adoption: models that other programs keep here.
        first_models: what to offer somebody who has only the starter.
        organiser: folders, tags, archive and trash.
        temporary: conversations that never touch the disk.
        exporting: conversations as files, and encrypted archives.
        keys: what opens the vault; None for a vault in memory.
        importing: chats of other programs.
        branches: forking, removing and rewriting in the tree of a conversation.
        keeping: backups of the vault; None for a vault in memory.
        profiles: the profiles of this device; None where there is only the one.
    """

    profile: Profile
    conversations: ConversationService
    models: ModelService
    preferences: Preferences
    hub: HubService | None = None
    trends: Trends | None = None
    downloads: DownloadService | None = None
    network: Network | None = None
    cards: Cards | None = None
    adoption: Adoption | None = None
    first_models: FirstModels | None = None
    organiser: Organiser | None = None
    temporary: TemporaryChats | None = None
    keys: KeyService | None = None
    exporting: Exporting | None = None
    importing: Importing | None = None
    keeping: Keeping | None = None
    branches: Branches | None = None
    profiles: Profiles | None = None
