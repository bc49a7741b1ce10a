"""Guessing ahead from the text itself, where the text repeats and where it does not."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from snug.bench.asking import Answer, ask, median_ratio, talk
from snug.bench.services import STORY, starter
from snug.domain.model import KvType, LoadOptions, ModelFile
from snug.domain.prompt import GenerationRequest
from snug.domain.sampling import Sampling
from snug.engine.bare import BareLoop
from snug.engine.host import EngineHost

_ROUNDS = 7
# With a KV cache of q8_0 llama.cpp computes several tokens exactly as one by one, at any length:
# what must come out the same may then be guessed ahead (engine/exactness.py).
_OPTIONS = LoadOptions(context_length=2048, kv_type=KvType.Q8_0)
_WIDTHS = (1, 2, 3, 5, 8, 9, 16, 17, 33)
_COST_ROUNDS = 5
_TEXT = (
    "The harbour of Lindby lies behind two long walls of grey stone. Every morning at six the "
    "ferry leaves for the islands, and every evening it comes back with letters, fish and tired "
    "people. Marta Olsen has sold the tickets there for thirty-one years. She knows every "
    "passenger by name, and she has never once been late. On stormy days, when no boat can leave, "
    "she sits in her small office, drinks black coffee and reads old newspapers. Last winter the "
    "council wanted to replace her with a machine. The whole town came to the meeting and said "
    "no. Now a brass plate hangs beside her window, and on it stands one word: Welcome."
)


@dataclass(frozen=True, slots=True)
class _Round:
    """One pair of answers to the same request, and the steps that the guessing one took."""

    plain: Answer
    guessed: Answer
    steps: Counter[int]


def run_lookup(folder: Path) -> dict[str, object]:
    """Both texts in turn, so that the second one begins with the trust that the first one left."""
    model = starter(folder)
    engine = EngineHost()
    rewrites: list[_Round] = []
    stories: list[_Round] = []
    for number in range(_ROUNDS + 1):
        rewrites.append(_round(engine, _rewrite(model)))
        stories.append(_round(engine, _story(model, number)))
    bare = engine.call(lambda native: BareLoop(native, model, _OPTIONS))
    depth = rewrites[0].plain.usage.prompt_tokens + rewrites[0].plain.usage.completion_tokens // 2
    costs, draw_s = engine.call(
        lambda _native: bare.step_costs(list(range(300, 300 + depth)), _WIDTHS, _COST_ROUNDS)
    )
    engine.call(lambda _native: bare.close())
    engine.close()
    shares = [_gain(each) / _possible(each, costs, draw_s) for each in rewrites[1:]]
    taken = sum(rewrites[-1].steps.values())
    return {
        "lookup_speedup": _ratio(rewrites),
        "lookup_identical": all(r.plain.text == r.guessed.text for r in rewrites),
        "lookup_share_of_possible": round(statistics.median(shares), 4),
        "lookup_tokens_per_step": round(
            (rewrites[-1].guessed.usage.completion_tokens - 1) / taken, 2
        ),
        "lookup_worst": _ratio(stories),
    }


def _round(engine: EngineHost, request: GenerationRequest) -> _Round:
    plain = ask(engine, replace(request, lookup=False))
    before = engine.look(lambda session: Counter(session.chat.lookup_pace.steps))
    guessed = ask(engine, request)
    after = engine.look(lambda session: Counter(session.chat.lookup_pace.steps))
    return _Round(plain, guessed, after - before)


def _gain(one: _Round) -> float:
    return one.guessed.timings.tokens_per_second / one.plain.timings.tokens_per_second


def _ratio(rounds: list[_Round]) -> float:
    return median_ratio(
        [r.guessed.timings.tokens_per_second for r in rounds],
        [r.plain.timings.tokens_per_second for r in rounds],
    )


def _possible(one: _Round, costs: dict[int, float], draw_s: float) -> float:
    """The gain if these steps cost what bare llama.cpp takes for them, and nothing else did."""
    drawn = one.guessed.usage.completion_tokens - 1
    steps = sum(_cost(costs, width) * times for width, times in one.steps.items())
    return drawn * (costs[1] + draw_s) / (steps + drawn * draw_s)


def _cost(costs: dict[int, float], width: int) -> float:
    """Seconds of a step over so many tokens, between those that were measured."""
    low = max(w for w in costs if w <= width)
    high = min(w for w in costs if w >= width)
    if low == high:
        return costs[low]
    return costs[low] + (costs[high] - costs[low]) * (width - low) / (high - low)


def _rewrite(model: ModelFile) -> GenerationRequest:
    """The text stands there twice, or so small a model would not repeat it faithfully."""
    sampling = Sampling(temperature=0.0, max_tokens=160)
    turns = talk("Repeat: " + _TEXT, _TEXT, "Repeat it once more.")
    return GenerationRequest(model, turns, sampling, _OPTIONS)


def _story(model: ModelFile, number: int) -> GenerationRequest:
    """Drawn warm, so that it does not repeat itself; the seed makes both answers of a pair one."""
    sampling = Sampling(temperature=1.0, seed=number + 1, max_tokens=128, ignore_eos=True)
    return GenerationRequest(model, talk(STORY), sampling, _OPTIONS)
