"""Make one answer: prompt, prefill, token by token, as events."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from snug.domain.events import (
    Event,
    Finished,
    Prefill,
    Started,
    StopReason,
    Timings,
    Usage,
)
from snug.domain.prompt import GenerationRequest
from snug.domain.sampling import Sampling
from snug.engine.decoder import Aborted, Decoder
from snug.engine.loaded import LoadedModel
from snug.engine.native import Native
from snug.engine.output.stream import OutputStream
from snug.engine.prompt import PromptBuilder
from snug.engine.sampler import Sampler


@dataclass(slots=True)
class _Clock:
    """Moments of one answer, in seconds of `time.monotonic`."""

    began: float
    first: float = 0.0
    last: float = 0.0
    drawn: int = 0

    def tick(self) -> None:
        """A token was drawn."""
        self.last = time.monotonic()
        self.drawn += 1
        if self.drawn == 1:
            self.first = self.last

    def timings(self, load_s: float) -> Timings:
        """Speed counts from the first token to the last, so that prefill does not slow it."""
        decoding = self.last - self.first
        speed = (self.drawn - 1) / decoding if self.drawn > 1 and decoding > 0 else 0.0
        return Timings(load_s, max(0.0, self.first - self.began), speed)


class Answerer:
    """Answers requests on one loaded model, keeping its KV cache between them. Engine thread."""

    def __init__(
        self,
        native: Native,
        loaded: LoadedModel,
        builder: PromptBuilder,
        decoder: Decoder,
        between_tokens: Callable[[], None],
    ) -> None:
        self._native = native
        self._loaded = loaded
        self._builder = builder
        self._decoder = decoder
        self._between_tokens = between_tokens

    def answer(
        self, request: GenerationRequest, sink: Callable[[Event], None], load_s: float
    ) -> None:
        """Send the events of one answer, `Finished` last; a stop ends it in order.

        Raises:
            SnugError: nothing could be answered, or no further.
        """
        clock = _Clock(time.monotonic())
        prompt = self._builder.build(request, self._decoder.known)
        cached = self._decoder.reuse(prompt.tokens)
        sink(
            Started(
                self._loaded.file.name,
                self._loaded.placement,
                len(prompt.tokens),
                cached,
                self._loaded.context_length,
                prompt.dropped,
            )
        )
        stream = OutputStream(
            prompt.dialect,
            thinking=prompt.thinking,
            may_think=prompt.may_think,
            goes_on=prompt.amid_thinking,
            stops=prompt.stops,
            tools=prompt.tools,
        )
        reason = StopReason.STOPPED
        try:
            self._decoder.prefill(prompt.tokens, lambda done, total: sink(Prefill(done, total)))
            reason = self._decode(request, stream, clock, sink)
        except Aborted:
            pass
        for event in stream.flush():
            sink(event)
        usage = Usage(len(prompt.tokens), cached, clock.drawn)
        sink(Finished(usage, reason, clock.timings(load_s)))

    def _decode(
        self,
        request: GenerationRequest,
        stream: OutputStream,
        clock: _Clock,
        sink: Callable[[Event], None],
    ) -> StopReason:
        loaded, decoder = self._loaded, self._decoder
        sampling = request.sampling or request.model.sampling or Sampling()
        limit = sampling.max_tokens or loaded.context_length
        sampler = Sampler(self._native.llama, loaded, sampling, request.schema)
        try:
            while True:
                token = sampler.draw()
                clock.tick()
                if loaded.ends_turn(token):
                    decoder.note_end(token)
                    return StopReason.END
                for event in stream.feed(loaded.piece(token)):
                    sink(event)
                if stream.hit:
                    return StopReason.END
                if clock.drawn >= limit or decoder.free <= 0:
                    return StopReason.LENGTH
                self._between_tokens()
                decoder.step(token)
        finally:
            sampler.close()
