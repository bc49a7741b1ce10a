"""Random work on a vault, and what of it may be there after a crash.

Every change is one transaction, so what a crash leaves is what was shown after one of them: not
before the last that was acknowledged as durable, not after the one that was under way.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from tests.vault.helpers import text

from snug.domain.conversation import Conversation, Message, Part, PartKind, Role, Status, new_id
from snug.domain.importing import ImportedConversation
from snug.vault.checking import check_all
from snug.vault.conversations import Conversations
from snug.vault.database import Database
from snug.vault.organising import Organising
from snug.vault.query import fetch

_SETTING = "crash"


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation as it shows: messages as (id, role, text)."""

    trashed: bool = False
    messages: tuple[tuple[str, Role, str], ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """All that a vault shows."""

    chats: Mapping[str, Chat] = field(default_factory=dict)
    setting: str = ""

    def with_chat(self, chat_id: str, chat: Chat | None) -> State:
        chats = {key: value for key, value in self.chats.items() if key != chat_id}
        return replace(self, chats=chats if chat is None else {**chats, chat_id: chat})


class Work:
    """Random changes, one after the other, from the state in which a vault is found.

    Attributes:
        possible: the states that a crash may leave now.
        history: all states that there were.
        under_way: the states before and after the change that is being made.
    """

    def __init__(
        self, state: State, dice: random.Random, name: str, *, durable: bool = True
    ) -> None:
        """Begin.

        Args:
            name: begins the first word of each text, which no other text has.
            durable: False leaves the person's messages unsynced, and still counts on them: wrong.
        """
        self.possible = [state]
        self.history = [state]
        self.under_way = [state]
        self._dice = dice
        self._name = name
        self._durable = durable
        self._count = 0
        self._running: Message | None = None

    def begin(self, database: Database, store: Conversations, organising: Organising) -> None:
        """Go on with a vault that was opened (again)."""
        self._database = database
        self._store = store
        self._organising = organising
        self._running = None

    def step(self) -> None:
        """Make one change. Raises what the store raises."""
        steps: list[tuple[int, Callable[[], None]]] = [
            (6, self._ask),
            (12, self._stream),
            (3, self._finish),
            (2, self._import),
            (2, self._trash),
            (1, self._delete),
            (2, self._set),
            (1, self._shrink),
            (1, self._sync),
            (3, self._look),
        ]
        weights, actions = zip(*steps, strict=True)
        self._dice.choices(actions, weights)[0]()

    @property
    def state(self) -> State:
        return self.possible[-1]

    def _do(self, after: State, change: Callable[[], object], *, durable: bool = False) -> None:
        self.under_way = [self.state, after]
        self.possible.append(after)
        self.history.append(after)
        change()
        self.under_way = [after]
        if durable:
            self.all_is_safe()

    def all_is_safe(self) -> None:
        """From here on a crash leaves nothing older."""
        self.possible = [self.state]

    def go_on_from(self, found: State) -> None:
        """A change has failed, and this is what the open vault shows."""
        assert found in self.under_way
        if found != self.state:
            # What failed may still turn up where all that comes after it is lost.
            self.possible.append(found)
        self.under_way = [found]
        self._running = None

    def _words(self) -> str:
        self._count += 1
        length = self._dice.choice((3, 40, 1500))
        return f"{self._name}x{self._count}z " + "ä " * length

    def _chat(self) -> str | None:
        open_ones = [key for key, chat in self.state.chats.items() if not chat.trashed]
        return self._dice.choice(open_ones) if open_ones else None

    def _add(self, chat_id: str, message: Message) -> State:
        chat = self.state.chats[chat_id]
        entry = (message.id, message.role, message.text)
        return self.state.with_chat(chat_id, replace(chat, messages=(*chat.messages, entry)))

    def _ask(self) -> None:
        chat_id = self._chat()
        if chat_id is None or self._dice.random() < 0.4:
            new = Conversation(new_id(), "a title", 0, 0)
            chat_id = new.id
            self._do(self.state.with_chat(new.id, Chat()), lambda: self._store.create(new))
        question = Message(new_id(), chat_id, None, Role.USER, text(self._words()))
        self._do(
            self._add(chat_id, question),
            lambda: self._store.add_message(question, durable=self._durable),
            durable=True,
        )
        answer = Message(
            new_id(), chat_id, question.id, Role.ASSISTANT, (), Status.INTERRUPTED, "model"
        )
        self._do(self._add(chat_id, answer), lambda: self._store.add_message(answer, durable=False))
        self._running = answer

    def _with_text(self, answer: Message, words: str) -> State:
        chat = self.state.chats[answer.conversation_id]
        messages = tuple(
            (key, role, words if key == answer.id else old) for key, role, old in chat.messages
        )
        return self.state.with_chat(answer.conversation_id, replace(chat, messages=messages))

    def _stream(self) -> None:
        if (answer := self._running) is None:
            return
        piece = (Part(PartKind.TEXT, f"piece {self._dice.random()} "),)
        self._running = replace(answer, parts=(Part(PartKind.TEXT, answer.text + piece[0].text),))
        self._do(
            self._with_text(answer, self._running.text),
            lambda: self._store.append_journal(answer.id, piece),
        )

    def _finish(self) -> None:
        if (answer := self._running) is None:
            return
        self._running = None
        self._do(
            self.state, lambda: self._store.finish_message(replace(answer, status=Status.COMPLETE))
        )

    def _import(self) -> None:
        trees = []
        state = self.state
        for _ in range(self._dice.randrange(1, 4)):
            chat_id = new_id()
            messages = tuple(
                Message(new_id(), chat_id, None, Role.USER, text(self._words()))
                for _ in range(self._dice.randrange(1, 5))
            )
            trees.append(ImportedConversation(Conversation(chat_id, "imported", 1, 2, messages)))
            entries = tuple((one.id, one.role, one.text) for one in messages)
            state = state.with_chat(chat_id, Chat(False, entries))
        self._do(state, lambda: self._store.import_trees(trees), durable=True)

    def _trash(self) -> None:
        if (chat_id := self._chat()) is not None:
            self._leave(chat_id)
            chat = replace(self.state.chats[chat_id], trashed=True)
            self._do(
                self.state.with_chat(chat_id, chat),
                lambda: self._organising.trash([chat_id]),
                durable=True,
            )

    def _delete(self) -> None:
        if (chat_id := self._chat()) is not None:
            self._leave(chat_id)
            self._do(
                self.state.with_chat(chat_id, None),
                lambda: self._store.delete(chat_id),
                durable=True,
            )

    def _leave(self, chat_id: str) -> None:
        if self._running is not None and self._running.conversation_id == chat_id:
            self._running = None

    def _set(self) -> None:
        value = self._words()
        self._do(
            replace(self.state, setting=value), lambda: self._store.set_setting(_SETTING, value)
        )

    def _shrink(self) -> None:
        self._store.writer.run(self._database.shrink)

    def _look(self) -> None:
        if (chat_id := self._chat()) is not None:
            messages = self._store.conversation(chat_id).messages
            seen = tuple((one.id, one.role, one.text) for one in messages)
            assert seen == self.state.chats[chat_id].messages

    def _sync(self) -> None:
        self._store.writer.run(self._database.sync)
        self.all_is_safe()


def shown(
    database: Database, store: Conversations, *, check: bool = True, find: bool = True
) -> State:
    """What a vault shows.

    Args:
        check: make sure that all of it is sound.
        find: make sure that the search finds it.
    """
    with database.reading() as connection:
        if check:
            assert check_all(connection, database.path).problems == ()
        found = fetch(connection, "SELECT id, trashed_ms IS NOT NULL FROM conversations")
    chats = {}
    for chat_id, trashed in found:
        messages = store.conversation(chat_id).messages
        chats[chat_id] = Chat(bool(trashed), tuple((m.id, m.role, m.text) for m in messages))
        for message in messages:
            if find and message.role is Role.USER and not trashed:
                hits = store.search(message.text.split()[0])
                assert [hit.message_id for hit in hits] == [message.id]
    return State(chats, store.setting(_SETTING) or "")
