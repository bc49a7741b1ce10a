"""What a new window says first, and where the last one was after a crash, a kill or a lock."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication

from snug.domain.conversation import Conversation, Role, Status
from snug.domain.errors import SnugError
from snug.services.bundle import Services
from snug.ui.look.banner import Banner, Level
from snug.ui.settings.preferences_keys import OPEN_CONVERSATION

CAUSE = "crash"  # the banner's key


def keep_open_conversation(services: Services, conversation_id: str | None) -> None:
    """Remember which chat is open, for a start after this window did not close in order.

    Of a temporary one nothing is kept, not even that.
    """
    kept = conversation_id or ""
    if services.temporary is not None and services.temporary.holds(kept):
        kept = ""
    services.preferences.keep(OPEN_CONVERSATION, kept)


def left_open(services: Services) -> Conversation | None:
    """The chat that was open when the last window was killed or crashed; None after a good end."""
    kept = services.preferences.get(OPEN_CONVERSATION)
    if not kept:
        return None
    try:
        return services.conversations.conversation(kept)
    except SnugError:
        return None


def was_answering(conversation: Conversation | None) -> bool:
    """The chat ends with an answer that nobody stopped and that never came to its end."""
    path = () if conversation is None else conversation.active_path()
    if not path or path[-1].role is not Role.ASSISTANT:
        return False
    return path[-1].status is Status.INTERRUPTED


def tell_crash(banner: Banner, answering: bool, go_on: Callable[[], None]) -> None:
    """Explain why the window opened by itself; an answer that was cut off can go on."""
    if answering:
        words = _tr(
            "Snug closed unexpectedly while answering; everything up to here was kept. Continue?"
        )
        banner.tell(words, Level.WARN, CAUSE, _tr("Continue"), go_on)
    else:
        words = _tr("Snug closed unexpectedly and opened again. Your chats were kept.")
        banner.tell(words, Level.WARN, CAUSE, _tr("Understood"))


def tell_first_run(banner: Banner, services: Services, choose: Callable[[], None]) -> None:
    """Say once how the key of a new vault is kept; where it can be changed, lead there."""
    profile = services.profile
    if not profile.created or not profile.key_note:
        return
    if services.keys is None:
        banner.tell(profile.key_note, key="first run", action=_tr("Understood"))
    else:
        banner.tell(profile.key_note, Level.INFO, "first run", _tr("Choose"), choose)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Reopening", text)
