"""A context that is full: old messages are cut out of the cache, and the rest is not read again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.engine.asking import Asking, talk
from tests.engine.random_models import Shape, write_random_model

from snug.domain.events import Failed, Finished, Shifted, StopReason
from snug.domain.model import LoadOptions
from snug.domain.prompt import Overflow
from snug.domain.sampling import Sampling
from snug.engine.chat_lane import find_gap

SMALL = LoadOptions(context_length=256)
SHORT = Sampling(temperature=0.0, max_tokens=8)
ENDLESS = Sampling(temperature=0.0, max_tokens=300, ignore_eos=True)


@pytest.fixture
def small(ask: Asking) -> Asking:
    return replace(ask, load=SMALL)


def _long_talk(count: int) -> list[str]:
    texts = []
    for n in range(count):
        texts += [f"Question {n}: what is the colour of thing number {n}?", f"It is colour {n}."]
    return texts


def _check_cache(asking: Asking) -> int:
    def look(_native: object) -> tuple[int, int]:
        decoder = asking.session().chat.decoder
        end = decoder._llama.llama_memory_seq_pos_max(decoder._memory, 0)
        return int(end) + 1, decoder.cached

    end, cached = asking.host.call(look)
    assert end == cached
    return cached


@pytest.mark.parametrize("conversation", ["c", ""])
def test_between_turns_old_messages_are_cut_out_of_the_cache(
    small: Asking, conversation: str
) -> None:
    """Also where no conversation is named: the messages tell that it goes on."""
    texts: list[str] = []
    dropped = [0]
    for number in range(12):
        texts.append(f"Question {number}: what is the colour of thing number {number}?")
        answer = small(talk(*texts, system="Be brief."), SHORT, conversation=conversation)
        read = answer.started.prompt_tokens - answer.started.cached_tokens
        assert read <= (60 if number else 100)
        assert _check_cache(small) <= 256
        dropped.append(answer.started.dropped)
        texts.append(answer.text)
    assert dropped == sorted(dropped)
    assert len(set(dropped)) > 2


def test_nothing_of_a_stranger_s_conversation_is_moved_up(small: Asking) -> None:
    texts = _long_talk(13)
    small(talk(*texts[:11]), SHORT)
    other = small(talk("My word is plum.", "Yes.", *texts, "And now?"), SHORT)
    assert other.started.dropped > 0
    first = small.tokens("<|im_start|>system")
    assert other.started.cached_tokens <= len(first) + 40  # the template's own beginning


def test_what_is_left_after_a_cut_is_the_prompt(small: Asking) -> None:
    texts = _long_talk(7)
    small(talk(*texts[:11]), SHORT, conversation="p")
    after = small(talk(*texts, "And now?"), SHORT, conversation="p")
    assert after.started.dropped > 0
    assert after.started.cached_tokens > 0

    def spelled(_native: object) -> tuple[bytes, bytes]:
        session = small.session()
        known = session.chat.decoder.known
        prompt = session.builder.build(small.request(talk(*texts, "And now?")), type(known)())
        held = b"".join(known.pieces)
        return held, prompt.text.encode()

    held, text = small.host.call(spelled)
    assert held.startswith(text)


def test_amid_an_answer_it_goes_on_beyond_the_context(small: Asking) -> None:
    texts = _long_talk(4)
    answer = small(talk(*texts, "Tell me a long story."), ENDLESS, conversation="s", lookup=False)
    shifts = [event for event in answer.events if isinstance(event, Shifted)]
    usage = answer.finished.usage
    assert len(shifts) >= 1
    assert [s.dropped for s in shifts] == sorted({s.dropped for s in shifts})
    assert usage.prompt_tokens + usage.completion_tokens > 256
    assert answer.finished.stop_reason is StopReason.LENGTH
    assert _check_cache(small) <= 256
    following = small("What is 2+2?", replace(SHORT, max_tokens=12), conversation="t")
    small("Clear " * 30, SHORT)
    assert following.text == small("What is 2+2?", replace(SHORT, max_tokens=12)).text


def test_with_guesses_it_goes_on_as_well(small: Asking) -> None:
    answer = small(talk(*_long_talk(4), "Tell me a long story."), ENDLESS)
    assert any(isinstance(event, Shifted) for event in answer.events)
    assert _check_cache(small) <= 256


def test_whoever_wants_nothing_left_out_gets_the_answer_that_fits(small: Asking) -> None:
    messages = talk(*_long_talk(4), "Tell me a long story.")
    answer = small(messages, ENDLESS, overflow=Overflow.STOP)
    assert not any(isinstance(event, Shifted) for event in answer.events)
    assert answer.finished.stop_reason is StopReason.LENGTH
    assert _check_cache(small) == 256


def test_one_message_leaves_nothing_to_cut(small: Asking) -> None:
    answer = small("Tell me a long story.", ENDLESS)
    assert answer.finished.stop_reason is StopReason.LENGTH
    assert _check_cache(small) == 256


def test_a_recurrent_model_answers_and_never_moves_its_cache(ask: Asking, tmp_path: Path) -> None:
    shape = Shape("mamba", layers=2, embedding=512, vocabulary=512)
    path = write_random_model(shape, tmp_path / "mamba.gguf")
    file = replace(
        ask.model,
        name="Mamba",
        path=str(path),
        size_bytes=path.stat().st_size,
        sha256="2" * 64,
        context_length=8192,
        chat_template="{% for m in messages %}{{ m['content'] }} {% endfor %}",
    )
    asking = replace(ask, model=file, load=LoadOptions(context_length=256))
    sampling = Sampling(temperature=0.0, max_tokens=40, ignore_eos=True)
    asking("Hi", replace(sampling, max_tokens=1))
    decoder = asking.session().chat.decoder
    assert not decoder.can_go_back
    assert not asking.host.call(lambda _native: decoder.cut_out(0, 1))
    first = asking("w1 w2 w3 w1 w2 w3", sampling, conversation="a")
    assert first.finished.usage.completion_tokens == 40
    other = asking("w9 w8 w7", sampling, conversation="b")
    assert other.finished.usage.completion_tokens == 40
    again = asking("w1 w2 w3 w1 w2 w3", sampling, conversation="c")
    assert again.text == first.text
    several = [asking.start(f"w1 w2 w{n}", sampling, parallel=True)[0] for n in range(3)]
    for listener in several:
        assert isinstance(listener.wait_for_end(), Finished)
    assert several[2].text == asking("w1 w2 w2", sampling).text
    full = asking(talk("w1", "w2", "w3"), replace(sampling, max_tokens=400))
    assert not isinstance(full.events[-1], Failed)
    assert not any(isinstance(event, Shifted) for event in full.events)


class TestGap:
    """Where something has to be taken out."""

    def test_the_gap_is_what_lies_between(self) -> None:
        head, gone, tail = list(range(10)), list(range(50, 70)), list(range(100, 130))
        assert find_gap(head + gone + tail, head + tail) == (10, 20)

    def test_of_places_that_look_alike_the_one_of_the_right_length_is_taken(self) -> None:
        turn = [1, 2, 3, 4, 5, 6, 7, 8, 9]
        # The end is a place that looks like every other one but for where it stands.
        present = [0, 50, *turn * 6, 77]
        wanted = [0, *turn * 3, 77]
        gap = find_gap(present, wanted)
        assert gap is not None
        start, count = gap
        assert present[:start] + present[start + count :] == wanted

    def test_nothing_is_found_where_nothing_comes_again(self) -> None:
        assert find_gap(list(range(40)), [*range(10), *range(900, 930)]) is None
        assert find_gap(list(range(10)), list(range(30))) is None
        assert find_gap([], list(range(30))) is None
