"""A real load with the options that were chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.engine.asking import Asking

from snug.domain.model import KvType, LoadOptions, ModelFile, Toggle
from snug.engine import fitting
from snug.engine.fitting import find_fit
from snug.engine.host import EngineHost
from snug.engine.loaded import LoadedModel
from snug.engine.native import Native
from snug.engine.parameters import BATCH_TOKENS, OUTPUTS
from snug.engine.threads import measure_threads


def on_model(
    host: EngineHost,
    model: ModelFile,
    options: LoadOptions,
    work: Callable[[Any, LoadedModel], Any],
) -> Any:
    """Do something with a model loaded apart, on the engine's thread."""

    def run(native: Native) -> Any:
        loaded = LoadedModel(native, model, options, lambda _fraction: True)
        try:
            return work(native.llama, loaded)
        finally:
            loaded.close()

    return host.call(run)


def decode(llama: Any, context: Any, count: int, *, all_logits: bool) -> int:
    """Read `count` tokens in one batch. Returns: llama.cpp's code, 0 for done."""
    batch = llama.llama_batch_init(count, 0, 1)
    batch.n_tokens = count
    for index in range(count):
        batch.token[index], batch.pos[index] = 1 + index, index
        batch.n_seq_id[index] = 1
        batch.seq_id[index][0] = 0
        batch.logits[index] = all_logits or index == count - 1
    code = int(llama.llama_decode(context, batch))
    last = llama.llama_get_logits_ith(context, count - 1)
    assert last[0] == last[0]  # no NaN
    llama.llama_batch_free(batch)
    return code


@pytest.mark.parametrize("kv_type", [KvType.Q8_0, KvType.Q4_0])
def test_an_answer_comes_with_a_quantized_cache(ask: Asking, kv_type: KvType) -> None:
    load = LoadOptions(context_length=512, kv_type=kv_type)
    assert Asking(ask.host, ask.model, load)("What is 2+2?").text


def test_the_same_answer_comes_without_flash_attention_and_extra_buffers(ask: Asking) -> None:
    load = LoadOptions(context_length=512, flash_attention=Toggle.OFF, extra_buffers=False)
    plain = Asking(ask.host, ask.model, LoadOptions(context_length=512))("What is 2+2?")
    assert Asking(ask.host, ask.model, load)("What is 2+2?").text == plain.text


def test_sixty_four_positions_of_a_batch_may_be_asked_for_their_logits(
    host: EngineHost, starter: ModelFile
) -> None:
    def work(llama: Any, loaded: LoadedModel) -> int:
        return decode(llama, loaded.context, OUTPUTS, all_logits=True)

    assert on_model(host, starter, LoadOptions(context_length=512), work) == 0


def test_a_context_for_scoring_gives_the_logits_of_a_whole_batch(
    host: EngineHost, starter: ModelFile
) -> None:
    def work(llama: Any, loaded: LoadedModel) -> int:
        context = loaded.new_context(512, outputs=BATCH_TOKENS)
        try:
            return decode(llama, context, BATCH_TOKENS, all_logits=True)
        finally:
            llama.llama_free(context)

    assert on_model(host, starter, LoadOptions(context_length=256), work) == 0


def test_the_threads_that_were_asked_for_are_used(host: EngineHost, starter: ModelFile) -> None:
    def work(llama: Any, loaded: LoadedModel) -> tuple[int, int]:
        context = loaded.context
        return llama.llama_n_threads(context), llama.llama_n_threads_batch(context)

    options = LoadOptions(context_length=256, threads=1)
    assert on_model(host, starter, options, work) == (1, 1)


def test_measuring_threads_leaves_the_context_empty(host: EngineHost, starter: ModelFile) -> None:
    def work(llama: Any, loaded: LoadedModel) -> tuple[int, int, int]:
        found = measure_threads(llama, loaded.context, (2, 1))
        return found.decode, found.batch, llama.llama_memory_seq_pos_max(loaded.memory, 0)

    decode_threads, batch_threads, last = on_model(
        host, starter, LoadOptions(context_length=256), work
    )
    assert {decode_threads, batch_threads} <= {1, 2}
    assert last == -1


def test_the_parallel_answers_and_the_warm_states_count_as_held(starter: ModelFile) -> None:
    ask = Asking(EngineHost(), starter, LoadOptions(context_length=512))
    ask("Hi " * 80, conversation="a")
    alone = ask.host.call(lambda _native: ask.session().held)["CPU"]
    ask("Hi " * 80, conversation="b")
    warm = ask.session().chat.warm.size_bytes
    assert warm > 1_000_000
    assert ask.host.call(lambda _native: ask.session().held)["CPU"] == alone + warm
    ask("Hi", parallel=True)
    held = ask.host.call(lambda _native: ask.session().held)["CPU"]
    cache = ask.loaded().fit.projection.kv_cache
    assert held > alone + warm + 8 * cache  # eight sequences of 512 tokens each
    ask.host.close()


def test_a_draft_leaves_less_room_for_the_context(ask: Asking) -> None:
    def look(native: Native) -> tuple[int, int]:
        devices, options = native.devices(), LoadOptions(context_length=2048, draft=ask.model)
        left = fitting._less_the_draft(native, devices, options)
        alone = find_fit(native, ask.model, replace(options, draft=None))
        return devices[0].free_bytes - left[0].free_bytes, alone.projection.total

    taken, projected = ask.host.call(look)
    assert taken == projected > 100_000_000


def test_what_is_held_counts_as_free_for_the_next_model(ask: Asking) -> None:
    options = LoadOptions(context_length=2048)
    ask("Hi")
    found = ask.host.fit(ask.model, options)
    held = ask.host.call(lambda _native: ask.host._worker.given_back())
    parts = found.projection.devices
    assert held == {part.device: part.total - part.mapped for part in parts}
    assert held["CPU"] > found.projection.kv_cache
