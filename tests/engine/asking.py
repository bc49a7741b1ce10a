"""Short ways to ask the engine and to look into it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.listener import PATIENCE_S, Listener

from snug.domain.conversation import Role
from snug.domain.errors import SnugError
from snug.domain.events import Event, TextDelta
from snug.domain.model import LoadOptions, ModelFile
from snug.domain.prompt import ContextPlan, GenerationRequest, PromptMessage
from snug.domain.sampling import Sampling
from snug.engine.host import EngineHost, Job
from snug.engine.loaded import LoadedModel
from snug.engine.native import Native
from snug.engine.session import Session

CONTEXT = LoadOptions(context_length=2048)
GREEDY = Sampling(temperature=0.0, max_tokens=24)


def talk(*texts: str, system: str = "") -> tuple[PromptMessage, ...]:
    """Messages in turn, the person's first."""
    head = (PromptMessage(Role.SYSTEM, system),) if system else ()
    roles = (Role.USER, Role.ASSISTANT)
    return head + tuple(PromptMessage(roles[i % 2], text) for i, text in enumerate(texts))


@dataclass(frozen=True)
class Asking:
    """An engine and the model that it is asked with."""

    host: EngineHost
    model: ModelFile
    load: LoadOptions = CONTEXT

    def request(
        self,
        messages: Sequence[PromptMessage] | str,
        sampling: Sampling | None = GREEDY,
        **more: Any,
    ) -> GenerationRequest:
        turns = talk(messages) if isinstance(messages, str) else tuple(messages)
        return GenerationRequest(self.model, turns, sampling, self.load, **more)

    def start(
        self,
        messages: Sequence[PromptMessage] | str,
        sampling: Sampling | None = GREEDY,
        **more: Any,
    ) -> tuple[Listener, Job]:
        listener = Listener()
        return listener, self.host.generate(self.request(messages, sampling, **more), listener)

    def __call__(
        self,
        messages: Sequence[PromptMessage] | str,
        sampling: Sampling | None = GREEDY,
        **more: Any,
    ) -> Listener:
        """The answer, complete."""
        listener, _ = self.start(messages, sampling, **more)
        listener.wait_for_end()
        return listener

    def stop_after(self, messages: Sequence[PromptMessage], pieces: int) -> Listener:
        """An answer that is stopped by whoever receives the so manyth piece of its text."""
        seen = 0
        running: list[Job] = []
        known = threading.Event()

        def stop(event: Event) -> None:
            nonlocal seen
            seen += isinstance(event, TextDelta)
            if seen == pieces:
                assert known.wait(PATIENCE_S)
                running[0].cancel()

        listener = Listener(stop)
        long = Sampling(temperature=0.0, max_tokens=400)
        running.append(self.host.generate(self.request(messages, long), listener))
        known.set()
        listener.wait_for_end()
        return listener

    def plan(self, request: GenerationRequest) -> ContextPlan | SnugError:
        """What the engine says a request would take; its model must be loaded."""
        answers: list[ContextPlan | SnugError] = []
        self.host.plan(request, answers.append)
        self.host.call(lambda _native: None)  # questions are answered in order
        return answers[0]

    def loaded(self) -> LoadedModel:
        """The model as it lies in memory."""
        return self.session().loaded

    def session(self) -> Session:
        """What exists while the model is loaded; look at it from the engine's thread or idle."""
        session = self.host._worker.session
        assert session is not None
        return session

    def tokens(self, text: str) -> list[int]:
        """Token ids of a rendered prompt."""
        return self.host.call(lambda _native: self.loaded().tokenise(text))


def bare_greedy(native: Native, file: ModelFile, prompt: list[int], count: int) -> list[int]:
    """Greedy tokens from llama.cpp alone: a model and context of its own, one batch, no engine."""
    llama: Any = native.llama
    model = llama.llama_model_load_from_file(file.path.encode(), llama.llama_model_default_params())
    parameters = llama.llama_context_default_params()
    parameters.n_ctx = 2048
    parameters.n_batch = parameters.n_ubatch = 512
    parameters.n_threads = parameters.n_threads_batch = 2
    context = llama.llama_init_from_model(model, parameters)
    greedy = llama.llama_sampler_init_greedy()
    vocabulary = llama.llama_model_get_vocab(model)
    try:
        batch = (llama.llama_token * len(prompt))(*prompt)
        assert llama.llama_decode(context, llama.llama_batch_get_one(batch, len(prompt))) == 0
        drawn: list[int] = []
        single = (llama.llama_token * 1)()
        while len(drawn) < count:
            single[0] = llama.llama_sampler_sample(greedy, context, -1)
            drawn.append(single[0])
            if llama.llama_vocab_is_eog(vocabulary, single[0]):
                break
            assert llama.llama_decode(context, llama.llama_batch_get_one(single, 1)) == 0
        return drawn
    finally:
        llama.llama_sampler_free(greedy)
        llama.llama_free(context)
        llama.llama_model_free(model)
