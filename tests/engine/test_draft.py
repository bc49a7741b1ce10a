"""A small model that guesses for the large one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.engine.asking import Asking, talk
from tests.engine.random_models import Shape, write_random_model

from snug.domain.events import StopReason
from snug.domain.model import Experience, LoadOptions
from snug.domain.sampling import Sampling
from snug.engine.host import EngineHost
from snug.engine.pace import Pace
from snug.engine.parameters import draft_options

LONG = Sampling(temperature=0.0, max_tokens=60)


class Eager(Pace):
    """Four guesses, always."""

    right = wrong = 0

    def choose(self, available: int, guess_s: float = 0.0) -> int:
        return min(available, 4)

    def judged(self, right: int, wrong: int) -> None:
        self.right += right
        self.wrong += wrong


@pytest.fixture(scope="module")
def drafting(starter: object) -> Iterator[Asking]:
    host = EngineHost()
    from tests.starter import starter_model

    model = starter_model()
    yield Asking(host, model, LoadOptions(context_length=2048, draft=model))
    host.close()


@pytest.mark.parametrize(
    "sampling", [LONG, Sampling(temperature=0.8, seed=4, max_tokens=60)], ids=["greedy", "warm"]
)
def test_an_answer_with_a_draft_is_the_one_without(
    ask: Asking, drafting: Asking, sampling: Sampling
) -> None:
    plain = ask("Tell me about the sea.", sampling, lookup=False).text
    drafting("Hi", replace(LONG, max_tokens=1))
    pace = drafting.session().chat.draft_pace = Eager()
    guessed = drafting("Tell me about the sea.", sampling)
    assert guessed.text == plain
    if sampling is LONG:
        assert pace.right > 10 * max(1, pace.wrong)  # it guesses what it would itself say
    following = talk("Tell me about the sea.", guessed.text, "What is 2+2?")
    assert drafting(following, sampling).text == ask(following, sampling, lookup=False).text


def test_a_stop_while_the_draft_guesses_ends_the_answer(drafting: Asking) -> None:
    drafting("Hi", replace(LONG, max_tokens=1))
    drafting.session().chat.draft_pace = Eager()
    for pieces in (1, 3, 7):
        stopped = drafting.stop_after(talk("Tell me about the sea."), pieces)
        assert stopped.finished.stop_reason is StopReason.STOPPED
    assert "4" in drafting("What is 2+2?", LONG).text


@pytest.mark.alone
def test_the_pace_does_not_count_the_reading_of_the_prompt(drafting: Asking) -> None:
    drafting("Hi", replace(LONG, max_tokens=1))
    drafting.session().chat.draft_pace = Eager()
    drafting("the sea and the shore " * 150, replace(LONG, max_tokens=30, ignore_eos=True))
    draft = drafting.session().chat.draft
    assert draft is not None
    plain = Pace()
    plain.took(1, 1.0)
    assert 0.0 < draft.guess_s < 0.1


def test_a_draft_of_another_vocabulary_is_refused(ask: Asking, tmp_path: Path) -> None:
    path = write_random_model(
        Shape(
            "llama", layers=1, embedding=64, feed_forward=128, heads=2, kv_heads=1, vocabulary=320
        ),
        tmp_path / "other.gguf",
    )
    other = replace(
        ask.model, name="Other", path=str(path), size_bytes=path.stat().st_size, sha256="1" * 64
    )
    asking = replace(ask, load=LoadOptions(context_length=512, draft=other))
    for _ in range(2):
        refused = asking("Hi", LONG)
        assert "Other cannot guess for" in refused.failure
        assert "vocabularies differ" in refused.failure
        assert ask.host.placement() is None
    aside = asking("Hi", LONG, parallel=True)
    assert "vocabularies differ" in aside.failure
    assert "4" in ask("What is 2+2?", LONG).text


def test_the_draft_goes_with_the_model(drafting: Asking) -> None:
    drafting("Hi", replace(LONG, max_tokens=1))
    draft = drafting.session().chat.draft
    assert draft is not None
    drafting.host.release()
    drafting.host.call(lambda _native: None)
    assert drafting.host.placement() is None
    assert draft._loaded.context is None
    assert draft._loaded.model is None


def test_a_draft_stays_off_a_card_that_its_model_must_not_use() -> None:
    off = LoadOptions(gpu_layers=0, experts_on_cpu=3, experience=Experience(1.2, 4, 8))
    own = draft_options(off, 512)
    assert (own.gpu_layers, own.experts_on_cpu, own.context_length) == (0, 0, 512)
    assert own.experience == Experience(1.0, 4, 8)
    assert draft_options(LoadOptions(gpu_layers=7), 512).gpu_layers is None
