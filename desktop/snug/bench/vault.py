"""The vault: how fast chats come in, are found, listed and opened, and what encrypting costs.

The same work on a database that is not encrypted gives the ratio. Texts are drawn from a made-up
language whose words are as unevenly spread as those of a real one.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from snug.domain.conversation import Conversation, Message, Part, PartKind, Role, Status, new_id
from snug.domain.importing import ImportedConversation, derived_id
from snug.domain.organising import ListFilter
from snug.vault.conversations import Conversations
from snug.vault.database import FILE_NAME, Database
from snug.vault.migrations import migrate
from snug.vault.vault import Vault
from snug.vault.writer import Writer

MESSAGES: Final = "SNUG_BENCH_MESSAGES"  # how many in the environment; 1,000,000 for the bars
_USUAL: Final = 40_000
_COMPARED: Final = 20_000  # written to the database that is not encrypted, and to one that is
_EACH: Final = 10  # messages in a conversation
_AT_ONCE: Final = 100  # conversations in a transaction
_DAY_MS: Final = 86_400_000
_BEGAN_MS: Final = 1_577_836_800_000  # 2020
_BATCHES: Final = 400
_COMMON: Final = (
    "the of and to in a is that for it as was with be by on not he his but at are this have from "
    "or had an they which you one we all her she there would their when who will more no if"
)


def run_vault(folder: Path) -> dict[str, object]:
    """Figures of the vault; p95 in milliseconds, rates a second, sizes as parts of the raw text."""
    count = int(os.environ.get(MESSAGES, _USUAL))
    language = _Language()
    vault = Vault.open(folder / "vault", folder / "keys", keyring_allowed=False)
    try:
        raw, rate = _fill(vault.conversations, language, count)
        figures: dict[str, object] = {
            "vault_messages": count,
            "vault_import_per_s": round(rate),
            **_finding(vault.conversations, language),
            **_reading(vault.conversations),
            "vault_journal_p95_ms": _p95(_journal(vault.conversations)),
        }
    finally:
        vault.close()
    size = (folder / "vault" / FILE_NAME).stat().st_size
    figures["vault_size_ratio"] = round(size / raw, 2)
    figures["vault_cipher_ratio"] = round(_cipher_ratio(folder, language), 2)
    return figures


class _Language:
    """Makes texts; the same ones on every run."""

    def __init__(self) -> None:
        self._random = random.Random(20)  # noqa: S311 - texts, no secrets
        self.words = [*_COMMON.split(), *self._made_up(30_000)]
        weights = [1 / (rank + 2.7) for rank in range(1, len(self.words) + 1)]
        drawn = self._random.choices(self.words, weights, k=300_000)
        self._sentences = [" ".join(drawn[at : at + 10]) for at in range(0, len(drawn), 10)]

    def _made_up(self, count: int) -> list[str]:
        made: dict[str, None] = {}
        while len(made) < count:
            syllables = self._random.choice((1, 2, 2, 3, 3, 4))
            made["".join(self._syllable() for _ in range(syllables))] = None
        return list(made)

    def _syllable(self) -> str:
        pick = self._random.choice
        return pick("bcdfghjklmnprstvw") + pick("aeiou") + pick(("", "", "n", "r", "s", "l"))

    def text(self) -> str:
        """Some sixty words."""
        sentences = max(1, round(self._random.lognormvariate(1.5, 0.7)))
        return ". ".join(self._random.choices(self._sentences, k=sentences)) + "."

    def tree(self, number: int, of: int) -> ImportedConversation:
        """A conversation of ten messages; they are spread over six years."""
        time_ms = _BEGAN_MS + int(6 * 365 * _DAY_MS * number / of)
        chat = derived_id(time_ms, "bench", str(number))
        messages: list[Message] = []
        for place in range(_EACH):
            mine = place % 2 == 0
            message = Message(
                id=derived_id(time_ms + place, "bench", chat, str(place)),
                conversation_id=chat,
                parent_id=messages[-1].id if messages else None,
                role=Role.USER if mine else Role.ASSISTANT,
                parts=(Part(PartKind.TEXT, self.text()),),
                model="" if mine else f"made-up/Model-{number % 12}B-GGUF:Q4_K_M",
                created_ms=time_ms + place,
            )
            messages.append(message)
        title = " ".join(self._random.choices(self.words[:3_000], k=5))
        kept = Conversation(chat, title, time_ms, time_ms, tuple(messages), messages[-1].id)
        tags = ("often",) if number % 20 == 0 else ("seldom",) if number % 5_000 == 1 else ()
        return ImportedConversation(kept, tags=tags)


def _fill(store: Conversations, language: _Language, count: int) -> tuple[int, float]:
    """Bytes of raw text that went in, and messages a second while SQLite was at work."""
    raw, spent = 0, 0.0
    for trees in _portions(language, count):
        raw += sum(len(m.text.encode()) for tree in trees for m in tree.conversation.messages)
        spent += _seconds(lambda trees=trees: store.import_trees(trees))  # type: ignore[misc]
    return raw, count / spent


def _portions(language: _Language, count: int) -> Iterator[list[ImportedConversation]]:
    chats = max(1, count // _EACH)
    for first in range(0, chats, _AT_ONCE):
        last = min(chats, first + _AT_ONCE)
        yield [language.tree(number, chats) for number in range(first, last)]


def _finding(store: Conversations, language: _Language) -> dict[str, object]:
    """The most common words, and a mix of what people type, letter by letter too."""
    chance = random.Random(21)  # noqa: S311 - words, no secrets
    common = ["the", "the of", '"of the"', "t", "th", "from:me the", "the -of"]
    mixed = [
        "model:model-3 the",
        "tag:often the",
        "tag:seldom the",
        "before:2020-03-10 the",
        "after:2025 and",
        "on:2023-05 -the",
        "in:title the",
    ]
    for _ in range(60):
        word, other = chance.choice(language.words), chance.choice(language.words[:2_000])
        mixed += [word, word[: chance.randint(1, len(word))], f"{other} {word[:3]}", f"{word} the"]
    return {
        "vault_search_common_p95_ms": _p95(_times(store, common * 10)),
        "vault_search_p95_ms": _p95(_times(store, mixed)),
    }


def _times(store: Conversations, asked: Sequence[str]) -> list[float]:
    return [_seconds(lambda text=text: store.search(text)) for text in asked]  # type: ignore[misc]


def _reading(store: Conversations) -> dict[str, object]:
    lists = [_seconds(lambda: store.summaries(200)) for _ in range(50)]
    tagged = ListFilter(tag="often")
    lists += [_seconds(lambda: store.summaries(200, where=tagged)) for _ in range(20)]
    some = store.summaries(2_000)[::20]
    opened = [_seconds(lambda one=one: store.conversation(one.id)) for one in some]  # type: ignore[misc]
    return {"vault_list_p95_ms": _p95(lists), "vault_open_p95_ms": _p95(opened)}


def _journal(store: Conversations) -> list[float]:
    """As an answer grows: batches of a few tokens."""
    chat = Conversation(new_id(), "bench", 0, 0)
    store.create(chat)
    answer = Message(new_id(), chat.id, None, Role.ASSISTANT, (), Status.INTERRUPTED, "made-up")
    store.add_message(answer, durable=False)
    parts = (Part(PartKind.TEXT, " some tokens of an answer"),)
    return [_seconds(lambda: store.append_journal(answer.id, parts)) for _ in range(_BATCHES)]


def _cipher_ratio(folder: Path, language: _Language) -> float:
    """Time without encryption ÷ time with it, the same rows written and read in turns."""
    portions = list(_portions(language, _COMPARED))
    vault = Vault.open(folder / "compared", folder / "keys", keyring_allowed=False)
    plain = _Bare(folder / "bare")
    took: dict[str, list[float]] = {"bare": [], "vault": []}
    try:
        for portion in portions:
            for name, store in (("bare", plain.store), ("vault", vault.conversations)):
                work = lambda store=store, portion=portion: _work(store, portion)  # noqa: E731
                took[name].append(_seconds(work))
    finally:
        plain.close()
        vault.close()
        shutil.rmtree(folder / "bare")
    ratios = [bare / ours for bare, ours in zip(took["bare"], took["vault"], strict=True)]
    return statistics.median(ratios)


def _work(store: Conversations, portion: list[ImportedConversation]) -> None:
    store.import_trees(portion)
    store.search("the")
    store.summaries(200)
    for tree in portion[::10]:
        store.conversation(tree.conversation.id)


class _Bare:
    """The same database in a file of made-up texts that is not encrypted."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        path = folder / FILE_NAME
        self._database = Database(path, str(path), None, None)
        self._writer = Writer()
        self._writer.run(lambda: self._prepare(path))
        self.store = Conversations(self._database, self._writer)

    def _prepare(self, path: Path) -> None:
        with self._database.writing() as connection:
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode=WAL")
            migrate(connection, path, back_up=None)
            connection.execute("BEGIN")

    def close(self) -> None:
        self._writer.close()
        self._database.close()


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _p95(seconds: list[float]) -> float:
    return round(1000 * sorted(seconds)[int(len(seconds) * 0.95)], 2)
