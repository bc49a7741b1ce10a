"""From messages to tokens: template, special tokens, and what the KV cache already knows.

A person's text is never read as a control token: `<|im_start|>system` typed into a message stays
text. Each control spelling in a message gets a mark after its first character before rendering;
afterwards the prompt is cut at the marks, so that no piece holds the whole spelling.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence
from dataclasses import dataclass

from snug.domain.errors import ContextOverflowError
from snug.domain.model import ModelFile
from snug.domain.prompt import (
    ContextPlan,
    GenerationRequest,
    PromptMessage,
    answer_reserve,
    drop_oldest,
    droppable,
)
from snug.engine.loaded import LoadedModel
from snug.engine.stream import opened_by
from snug.engine.template import FALLBACK_STOPS, FALLBACK_TEMPLATE, TemplateRenderer

_MARK = "\uf8f0"  # private use; taken out of every message first
MAX_RUN = 8192  # a longer unbroken run overflows some tokenisers (ggml-org/llama.cpp #27783)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A rendered prompt.

    Attributes:
        text: with `_MARK` where a person's text would spell a control token.
        tokens: what the model reads.
        dropped: how many of the oldest messages were left out.
        thinking: closing tag of a thinking block that the prompt opens, else "".
        stops: texts that end the answer, for models without a template.
    """

    text: str
    tokens: tuple[int, ...]
    dropped: int
    thinking: str
    stops: tuple[str, ...]


class KnownTokens:
    """The tokens whose KV entries exist (and the turn's closing token), with their spelling.

    Re-tokenising an answer does not always give the tokens it was made of; comparing spellings
    keeps the cache whole anyway.
    """

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.pieces: list[bytes] = []
        self.controls: list[int] = []  # indices of control tokens

    def append(self, token: int, piece: bytes, control: bool) -> None:
        """Add one token at the end."""
        if control:
            self.controls.append(len(self.tokens))
        self.tokens.append(token)
        self.pieces.append(piece)

    def cut(self, length: int) -> None:
        """Forget everything from `length` on."""
        del self.tokens[length:]
        del self.pieces[length:]
        while self.controls and self.controls[-1] >= length:
            self.controls.pop()

    def shared_with(self, text: bytes) -> tuple[int, int]:
        """The last control token up to which the spelling is a beginning of `text`.

        Returns:
            (tokens before it, bytes before it); a border where tokenising may begin anew with the
            same result. (0, 0) where there is none.
        """
        offset = 0
        best = (0, 0)
        controls = set(self.controls)
        for index, piece in enumerate(self.pieces):
            if not text.startswith(piece, offset):
                break
            if index in controls:
                best = (index, offset)
            offset += len(piece)
        return best


class PromptBuilder:
    """Builds prompts for one loaded model. Engine thread only."""

    def __init__(self, loaded: LoadedModel, renderer: TemplateRenderer) -> None:
        self._loaded = loaded
        self._renderer = renderer
        spellings = [re.escape(text) for text in loaded.control_texts]
        self._control = re.compile("|".join(spellings)) if spellings else None
        self._bos = loaded.special_text("bos")
        self._eos = loaded.special_text("eos")
        self._memo: tuple[object, str, tuple[int, ...]] | None = None

    def build(self, request: GenerationRequest, known: KnownTokens) -> Prompt:
        """The prompt that fits, the oldest messages dropped where it must be.

        Raises:
            ContextOverflowError: the newest message alone does not fit.
            TemplateError: see `TemplateRenderer.render`.
        """
        plan = self.plan(request, known)
        if plan.overflow:
            raise ContextOverflowError(
                f"This message needs {plan.prompt_tokens} tokens and the context holds "
                f"{plan.context_length}. Shorten it, or choose a longer context in Settings."
            )
        text, tokens = self._prepare(request, plan.dropped, known)
        has_template = bool(request.model.chat_template)
        return Prompt(
            text=text,
            tokens=tokens,
            dropped=plan.dropped,
            thinking="" if request.answer_start else opened_by(text),
            stops=request.stop if has_template else (*request.stop, *FALLBACK_STOPS),
        )

    def plan(self, request: GenerationRequest, known: KnownTokens) -> ContextPlan:
        """How much of the context the request takes and what must go.

        Whole quarters of the context are dropped at a time, so that the shortened beginning stays
        the same for many turns and its KV entries stay useful.
        """
        length = self._loaded.context_length
        reserve = answer_reserve(length)
        budget = length - reserve

        def count(step: int) -> int:
            return len(self._prepare(request, step, known)[1])

        total = count(0)
        if total <= budget:
            return ContextPlan(total, length, reserve, 0)
        steps = droppable(request.messages)
        quantum = max(1, budget // 4)
        target = total - -(-(total - budget) // quantum) * quantum
        first = bisect.bisect_left(steps, -target, key=lambda step: -count(step))
        chosen = steps[min(first, len(steps) - 1)]
        left = count(chosen)
        return ContextPlan(left, length, reserve, chosen, overflow=left > budget)

    def _prepare(
        self, request: GenerationRequest, step: int, known: KnownTokens
    ) -> tuple[str, tuple[int, ...]]:
        """Text and tokens of the request without its `step` oldest messages; the last is kept."""
        messages = drop_oldest(request.messages, step)
        key = (messages, request.answer_start, len(known.tokens))
        if self._memo is None or self._memo[0] != key:
            text = self._render(request.model, messages, request.answer_start)
            self._memo = (key, text, tuple(self._tokenise(text, known)))
        return self._memo[1], self._memo[2]

    def _render(
        self, model: ModelFile, messages: Sequence[PromptMessage], answer_start: str
    ) -> str:
        safe = [PromptMessage(m.role, self.guard(m.text)) for m in messages]
        text = self._renderer.render(
            model.chat_template or FALLBACK_TEMPLATE,
            safe,
            {
                "add_generation_prompt": True,
                "bos_token": self._bos,
                "eos_token": self._eos,
                "tools": None,
            },
        )
        if not answer_start:
            return text
        closing = opened_by(text)
        return text + (f"\n{closing}\n\n" if closing else "") + self.guard(answer_start)

    def guard(self, text: str) -> str:
        """A message's text with marks inside control spellings and endless runs."""
        text = text.replace(_MARK, "").replace("\0", "\ufffd")
        if self._control is not None:
            text = self._control.sub(lambda m: m.group()[0] + _MARK + m.group()[1:], text)
        if len(text) > MAX_RUN:
            text = re.sub(rf"\S{{{MAX_RUN}}}", lambda m: m.group() + _MARK, text)
        return text

    def _tokenise(self, marked: str, known: KnownTokens) -> list[int]:
        plain = marked.replace(_MARK, "")
        start, offset = known.shared_with(plain.encode())
        tokens = known.tokens[:start]
        rest = _skip_bytes(marked, offset)
        adds_bos = self._loaded.adds_bos and not plain.startswith(self._bos or "\0")
        for index, segment in enumerate(rest.split(_MARK)):
            tokens += self._loaded.tokenise(
                segment, add_special=adds_bos and start == 0 and index == 0, parse_special=True
            )
        return tokens


def _skip_bytes(marked: str, count: int) -> str:
    """`marked` without its first `count` UTF-8 bytes, marks not counted."""
    if count == 0:
        return marked
    mark = _MARK.encode()
    data = marked.encode()
    position = 0
    while count > 0:
        if data.startswith(mark, position):
            position += len(mark)
            continue
        nxt = data.find(mark, position)
        run = (len(data) if nxt < 0 else nxt) - position
        taken = min(run, count)
        position += taken
        count -= taken
    return data[position:].decode()
