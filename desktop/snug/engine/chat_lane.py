"""The sequence that a person waits for: one context, as long as it gets, and what it remembers.

Between answers the KV cache of the last conversation stays. Another conversation's takes its place
and the old one is put away warm, so that coming back reads nothing again.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from snug.domain.model import adapters_key
from snug.domain.prompt import GenerationRequest, Overflow
from snug.engine.adapters import Adapters
from snug.engine.decoder import AbortSwitch, Decoder
from snug.engine.draft import DraftModel
from snug.engine.drawing import Guesser, LookupGuesser
from snug.engine.exactness import Exactness
from snug.engine.loaded import LoadedModel
from snug.engine.pace import Pace
from snug.engine.prompt import Prompt, PromptBuilder
from snug.engine.warm import SHORTEST, WarmStates, shared_tokens

_WINDOW = 8  # tokens by which a place is found again: a turn's opening and a word or two


class ChatLane:
    """Engine thread only."""

    def __init__(
        self,
        native_llama: Any,
        loaded: LoadedModel,
        builder: PromptBuilder,
        switch: AbortSwitch,
        warm: WarmStates,
        adapters: Adapters,
    ) -> None:
        self.decoder = Decoder(native_llama, loaded, switch)
        size = native_llama.llama_vocab_n_tokens(loaded.vocabulary)
        self.exactness = Exactness(native_llama, self.decoder, size)
        self.warm = warm
        self.draft: DraftModel | None = None
        self.lookup_pace, self.draft_pace = Pace(), Pace()
        self.at_work = False  # an answer is being made
        self._builder = builder
        self._owner: GenerationRequest | None = None
        self._adapters = ""  # names those that the cache was computed with
        self._weights = adapters

    def prepare(self, request: GenerationRequest) -> tuple[Prompt, int]:
        """The prompt of a request, with all of the KV cache that serves it.

        Returns:
            The prompt, and how many of its tokens need not be read.

        Raises:
            SnugError: as `PromptBuilder.build`.
        """
        prompt = self._builder.build(request, self.decoder.known)
        adapters = adapters_key(request.adapters)
        if adapters != self._adapters or not _goes_on(self._owner, request):
            prompt = self._change_over(request, prompt, adapters)
        elif prompt.dropped:
            prompt = self._move_up(request, prompt)
        self._owner = request
        return prompt, self.decoder.reuse(prompt.tokens)

    def guesser(self, request: GenerationRequest, prompt: Prompt) -> tuple[Guesser | None, Pace]:
        """Who guesses ahead in an answer to this prompt."""
        if self.draft is not None:
            return self.draft.guesser(prompt.tokens), self.draft_pace
        guesser = LookupGuesser(prompt.tokens) if request.lookup else None
        return guesser, self.lookup_pace

    def make_room(self, request: GenerationRequest, prompt: Prompt) -> Prompt | None:
        """Leave out more of the oldest messages while an answer is being made.

        Returns:
            The shorter prompt that the cache now begins with; None where nothing can go.
        """
        if request.overflow is Overflow.STOP:
            return None
        before = self.decoder.cached
        shorter = self._builder.shorten(request, prompt, self.decoder.known)
        if shorter is None or not self._cut_to(prompt.tokens, shorter.tokens):
            return None
        # An answer read anew may have other tokens than it was made of: those in the cache count.
        left = len(prompt.tokens) - (before - self.decoder.cached)
        return replace(shorter, tokens=tuple(self.decoder.known.tokens[:left]))

    def forget(self, conversation: str) -> None:
        """Keep nothing of a conversation, unless it is being answered."""
        self.warm.drop(conversation)
        if self._owner is None or self._owner.conversation != conversation or self.at_work:
            return
        self._owner = None
        self.decoder.rewind(0)

    def put_away(self) -> None:
        """The present conversation's state goes to the warm ones."""
        owner = self._owner
        if owner is None or not owner.conversation or self.decoder.cached < SHORTEST:
            return
        state = self.decoder.save()
        if state is not None:
            self.warm.put(owner.conversation, state, self._adapters, keep=owner.keep)

    def close(self) -> None:
        """Hand over what is worth keeping, free the small model."""
        draft, self.draft = self.draft, None
        if draft is not None:
            draft.close()
        self.put_away()
        self.warm.close()

    def _change_over(self, request: GenerationRequest, prompt: Prompt, adapters: str) -> Prompt:
        """From one conversation, or one set of adapters, to another."""
        same_weights = adapters == self._adapters
        here = self.decoder.known.shared(prompt.tokens) if same_weights else 0
        self.put_away()
        self._owner = None  # whatever comes now belongs to nobody until it is whole
        if not same_weights:
            self._weights.use(self.decoder.context, request.adapters)
        state = self.warm.take(request.conversation, prompt.tokens, here + SHORTEST, adapters)
        self._adapters = adapters
        if state is not None and self.decoder.restore(state):
            return self._builder.build(request, self.decoder.known)
        if not same_weights:
            self.decoder.rewind(0)
        return prompt

    def _move_up(self, request: GenerationRequest, prompt: Prompt) -> Prompt:
        """Old messages have to go: take them out of the cache instead of reading the rest again."""
        cached = self.decoder.known.tokens[: self.decoder.cached]
        if self._cut_to(cached, prompt.tokens):
            return self._builder.build(request, self.decoder.known)
        return prompt

    def _cut_to(self, present: Sequence[int], wanted: Sequence[int]) -> bool:
        gap = find_gap(present, wanted)
        return gap is not None and self.decoder.cut_out(*gap)


def _goes_on(owner: GenerationRequest | None, request: GenerationRequest) -> bool:
    """Whether a request is the next one of the conversation that the cache is of.

    One without a conversation is known by its messages: they begin with all those of the last one.
    Nothing of another's may stay in what is only moved up, since the model has a memory of it.
    """
    if owner is None or owner.conversation != request.conversation:
        return False
    if request.conversation:
        return True
    return request.messages[: len(owner.messages)] == owner.messages


def find_gap(present: Sequence[int], wanted: Sequence[int]) -> tuple[int, int] | None:
    """What is to be taken out of `present` so that it goes on like `wanted`.

    The two begin alike; then `wanted` goes on with something that comes later in `present`. Texts
    repeat themselves, so of several such places the one is taken that leaves the right length.

    Returns:
        (first token, number of tokens); None where there is no such place.
    """
    start = shared_tokens(present, wanted)
    needle = array("i", wanted[start : start + _WINDOW]).tobytes()
    if len(needle) < _WINDOW * 4 or start >= len(present):
        return None
    hay = array("i", present).tobytes()
    expected = start + max(1, len(present) - len(wanted))
    best: int | None = None
    at = hay.find(needle, (start + 1) * 4)
    while at >= 0:
        if at % 4 == 0 and (best is None or abs(at // 4 - expected) < abs(best - expected)):
            best = at // 4
        at = hay.find(needle, at + 1)
    return None if best is None else (start, best - start)
