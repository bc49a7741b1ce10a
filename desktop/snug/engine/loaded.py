"""A model in memory with its vocabulary and one context: load, tokenise, free."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from snug.domain.errors import ModelFileError, OutOfMemoryError
from snug.domain.fit import Fit, Setting, bounded_factor
from snug.domain.model import (
    Device,
    DeviceKind,
    Experience,
    LoadOptions,
    ModelFile,
    Placement,
)
from snug.engine.fitting import find_fit, refusal, size_text
from snug.engine.memory import (
    available_bytes,
    physical_cores,
    release_freed_bytes,
    resident_bytes,
    usable_cores,
)
from snug.engine.native import Native
from snug.engine.parameters import OUTPUTS, context_parameters, model_parameters
from snug.engine.projection import NO_MMAP
from snug.engine.threads import Threads, candidates, measure_threads

_LAYER = re.compile(r"layer\s+(\d+) assigned to device ([^,\s]+)")
_FUNCTION = re.compile(r"^\w+: (error loading model: )?")  # before what llama.cpp reports
_ERROR = 4  # GGML_LOG_LEVEL_ERROR
_UNKNOWN = 1  # LLAMA_TOKEN_ATTR_UNKNOWN: spelled out it becomes that token, as a control token does


class Cancelled(Exception):
    """The person stopped the load; nothing is left behind."""


class LoadedModel:
    """Owns llama.cpp's model and context. Engine thread only.

    Raises (constructor): ModelFileError, OutOfMemoryError, Cancelled.
    """

    def __init__(
        self,
        native: Native,
        file: ModelFile,
        options: LoadOptions,
        on_progress: Callable[[float], bool],
    ) -> None:
        self.file = file
        self.options = options
        self._llama: Any = native.llama
        self._native = native
        self._log: list[str] = []
        self.model: Any = None
        self.context: Any = None
        self._faults: list[str] = []
        native.listen(self._hear)
        try:
            self.fit = self._find_fit()
            if not self.fit.fits:
                raise refusal(file, self.fit, options)
            release_freed_bytes()
            before = resident_bytes()
            self._load(on_progress)
            self.vocabulary: Any = self._llama.llama_model_get_vocab(self.model)
            self.context_length = self._open_context()
            self.memory: Any = self._llama.llama_get_memory(self.context)
            release_freed_bytes()
            factor = self._memory_factor(before, resident_bytes())
            placement = self._placement()
            self._threads = self._choose_threads(placement)
            self._use_threads(self.context)
            learnt = Experience(factor, self._threads.decode, self._threads.batch)
            self.placement = replace(placement, learnt=learnt)
        except BaseException:
            self.close()
            raise
        finally:
            native.listen(None)
        self._pieces: dict[int, bytes] = {}
        self._controls, self._enders = self._special_tokens()
        texts = {self.piece(token).decode(errors="replace") for token in self._controls}
        # Spellings of control tokens, longest first: a person's text must not become them.
        self.control_texts = tuple(sorted((t for t in texts if len(t) > 1), key=len, reverse=True))
        # SentencePiece vocabularies begin every text with a space that is not in it.
        self.adds_space = self._spelling(self._tokenise("x")) != b"x"
        self._anchor = self._tokenise("\n")

    # -- tokens -------------------------------------------------------------------------------

    def tokenise(self, text: str, *, within: bool = False) -> list[int]:
        """Token ids of a text, `<|im_start|>` and the like read as the tokens they name.

        Args:
            within: the text goes on where another one ended, so that it begins with no space of
                its own.
        """
        if within and self.adds_space:
            tokens = self._tokenise("\n" + text)
            if tokens[: len(self._anchor)] == self._anchor:
                return tokens[len(self._anchor) :]
        return self._tokenise(text)

    def piece(self, token: int) -> bytes:
        """The bytes of a token, special ones spelled out; may end inside a character."""
        known = self._pieces.get(token)
        if known is None:
            known = self._pieces[token] = self._spell(token)
        return known

    def ends_turn(self, token: int) -> bool:
        """The model is done when it draws this token."""
        return token in self._enders

    def is_control(self, token: int) -> bool:
        """A token with a meaning instead of a text."""
        return token in self._controls

    @property
    def enders(self) -> frozenset[int]:
        """All tokens that end a turn."""
        return self._enders

    @property
    def bos(self) -> int | None:
        """The token that every prompt of this model begins with; None where there is none."""
        token = int(self._llama.llama_vocab_bos(self.vocabulary))
        wanted = self._llama.llama_vocab_get_add_bos(self.vocabulary)
        return token if wanted and token >= 0 else None

    def special_text(self, which: str) -> str:
        """Text of the "bos" or "eos" token; "" where the model has none."""
        token = getattr(self._llama, f"llama_vocab_{which}")(self.vocabulary)
        return self.piece(token).decode(errors="replace") if token >= 0 else ""

    @property
    def held(self) -> dict[str, int]:
        """Bytes by device name that unloading gives back; mapped files count as free anyway."""
        parts = self.fit.projection.devices
        return {part.device: part.total - part.mapped for part in parts}

    @property
    def setting(self) -> Setting:
        """The setting that was chosen."""
        found = self.fit.projection
        return Setting(found.context_length, found.gpu_layers, found.kv_type, found.experts_on_cpu)

    def close(self) -> None:
        """Free everything; harmless when called twice."""
        context, self.context = self.context, None
        model, self.model = self.model, None
        if context:
            self._llama.llama_free(context)
        if model:
            self._llama.llama_model_free(model)

    def _tokenise(self, text: str) -> list[int]:
        data = text.encode()
        room = len(data) + 8
        buffer = (self._llama.llama_token * room)()
        count = self._llama.llama_tokenize(
            self.vocabulary, data, len(data), buffer, room, False, True
        )
        if count < 0:
            room = -count
            buffer = (self._llama.llama_token * room)()
            count = self._llama.llama_tokenize(
                self.vocabulary, data, len(data), buffer, room, False, True
            )
        return list(buffer[:count])

    def _spelling(self, tokens: list[int]) -> bytes:
        return b"".join(map(self.piece, tokens))

    def _spell(self, token: int) -> bytes:
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            length = self._llama.llama_token_to_piece(self.vocabulary, token, buffer, room, 0, True)
            if length >= 0:
                return buffer.raw[:length]
            room = -length

    def _special_tokens(self) -> tuple[frozenset[int], frozenset[int]]:
        """Control tokens, and tokens that end a turn; asked once, so that the loop need not."""
        llama, vocabulary = self._llama, self.vocabulary
        tokens = range(llama.llama_vocab_n_tokens(vocabulary))
        controls = frozenset(
            t
            for t in tokens
            if llama.llama_vocab_is_control(vocabulary, t)
            or llama.llama_vocab_get_attr(vocabulary, t) & _UNKNOWN
        )
        enders = frozenset(t for t in tokens if llama.llama_vocab_is_eog(vocabulary, t))
        return controls, enders

    # -- loading ------------------------------------------------------------------------------

    def _hear(self, level: int, text: str) -> None:
        self._log.append(text)
        if level == _ERROR:
            self._faults.append(text)

    def _find_fit(self) -> Fit:
        if not Path(self.file.path).is_file():
            raise self._failure()
        try:
            return find_fit(self._native, self.file, self.options)
        except ModelFileError as error:
            raise self._failure() from error

    def _load(self, on_progress: Callable[[float], bool]) -> None:
        cancelled = self._try_load(on_progress)
        if not self.model:
            raise Cancelled if cancelled else self._failure()

    def _try_load(self, on_progress: Callable[[float], bool]) -> bool:
        """One try; `self.model` is set when it worked. Returns: the person cancelled it."""
        self._log.clear()
        self._faults.clear()
        cancelled = False

        def progress(fraction: float, _user: object) -> bool:
            nonlocal cancelled
            cancelled = cancelled or not on_progress(float(fraction))
            return not cancelled

        parameters = model_parameters(self._native, self.setting, self.options)
        if any(part.repacked for part in self.fit.projection.devices):
            # The mapped file would stay resident beside its repacked copy: twice the memory.
            parameters.native.load_mode = NO_MMAP
        callback = self._llama.llama_progress_callback(progress)
        parameters.native.progress_callback = callback
        self.model = self._llama.llama_model_load_from_file(
            os.fsencode(self.file.path), parameters.native
        )
        return cancelled

    def _open_context(self) -> int:
        """Open a context of the length that was chosen. Returns: its length."""
        self._threads = Threads(self._guess, self._guess)
        self.context = self.new_context(self.fit.projection.context_length)
        if not self.context:
            raise self._failure()
        return int(self._llama.llama_n_ctx(self.context))

    def new_context(self, length: int, sequences: int = 1, outputs: int = OUTPUTS) -> Any:
        """One more context on this model; whoever asks frees it. None where memory is short.

        Args:
            length: tokens of its KV cache, in equal parts for all of its sequences.
            sequences: how many answers it can hold side by side.
            outputs: positions of one batch that may be asked for their logits; llama.cpp aborts
                the process at one more. BATCH_TOKENS where a text is scored or embedded.
        """
        setting = replace(self.setting, context_length=length)
        parameters = context_parameters(self._native, setting, self.options, sequences, outputs)
        parameters.n_threads = self._threads.decode
        parameters.n_threads_batch = self._threads.batch
        return self._llama.llama_init_from_model(self.model, parameters)

    @property
    def _guess(self) -> int:
        """Threads where nothing was measured."""
        return self.options.threads or physical_cores()

    def _choose_threads(self, placement: Placement) -> Threads:
        """The person's number, else what was measured before, else measured now."""
        known = self.options.experience
        if self.options.threads is not None:
            return Threads(self.options.threads, self.options.threads)
        if known.threads is not None:
            return Threads(known.threads, known.threads_batch or known.threads)
        numbers = candidates(physical_cores(), usable_cores())
        if not numbers or placement.layers_on_gpu >= placement.layers:
            return Threads(self._guess, self._guess)
        return measure_threads(self._llama, self.context, numbers)

    def _use_threads(self, context: Any) -> None:
        self._llama.llama_set_n_threads(context, self._threads.decode, self._threads.batch)

    def _memory_factor(self, before: int | None, after: int | None) -> float:
        """Bytes that the load took ÷ projected, without what is taken only while decoding.

        Relative to the uncorrected projection. 1 where it cannot be told: part of it is on a
        graphics card, or the process's memory is not known.
        """
        parts = self.fit.projection.devices
        if before is None or after is None or len(parts) != 1:
            return self.options.experience.memory_factor
        expected = sum(part.total - part.compute for part in parts)
        taken = max(1, after - before) / max(1, expected)
        return round(taken * bounded_factor(self.options.experience.memory_factor), 3)

    def _placement(self) -> Placement:
        """Where the layers really are, from llama.cpp's own assignment, not from what was asked."""
        found = (match for text in self._log if (match := _LAYER.search(text)))
        where = {match.group(1): match.group(2) for match in found}
        devices = {device.name: device for device in self._native.devices()}
        on_gpu = [
            name
            for name in where.values()
            if name in devices and devices[name].kind is not DeviceKind.CPU
        ]
        total = len(where) or self.fit.projection.layers
        gpus = [d for d in devices.values() if d.kind is not DeviceKind.CPU]
        if on_gpu:
            main = max(set(on_gpu), key=on_gpu.count)
            description = devices[main].description or main
        else:
            cpu = next((d for d in devices.values() if d.kind is DeviceKind.CPU), None)
            description = cpu.description if cpu else "CPU"
        return Placement(description, len(on_gpu), total, _reason(len(on_gpu), total, gpus))

    def _failure(self) -> Exception:
        path = Path(self.file.path)
        if path.is_dir():
            return ModelFileError(f"{path} is a folder. Choose the .gguf file inside it.")
        if not path.is_file():
            return ModelFileError(
                f"The model file is not there any more: {path}. Put it back, or remove the model "
                "from the library and add it again."
            )
        # The first one says why; those after it only that it went wrong.
        said = self._faults[0] if self._faults else "llama.cpp gave no reason"
        cause = _FUNCTION.sub("", " ".join(said.split()))[:200]
        if _out_of_memory(self._log):
            fit = getattr(self, "fit", None)  # there is none where it was not chosen yet
            needed = fit.projection.total if fit is not None else self.file.size_bytes
            return OutOfMemoryError(
                f"{self.file.name} needs about {size_text(needed)} and "
                f"{size_text(available_bytes())} are free. Close other programs or choose a "
                "smaller model."
            )
        return ModelFileError(
            f"{self.file.name} could not be loaded: {cause}. The file may be damaged or of a kind "
            "this version cannot run; check it with: snug models check"
        )


def same_load(loaded: LoadedModel, file: ModelFile, options: LoadOptions) -> bool:
    """Whether a loaded model serves a request for this file and these options."""
    return replace(loaded.file, name=file.name) == file and loaded.options == options


def _out_of_memory(log: list[str]) -> bool:
    needles = ("out of memory", "failed to allocate", "unable to allocate", "cannot allocate")
    return any(needle in text.lower() for text in log for needle in needles)


def _reason(on_gpu: int, total: int, gpus: list[Device]) -> str:
    if on_gpu >= total:
        return ""
    if not gpus:
        return "No graphics card that this build can use was found."
    free = size_text(sum(d.free_bytes for d in gpus))
    return f"The graphics card has {free} free; the rest runs on the processor."
