"""Several answers at a time: the parallel lane ÷ bare `llama_decode` on the same batch."""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path

from snug.bench.asking import ask, ask_together, median_ratio, talk
from snug.bench.random_model import FILE_BYTES, write_random_model
from snug.bench.services import STORY, starter
from snug.domain.model import LoadOptions, ModelFile
from snug.domain.prompt import GenerationRequest
from snug.domain.sampling import Sampling
from snug.engine.bare import BareBatch, BareLoop
from snug.engine.host import EngineHost
from snug.engine.memory import available_bytes
from snug.engine.native import Native

_ROUNDS = {1: 15, 4: 9, 8: 7, 32: 5}  # short ones are the noisiest
_LENGTH = 512  # tokens of each sequence, as short requests get it
_STEPS = {1: 48, 4: 24, 8: 16, 32: 8}  # sequences → steps of a round
_LARGE_STEPS = {1: 12, 4: 8, 8: 6, 32: 4}
_OPTIONS = LoadOptions(context_length=2048)


def run_batches(folder: Path) -> dict[str, object]:
    """The starter, which arithmetic limits, and a random model, which the memory limits."""
    ratios, speeds = _measure(starter(folder), STORY, _STEPS)
    figures: dict[str, object] = {
        "batch_ratio": ratios,
        "batch_speedup": round(speeds["8"] / speeds["1"], 3),
        "batch_tokens_per_s": speeds,
    }
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < 2 * FILE_BYTES or available_bytes() < 3 * FILE_BYTES:
        return figures  # no room for it here
    large = write_random_model(folder / "random.gguf")
    ratios, speeds = _measure(large, "Sea", _LARGE_STEPS)
    return figures | {
        "batch_ratio_large": ratios,
        "batch_speedup_large": round(speeds["8"] / speeds["1"], 3),
        "batch_tokens_per_s_large": speeds,
    }


def _measure(
    model: ModelFile, text: str, steps: dict[int, int]
) -> tuple[dict[str, float], dict[str, float]]:
    """Returns: our speed ÷ bare speed, and our tokens/s of all sequences, by their number."""
    engine = EngineHost()
    prompt_tokens = ask(engine, _request(model, text, 1)).usage.prompt_tokens
    prompt = list(range(300, 300 + prompt_tokens))  # which tokens they are takes no time
    bare = engine.call(lambda native: BareLoop(native, model, _OPTIONS))
    ratios, speeds = {}, {}
    for count, drawn in steps.items():
        batch = engine.call(partial(_open, bare, count))
        ours: list[float] = []
        theirs: list[float] = []
        sides: list[tuple[Callable[[], float], list[float]]] = [
            (partial(_bare_speed, engine, batch, prompt, count, drawn), theirs),
            (partial(_our_speed, engine, model, text, count, drawn), ours),
        ]
        for _ in range(_ROUNDS[count] + 1):
            for side, found in sides:
                found.append(side())
            sides.reverse()  # neither is always the first of a pair
        engine.call(partial(_close, batch))
        ratios[str(count)] = median_ratio(ours, theirs)
        speeds[str(count)] = round(statistics.median(ours[1:]), 1)
    engine.call(partial(_close, bare))
    engine.close()
    return ratios, speeds


def _open(bare: BareLoop, count: int, _native: Native) -> BareBatch:
    return bare.batch(_LENGTH, count)


def _close(what: BareBatch | BareLoop, _native: Native) -> None:
    what.close()


def _bare_speed(
    engine: EngineHost, batch: BareBatch, prompt: list[int], count: int, drawn: int
) -> float:
    """Tokens/s of all sequences together."""
    return count * drawn / engine.call(lambda _native: batch.run(prompt, drawn))


def _our_speed(engine: EngineHost, model: ModelFile, text: str, count: int, drawn: int) -> float:
    """Tokens/s of all sequences together, while all of them are at work.

    The first may read the prompt for all and then be a step ahead; it draws one token more, so
    that every step between the others' first and last token is as wide as the bare loop's.
    """
    tokens = [drawn + 1] * count
    tokens[0] += count > 1
    answers = ask_together(engine, [_request(model, text, each) for each in tokens])
    return count * statistics.median(answer.timings.tokens_per_second for answer in answers)


def _request(model: ModelFile, text: str, tokens: int) -> GenerationRequest:
    sampling = Sampling(temperature=0.0, max_tokens=tokens, ignore_eos=True)
    return GenerationRequest(model, talk(text), sampling, _OPTIONS, parallel=True)
