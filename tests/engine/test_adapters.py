"""LoRA adapters: switched per answer, and refused where they belong to another model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.engine.asking import Asking
from tests.engine.tiny_models import make_lora

from snug.domain.errors import ModelFileError
from snug.domain.model import Adapter, adapters_key
from snug.domain.sampling import Sampling
from snug.engine.adapters import Adapters
from snug.models.adapters import open_adapter

WIDTH = 576  # of the starter


class Bench:
    """A context of its own on the starter, decoded greedily by llama.cpp alone."""

    def __init__(self, ask: Asking) -> None:
        ask("Hi", Sampling(temperature=0.0, max_tokens=1))  # loads the model
        self._ask = ask
        self.loaded = ask.loaded()
        self.adapters = ask.host.call(lambda n: Adapters(n.llama, self.loaded.model))
        self.context = ask.host.call(lambda _n: self.loaded.new_context(256))

    def answer(self, *adapters: Adapter) -> list[int]:
        return self._ask.host.call(lambda native: self._greedy(native.llama, adapters))

    def _greedy(self, llama: Any, adapters: tuple[Adapter, ...]) -> list[int]:
        self.adapters.use(self.context, adapters)
        llama.llama_memory_clear(llama.llama_get_memory(self.context), True)
        tokens = self.loaded.tokenise("The capital of France is")
        greedy = llama.llama_sampler_init_greedy()
        drawn: list[int] = []
        while len(drawn) < 12:
            batch = (llama.llama_token * len(tokens))(*tokens)
            assert (
                llama.llama_decode(self.context, llama.llama_batch_get_one(batch, len(tokens))) == 0
            )
            tokens = [llama.llama_sampler_sample(greedy, self.context, -1)]
            drawn += tokens
        llama.llama_sampler_free(greedy)
        return drawn

    def close(self) -> None:
        def free(native: Any) -> None:
            native.llama.llama_free(self.context)
            self.adapters.close()

        self._ask.host.call(free)


@pytest.fixture
def bench(ask: Asking) -> Iterator[Bench]:
    bench = Bench(ask)
    yield bench
    bench.close()


@pytest.fixture(scope="module")
def lora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_lora(tmp_path_factory.mktemp("lora") / "tiny.gguf", WIDTH)


def test_an_adapter_changes_the_answer_and_goes_without_a_trace(
    bench: Bench, lora: Path, ask: Asking
) -> None:
    adapter = open_adapter(lora, Path(ask.model.path))
    plain = bench.answer()
    assert bench.answer(Adapter(adapter.path, adapter.sha256, 0.0)) == plain
    changed = bench.answer(adapter)
    assert changed != plain
    assert bench.answer(adapter) == changed
    assert bench.answer() == plain


def test_two_adapters_add_up(bench: Bench, lora: Path, tmp_path: Path, ask: Asking) -> None:
    model = Path(ask.model.path)
    first = open_adapter(lora, model, 2.0)
    against = open_adapter(lora, model, -2.0)
    other = open_adapter(make_lora(tmp_path / "b.gguf", WIDTH, strength=0.3), model)
    assert bench.answer(first, other) not in (bench.answer(first), bench.answer())
    assert bench.answer(against) != bench.answer(first)


def test_a_file_that_changed_or_went_is_one_sentence(
    bench: Bench, lora: Path, tmp_path: Path
) -> None:
    plain = bench.answer()
    wrong = make_lora(tmp_path / "wrong.gguf", 64)
    for path in (tmp_path / "gone.gguf", wrong):
        with pytest.raises(ModelFileError, match="cannot be used with this model"):
            bench.answer(Adapter(str(path), "0" * 64))
    assert bench.answer() == plain


def test_kv_entries_are_told_apart_by_what_changes_them() -> None:
    a, b = Adapter("a", "1" * 64), Adapter("b", "2" * 64, 0.5)
    assert adapters_key(()) == adapters_key([Adapter("a", "1" * 64, 0.0)]) == ""
    assert adapters_key([a, b]) == adapters_key([b, a])
    keys = {adapters_key(c) for c in ([a], [b], [a, b], [Adapter("a", "1" * 64, 0.5)])}
    assert len(keys) == 4
    assert adapters_key([a]) == adapters_key([Adapter("moved", "1" * 64)])
