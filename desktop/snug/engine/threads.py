"""How many threads are fastest on this machine, found out by trying for a moment.

The number of physical cores is a good guess, but a slow core, a core that others use or two kinds
of core in one processor make another number faster.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

BUDGET_S = 1.4  # of both measurements together
_SHARE_OF_DECODE = 0.5
_STEPS = 4
_PROMPT_TOKENS = 32
_BETTER = 0.97  # a number nearer to the guess is kept unless another one is clearly faster
_HOPELESS = 1.5  # times the best: no further steps with such a number


@dataclass(frozen=True, slots=True)
class Threads:
    """The fastest numbers, for one token at a time and for a prompt."""

    decode: int
    batch: int


def candidates(guess: int, usable: int) -> tuple[int, ...]:
    """Numbers worth a try, the guess first: the physical cores, all logical ones, and fewer.

    Empty on one or two cores, where there is nothing to choose.
    """
    if usable <= 2:
        return ()
    tried = (guess, usable, guess - 1, guess // 2, (3 * guess) // 4, (guess + usable) // 2)
    return tuple(dict.fromkeys(number for number in tried if 1 <= number <= usable))


def fastest(
    numbers: tuple[int, ...],
    trial: Callable[[int], float],
    budget_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """The number with the shortest trial, each repeated; stops when the time is spent.

    Args:
        numbers: the first one is the guess that the others must clearly beat.
        trial: seconds of one step with so many threads.
    """
    began = clock()
    best: dict[int, float] = {}
    for number in numbers:
        if best and clock() - began >= budget_s:
            break
        trial(number)  # threads start, caches warm up
        for _step in range(_STEPS):
            best[number] = min(best.get(number, float("inf")), trial(number))
            if best[number] > _HOPELESS * min(best.values()) or clock() - began >= budget_s:
                break
    winner = min(best, key=lambda number: best[number])
    return winner if best[winner] < _BETTER * best[numbers[0]] else numbers[0]


def measure_threads(llama: Any, context: Any, numbers: tuple[int, ...]) -> Threads:
    """Try the numbers on an empty context, and leave it empty. Engine thread; under 2 seconds.

    Both steps read the weights once; a larger model only gets fewer tries.
    """
    memory = llama.llama_get_memory(context)
    tokens = (llama.llama_token * _PROMPT_TOKENS)()

    def trial(count: int) -> Callable[[int], float]:
        def step(threads: int) -> float:
            llama.llama_set_n_threads(context, threads, threads)
            llama.llama_memory_clear(memory, False)
            began = time.monotonic()
            llama.llama_decode(context, llama.llama_batch_get_one(tokens, count))
            llama.llama_synchronize(context)
            return time.monotonic() - began

        return step

    decode = fastest(numbers, trial(1), BUDGET_S * _SHARE_OF_DECODE)
    near = tuple(dict.fromkeys((numbers[0], decode, max(numbers))))
    batch = fastest(near, trial(_PROMPT_TOKENS), BUDGET_S * (1 - _SHARE_OF_DECODE))
    llama.llama_memory_clear(memory, True)
    return Threads(decode, batch)
