"""Make one answer: prompt, prefill, token by token, as events."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from snug.domain.events import (
    Event,
    Finished,
    Prefill,
    ReasoningDelta,
    Shifted,
    Started,
    StopReason,
    TextDelta,
    Timings,
    Usage,
)
from snug.domain.prompt import GenerationRequest
from snug.domain.sampling import Sampling
from snug.engine.chat_lane import ChatLane
from snug.engine.decoder import Aborted
from snug.engine.drawing import TokenSource
from snug.engine.loaded import LoadedModel
from snug.engine.native import Native
from snug.engine.prompt import Prompt
from snug.engine.sampler import Sampler
from snug.engine.stream import ReasoningSplitter, StopMatcher, Utf8Stream

UNLIMITED = 2**31


@dataclass(slots=True)
class Clock:
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


class OutputStream:
    """The three stages that a token's bytes pass on their way to events."""

    def __init__(self, prompt: Prompt) -> None:
        self._utf8 = Utf8Stream()
        self._stop = StopMatcher(prompt.stops)
        self._split = ReasoningSplitter(
            prompt.thinking, may_open=prompt.may_think, goes_on=prompt.amid_thinking
        )

    @property
    def hit(self) -> bool:
        """A stop text has come."""
        return self._stop.hit

    def feed(self, piece: bytes) -> list[TextDelta | ReasoningDelta]:
        """Events of one token."""
        return list(self._split.feed(self._stop.feed(self._utf8.feed(piece))))

    def flush(self) -> list[TextDelta | ReasoningDelta]:
        """Events of what was held back."""
        rest = self._stop.feed(self._utf8.flush()) + self._stop.flush()
        return [*self._split.feed(rest), *self._split.flush()]


class Answerer:
    """Answers requests one after another on the chat lane of one loaded model. Engine thread."""

    def __init__(self, native: Native, loaded: LoadedModel, lane: ChatLane) -> None:
        self._native = native
        self._loaded = loaded
        self._lane = lane

    def answer(
        self, request: GenerationRequest, sink: Callable[[Event], None], load_s: float
    ) -> Iterator[None]:
        """Send the events of one answer, `Finished` last; a stop ends it in order.

        Yields:
            After each step of llama.cpp, so that other work may come between.

        Raises:
            SnugError: nothing could be answered, or no further.
        """
        clock = Clock(time.monotonic())
        prompt, cached = self._lane.prepare(request)
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
        stream = OutputStream(prompt)
        reason = StopReason.STOPPED
        try:
            for done, total in self._lane.decoder.prefill(prompt.tokens):
                sink(Prefill(done, total))
                yield
            reason = yield from self._decode(request, prompt, stream, clock, sink)
        except Aborted:
            pass
        for event in stream.flush():
            sink(event)
        usage = Usage(len(prompt.tokens), cached, clock.drawn)
        sink(Finished(usage, reason, clock.timings(load_s)))

    def _decode(
        self,
        request: GenerationRequest,
        prompt: Prompt,
        stream: OutputStream,
        clock: Clock,
        sink: Callable[[Event], None],
    ) -> Generator[None, None, StopReason]:
        loaded, lane = self._loaded, self._lane
        sampling = request.sampling or request.model.sampling or Sampling()
        limit = sampling.max_tokens or UNLIMITED
        sampler = Sampler(self._native.llama, loaded, sampling, request.schema)
        source = TokenSource(lane.decoder, sampler, loaded.ends_turn, *lane.guesser(prompt))
        try:
            while True:
                token = source.draw()
                clock.tick()
                if loaded.ends_turn(token):
                    source.close()
                    lane.decoder.note_end(token)
                    return StopReason.END
                for event in stream.feed(loaded.piece(token)):
                    sink(event)
                if stream.hit:
                    return StopReason.END
                if clock.drawn >= limit:
                    return StopReason.LENGTH
                if lane.decoder.free <= 0:
                    shorter = lane.make_room(request, prompt)
                    if shorter is None:
                        return StopReason.LENGTH
                    prompt = shorter
                    sink(Shifted(prompt.dropped))
                yield
        finally:
            source.close()
            sampler.close()
