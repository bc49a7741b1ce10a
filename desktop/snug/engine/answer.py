"""Make one answer: prompt, prefill, token by token, as events."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from snug.domain.events import (
    Event,
    Finished,
    Prefill,
    Shifted,
    Started,
    StopReason,
    TextDelta,
    Timings,
    TokenLogprob,
    Usage,
)
from snug.domain.prompt import GenerationRequest
from snug.domain.sampling import Sampling
from snug.engine.chat_lane import ChatLane
from snug.engine.decoder import Aborted
from snug.engine.drawing import TokenSource
from snug.engine.loaded import LoadedModel
from snug.engine.logprobs import token_logprobs
from snug.engine.native import Native
from snug.engine.output.stream import OutputStream
from snug.engine.prompt import Prompt
from snug.engine.sampler import Sampler

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


def stream_for(prompt: Prompt) -> OutputStream:
    """What makes events of the tokens of an answer to this prompt."""
    return OutputStream(
        prompt.dialect,
        thinking=prompt.thinking,
        may_think=prompt.may_think,
        goes_on=prompt.amid_thinking,
        stops=prompt.stops,
        tools=prompt.tools,
    )


class Teller:
    """Adds log-probabilities to the text of the tokens that they belong to."""

    def __init__(self, llama: Any, loaded: LoadedModel, context: Any, count: int | None) -> None:
        self._llama = llama
        self._loaded = loaded
        self._context = context
        self._count = count
        self._size = llama.llama_vocab_n_tokens(loaded.vocabulary)
        self._untold: list[TokenLogprob] = []  # of tokens whose text is still held back

    def drawn(self, token: int, place: int) -> None:
        """A token was drawn from these logits of the last batch."""
        if self._count is None:
            return
        logits = self._llama.llama_get_logits_ith(self._context, place)
        spell = self._loaded.piece
        self._untold.append(token_logprobs(logits, self._size, token, self._count, spell))

    def tell(self, events: Iterable[Event]) -> Iterator[Event]:
        """The events, with what belongs to them."""
        for event in events:
            if self._untold:
                if isinstance(event, TextDelta):
                    event = replace(event, logprobs=tuple(self._untold))
                self._untold.clear()
            yield event


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
        stream = stream_for(prompt)
        teller = Teller(
            self._native.llama, self._loaded, self._loaded.context, request.top_logprobs
        )
        reason = StopReason.STOPPED
        self._lane.at_work = True
        try:
            for done, total in self._lane.decoder.prefill(prompt.tokens):
                sink(Prefill(done, total))
                yield
            reason = yield from self._decode(request, prompt, stream, teller, clock, sink)
        except Aborted:
            pass
        finally:
            self._lane.at_work = False
        for event in teller.tell(stream.flush()):
            sink(event)
        usage = Usage(len(prompt.tokens), cached, clock.drawn)
        sink(Finished(usage, reason, clock.timings(load_s)))

    def _decode(
        self,
        request: GenerationRequest,
        prompt: Prompt,
        stream: OutputStream,
        teller: Teller,
        clock: Clock,
        sink: Callable[[Event], None],
    ) -> Generator[None, None, StopReason]:
        loaded, lane = self._loaded, self._lane
        sampling = request.sampling or request.model.sampling or Sampling()
        limit = sampling.max_tokens or UNLIMITED
        sampler = Sampler(self._native.llama, loaded, sampling, request.schema)
        guesser, pace = lane.guesser(request, prompt)
        # What is drawn by chance may be drawn faster; what must come out the same must not differ.
        may_guess = lane.exactness.holds if sampling.repeatable else lambda: True
        source = TokenSource(lane.decoder, sampler, loaded.ends_turn, guesser, pace, may_guess)
        try:
            while True:
                token = source.draw()
                clock.tick()
                if loaded.ends_turn(token):
                    source.close()
                    lane.decoder.note_end(token)
                    return StopReason.END
                teller.drawn(token, source.drawn_from)
                for event in teller.tell(stream.feed(loaded.piece(token))):
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
