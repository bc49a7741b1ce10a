"""Embeddings and reranking: texts in, vectors or scores out, many texts in one batch."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from snug.domain.embedding import Embeddings, Ranking
from snug.domain.errors import EnvironmentFault, ModelFileError, OutOfMemoryError, UserError
from snug.domain.fit import MEMORY_SHARE
from snug.domain.model import LoadOptions, ModelFile
from snug.engine.fitting import size_text
from snug.engine.memory import available_bytes, physical_cores
from snug.engine.native import Native

MAX_TOKENS = 2048  # of one text, and of one batch; the compute buffer grows with it
_SEQUENCES = 64  # texts of one batch
_UNSPECIFIED, _NONE, _MEAN, _RANK = -1, 0, 1, 4  # llama_pooling_type
_SHARE_OF_QUERY = 2  # a question may fill one part in so many of the room


class Embedder:
    """A model with a context of its own that gives one vector, or score, for a text.

    Engine thread only. Raises (constructor): ModelFileError, OutOfMemoryError, EnvironmentFault.
    """

    def __init__(self, native: Native, file: ModelFile, options: LoadOptions) -> None:
        self.source = (file, options)
        self._llama: Any = native.llama
        self._model: Any = None
        self._context: Any = None
        self._batch: Any = None
        self._model = self._load(file, options)
        self._vocabulary = self._llama.llama_model_get_vocab(self._model)
        trained = int(self._llama.llama_model_n_ctx_train(self._model))
        self._room = max(8, min(trained or MAX_TOKENS, options.context_length or MAX_TOKENS))
        self._room = min(self._room, MAX_TOKENS)
        try:
            self._pooling = self._open(options)
            self._batch = self._llama.llama_batch_init(self._room, 0, 1)
        except BaseException:
            self.close()
            raise
        self._memory = self._llama.llama_get_memory(self._context)  # None for BERT and its like

    @property
    def ranks(self) -> bool:
        """A model that scores a question with a document instead of giving vectors."""
        return self._pooling == _RANK

    def embed(self, texts: Sequence[str]) -> Embeddings:
        """One vector of length 1 for each text. Raises: UserError, EnvironmentFault."""
        import numpy as np  # the bindings have loaded it already

        if self.ranks:
            raise UserError("This model ranks documents; it gives no embeddings. Choose another.")
        readings = [self._cut(self._tokenise(text, special=True)) for text in texts]
        size = int(self._llama.llama_model_n_embd_out(self._model))
        vectors = np.zeros((len(texts), size), dtype=np.float32)
        for first, group in self._groups([tokens for tokens, _ in readings]):
            self._run(group)
            for place in range(len(group)):
                vectors[first + place] = self._output(place, size)
        norms = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
        vectors = (vectors / np.maximum(norms, 1e-12)).astype(np.float32)
        total = sum(len(tokens) for tokens, _ in readings)
        return Embeddings(vectors.tobytes(), size, tuple(cut for _, cut in readings), total)

    def rerank(self, query: str, documents: Sequence[str]) -> Ranking:
        """How well each document answers the question. Raises: UserError, EnvironmentFault."""
        if not self.ranks:
            raise UserError("This model cannot rank documents. Choose a reranking model.")
        readings = [self._pair(query, document) for document in documents]
        scores: list[float] = []
        for _, group in self._groups([tokens for tokens, _ in readings]):
            self._run(group)
            scores += [float(self._output(place, 1)[0]) for place in range(len(group))]
        return Ranking(tuple(scores), tuple(cut for _, cut in readings))

    def close(self) -> None:
        """Free everything; harmless when called twice."""
        batch, self._batch = self._batch, None
        context, self._context = self._context, None
        model, self._model = self._model, None
        if batch is not None:
            self._llama.llama_batch_free(batch)
        if context:
            self._llama.llama_free(context)
        if model:
            self._llama.llama_model_free(model)

    # -- loading ------------------------------------------------------------------------------

    def _load(self, file: ModelFile, options: LoadOptions) -> Any:
        room = int(MEMORY_SHARE * available_bytes())
        if file.size_bytes > room:
            raise OutOfMemoryError(
                f"{file.name} needs {size_text(file.size_bytes)} and {size_text(room)} are free. "
                "Close other programs, or choose a smaller embedding model."
            )
        parameters = self._llama.llama_model_default_params()
        if options.gpu_layers is not None:
            parameters.n_gpu_layers = options.gpu_layers
        parameters.use_extra_bufts = options.extra_buffers
        model = self._llama.llama_model_load_from_file(os.fsencode(file.path), parameters)
        if not model:
            raise ModelFileError(
                f"{file.name} could not be loaded. Check it with: snug models check"
            )
        return model

    def _open(self, options: LoadOptions) -> int:
        """Open the context. Returns: how it makes one vector of many.

        A model that says nothing about it, as those that chat, gets the mean.
        """
        for pooling in (_UNSPECIFIED, _MEAN):
            if self._context:
                self._llama.llama_free(self._context)
            parameters = self._llama.llama_context_default_params()
            parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = self._room
            parameters.n_seq_max = _SEQUENCES
            parameters.kv_unified = True
            parameters.embeddings = True
            parameters.pooling_type = pooling
            threads = options.threads or physical_cores()
            parameters.n_threads = parameters.n_threads_batch = threads
            parameters.no_perf = True
            self._context = self._llama.llama_init_from_model(self._model, parameters)
            if not self._context:
                raise EnvironmentFault(
                    "There is not enough memory to embed with this model. Close other programs or "
                    "choose a smaller one."
                )
            found = int(self._llama.llama_pooling_type(self._context))
            if found != _NONE:
                break
        return found

    # -- texts --------------------------------------------------------------------------------

    def _tokenise(self, text: str, *, special: bool = False, controls: bool = False) -> list[int]:
        """Tokens of a text.

        Args:
            special: with the tokens that the model wants at its ends.
            controls: `<s>` and the like are read as the tokens they name.
        """
        data = text.encode(errors="replace")
        room = len(data) + 8
        while True:
            buffer = (self._llama.llama_token * room)()
            count = self._llama.llama_tokenize(
                self._vocabulary, data, len(data), buffer, room, special, controls
            )
            if count >= 0:
                return list(buffer[:count])
            room = -count

    def _cut(self, tokens: list[int]) -> tuple[list[int], bool]:
        """What fits, with the model's own last token; and whether something had to go."""
        if not tokens:  # an empty text of a model without special tokens
            return [max(0, self._llama.llama_vocab_bos(self._vocabulary))], False
        if len(tokens) <= self._room:
            return tokens, False
        llama, vocabulary = self._llama, self._vocabulary
        closed = llama.llama_vocab_get_add_eos(vocabulary) or llama.llama_vocab_get_add_sep(
            vocabulary
        )
        if not closed:
            return tokens[: self._room], True
        return [*tokens[: self._room - 1], tokens[-1]], True

    def _pair(self, query: str, document: str) -> tuple[list[int], bool]:
        """A question and a document as one text.

        Source: the reranking of llama.cpp's server: the model's own template "rerank", else BOS,
        question, EOS, SEP, document, EOS, each where the vocabulary wants it.
        """
        llama, vocabulary = self._llama, self._vocabulary
        template = llama.llama_model_chat_template(self._model, b"rerank")
        asked = self._tokenise(query)[: self._room // _SHARE_OF_QUERY]
        told = self._tokenise(document)
        if template:
            before, between, after = _around(template.decode(errors="replace"))
            head = [*self._tokenise(before, controls=True), *asked]
            head += self._tokenise(between, controls=True)
            tail = self._tokenise(after, controls=True)
        else:
            eos = llama.llama_vocab_eos(vocabulary)
            end = [eos if eos >= 0 else llama.llama_vocab_sep(vocabulary)]
            tail = end if llama.llama_vocab_get_add_eos(vocabulary) else []
            bos = [llama.llama_vocab_bos(vocabulary)]
            head = [*(bos if llama.llama_vocab_get_add_bos(vocabulary) else []), *asked, *tail]
            if llama.llama_vocab_get_add_sep(vocabulary):
                head.append(llama.llama_vocab_sep(vocabulary))
        left = self._room - len(head) - len(tail)
        if left < 1:
            raise UserError("The model's room is too small for this question; shorten it.")
        return [*head, *told[:left], *tail], len(told) > left

    # -- computing ----------------------------------------------------------------------------

    def _groups(self, texts: list[list[int]]) -> Iterator[tuple[int, list[list[int]]]]:
        """Texts that fit one batch together, in order, with the place of the first."""
        first, size = 0, 0
        for place, tokens in enumerate(texts):
            if place > first and (size + len(tokens) > self._room or place - first >= _SEQUENCES):
                yield first, texts[first:place]
                first, size = place, 0
            size += len(tokens)
        if first < len(texts):
            yield first, texts[first:]

    def _run(self, group: list[list[int]]) -> None:
        batch, place = self._batch, 0
        for sequence, tokens in enumerate(group):
            for position, token in enumerate(tokens):
                batch.token[place] = token
                batch.pos[place] = position
                batch.n_seq_id[place] = 1
                batch.seq_id[place][0] = sequence
                batch.logits[place] = 1
                place += 1
        batch.n_tokens = place
        if self._memory:
            self._llama.llama_memory_clear(self._memory, True)
            result = self._llama.llama_decode(self._context, batch)
        else:
            result = self._llama.llama_encode(self._context, batch)
        if result != 0:
            raise EnvironmentFault(
                f"llama.cpp could not read the texts (code {result}). Try again with fewer or "
                "shorter ones, or choose another model."
            )

    def _output(self, sequence: int, size: int) -> Any:
        import numpy as np  # as above

        pointer = self._llama.llama_get_embeddings_seq(self._context, sequence)
        if not pointer:
            raise EnvironmentFault("llama.cpp gave no result for a text. Choose another model.")
        return np.ctypeslib.as_array(pointer, shape=(size,)).copy()


class EmbeddingDesk:
    """Keeps the embedder that was used last. Engine thread only."""

    def __init__(self) -> None:
        self._embedder: Embedder | None = None

    def get(self, native: Native, file: ModelFile, options: LoadOptions) -> Embedder:
        """The embedder of a model, loaded where it is not. Raises: as `Embedder`."""
        if self._embedder is None or self._embedder.source != (file, options):
            self.close()
            self._embedder = Embedder(native, file, options)
        return self._embedder

    def close(self) -> None:
        """Free its model."""
        embedder, self._embedder = self._embedder, None
        if embedder is not None:
            embedder.close()


def _around(template: str) -> tuple[str, str, str]:
    """What stands before, between and after the two places of a reranking template."""
    before, asked, rest = template.partition("{query}")
    between, told, after = rest.partition("{document}")
    if not asked or not told:
        raise UserError("The model's reranking template is not understood. Choose another model.")
    return before, between, after
