"""Guessing ahead changes the speed of an answer and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.engine.asking import Asking, talk
from tests.listener import Listener

from snug.domain.events import StopReason, TextDelta
from snug.domain.model import KvType, LoadOptions
from snug.domain.prompt import PromptMessage
from snug.domain.sampling import Sampling
from snug.engine.host import EngineHost
from snug.engine.pace import Pace

TEXT = (
    "The red fox ran over the hill. The blue bird sat on the tree. The old man sang a song. "
    "The green frog swam in the pond. The small child read a book. The tall girl ate a pear."
)
QUOTE = talk("Say the poem.", TEXT, "Say the poem again.", TEXT, "Say the poem again.")
FREE = talk("Tell me about the sea.")
LONG = Sampling(temperature=0.0, max_tokens=120)
COUNTING = 'root ::= "{" ("one two three four five six seven eight ")+ "}"'


class Eager(Pace):
    """Guesses always, as many as there are or as it was told, and counts."""

    def __init__(self, most: int = 32) -> None:
        super().__init__()
        self.most = most
        self.right = self.wrong = 0

    def choose(self, available: int, guess_s: float = 0.0) -> int:
        return min(available, self.most)

    def judged(self, right: int, wrong: int) -> None:
        self.right += right
        self.wrong += wrong


@pytest.fixture
def ask(ask: Asking) -> Asking:
    """With a cache in which every step is exact, so that guesses are tried at any length."""
    return replace(ask, load=replace(ask.load, kv_type=KvType.Q8_0))


@pytest.fixture
def eager(ask: Asking) -> Iterator[Eager]:
    ask("Hi", replace(LONG, max_tokens=1))
    lane, pace = ask.session().chat, Eager()
    before, lane.lookup_pace = lane.lookup_pace, pace
    yield pace
    lane.lookup_pace = before


def _check_cache(ask: Asking) -> None:
    """What is known to be cached is what llama.cpp holds."""

    def look(native: object) -> tuple[int, int, int]:
        decoder = ask.session().chat.decoder
        end = decoder._llama.llama_memory_seq_pos_max(decoder._memory, 0)
        return int(end), decoder.cached, len(decoder.known.tokens)

    end, cached, known = ask.host.call(look)
    assert end + 1 == cached
    assert cached <= known <= cached + 1


SAMPLINGS = {
    "greedy": LONG,
    "penalties": Sampling(temperature=0.0, max_tokens=100, repeat_penalty=1.3, repeat_last_n=64),
    "dry": Sampling(temperature=0.0, max_tokens=100, dry_multiplier=0.8),
    "warm": Sampling(temperature=0.8, seed=7, max_tokens=100),
    "warm penalties": Sampling(temperature=0.8, seed=7, max_tokens=100, repeat_penalty=1.2),
    "mirostat 1": Sampling(temperature=0.8, seed=7, max_tokens=60, mirostat=1),
    "mirostat 2": Sampling(temperature=0.8, seed=7, max_tokens=60, mirostat=2),
    "grammar": replace(LONG, grammar=COUNTING),
}


@pytest.mark.parametrize("name", SAMPLINGS)
@pytest.mark.parametrize("question", [QUOTE, FREE], ids=["quoting", "free"])
def test_an_answer_with_guesses_is_the_one_without(
    ask: Asking, eager: Eager, name: str, question: tuple[PromptMessage, ...]
) -> None:
    ask(question, replace(LONG, max_tokens=1))  # both begin with the same cache
    plain = ask(question, SAMPLINGS[name], lookup=False)
    guessed = ask(question, SAMPLINGS[name])
    assert guessed.text == plain.text
    assert guessed.finished.stop_reason is plain.finished.stop_reason
    assert guessed.finished.usage.completion_tokens == plain.finished.usage.completion_tokens
    _check_cache(ask)
    if question is QUOTE and name == "greedy":
        assert eager.right > 20


def test_an_answer_to_a_schema_is_the_same_with_guesses(ask: Asking, eager: Eager) -> None:
    schema = (
        '{"type":"object","properties":{"a":{"type":"array","items":{"type":"string"}}},'
        '"required":["a"]}'
    )
    question = "List the colours red, blue, red, blue, red, blue as JSON."
    plain = ask(question, LONG, schema=schema, lookup=False)
    assert ask(question, LONG, schema=schema).text == plain.text
    _check_cache(ask)


def _next_turn(ask: Asking, first: tuple[PromptMessage, ...], answer: str) -> str:
    return ask((*first, *talk("", answer, "What is 2+2?")[1:]), replace(LONG, max_tokens=12)).text


@pytest.fixture(scope="module")
def fresh_host() -> Iterator[EngineHost]:
    host = EngineHost()
    yield host
    host.close()


def _fresh(ask: Asking, host: EngineHost, first: tuple[PromptMessage, ...], answer: str) -> str:
    """As `_next_turn`, by an engine that has read nothing of it."""
    asking = replace(ask, host=host)
    asking("Clear " * 30, replace(LONG, max_tokens=1))
    return _next_turn(asking, first, answer)


@pytest.mark.parametrize("limit", [30, 31, 33, 40, 47, 53])
def test_a_limit_amid_guesses_ends_the_answer_there(
    ask: Asking, eager: Eager, fresh_host: EngineHost, limit: int
) -> None:
    short = replace(LONG, max_tokens=limit, ignore_eos=True)
    ask(QUOTE, replace(LONG, max_tokens=1))
    plain = ask(QUOTE, short, lookup=False)
    guessed = ask(QUOTE, short)
    assert guessed.text == plain.text
    assert guessed.finished.usage.completion_tokens == limit
    assert guessed.finished.stop_reason is StopReason.LENGTH
    _check_cache(ask)
    if limit == 40:
        again = _next_turn(ask, QUOTE, guessed.text)
        assert again == _fresh(ask, fresh_host, QUOTE, guessed.text)


@pytest.mark.parametrize("stop", ["blue bird", "on the tree. The", "song."])
def test_a_stop_text_amid_guesses_ends_the_answer_there(
    ask: Asking, eager: Eager, fresh_host: EngineHost, stop: str
) -> None:
    ask(QUOTE, replace(LONG, max_tokens=1))
    plain = ask(QUOTE, LONG, stop=(stop,), lookup=False)
    guessed = ask(QUOTE, LONG, stop=(stop,))
    assert stop not in guessed.text
    assert guessed.text == plain.text
    assert guessed.finished.stop_reason is StopReason.END
    _check_cache(ask)
    assert _next_turn(ask, QUOTE, guessed.text) == _fresh(ask, fresh_host, QUOTE, guessed.text)


def test_the_end_of_the_turn_amid_guesses_ends_the_answer(ask: Asking, eager: Eager) -> None:
    # The same exchange is there already, so that the turn's end is guessed with its words.
    answer = ask("Say hello in French.", LONG, lookup=False).text
    turns = talk(*("Say hello in French.", answer) * 3, "Say hello in French.")
    ask(turns, replace(LONG, max_tokens=1))
    plain = ask(turns, LONG, lookup=False)
    guessed = ask(turns, LONG)
    assert guessed.text == plain.text
    assert guessed.finished.stop_reason is plain.finished.stop_reason is StopReason.END
    assert eager.right > 2
    _check_cache(ask)
    following = (*turns, *talk("", guessed.text, "And in German?")[1:])
    assert ask(following, LONG).started.cached_tokens >= guessed.started.prompt_tokens


@pytest.mark.parametrize("pieces", [1, 10, 20, 30, 40])
def test_after_a_stop_amid_guesses_no_more_text_comes(
    ask: Asking, eager: Eager, fresh_host: EngineHost, pieces: int
) -> None:
    stopped = ask.stop_after(QUOTE, pieces)
    assert sum(isinstance(event, TextDelta) for event in stopped.events) == pieces
    assert stopped.finished.stop_reason is StopReason.STOPPED
    _check_cache(ask)
    again = _next_turn(ask, QUOTE, stopped.text)
    assert again == _fresh(ask, fresh_host, QUOTE, stopped.text)


def test_a_stop_while_guesses_are_computed_leaves_the_cache_whole(
    ask: Asking, eager: Eager, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder = ask.session().chat.decoder
    real, calls = decoder.step_ahead, 0

    def stop_amid(token: int, guesses: list[int]) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            decoder._switch.throw()  # llama.cpp gives up in the first node
        real(token, guesses)

    monkeypatch.setattr(decoder, "step_ahead", stop_amid)
    stopped = ask(QUOTE, LONG)
    monkeypatch.undo()
    assert calls == 2
    assert stopped.finished.stop_reason is StopReason.STOPPED
    _check_cache(ask)
    end = ask(QUOTE, LONG)
    assert end.started.cached_tokens == end.started.prompt_tokens - 1
    assert end.text == ask(QUOTE, LONG, lookup=False).text


def _told(listener: Listener) -> list[tuple[bytes, float, tuple[tuple[bytes, float], ...]]]:
    deltas = [event for event in listener.events if isinstance(event, TextDelta)]
    return [(t.spelling, t.logprob, t.top) for delta in deltas for t in delta.logprobs]


def test_log_probabilities_are_of_the_tokens_of_the_text(ask: Asking) -> None:
    for limit in (1, 9, 30):
        answer = ask(QUOTE, replace(LONG, max_tokens=limit), top_logprobs=5, lookup=False)
        told = _told(answer)
        assert b"".join(spelling for spelling, _, _ in told).decode() == answer.text
        assert len(told) == limit
        for spelling, logprob, top in told:
            assert (spelling, logprob) == top[0]  # drawn greedily
            assert [p for _, p in top] == sorted((p for _, p in top), reverse=True)
            assert 0.0 < sum(2.718281828**p for _, p in top) <= 1.0 + 1e-6


def test_log_probabilities_held_back_for_a_stop_text_come_with_the_text(ask: Asking) -> None:
    limit = replace(LONG, max_tokens=10)
    ask(QUOTE, replace(LONG, max_tokens=1))
    plain = ask(QUOTE, limit).text
    answer = ask(QUOTE, limit, top_logprobs=1, stop=(plain[-3:] + "\x01 never",))
    assert answer.text == plain
    assert b"".join(spelling for spelling, _, _ in _told(answer)).decode() == plain


def test_log_probabilities_with_guesses_are_those_without(ask: Asking, eager: Eager) -> None:
    plain = _told(ask(QUOTE, LONG, top_logprobs=2, lookup=False))
    guessed = _told(ask(QUOTE, LONG, top_logprobs=2))
    assert eager.right > 20
    assert [spelling for spelling, _, _ in plain] == [spelling for spelling, _, _ in guessed]
    for (_, one, _), (_, other, _) in zip(plain, guessed, strict=True):
        assert one == pytest.approx(other, abs=0.1)


def test_guesses_end_before_the_context_does(ask: Asking) -> None:
    small = replace(ask, load=LoadOptions(context_length=256))
    small("Hi", replace(LONG, max_tokens=1))
    endless = Sampling(temperature=0.0, max_tokens=400, ignore_eos=True)
    plain = small(QUOTE, endless, lookup=False)
    small.session().chat.lookup_pace = Eager()
    guessed = small(QUOTE, endless)
    assert guessed.text == plain.text
    assert guessed.finished.stop_reason is StopReason.LENGTH
    _check_cache(small)
