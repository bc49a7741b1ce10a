"""What is done to the tree of the open chat besides asking, and how it is taken back.

Nothing here asks first: each step can be undone, the last one first, for as long as the window is
open.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from snug.domain.conversation import Conversation
from snug.domain.errors import SnugError
from snug.services.branches import Branches
from snug.services.bundle import Services
from snug.ui.chats.undo_bar import UndoBar
from snug.ui.look.language import counted

_MOST = 100  # steps of one chat that can be undone
_Undo = Callable[[], Conversation]


@dataclass(frozen=True, slots=True)
class _Step:
    words: str
    undo: _Undo


class Branching(QObject):
    """Changes the tree, on the window's thread; the page shows what comes of it.

    Attributes:
        changed: a `Conversation` as it now is.
        forked: id of a new chat.
        failed: a sentence for the person.
    """

    changed = Signal(object)
    forked = Signal(str)
    failed = Signal(str)

    def __init__(self, services: Services, bar: UndoBar, parent: QObject) -> None:
        super().__init__(parent)
        self._conversations = services.conversations
        self._branches = services.branches
        self._bar = bar
        self._steps: dict[str, deque[_Step]] = defaultdict(lambda: deque(maxlen=_MOST))

    @property
    def possible(self) -> bool:
        """Whether trees can be changed here."""
        return self._branches is not None

    # -- steps --------------------------------------------------------------------------------

    def asked_anew(self, conversation: Conversation) -> None:
        """Another version is being asked for; undoing shows again what was shown before."""
        chat, leaf, branches = conversation.id, conversation.leaf_id, self._branches
        if branches is not None and leaf is not None:
            self._note(chat, self.tr("Another version was asked for"), _shown(branches, chat, leaf))

    def choose(self, conversation: Conversation, message_id: str) -> None:
        """Show the newest branch through a message."""
        chat, leaf = conversation.id, conversation.leaf_id

        def work(branches: Branches) -> Conversation:
            now = self._conversations.choose_branch(chat, message_id)
            self._note(chat, self.tr("Another version is shown"), _shown(branches, chat, leaf))
            return now

        self._do(work)

    def remove(self, conversation: Conversation, message_id: str) -> None:
        """Take a message out, with all that answers it."""
        chat = conversation.id

        def work(branches: Branches) -> Conversation:
            removed = branches.remove(chat, message_id)
            count = len(removed.messages)
            words = counted("Branching", "%n message(s) were deleted", count)
            self._note(chat, words, lambda: branches.put_back(removed))
            self._bar.offer(words, lambda: None, lambda: self.undo(chat))
            return self._conversations.conversation(chat)

        self._do(work)

    def rewrite(self, conversation: Conversation, message_id: str, text: str) -> None:
        """Let an answer say something else, as another version of it."""
        chat, leaf = conversation.id, conversation.leaf_id

        def work(branches: Branches) -> Conversation:
            now = branches.rewrite(chat, message_id, text)
            self._note(chat, self.tr("The answer was rewritten"), _shown(branches, chat, leaf))
            return now

        self._do(work)

    def fork(self, conversation: Conversation, message_id: str) -> None:
        """Go on in a chat of its own from a message; this one stays as it is."""
        if self._branches is None:
            return
        title = self.tr("{} (fork)").format(conversation.title)
        try:
            made = self._branches.fork(conversation.id, message_id, title)
        except SnugError as error:
            self.failed.emit(error.message)
            return
        self.forked.emit(made)

    def settings_changed(self, before: Conversation) -> None:
        """Other settings were kept; undoing keeps the earlier ones."""
        chat, settings, service = before.id, before.settings, self._conversations

        def undo() -> Conversation:
            service.save_settings(chat, settings)
            return service.conversation(chat)

        self._note(chat, self.tr("The settings were changed"), undo)

    # -- undoing ------------------------------------------------------------------------------

    def undo(self, conversation_id: str | None) -> None:
        """Take the last step in a chat back; says where there is none."""
        steps = self._steps.get(conversation_id or "")
        self._bar.dismiss()
        if not steps:
            self.failed.emit(self.tr("There is nothing to undo in this chat."))
            return
        step = steps[-1]  # it stays where it fails: the disk may have room later

        def work(_: Branches) -> Conversation:
            now = step.undo()
            steps.remove(step)
            return now

        self._do(work)

    def _note(self, chat: str, words: str, undo: _Undo) -> None:
        self._steps[chat].append(_Step(words, undo))

    def _do(self, work: Callable[[Branches], Conversation]) -> None:
        if self._branches is None:
            return
        try:
            now = work(self._branches)
        except SnugError as error:
            self.failed.emit(error.message)
            return
        self.changed.emit(now)


def _shown(branches: Branches, chat: str, leaf: str | None) -> _Undo:
    return lambda: branches.show(chat, leaf)
