"""`snug conversations`: list, show, search, pin, unpin."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from snug.cli.organising import chosen_filter
from snug.cli.output import print_json, print_table, printable, say
from snug.cli.session import Session
from snug.domain.conversation import ConversationSummary, EarlierSummary, Message
from snug.domain.organising import EVERYTHING
from snug.domain.search import plain_snippet

_ALL = 1_000_000
OPERATORS = """\
operators:
  "several words"     as they stand
  -word               what must not be there; also -"several words", -tag:, -model:, -in:, -from:
  model:qwen          answers of a model whose name holds that
  from:me             your own messages; from:model for the answers
  tag:work            chats with that tag
  in:clients          chats in folders with that in their name
  in:title, in:archive, in:trash
  before:2026-03-01   also after: and on:, and 2026-03, 2026, today, yesterday
All of it is asked of each message on its own. Where the first word begins with a minus, write --
before it; quotes that are meant for the search stand inside those of the shell: '"two words"'.
"""


def list_all(session: Session) -> int:
    """Every conversation, the most recently changed first."""
    with session.open() as services:
        where = chosen_filter(services, session.options)
        summaries = services.conversations.summaries(limit=_ALL, where=where)
        folders = services.organiser.folders() if services.organiser is not None else ()
    names = {folder.id: folder.name for folder in folders}
    if session.options.json:
        print_json(
            [
                {
                    "id": s.id,
                    "title": s.title,
                    "updated_at": _time(s.updated_ms),
                    "message_count": s.message_count,
                    "folder": names.get(s.folder_id or ""),
                    "tags": list(s.tags),
                    "pinned": s.pinned,
                    "archived": s.archived,
                    "trashed_at": None if s.trashed_ms is None else _time(s.trashed_ms),
                }
                for s in summaries
            ]
        )
        return 0
    if not summaries:
        say("No conversations here yet." if where != EVERYTHING else "No conversations yet.")
    print_table(
        ("ID", "UPDATED", "MESSAGES", "TITLE"),
        [(s.id, _time(s.updated_ms)[:16], str(s.message_count), _titled(s)) for s in summaries],
    )
    return 0


def _titled(summary: ConversationSummary) -> str:
    marks = [f"#{tag}" for tag in summary.tags]
    if summary.archived:
        marks.append("(archived)")
    return "  ".join([summary.title, *marks])


def show(session: Session) -> int:
    """One conversation; in text the active branch, in JSON every message."""
    with session.open() as services:
        conversation = services.conversations.conversation(session.options.target)
    if session.options.json:
        print_json(
            {
                "id": conversation.id,
                "title": conversation.title,
                "leaf_id": conversation.leaf_id,
                "messages": [_message(m) for m in conversation.messages],
                "summaries": [_summary(s) for s in conversation.summaries],
            }
        )
        return 0
    print(printable(conversation.title))
    for message in conversation.active_path():
        speaker = {"user": "You", "assistant": message.model or "Model"}.get(message.role, "System")
        mark = "" if message.status == "complete" else f" ({message.status})"
        print(f"\n{speaker}{mark}:\n{printable(message.text)}")
        if message.error:
            print(f"[{message.error}]")
    return 0


def search(session: Session) -> int:
    """Messages with all the words."""
    with session.open() as services:
        hits = services.conversations.search(_query(session.options.target), limit=1000)
    if session.options.json:
        print_json(
            [
                {
                    "conversation_id": h.conversation_id,
                    "message_id": h.message_id,
                    "title": h.title,
                    "snippet": plain_snippet(h),
                }
                for h in hits
            ]
        )
        return 0
    if not hits:
        say("Nothing found.")
    print_table(
        ("CONVERSATION", "TITLE", "TEXT"),
        [(h.conversation_id, h.title[:30], plain_snippet(h)) for h in hits],
    )
    return 0


def _query(words: Sequence[str]) -> str:
    """What the shell made several arguments of, as one query again."""
    return " ".join(words)


def pin(session: Session) -> int:
    """Keep a conversation at the top; or a message from being left out of a long one."""
    return _set_pinned(session, True)


def unpin(session: Session) -> int:
    """Let go of a conversation or a message."""
    return _set_pinned(session, False)


def _set_pinned(session: Session, pinned: bool) -> int:
    options = session.options
    with session.open() as services:
        if options.message is not None:
            services.conversations.pin(options.target, options.message, pinned)
        elif services.organiser is not None:
            services.organiser.pin([options.target], pinned)
    if options.json:
        print_json({"id": options.message or options.target, "pinned": pinned})
    else:
        print("Pinned." if pinned else "No longer pinned.")
    return 0


def _summary(summary: EarlierSummary) -> dict[str, object]:
    return {
        "message_id": summary.message_id,
        "text": summary.text,
        "model": summary.model,
        "created_at": _time(summary.created_ms),
    }


def _message(message: Message) -> dict[str, object]:
    return {
        "id": message.id,
        "parent_id": message.parent_id,
        "role": message.role,
        "text": message.text,
        "reasoning": message.reasoning,
        "status": message.status,
        "model": message.model,
        "created_at": _time(message.created_ms),
        "error": message.error,
        "pinned": message.pinned,
    }


def _time(ms: int) -> str:
    moment = datetime.datetime.fromtimestamp(ms / 1000, tz=datetime.UTC)
    return moment.isoformat(timespec="seconds")
