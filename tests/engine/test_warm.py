"""Conversations in turn: coming back reads nothing again, here and after a new start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.engine.asking import GREEDY, Asking, talk
from tests.engine.tiny_models import make_lora
from tests.listener import Listener

from snug.engine.host import EngineHost
from snug.engine.kv_state import KvState
from snug.engine.warm import WarmStates
from snug.models.adapters import open_adapter

SHORT = replace(GREEDY, max_tokens=8)
A = "About animals: " + "the dog, the cat, the horse and the cow live on a farm. " * 14
B = "About weather: " + "rain, wind, snow and sun come and go with the seasons. " * 14
WIDTH = 576  # of the starter


class Shelf:
    """A keeper in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes] = {}

    def save(
        self, conversation: str, fingerprint: str, data: bytes | bytearray | memoryview
    ) -> None:
        self.kept[conversation, fingerprint] = bytes(data)

    def load(self, conversation: str, fingerprint: str) -> bytes | bytearray | None:
        return self.kept.get((conversation, fingerprint))

    def drop(self, conversation: str) -> None:
        self.kept = {key: data for key, data in self.kept.items() if key[0] != conversation}

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.kept]


@pytest.fixture(autouse=True)
def short_states(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred tokens are worth keeping, so that the tests need not read more."""
    monkeypatch.setattr("snug.engine.warm.SHORTEST_KEPT", 96)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture(scope="module")
def plain_answers(host: EngineHost) -> dict[str, str]:
    """Answers by an engine that remembers nothing, as they are found."""
    return {}


def _turns(first: Listener, text: str, more: str) -> tuple[object, ...]:
    return talk(text, first.text, more)


def _reads_almost_nothing(answer: Listener) -> bool:
    return answer.started.prompt_tokens - answer.started.cached_tokens <= 24


@pytest.fixture
def forgetful(starter: object, ask: Asking) -> Iterator[Asking]:
    host = EngineHost(warm_bytes=0)
    yield replace(ask, host=host)
    host.close()


def _again(starter_asking: Asking, shelf: Shelf | None, warm_bytes: int | None = None) -> Asking:
    return replace(starter_asking, host=EngineHost(keeper=shelf, warm_bytes=warm_bytes))


def test_coming_back_to_a_conversation_reads_only_what_is_new(ask: Asking) -> None:
    first = ask(A, SHORT, conversation="a")
    other = ask(B, SHORT, conversation="b")
    assert other.started.cached_tokens < 40
    back = ask(talk(A, first.text, "And sheep?"), SHORT, conversation="a")
    assert _reads_almost_nothing(back)
    ask("Clear " * 40, SHORT)
    fresh = ask(talk(A, first.text, "And sheep?"), SHORT)
    assert back.text == fresh.text
    again = ask(talk(B, other.text, "And fog?"), SHORT, conversation="b")
    assert _reads_almost_nothing(again)


def test_a_fork_begins_with_what_it_shares(ask: Asking) -> None:
    first = ask(A, SHORT, conversation="root")
    ask(B, SHORT, conversation="elsewhere")
    fork = ask(talk(A, first.text, "And goats?"), SHORT, conversation="fork")
    assert _reads_almost_nothing(fork)
    back = ask(talk(A, first.text, "And hens?"), SHORT, conversation="root")
    assert _reads_almost_nothing(back)


def test_what_exceeds_the_budget_goes_to_the_keeper_oldest_first(ask: Asking, shelf: Shelf) -> None:
    one = _again(ask, None)
    one(A, SHORT, conversation="a")
    one("Hi", SHORT, conversation="x")
    size = one.session().chat.warm.size_bytes
    one.host.close()
    assert size > 1_000_000
    asking = _again(ask, shelf, int(2.5 * size))
    for name in "abcd":
        asking(name + A, SHORT, conversation=name, keep=True)
    assert shelf.names == ["a"]  # three were put away, two fit; d is in the cache itself
    asking(B, SHORT, conversation="e", keep=True)
    assert shelf.names == ["a", "b"]
    assert asking.session().chat.warm.size_bytes <= int(2.5 * size)
    asking.host.close()
    assert sorted(shelf.names) == ["a", "b", "c", "d", "e"]


def test_a_conversation_is_found_again_after_a_new_start(ask: Asking, shelf: Shelf) -> None:
    before = _again(ask, shelf)
    first = before(A, SHORT, conversation="a", keep=True)
    before.host.close()
    assert shelf.names == ["a"]
    after = _again(ask, shelf)
    turns = talk(A, first.text, "And sheep?")
    warm = after(turns, SHORT, conversation="a", keep=True)
    assert _reads_almost_nothing(warm)
    after.host.close()
    ask("Clear " * 40, SHORT)
    assert warm.text == ask(turns, SHORT).text


def test_what_may_not_be_kept_is_not_given_away(ask: Asking, shelf: Shelf) -> None:
    asking = _again(ask, shelf, 0)
    asking(A, SHORT, conversation="a")
    asking(B, SHORT, conversation="b")
    asking(B, SHORT)  # of no conversation
    asking.host.close()
    assert shelf.kept == {}


def test_a_forgotten_conversation_is_not_kept(ask: Asking, shelf: Shelf) -> None:
    asking = _again(ask, shelf)
    asking(A, SHORT, conversation="a", keep=True)
    asking.host.call(lambda _native: asking.session().chat.forget("a"))
    asking(B, SHORT, conversation="b", keep=True)
    asking.host.call(lambda _native: asking.session().chat.forget("b"))
    asking.host.close()
    assert shelf.kept == {}


def _damages(data: bytes) -> dict[str, bytes]:
    """Of what Snug itself lays out; llama.cpp's own part is sealed by the keeper, and it trusts it:
    a state that was cut inside corrupts its memory."""
    start = 16
    return {
        "nothing": b"",
        "noise": bytes(range(256)) * 40,
        "head only": data[:16],
        "endless": data[:8] + b"\xff" * 8 + data[16:],
        "no tokens": data[:8] + bytes(8) + data[16:],
        "unknown tokens": data[:start] + b"\xff\xff\xff\x7f" * 40 + data[start + 160 :],
        "negative tokens": data[:start] + b"\xff" * 40 + data[start + 40 :],
    }


def test_a_damaged_state_is_ignored(ask: Asking, shelf: Shelf) -> None:
    before = _again(ask, shelf)
    good = before(A, SHORT, conversation="a", keep=True)
    before.host.close()
    ((key, data),) = shelf.kept.items()
    after = _again(ask, shelf)
    after("Hi", replace(SHORT, max_tokens=1))
    decoder = after.session().chat.decoder
    for name, bad in _damages(data).items():
        state = KvState.parse(bad)
        taken = state is not None and after.host.call(lambda _, s=state: decoder.restore(s))
        assert not taken, name
        assert state is None or decoder.cached == 0
    shelf.kept = {key: _damages(data)["unknown tokens"]}
    answer = after(A, SHORT, conversation="a")
    assert answer.started.cached_tokens < 40
    assert answer.text == good.text
    after.host.close()


def test_a_copy_that_memory_has_no_room_for_is_not_made(
    ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(A, SHORT, conversation="a")
    decoder = ask.session().chat.decoder
    assert ask.host.call(lambda _native: decoder.save()) is not None
    monkeypatch.setattr("snug.engine.decoder.available_bytes", lambda: 2_000_000)
    assert ask.host.call(lambda _native: decoder.save()) is None


def test_a_state_of_another_layout_is_not_used(ask: Asking, shelf: Shelf) -> None:
    before = _again(ask, shelf)
    before(A, SHORT, conversation="a", keep=True)
    before.host.close()
    other = replace(ask.model, sha256="0" * 64)
    after = replace(_again(ask, shelf), model=other)
    assert after(A, SHORT, conversation="a").started.cached_tokens == 0
    after.host.close()


def test_adapters_never_share_what_they_computed(ask: Asking, tmp_path: Path) -> None:
    adapter = open_adapter(
        make_lora(tmp_path / "a.gguf", WIDTH, strength=1.0), Path(ask.model.path)
    )
    more = replace(SHORT, max_tokens=16)
    bare = ask(A, more, conversation="a")
    with_it = ask(A, more, conversation="a", adapters=(adapter,))
    assert with_it.started.cached_tokens == 0
    assert with_it.text != bare.text
    ask(B, more, conversation="b")
    for name in ("a", "c", ""):
        again = ask(A, more, conversation=name, adapters=(adapter,))
        assert again.text == with_it.text
        plain = ask(A, more, conversation=name)
        assert plain.text == bare.text
    aside = ask(A, more, adapters=(adapter,), parallel=True)
    assert aside.text == with_it.text
    assert ask(A, more, parallel=True).text == bare.text


def _state(first: int, count: int, size: int = 1000) -> KvState:
    return KvState.room_for(range(first, first + count), size)


def test_the_longest_common_beginning_is_taken(shelf: Shelf) -> None:
    warm = WarmStates(shelf, "f", 10**9)
    warm.put("short", KvState.room_for([*range(100), *[0] * 300], 10), keep=False)
    warm.put("long", KvState.room_for([*range(250), *[0] * 150], 10), keep=False)
    warm.put("adapted", KvState.room_for(range(400), 10), "lora", keep=False)
    found = warm.take("new", list(range(400)), 64)
    assert found is not None
    assert list(found.tokens[:250]) == list(range(250))
    assert warm.take("new", list(range(400)), 251) is None
    adapted = warm.take("new", list(range(400)), 64, "lora")
    assert adapted is not None
    assert len(adapted.tokens) == 400


def test_a_state_larger_than_the_budget_goes_straight_to_the_keeper(shelf: Shelf) -> None:
    warm = WarmStates(shelf, "f", 2000)
    warm.put("a", _state(0, 300, 5000), keep=True)
    assert (warm.size_bytes, shelf.names) == (0, ["a"])
    mine = warm.take("a", list(range(300)), 64)
    assert mine is not None
    assert list(mine.tokens) == list(range(300))


def test_what_is_used_stays_and_what_is_not_goes() -> None:
    shelf = Shelf()
    warm = WarmStates(shelf, "f", 5500)
    for name in "ab":
        warm.put(name, _state(0, 300), keep=True)
    used = warm.take("a", list(range(300)), 64)
    assert used is not None
    warm.put("a", used, keep=True)
    warm.put("c", _state(0, 300), keep=True)
    assert shelf.names == ["b"]


def test_the_keeper_gets_nothing_that_is_read_again_as_fast(shelf: Shelf) -> None:
    warm = WarmStates(shelf, "f", 0)
    warm.put("a", _state(0, 95), keep=True)
    assert shelf.names == []
    warm.put("a", _state(0, 96), keep=True)
    assert shelf.names == ["a"]
