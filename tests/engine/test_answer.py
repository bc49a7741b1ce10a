"""Answers of the real engine on the starter model."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.engine.asking import GREEDY, Asking, bare_greedy, talk

from snug.domain.events import Finished, Loading, Prefill, Started, StopReason, TextDelta
from snug.domain.model import LoadOptions
from snug.domain.sampling import Sampling

STORY = "Tell me a long story about a lighthouse."
SEEDED = Sampling(temperature=1.0, seed=7, max_tokens=32)


def test_a_run_is_loading_started_prefill_text_finished(ask: Asking) -> None:
    answer = ask("What is 2+2?")
    order = [type(event) for event in answer.events]
    kinds = list(dict.fromkeys(order))
    assert kinds == [Loading, Started, Prefill, TextDelta, Finished]
    assert order == sorted(order, key=kinds.index)
    fractions = [event.fraction for event in answer.events if isinstance(event, Loading)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    prefill = [event for event in answer.events if isinstance(event, Prefill)][-1]
    assert prefill.done == prefill.total == answer.started.prompt_tokens
    assert answer.finished.timings.load_s > 0
    assert answer.finished.timings.first_token_s > 0
    assert answer.finished.timings.tokens_per_second > 0
    assert "4" in answer.text


def test_where_the_layers_are_is_told(ask: Asking) -> None:
    placement = ask("Hi").started.placement
    assert (placement.layers_on_gpu, placement.layers) == (0, 31)
    assert placement.device
    assert "graphics card" in placement.reason
    assert ask.host.placement() == (ask.model, placement)


def test_greedy_tokens_equal_a_bare_decode_loop(ask: Asking) -> None:
    answer = ask(STORY, replace(GREEDY, max_tokens=64))
    prompt = ask.tokens(
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
        f"<|im_end|>\n<|im_start|>user\n{STORY}<|im_end|>\n<|im_start|>assistant\n"
    )
    assert answer.started.prompt_tokens == len(prompt)
    ours = ask.session().chat.decoder.known.tokens[len(prompt) :]
    bare = ask.host.call(lambda native: bare_greedy(native, ask.model, prompt, 64))
    assert len(ours) == 63  # the last one drawn is not decoded
    assert ours == bare[:63]
    text = b"".join(map(ask.loaded().piece, bare)).decode(errors="replace")
    assert answer.text == text


def test_the_same_seed_gives_the_same_text(ask: Asking) -> None:
    ask("Something else, so that both begin alike.")
    first = ask(STORY, SEEDED)
    ask("Something else, so that both begin alike.")
    assert ask(STORY, SEEDED).text == first.text
    assert len(first.text) > 20


def test_another_seed_gives_another_text(ask: Asking) -> None:
    texts = {ask(STORY, replace(SEEDED, seed=seed)).text for seed in range(4)}
    assert len(texts) == 4


def test_without_a_seed_each_answer_is_its_own(ask: Asking) -> None:
    assert len({ask(STORY, replace(SEEDED, seed=None)).text for _ in range(3)}) == 3


def test_the_size_of_prefill_steps_does_not_change_the_answer(ask: Asking) -> None:
    long = "The quick brown fox jumps over the lazy dog near the river. " * 40
    texts = set()
    for chunk in (64, 192, 384):
        ask("Forget.", replace(GREEDY, max_tokens=1))
        ask.session().chat.decoder._chunk = chunk
        answer = ask(long, SEEDED)
        texts.add(answer.text)
        borders = [event.done for event in answer.events if isinstance(event, Prefill)]
        assert len(borders) > 1
        assert all(border % 64 == 0 for border in borders[:-1])
    assert len(texts) == 1


def test_a_model_may_recommend_its_sampling(ask: Asking) -> None:
    recommended = replace(ask.model, sampling=replace(GREEDY, max_tokens=3))
    answer = Asking(ask.host, recommended)(STORY, None)
    assert answer.finished.usage.completion_tokens == 3


def test_a_token_limit_ends_with_length(ask: Asking) -> None:
    answer = ask(STORY, replace(GREEDY, max_tokens=5))
    assert answer.finished.stop_reason is StopReason.LENGTH
    assert answer.finished.usage.completion_tokens == 5


def test_the_models_own_end_is_the_end(ask: Asking) -> None:
    answer = ask("What is 2+2?", replace(GREEDY, max_tokens=None))
    assert answer.finished.stop_reason is StopReason.END
    assert "<|" not in answer.text


def test_a_full_context_ends_with_length(ask: Asking) -> None:
    small = replace(ask, load=LoadOptions(context_length=256))
    answer = small(STORY, Sampling(temperature=1.0, seed=3, repeat_penalty=1.1))
    if answer.finished.stop_reason is StopReason.END:
        pytest.fail("the story ended before the context was full; choose another seed")
    usage = answer.finished.usage
    assert answer.finished.stop_reason is StopReason.LENGTH
    assert usage.prompt_tokens + usage.completion_tokens == answer.started.context_length + 1
    again = small("What is 2+2?")
    assert "4" in again.text


def test_stop_texts_end_the_answer_and_are_not_part_of_it(ask: Asking) -> None:
    whole = ask(STORY, replace(GREEDY, max_tokens=40)).text
    stop = whole[len(whole) // 2 :][:9]
    answer = ask(STORY, replace(GREEDY, max_tokens=40), stop=("never this", stop))
    assert answer.finished.stop_reason is StopReason.END
    assert answer.text == whole[: whole.index(stop)]


def test_an_answer_that_was_begun_goes_on_exactly(ask: Asking) -> None:
    whole = ask(STORY, replace(GREEDY, max_tokens=48))
    tokens = ask.session().chat.decoder.known.tokens[whole.started.prompt_tokens :]
    head = b"".join(map(ask.loaded().piece, tokens[:20])).decode()
    rest = ask(STORY, replace(GREEDY, max_tokens=28), answer_start=head)
    assert head + rest.text == whole.text
    assert rest.started.prompt_tokens == whole.started.prompt_tokens + 20


def test_a_given_beginning_is_kept_and_not_repeated(ask: Asking) -> None:
    answer = ask("What is the capital of France?", answer_start="The capital of France is")
    assert "Paris" in answer.text
    assert not answer.text.startswith("The capital")


def test_a_very_low_temperature_is_greedy(ask: Asking) -> None:
    greedy = ask(STORY).text
    for temperature in (1e-38, 1e-9, 1e-3):
        cold = Sampling(temperature=temperature, max_tokens=24, min_p=0.0, top_p=1.0, top_k=0)
        assert ask(STORY, cold).text == greedy


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=2.0, top_k=0, top_p=1.0, min_p=0.0, max_tokens=8),
        Sampling(temperature=2.0, top_k=1, max_tokens=8),
        Sampling(top_p=0.0, max_tokens=8),
        Sampling(min_p=1.0, max_tokens=8),
        Sampling(repeat_penalty=2.0, repeat_last_n=65_536, max_tokens=8),
        Sampling(repeat_penalty=0.5, repeat_last_n=0, max_tokens=8),
        Sampling(top_k=1_000_000, max_tokens=8, seed=0),
    ],
)
def test_every_sampling_value_in_range_answers(ask: Asking, sampling: Sampling) -> None:
    assert ask(STORY, sampling).finished.usage.completion_tokens >= 1


def test_a_base_model_without_a_template_stops_before_the_next_turn(ask: Asking) -> None:
    base = Asking(ask.host, replace(ask.model, chat_template=""))
    answer = base(talk("What is 2+2?", "4", "And 3+3?"), replace(GREEDY, max_tokens=40))
    assert "User:" not in answer.text
    assert answer.finished.usage.completion_tokens >= 1


@pytest.mark.parametrize("opens", [True, False], ids=["opened by the template", "by the model"])
def test_thinking_that_was_begun_goes_on_as_thinking(ask: Asking, opens: bool) -> None:
    tail = "<|im_start|>assistant\n"
    template = ask.model.chat_template.replace(tail, f"{tail}<think>\n" if opens else tail)
    thinker = replace(ask, model=replace(ask.model, chat_template=template))
    begun = "Let me think about ships, their captains, and"
    answer = thinker(STORY, GREEDY, thinking_start=begun)
    assert answer.reasoning
    assert not answer.text
    prompt = f"{tail}<think>\n{begun}"
    assert thinker(STORY, GREEDY, thinking_start=f"{begun}\n\nFirst").reasoning != answer.reasoning
    request = thinker.request(STORY, thinking_start=begun)
    builder, decoder = ask.session().builder, ask.session().chat.decoder
    built = ask.host.call(lambda _native: builder.build(request, decoder.known))
    assert built.text.endswith(prompt)
