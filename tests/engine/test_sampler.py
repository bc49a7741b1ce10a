"""Each sampler against a statement of its own of what it should leave, on given logits."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.engine.asking import Asking

from snug.domain.errors import UserError
from snug.domain.events import StopReason
from snug.domain.sampling import Sampling
from snug.engine.loaded import LoadedModel
from snug.engine.sampler import chain

PLAIN = Sampling(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, seed=7)
SIZE = 40
LOGITS = np.random.default_rng(3).normal(0.0, 2.0, SIZE).astype(np.float32)


class Chain:
    """llama.cpp's chain for some values, applied to logits of our own."""

    def __init__(self, llama: Any, loaded: LoadedModel, sampling: Sampling) -> None:
        self._llama = llama
        self.links = chain(llama, loaded, sampling)

    def __call__(self, logits: Any, first: int = 0) -> tuple[dict[int, float], int]:
        """The tokens that are left with their logits, and the one that was drawn."""
        llama = self._llama
        data = (llama.llama_token_data * len(logits))()
        for place, logit in enumerate(logits):
            data[place].id, data[place].logit = first + place, float(logit)
        array = llama.llama_token_data_array(data, len(logits), -1, False)
        llama.llama_sampler_apply(self.links, array)
        left = {int(array.data[i].id): float(array.data[i].logit) for i in range(array.size)}
        kept = {token: logit for token, logit in left.items() if not math.isinf(logit)}
        return kept, int(array.data[array.selected].id)

    def accept(self, *tokens: int) -> None:
        for token in tokens:
            self._llama.llama_sampler_accept(self.links, token)

    def close(self) -> None:
        self._llama.llama_sampler_free(self.links)


Chained = Callable[[Sampling], Chain]


@pytest.fixture
def chained(ask: Asking) -> Iterator[Chained]:
    ask("Hi", Sampling(temperature=0.0, max_tokens=1))  # loads the model
    loaded = ask.loaded()
    made: list[Chain] = []

    def make(sampling: Sampling) -> Chain:
        llama = ask.host.call(lambda native: native.llama)
        made.append(Chain(llama, loaded, sampling))
        return made[-1]

    yield make
    for each in made:
        each.close()


def softmax(logits: Any) -> Any:
    shifted = np.exp(np.asarray(logits, dtype=np.float64) - np.max(logits))
    return shifted / shifted.sum()


def best(count: int) -> set[int]:
    return set(np.argsort(-LOGITS)[:count].tolist())


def test_nothing_is_taken_away_by_default_values_of_the_filters(chained: Chained) -> None:
    kept, _ = chained(PLAIN)(LOGITS)
    assert set(kept) == set(range(SIZE))


@pytest.mark.parametrize("k", [1, 7, 39, 1000])
def test_top_k_keeps_the_k_likeliest(chained: Chained, k: int) -> None:
    assert set(chained(replace(PLAIN, top_k=k))(LOGITS)[0]) == best(k)


@pytest.mark.parametrize("p", [0.0, 0.3, 0.8, 0.99])
def test_top_p_keeps_the_smallest_set_that_reaches_its_share(chained: Chained, p: float) -> None:
    shares = np.cumsum(np.sort(softmax(LOGITS))[::-1])
    count = max(1, int(np.searchsorted(shares, p)) + 1)
    assert set(chained(replace(PLAIN, top_p=p))(LOGITS)[0]) == best(count)


@pytest.mark.parametrize("p", [0.01, 0.2, 1.0])
def test_min_p_drops_what_is_less_likely_than_its_share_of_the_best(
    chained: Chained, p: float
) -> None:
    odds = softmax(LOGITS)
    assert set(chained(replace(PLAIN, min_p=p))(LOGITS)[0]) == set(
        np.flatnonzero(odds >= p * odds.max() * (1 - 1e-6)).tolist()
    )


def test_min_keep_is_left_by_the_filters(chained: Chained) -> None:
    for values in ({"min_p": 1.0}, {"top_p": 0.0}):
        kept, _ = chained(replace(PLAIN, min_keep=5, **values))(LOGITS)
        assert set(kept) == best(5)


@pytest.mark.parametrize("p", [0.2, 0.9])
def test_typical_keeps_what_is_nearest_the_entropy(chained: Chained, p: float) -> None:
    odds = softmax(LOGITS)
    entropy = -(odds * np.log(odds)).sum()
    order = np.argsort(np.abs(-np.log(odds) - entropy))
    count = int(np.searchsorted(np.cumsum(odds[order]), p, side="right")) + 1
    kept, _ = chained(replace(PLAIN, typical_p=p))(LOGITS)
    assert set(kept) == set(order[:count].tolist())


@pytest.mark.parametrize("n", [0.5, 1.0, 2.0])
def test_top_n_sigma_keeps_logits_near_the_best(chained: Chained, n: float) -> None:
    border = LOGITS.max() - n * LOGITS.std()
    kept, _ = chained(replace(PLAIN, top_n_sigma=n))(LOGITS)
    assert set(kept) == set(np.flatnonzero(border <= LOGITS).tolist())


def test_xtc_leaves_the_least_likely_of_the_top_choices(chained: Chained) -> None:
    logits = np.log([0.4, 0.3, 0.2, 0.06, 0.04])
    kept, _ = chained(replace(PLAIN, xtc_probability=1.0, xtc_threshold=0.15))(logits)
    assert set(kept) == {2, 3, 4}
    kept, _ = chained(replace(PLAIN, xtc_probability=1.0, xtc_threshold=0.35))(logits)
    assert set(kept) == {0, 1, 2, 3, 4}  # one alone is no choice too many


def test_xtc_strikes_as_often_as_it_is_told(chained: Chained) -> None:
    logits = np.log([0.4, 0.3, 0.2, 0.06, 0.04])
    links = chained(replace(PLAIN, xtc_probability=0.3, xtc_threshold=0.15))
    struck = sum(len(links(logits)[0]) == 3 for _ in range(4000))
    assert abs(struck / 4000 - 0.3) < 5 * math.sqrt(0.3 * 0.7 / 4000)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_come_as_often_as_the_temperature_says(chained: Chained, temperature: float) -> None:
    logits = np.log([0.5, 0.3, 0.15, 0.05])
    links = chained(replace(PLAIN, temperature=temperature))
    count = 8000
    drawn = Counter(links(logits)[1] for _ in range(count))
    for token, odds in enumerate(softmax(logits / temperature)):
        assert abs(drawn[token] / count - odds) < 5 * math.sqrt(odds * (1 - odds) / count)


def test_dynamic_temperature_follows_the_entropy(chained: Chained) -> None:
    for exponent in (0.5, 1.0, 3.0):
        values = replace(PLAIN, temperature=0.8, dynatemp_range=0.5, dynatemp_exponent=exponent)
        kept, _ = chained(values)(LOGITS)
        odds = softmax(LOGITS)
        entropy = -(odds * np.log(odds)).sum() / np.log(SIZE)
        heat = 0.3 + 1.0 * entropy**exponent
        got = np.array([kept[token] for token in range(SIZE)])
        np.testing.assert_allclose(got, LOGITS / heat, rtol=1e-4)


def test_a_range_of_temperatures_wider_than_the_middle_stays_finite(chained: Chained) -> None:
    sure = np.array([90.0, 0.0, -5.0])
    values = replace(PLAIN, temperature=1.0, dynatemp_range=2.0, dynatemp_exponent=10.0)
    kept, drawn = chained(values)(sure)
    assert drawn == 0
    assert all(math.isfinite(logit) for logit in kept.values())


def test_penalties_count_what_came_lately(chained: Chained) -> None:
    values = replace(
        PLAIN,
        repeat_penalty=1.5,
        frequency_penalty=0.25,
        presence_penalty=0.5,
        repeat_last_n=4,
    )
    links = chained(values)
    links.accept(9, 1, 1, 2, 3)  # 9 is too long ago
    kept, _ = links(LOGITS)
    for token in range(SIZE):
        want = float(LOGITS[token])
        count = {1: 2, 2: 1, 3: 1}.get(token, 0)
        if count:
            want = want * 1.5 if want <= 0 else want / 1.5
            want -= 0.25 * count + 0.5
        assert kept[token] == pytest.approx(want, rel=1e-5)


def _dry(history: Sequence[int], values: Sampling, breakers: set[int]) -> dict[int, float]:
    """DRY's penalties, naively: for each earlier place, how long what stands before it is the
    end of the history."""
    found: dict[int, float] = {}
    lately = list(history)[-values.dry_last_n :]
    for place in range(1, len(lately)):
        length = 0
        while length < place and lately[place - 1 - length] == lately[-1 - length]:
            if lately[place - 1 - length] in breakers:
                break
            length += 1
        if length >= values.dry_allowed_length and lately[place] not in breakers:
            power = values.dry_base ** (length - values.dry_allowed_length)
            penalty = values.dry_multiplier * power
            found[lately[place]] = max(found.get(lately[place], 0.0), penalty)
    return found


def test_dry_punishes_what_would_go_on_repeating(chained: Chained, ask: Asking) -> None:
    words = ask.tokens(" one two three four five six seven eight")
    assert len(words) == 8
    first = min(words)
    logits = np.zeros(max(words) - first + 1)
    values = replace(PLAIN, dry_multiplier=0.8, dry_base=1.75, dry_allowed_length=2)
    one, two, three, four, five, *_ = words
    for history in (
        [one, two, three, four, five, one, two, three],
        [one, two, three, one, two, five, one, two],
        [one, two],
        [one] * 6,
    ):
        links = chained(values)
        links.accept(*history)
        kept, _ = links(logits, first)
        want = _dry(history, values, set())
        assert want or len(history) == 2
        for token in words:
            assert kept[token] == pytest.approx(-want.get(token, 0.0), rel=1e-4, abs=1e-6)


def test_a_breaker_ends_dry_s_repetition(chained: Chained, ask: Asking) -> None:
    one, two, three = ask.tokens(" one two three")
    history = [one, two, three, one, two]
    first = min(history)
    logits = np.zeros(max(history) - first + 1)
    values = replace(PLAIN, dry_multiplier=1.0)
    for breakers, punished in ((("\n",), True), ((" two",), False)):
        links = chained(replace(values, dry_breakers=breakers))
        links.accept(*history)
        assert (links(logits, first)[0][three] < -0.5) is punished


@pytest.mark.parametrize("version", [1, 2])
def test_mirostat_holds_the_surprise_at_its_target(chained: Chained, version: int) -> None:
    ranks = np.arange(1, 2001)
    logits = -1.1 * np.log(ranks)  # as words are spread
    odds = softmax(logits)
    for tau in (2.0, 4.0):
        values = replace(PLAIN, mirostat=version, mirostat_tau=tau, mirostat_eta=0.1)
        links = chained(values)
        surprise = []
        for _ in range(1500):
            kept, drawn = links(logits)
            # Among the tokens that were left: that is what is learned from.
            surprise.append(-math.log2(odds[drawn] / sum(odds[token] for token in kept)))
        assert np.mean(surprise[300:]) == pytest.approx(tau, abs=0.15)


def test_adaptive_p_draws_tokens_near_its_target(chained: Chained) -> None:
    odds = np.array([0.5, 0.25, 0.12, 0.08, 0.05])
    means = []
    for target in (0.1, 0.45):
        links = chained(replace(PLAIN, adaptive_target=target))
        seen = []
        for _ in range(600):
            token = links(np.log(odds))[1]
            links.accept(token)
            seen.append(odds[token])
        means.append(float(np.mean(seen)))
    assert means[0] == pytest.approx(0.1, abs=0.06)
    assert means[1] == pytest.approx(0.45, abs=0.1)


def test_biases_are_added_by_number_and_by_text(chained: Chained, ask: Asking) -> None:
    (yes,) = ask.tokens("yes")
    values = replace(PLAIN, logit_bias=(("#3", 2.5), ("#4", -100), ("yes", -1.5)))
    kept, _ = chained(values)(LOGITS)
    assert kept[3] == pytest.approx(LOGITS[3] + 2.5)
    assert 4 not in kept
    kept, _ = chained(values)(np.zeros(2), yes)
    assert kept == {yes: pytest.approx(-1.5), yes + 1: 0.0}


@pytest.mark.parametrize("name", ["#999999", "a text of many tokens"])
def test_a_bias_on_what_is_no_token_is_one_sentence(ask: Asking, name: str) -> None:
    answer = ask("Hi", Sampling(temperature=0.0, max_tokens=2, logit_bias=((name, 1.0),)))
    assert "token" in answer.failure
    assert "#" in answer.failure


def test_an_end_that_is_ignored_never_comes(ask: Asking) -> None:
    greedy = Sampling(temperature=0.0, max_tokens=60)
    question = "What is 2+2? Answer with the number only."
    assert ask(question, greedy).finished.usage.completion_tokens < 60
    answer = ask(question, replace(greedy, ignore_eos=True))
    assert answer.finished.usage.completion_tokens == 60


def test_the_same_seed_gives_the_same_answer_through_every_sampler(ask: Asking) -> None:
    everything = Sampling(
        temperature=1.3, top_k=200, top_p=0.99, min_p=0.01, typical_p=0.98, top_n_sigma=5.0,
        xtc_probability=0.5, xtc_threshold=0.1, dry_multiplier=0.8, dynatemp_range=0.5,
        repeat_penalty=1.1, frequency_penalty=0.1, presence_penalty=0.1, seed=5, max_tokens=12,
        logit_bias=(("#11", 3.0),),
    )  # fmt: skip
    for sampling in (
        everything,
        replace(everything, mirostat=1),
        replace(everything, mirostat=2),
        replace(everything, adaptive_target=0.3),
    ):
        first = ask("Tell me about rain.", sampling).text
        assert first == ask("Tell me about rain.", sampling).text
        assert first != ask("Tell me about rain.", replace(sampling, seed=6)).text


@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_an_answer_follows_a_grammar(ask: Asking, temperature: float) -> None:
    grammar = 'root ::= "It is " [A-Z] [a-z]{2,8} ("." | "!")'
    sampling = Sampling(
        temperature=temperature, seed=3, max_tokens=40, grammar=grammar, repeat_penalty=1.2
    )
    text = ask("Where is the tower?", sampling).text
    assert text.startswith("It is ")
    assert text[-1] in ".!"
    assert text[6:-1].istitle()


def test_a_refused_token_counts_in_no_penalty(ask: Asking) -> None:
    """One that the model would draw at each of 24 places, and that fits only at the end."""
    grammar = 'root ::= ("a" "\\n"){12} (" the" | "z")'
    sampling = Sampling(
        temperature=0.0,
        max_tokens=60,
        grammar=grammar,
        frequency_penalty=2.0,
        logit_bias=((" the", 80.0), ("z", 60.0)),
    )
    assert ask("Hi", sampling).text.endswith(" the")


@pytest.mark.parametrize(
    "grammar", ['root ::= root "a"', 'root ::= <no-such-token-here> "a"', "root ::= a\na ::= a"]
)
def test_a_grammar_that_llama_cpp_refuses_is_one_sentence(ask: Asking, grammar: str) -> None:
    answer = ask("Hi", Sampling(temperature=0.0, max_tokens=2, grammar=grammar))
    assert answer.failure.startswith("The grammar cannot be followed")


def test_a_schema_and_a_grammar_together_are_refused(ask: Asking) -> None:
    sampling = Sampling(temperature=0.0, max_tokens=2, grammar='root ::= "a"')
    assert "not both" in ask("Hi", sampling, schema="{}").failure


def test_a_thinking_template_answers_a_grammar_at_once(ask: Asking) -> None:
    opening = "<|im_start|>assistant\n"
    template = ask.model.chat_template.replace(opening, f"{opening}<think>\n")
    thinking = replace(ask, model=replace(ask.model, chat_template=template))
    sampling = Sampling(temperature=0.0, max_tokens=8, grammar='root ::= "yes" | "no"')
    answer = thinking("Is it?", sampling)
    assert answer.text in ("yes", "no")
    assert not answer.reasoning


def _begins_with_q(ask: Asking) -> tuple[tuple[str, float], ...]:
    def look(_native: object) -> list[int]:
        loaded = ask.loaded()
        size = loaded._llama.llama_vocab_n_tokens(loaded.vocabulary)
        return [token for token in range(size) if loaded.piece(token)[:1] == b"Q"]

    ask("Hi", Sampling(temperature=0.0, max_tokens=1))
    return tuple((f"#{token}", -100.0) for token in ask.host.call(look))


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_biases_that_leave_the_grammar_no_word_are_told_and_end_no_process(
    ask: Asking, temperature: float
) -> None:
    biases = _begins_with_q(ask)
    assert biases
    sampling = Sampling(
        temperature=temperature, max_tokens=4, grammar='root ::= "Quiz"', logit_bias=biases
    )
    assert "biases rule out every word" in ask("Hi", sampling).failure


@pytest.mark.parametrize("more", [{"grammar": 'root ::= "x"'}, {}], ids=["grammar", "schema"])
def test_an_answer_that_is_whole_ends_though_the_end_is_ruled_out(
    ask: Asking, more: dict[str, str]
) -> None:
    sampling = Sampling(temperature=0.8, max_tokens=40, ignore_eos=True, **more)
    answer = ask("Hi", sampling, schema="" if more else '{"const": 7}')
    assert answer.text == ("x" if more else "7")
    assert answer.finished.stop_reason is StopReason.END


def test_a_wrong_bias_frees_the_grammar(ask: Asking) -> None:
    wrong = Sampling(temperature=0.0, grammar='root ::= "a"', logit_bias=(("#999999", 1.0),))
    assert "token" in ask("Hi", wrong).failure
    with pytest.raises(UserError):
        Sampling(logit_bias=(("#1", math.nan),))
