"""What is done to the tree of a conversation besides asking: forking, removing, rewriting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from snug.domain.conversation import (
    Conversation,
    Message,
    Part,
    PartKind,
    Role,
    Status,
    new_id,
    now_ms,
    path_to,
)
from snug.domain.errors import UserError
from snug.domain.importing import ImportedConversation
from snug.services.importing import Trees
from snug.services.protocols import ConversationStore


class Forgetful(Protocol):
    """What keeps something of conversations in memory."""

    def forget(self, conversation_id: str) -> None:
        """Keep nothing of it."""


@dataclass(frozen=True, slots=True)
class Removed:
    """A branch that was taken out.

    Attributes:
        messages: parents before children.
        leaf_id: what was shown before.
    """

    conversation_id: str
    messages: tuple[Message, ...]
    leaf_id: str | None


class Branches:
    """Changes trees of conversations that are not answering. Any thread.

    Raises (all methods): `NotFoundError`, and as the vault does; nothing was changed then.
    """

    def __init__(
        self,
        store: ConversationStore,
        trees: Trees,
        engine: Forgetful,
        is_temporary: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._store = store
        self._trees = trees
        self._engine = engine
        self._is_temporary = is_temporary

    def show(self, conversation_id: str, leaf_id: str | None) -> Conversation:
        """Make the branch that ends in a message the active one; None shows no message."""
        self._store.set_leaf(conversation_id, leaf_id)
        return self._store.conversation(conversation_id)

    def fork(self, conversation_id: str, message_id: str, title: str) -> str:
        """A new conversation with everything up to a message; stored in one step.

        Returns:
            Its id.

        Raises:
            UserError: the conversation is a temporary one.
        """
        if self._is_temporary(conversation_id):
            raise UserError("A temporary chat is not forked: nothing of it is to be kept.")
        whole = self._store.conversation(conversation_id)
        whole.message(message_id)
        chat = new_id()
        messages: list[Message] = []
        for message in path_to(whole.messages, message_id):
            parent = messages[-1].id if messages else None
            own = replace(message, id=new_id(), conversation_id=chat, parent_id=parent)
            messages.append(own)
        forked = replace(
            whole,
            id=chat,
            title=title,
            created_ms=now_ms(),
            updated_ms=now_ms(),
            messages=tuple(messages),
            leaf_id=messages[-1].id,
            draft="",
            summaries=(),
        )
        self._trees.import_trees([ImportedConversation(forked)])
        return chat

    def remove(self, conversation_id: str, message_id: str) -> Removed:
        """Take a message out, with all that answers it. The nearest branch is shown instead."""
        whole = self._store.conversation(conversation_id)
        whole.message(message_id)
        gone = whole.below(message_id)
        leaf = whole.leaf_without(message_id)
        self._store.remove_branch(conversation_id, message_id, leaf)
        self._engine.forget(conversation_id)
        return Removed(conversation_id, gone, whole.leaf_id)

    def put_back(self, removed: Removed) -> Conversation:
        """Undo `remove`."""
        self._store.add_back(removed.conversation_id, removed.messages, removed.leaf_id)
        return self._store.conversation(removed.conversation_id)

    def rewrite(self, conversation_id: str, message_id: str, text: str) -> Conversation:
        """Let an answer say something else: another version of it, which is shown.

        It carries no model's name: the person wrote it.

        Raises:
            UserError: the text is blank, or the message is no answer.
        """
        if not text.strip():
            raise UserError("An answer needs at least one letter; delete it instead.")
        message = self._store.conversation(conversation_id).message(message_id)
        if message.role is not Role.ASSISTANT:
            raise UserError("Only an answer is rewritten; your own message is asked again.")
        version = Message(
            id=new_id(),
            conversation_id=conversation_id,
            parent_id=message.parent_id,
            role=Role.ASSISTANT,
            parts=(Part(PartKind.TEXT, text),),
            status=Status.COMPLETE,
            created_ms=now_ms(),
        )
        self._store.add_message(version, durable=True)
        return self._store.conversation(conversation_id)
