"""The engine started anew, and the engine in a process of its own."""

from __future__ import annotations

import statistics
from dataclasses import replace
from pathlib import Path

from snug.bench.asking import Answer, Asked, ask, median_ratio, talk
from snug.bench.services import ANSWER_TOKENS, STORY, BenchServices, starter
from snug.domain.kv_state import StateKeeper
from snug.domain.model import LoadOptions, ModelFile
from snug.domain.prompt import GenerationRequest
from snug.domain.sampling import Sampling
from snug.engine.host import EngineHost
from snug.engine.isolated import IsolatedEngine

_ROUNDS = 5
_ISOLATED_ROUNDS = 12
_SENTENCE = "In the year {number} the keeper counted {half} ships and wrote their names down. "
_SENTENCES = 190  # about 4,000 tokens
_LONG = LoadOptions(context_length=8192)
_SHORT = LoadOptions(context_length=2048)


def run_restore(folder: Path) -> dict[str, object]:
    """Time to first token of a conversation's next turn after a restart ÷ of its first reading.

    Loading the model counts on neither side. The next turn has a new question to read besides.
    """
    bench = BenchServices(folder)
    sampling = Sampling(temperature=0.0, max_tokens=16)
    story = "".join(_SENTENCE.format(number=n, half=n // 2) for n in range(1000, 1000 + _SENTENCES))
    request = GenerationRequest(
        bench.model,
        talk(story),
        sampling,
        _LONG,
        conversation=bench.conversation(16),
        keep=True,
        lookup=False,
    )
    cold = _after_start(bench.vault.kv_states, request)
    restored = []
    for number in range(_ROUNDS):
        turn = talk(story, cold.text, f"({number}) How many ships were there?")
        again = replace(request, messages=turn, keep=False)  # the kept state stays as it is
        restored.append(_after_start(bench.vault.kv_states, again))
    bench.close()
    first_s = cold.timings.first_token_s
    ratio = statistics.median(answer.timings.first_token_s for answer in restored) / first_s
    return {
        "restore_ratio": round(ratio, 4),
        "restore_tokens": cold.usage.prompt_tokens,
        "restore_read_again": max(a.usage.prompt_tokens - a.usage.cached_tokens for a in restored),
        "restore_cold_s": round(first_s, 2),
    }


def _after_start(keeper: StateKeeper, request: GenerationRequest) -> Answer:
    """The answer of an engine that was just started; closing it keeps what it may."""
    engine = EngineHost(keeper=keeper)
    try:
        return ask(engine, request)
    finally:
        engine.close(timeout_s=60.0)


def run_isolated(folder: Path) -> dict[str, object]:
    """Speed of the engine behind a pipe ÷ of the same engine here, as the receiver sees it."""
    model = starter(folder)
    here, isolated = EngineHost(), IsolatedEngine()
    inside: list[float] = []
    outside: list[float] = []
    sides: list[tuple[Asked, list[float]]] = [(here, inside), (isolated, outside)]
    for number in range(_ISOLATED_ROUNDS + 1):
        request = _story(model, number)
        for engine, seconds in sides:
            seconds.append(ask(engine, request).seconds)
        sides.reverse()  # neither is always the first of a pair
    here.close()
    isolated.close()
    return {"isolated_ratio": median_ratio(inside, outside)}


def _story(model: ModelFile, number: int) -> GenerationRequest:
    sampling = Sampling(temperature=0.0, max_tokens=ANSWER_TOKENS, ignore_eos=True)
    return GenerationRequest(model, talk(f"({number}) {STORY}"), sampling, _SHORT, lookup=False)
