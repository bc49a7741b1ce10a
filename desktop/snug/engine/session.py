"""Everything that exists while a model is loaded: its weights, its two lanes, what is kept warm."""

from __future__ import annotations

import importlib.metadata
from collections import Counter
from collections.abc import Callable, Iterator

from snug.domain.events import Event
from snug.domain.kv_state import StateKeeper
from snug.domain.model import LoadOptions, ModelFile
from snug.domain.prompt import ContextPlan, GenerationRequest
from snug.engine.adapters import Adapters
from snug.engine.answer import Answerer
from snug.engine.chat_lane import ChatLane
from snug.engine.decoder import AbortSwitch
from snug.engine.draft import DraftModel
from snug.engine.job import Job
from snug.engine.known import KnownTokens
from snug.engine.loaded import Cancelled, LoadedModel, same_load
from snug.engine.memory import available_bytes
from snug.engine.native import Native
from snug.engine.parallel_lane import DEFAULT_LIMIT, ParallelLane
from snug.engine.prompt import PromptBuilder
from snug.engine.template import TemplateRenderer
from snug.engine.warm import WarmStates

WARM_SHARE = 0.25  # of what is free once the model is loaded
WARM_BYTES = 4 * 2**30


class Session:
    """A loaded model at work. Engine thread only.

    Raises (constructor): SnugError, Cancelled.

    Args:
        switch: stops the chat lane.
        on_progress: told the fraction that is loaded; False stops the load.
        warm_bytes: of main memory for the states of other conversations; None chooses.
    """

    def __init__(
        self,
        native: Native,
        file: ModelFile,
        options: LoadOptions,
        renderer: TemplateRenderer,
        switch: AbortSwitch,
        on_progress: Callable[[float], bool],
        keeper: StateKeeper | None = None,
        warm_bytes: int | None = None,
    ) -> None:
        self._native = native
        self.loaded = LoadedModel(native, file, options, on_progress)
        self._parallel: ParallelLane | None = None
        self._adapters = Adapters(native.llama, self.loaded.model)
        try:
            if switch.thrown:
                raise Cancelled
            self.builder = PromptBuilder(self.loaded, renderer)
            if warm_bytes is None:
                warm_bytes = min(WARM_BYTES, int(WARM_SHARE * available_bytes()))
            warm = WarmStates(
                keeper if file.sha256 else None, state_fingerprint(self.loaded), warm_bytes
            )
            self.chat = ChatLane(
                native.llama, self.loaded, self.builder, switch, warm, self._adapters
            )
            if options.draft is not None:
                self.chat.draft = DraftModel(native, options.draft, self.loaded, options, switch)
        except BaseException:
            self.loaded.close()
            raise

    def serves(self, file: ModelFile, options: LoadOptions) -> bool:
        """Whether a request for this file and these options needs no other load."""
        return same_load(self.loaded, file, options)

    @property
    def held(self) -> dict[str, int]:
        """Bytes by device name that closing gives back: the model's, its draft's, its lanes'."""
        found = Counter(self.loaded.held)
        if self.chat.draft is not None:
            found.update(self.chat.draft.held)
        if self._parallel is not None:
            found.update(self._parallel.held)
        found[self._native.owner_of(self._native.cpu_buffer_type)[0]] += self.chat.warm.size_bytes
        return dict(found)

    def answer(
        self, request: GenerationRequest, sink: Callable[[Event], None], load_s: float
    ) -> Iterator[None]:
        """One answer on the chat lane, a step at a time. See `Answerer.answer`."""
        return Answerer(self._native, self.loaded, self.chat).answer(request, sink, load_s)

    def plan(self, request: GenerationRequest) -> ContextPlan:
        """What a request would take of the context. Raises: SnugError."""
        return self.builder.plan(request, self.chat.decoder.known)

    # -- many at a time -----------------------------------------------------------------------

    @property
    def parallel_busy(self) -> bool:
        """Some answer is being made on the parallel lane."""
        return self._parallel is not None and self._parallel.busy

    def admit(self, request: GenerationRequest, job: Job, waiting: int) -> bool:
        """Take a request to the parallel lane.

        Args:
            waiting: how many requests wait, this one counted.

        Returns:
            False where it must wait for one of those at work.

        Raises:
            SnugError: it cannot be answered at all.
        """
        lane = self._parallel
        if lane is not None and lane.busy and lane.full():  # asked at each step: before rendering
            return False
        need = self._need(request)
        if lane is not None and lane.busy:
            if not lane.serves(request, need):
                return False
        elif lane is None or not lane.serves(request, need) or lane.size < waiting:
            lane = self._open_parallel(need, waiting)
        lane.add(job)
        return True

    def step_parallel(self, *, beside_chat: bool) -> None:
        """One step of the parallel lane."""
        if self._parallel is not None:
            self._parallel.step(beside_chat=beside_chat)

    def stop_parallel(self) -> None:
        """The step at work ends soon; what runs there is stopped."""
        lane = self._parallel
        if lane is not None:
            lane.switch.throw()

    def close_parallel(self) -> None:
        """Give the memory of its sequences back."""
        lane, self._parallel = self._parallel, None
        if lane is not None:
            lane.close()

    def close(self) -> None:
        """Hand over what is worth keeping, free everything; harmless when called twice."""
        try:
            self.close_parallel()
            self.chat.close()
        finally:
            self._adapters.close()
            self.loaded.close()

    def _need(self, request: GenerationRequest) -> int:
        """Tokens of its prompt and the longest answer it may have. Raises: SnugError."""
        plan = self.builder.plan(request, KnownTokens())
        sampling = request.sampling or request.model.sampling
        limit = (sampling.max_tokens if sampling is not None else None) or DEFAULT_LIMIT
        return min(plan.prompt_tokens + limit, self.loaded.context_length)

    def _open_parallel(self, need: int, waiting: int) -> ParallelLane:
        self.close_parallel()
        self._parallel = ParallelLane(
            self._native, self.loaded, self.builder, self._adapters, need, waiting
        )
        return self._parallel


def state_fingerprint(loaded: LoadedModel) -> str:
    """A KV state is of one file, one build of llama.cpp and one layout of the cache."""
    build = importlib.metadata.version("llama-cpp-python")
    options, setting = loaded.options, loaded.setting
    return f"{loaded.file.sha256}:{build}:{setting.kv_type}:{options.flash_attention}"
