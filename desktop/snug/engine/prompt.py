"""From messages to tokens: template, special tokens, and what the KV cache already knows.

A person's text is never read as a control token: `<|im_start|>system` typed into a message stays
text. Each control spelling in a message gets a mark after its first character before rendering;
afterwards the prompt is cut at the marks, so that no piece holds the whole spelling.
"""

from __future__ import annotations

import bisect
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from snug.domain.errors import ContextOverflowError, TemplateError
from snug.domain.prompt import (
    ContextPlan,
    GenerationRequest,
    Overflow,
    PromptMessage,
    answer_reserve,
    drop_oldest,
    droppable,
)
from snug.domain.tools import ToolFunction, read_tools
from snug.engine.known import KnownTokens
from snug.engine.loaded import LoadedModel
from snug.engine.output.dialect import Dialect, dialect_of, opened_by, tags_of
from snug.engine.template import FALLBACK_STOPS, FALLBACK_TEMPLATE, TemplateRenderer

_MARK = "\uf8f0"  # private use; taken out of every message first
MAX_RUN = 8192  # a longer unbroken run overflows some tokenisers (ggml-org/llama.cpp #27783)
MAX_DIGITS = 512  # the superbpe tokeniser takes 7 s for 8,192 of them, and 3 ms for these
_RUN = re.compile(rf"\S{{{MAX_RUN}}}|\s{{{MAX_RUN}}}")
_DIGITS = re.compile(rf"\d{{{MAX_DIGITS}}}")
_UNSPEAKABLE = re.compile("[\0\ud800-\udfff]")  # NUL, and halves of a character that UTF-8 lacks


@dataclass(frozen=True, slots=True)
class Prompt:
    """A rendered prompt.

    Attributes:
        text: with `_MARK` where a person's text would spell a control token.
        tokens: what the model reads.
        dropped: how many of the oldest messages were left out.
        thinking: closing tag of a thinking block that the prompt opens, else "".
        may_think: whether the answer may begin with a thinking block.
        amid_thinking: the prompt ends within one that was begun before.
        stops: texts that end the answer, for models without a template.
        dialect: how the model marks its thinking and its calls.
        tools: what it may call.
    """

    text: str
    tokens: tuple[int, ...]
    dropped: int
    thinking: str
    may_think: bool
    amid_thinking: bool
    stops: tuple[str, ...]
    dialect: Dialect
    tools: tuple[ToolFunction, ...]


@dataclass(frozen=True, slots=True)
class _Rendered:
    """Text and tokens of a request, and the closing tag of what it leaves open."""

    text: str
    tokens: tuple[int, ...]
    thinking: str


class PromptBuilder:
    """Builds prompts for one loaded model. Engine thread only."""

    def __init__(self, loaded: LoadedModel, renderer: TemplateRenderer) -> None:
        self._loaded = loaded
        self._renderer = renderer
        spellings = [re.escape(text) for text in loaded.control_texts]
        self._control = re.compile("|".join(spellings)) if spellings else None
        self._bos = loaded.special_text("bos")
        self._eos = loaded.special_text("eos")
        self._memo: tuple[object, _Rendered] | None = None

    def build(self, request: GenerationRequest, known: KnownTokens) -> Prompt:
        """The prompt that fits, the oldest messages dropped where it must be.

        Raises:
            ContextOverflowError: the newest message alone does not fit.
            TemplateError: see `TemplateRenderer.render`.
        """
        plan = self.plan(request, known)
        if plan.overflow:
            raise ContextOverflowError(_too_long(request, plan))
        return self._prompt(request, plan.dropped, known)

    def shorten(
        self, request: GenerationRequest, prompt: Prompt, known: KnownTokens
    ) -> Prompt | None:
        """The prompt with at least a quarter of the context less of the oldest messages.

        Returns:
            None where nothing more can be left out.
        """
        quarter = self._loaded.context_length // 4
        shorter: Prompt | None = None
        for step in droppable(request.messages):
            if step > prompt.dropped:
                shorter = self._prompt(request, step, known)
                if len(shorter.tokens) <= len(prompt.tokens) - quarter:
                    break
        return shorter

    def _prompt(self, request: GenerationRequest, dropped: int, known: KnownTokens) -> Prompt:
        rendered = self._prepare(request, dropped, known)
        has_template = bool(request.model.chat_template)
        return Prompt(
            text=rendered.text,
            tokens=rendered.tokens,
            dropped=dropped,
            thinking=rendered.thinking,
            may_think=not _speaks_at_once(request),
            amid_thinking=bool(_thinking_begun(request)),
            stops=request.stop if has_template else (*request.stop, *FALLBACK_STOPS),
            dialect=dialect_of(template_for(request)),
            tools=read_tools(request.tools),
        )

    def plan(self, request: GenerationRequest, known: KnownTokens) -> ContextPlan:
        """How much of the context the request takes and what must go.

        Whole quarters of the context are dropped at a time where there is so much, so that the
        shortened beginning stays the same for many turns and its KV entries stay useful.
        """
        length = self._loaded.context_length
        reserve = answer_reserve(length)
        budget = length - reserve

        def count(step: int) -> int:
            return len(self._prepare(request, step, known).tokens)

        total = count(0)
        if total <= budget:
            return ContextPlan(total, length, reserve, 0)
        if request.overflow is Overflow.STOP:
            return ContextPlan(total, length, reserve, 0, overflow=True)
        steps = droppable(request.messages)
        quantum = max(1, budget // 4)
        target = total - -(-(total - budget) // quantum) * quantum
        first = bisect.bisect_left(steps, -target, key=lambda step: -count(step))
        if first == len(steps):  # a long newest message: no more is dropped than it needs
            first = bisect.bisect_left(steps, -budget, key=lambda step: -count(step))
        chosen = steps[min(first, len(steps) - 1)]
        left = count(chosen)
        return ContextPlan(left, length, reserve, chosen, overflow=left > budget)

    def _prepare(self, request: GenerationRequest, step: int, known: KnownTokens) -> _Rendered:
        """The request without its `step` oldest messages; the last one rendered is kept."""
        messages = drop_oldest(request.messages, step)
        begun = _thinking_begun(request)
        speaks = _speaks_at_once(request)
        asked = (request.answer_start, request.tools, request.thinking)
        key = (messages, asked, begun, speaks, len(known.tokens))
        if self._memo is None or self._memo[0] != key:
            text, thinking = self._begin(request, self._render(request, messages))
            tokens = tuple(self._tokenise(text, known))
            if not tokens:
                raise TemplateError(
                    "The model's chat template wrote nothing for this conversation. Use another "
                    "file of this model."
                )
            self._memo = (key, _Rendered(text, tokens, thinking))
        return self._memo[1]

    def _begin(self, request: GenerationRequest, text: str) -> tuple[str, str]:
        """The prompt with what the answer begins with, and the closing tag of what stays open."""
        closing = opened_by(text)
        if _speaks_at_once(request):
            visible = dialect_of(template_for(request)).visible
            text += (f"\n{closing}\n\n" if closing else visible) + self.guard(request.answer_start)
            return text, ""
        begun = _thinking_begun(request)
        if begun:
            if not closing:
                opening, closing = tags_of(template_for(request))
                text += opening
            text += ("" if text.endswith("\n") else "\n") + self.guard(begun)
        return text, closing

    def _render(self, request: GenerationRequest, messages: Sequence[PromptMessage]) -> str:
        variables: dict[str, Any] = {
            "add_generation_prompt": True,
            "bos_token": self._bos,
            "eos_token": self._eos,
            "tools": self._guarded(json.loads(request.tools)) if request.tools else None,
        }
        if request.thinking is not None:  # templates know it by one of these names
            variables["enable_thinking"] = variables["thinking"] = request.thinking
        safe = [self._safe(message) for message in messages]
        return self._renderer.render(template_for(request) or FALLBACK_TEMPLATE, safe, variables)

    def _safe(self, message: PromptMessage) -> PromptMessage:
        calls = tuple(
            replace(call, name=self.guard(call.name), arguments=self._safe_json(call.arguments))
            for call in message.tool_calls
        )
        text, name = self.guard(message.text), self.guard(message.name)
        return replace(message, text=text, name=name, tool_calls=calls)

    def _safe_json(self, text: str) -> str:
        """JSON with marks inside its strings, so that it stays JSON; other text as text."""
        try:
            return json.dumps(self._guarded(json.loads(text)), ensure_ascii=False)
        except (ValueError, RecursionError):
            return self.guard(text)

    def _guarded(self, value: Any) -> Any:
        """`guard` for every text of a JSON value."""
        if isinstance(value, str):
            return self.guard(value)
        if isinstance(value, list):
            return [self._guarded(item) for item in value]
        if isinstance(value, dict):
            return {self.guard(key): self._guarded(item) for key, item in value.items()}
        return value

    def guard(self, text: str) -> str:
        """A message's text with marks inside control spellings and endless runs."""
        text = _UNSPEAKABLE.sub("\ufffd", text.replace(_MARK, ""))
        if self._control is not None:
            text = self._control.sub(lambda m: m.group()[0] + _MARK + m.group()[1:], text)
        if len(text) > MAX_DIGITS:
            text = _DIGITS.sub(lambda m: m.group() + _MARK, text)
        if len(text) > MAX_RUN:
            text = _RUN.sub(lambda m: m.group() + _MARK, text)
        return text

    def _tokenise(self, marked: str, known: KnownTokens) -> list[int]:
        loaded = self._loaded
        plain = marked.replace(_MARK, "")
        # The template has written it, or we do.
        bos = None if self._bos and plain.startswith(self._bos) else loaded.bos
        lead = [] if bos is None else [bos]
        start, offset = known.shared_with(
            plain.encode(), self._specials(marked), lead, loaded.adds_space
        )
        tokens = known.tokens[:start] or lead
        for index, segment in enumerate(_skip_bytes(marked, offset).split(_MARK)):
            tokens += loaded.tokenise(segment, within=index > 0)
        return tokens

    def _specials(self, marked: str) -> dict[int, int]:
        """Byte offset, marks not counted, → byte length of what is read as a control token."""
        found: dict[int, int] = {}
        if self._control is None:
            return found
        base = 0
        for segment in marked.split(_MARK):
            end = 0
            for match in self._control.finditer(segment):
                base += len(segment[end : match.start()].encode())
                end = match.end()
                found[base] = len(match.group().encode())
                base += found[base]
            base += len(segment[end:].encode())
        return found


def _too_long(request: GenerationRequest, plan: ContextPlan) -> str:
    if request.overflow is Overflow.STOP and len(droppable(request.messages)) > 1:
        return (
            f"This conversation needs {plan.prompt_tokens} tokens and the context holds "
            f"{plan.context_length}, {plan.reserve_tokens} of them for the answer; nothing was "
            "sent. Choose a longer context in Settings, let Snug leave out or summarise the oldest "
            "messages, or start a new conversation."
        )
    return (
        f"This message needs {plan.prompt_tokens} tokens and the context holds "
        f"{plan.context_length}. Shorten it, or choose a longer context in Settings."
    )


def template_for(request: GenerationRequest) -> str:
    """The model's chat template; the one it has for tools where there are any."""
    model = request.model
    return (model.tool_template if request.tools else "") or model.chat_template


def _speaks_at_once(request: GenerationRequest) -> bool:
    """The answer goes on with visible text, or follows a schema or grammar: no thinking first."""
    grammar = request.sampling.grammar if request.sampling is not None else ""
    return bool(request.answer_start or request.schema or grammar)


def _thinking_begun(request: GenerationRequest) -> str:
    """Thinking that the answer goes on with; none where it speaks at once."""
    return "" if _speaks_at_once(request) else request.thinking_start


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
