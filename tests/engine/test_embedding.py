"""Vectors and scores, against llama.cpp alone; one text alone as in a batch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.engine.tiny_models import WIDTH, WORDS, make_bert

from snug.domain.embedding import Embeddings
from snug.domain.errors import ModelFileError, OutOfMemoryError, UserError
from snug.domain.model import LoadOptions, ModelFile
from snug.engine.host import EngineHost
from snug.engine.native import Native

OPTIONS = LoadOptions(threads=1)
TEXTS = [
    " ".join(WORDS[:5]),
    WORDS[7],
    " ".join(WORDS[10:30]),
    "",
    " ".join(WORDS[3:9]),
]


def _file(path: Path) -> ModelFile:
    return ModelFile(path.stem, str(path), path.stat().st_size, "", "bert", "F32", 64)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> ModelFile:
    return _file(make_bert(tmp_path_factory.mktemp("bert") / "bert.gguf"))


@pytest.fixture(scope="module")
def ranker(tmp_path_factory: pytest.TempPathFactory) -> ModelFile:
    return _file(make_bert(tmp_path_factory.mktemp("rank") / "rank.gguf", ranks=True))


def matrix(found: Embeddings) -> Any:
    return np.frombuffer(found.data, dtype=np.float32).reshape(len(found), found.dimensions)


def bare(native: Native, file: ModelFile, tokens: list[int], size: int) -> Any:
    """llama.cpp alone on one sequence, the model's own pooling."""
    llama: Any = native.llama
    model = llama.llama_model_load_from_file(file.path.encode(), llama.llama_model_default_params())
    parameters = llama.llama_context_default_params()
    parameters.embeddings = True
    parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = 64
    context = llama.llama_init_from_model(model, parameters)
    try:
        buffer = (llama.llama_token * len(tokens))(*tokens)
        assert llama.llama_encode(context, llama.llama_batch_get_one(buffer, len(tokens))) == 0
        pointer = llama.llama_get_embeddings_seq(context, 0)
        return np.ctypeslib.as_array(pointer, shape=(size,)).copy()
    finally:
        llama.llama_free(context)
        llama.llama_model_free(model)


def test_vectors_are_llama_cpp_s_own_with_length_1(host: EngineHost, bert: ModelFile) -> None:
    found = host.embed(bert, OPTIONS, [" ".join(WORDS[:3])])
    tokens = [2, 5, 6, 7, 3]
    want = host.call(lambda native: bare(native, bert, tokens, WIDTH))
    assert (found.dimensions, found.tokens, found.truncated) == (WIDTH, 5, (False,))
    np.testing.assert_allclose(matrix(found)[0], want / np.linalg.norm(want), atol=1e-5)
    np.testing.assert_allclose(np.asarray(found.row(0)), matrix(found)[0])


def test_a_text_has_the_same_vector_alone_and_among_others(
    host: EngineHost, bert: ModelFile, starter: ModelFile
) -> None:
    for model in (bert, starter):
        many = TEXTS * (16 if model is bert else 1)  # more than one batch holds
        together = matrix(host.embed(model, OPTIONS, many))
        assert np.linalg.norm(together, axis=1) == pytest.approx(1.0, abs=1e-5)
        for place, text in enumerate(TEXTS):
            alone = matrix(host.embed(model, OPTIONS, [text]))[0]
            assert float(alone @ together[place]) >= 0.9999
            assert float(alone @ together[len(many) - len(TEXTS) + place]) >= 0.9999
        assert float(together[0] @ together[2]) < 0.999  # other texts, other vectors


@pytest.mark.parametrize("pooling", [2, 3])
def test_the_model_s_own_pooling_is_kept(
    host: EngineHost, bert: ModelFile, tmp_path: Path, pooling: int
) -> None:
    other = _file(make_bert(tmp_path / "other.gguf", pooling=pooling))
    text = " ".join(WORDS[:3])
    got = matrix(host.embed(other, OPTIONS, [text]))[0]
    want = host.call(lambda native: bare(native, other, [2, 5, 6, 7, 3], WIDTH))
    np.testing.assert_allclose(got, want / np.linalg.norm(want), atol=1e-5)
    assert float(got @ matrix(host.embed(bert, OPTIONS, [text]))[0]) < 0.999


def test_a_long_text_is_cut_and_said_to_be(host: EngineHost, bert: ModelFile) -> None:
    found = host.embed(bert, OPTIONS, ["word1 " * 200, "word1"])
    assert found.truncated == (True, False)
    assert found.tokens == 64 + 3
    want = host.call(lambda native: bare(native, bert, [2, *[6] * 62, 3], WIDTH))
    np.testing.assert_allclose(matrix(found)[0], want / np.linalg.norm(want), atol=1e-5)


def test_no_texts_are_no_vectors(host: EngineHost, bert: ModelFile) -> None:
    assert len(host.embed(bert, OPTIONS, [])) == 0


def test_documents_are_scored_as_the_model_s_head_does(host: EngineHost, ranker: ModelFile) -> None:
    documents = ["word3 word4", "word9", "word1 " * 100]
    found = host.rerank(ranker, OPTIONS, "word1 word2", documents)
    assert found.truncated == (False, False, True)
    # [CLS] question [SEP] document: this vocabulary wants no token at the end of its own accord.
    for place, tail in enumerate(([8, 9], [14])):
        tokens = [2, 6, 7, 3, *tail]
        (want,) = host.call(lambda native, t=tokens: bare(native, ranker, t, 1))
        assert found.scores[place] == pytest.approx(float(want), abs=1e-4)
    alone = host.rerank(ranker, OPTIONS, "word1 word2", documents[1:2])
    assert alone.scores[0] == pytest.approx(found.scores[1], abs=1e-4)


def test_a_model_asked_for_what_it_is_not_made_for_says_so(
    host: EngineHost, bert: ModelFile, ranker: ModelFile
) -> None:
    with pytest.raises(UserError, match="cannot rank"):
        host.rerank(bert, OPTIONS, "a", ["b"])
    with pytest.raises(UserError, match="no embeddings"):
        host.embed(ranker, OPTIONS, ["a"])


def test_a_file_that_is_gone_is_one_sentence(host: EngineHost, bert: ModelFile) -> None:
    gone = replace(bert, name="gone", path="/nowhere/gone.gguf")
    with pytest.raises(ModelFileError, match="gone could not be loaded"):
        host.embed(gone, OPTIONS, ["a"])
    assert len(host.embed(bert, OPTIONS, ["word1"])) == 1


def test_a_model_that_memory_has_no_room_for_is_refused(
    host: EngineHost, bert: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snug.engine.embedding.available_bytes", lambda: 1000)
    with pytest.raises(OutOfMemoryError, match="are free"):
        host.embed(replace(bert, name="another"), OPTIONS, ["word1"])
