"""Many answers side by side: one context with a KV cache of its own for each sequence.

Each step decodes one token of every answer, and beginnings of new prompts beside them. Prompts that
begin alike are read once: the others wait for the first and copy its KV entries.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from typing import Any

from snug.domain.errors import ContextOverflowError, OutOfMemoryError, SnugError
from snug.domain.events import Failed, Finished, Prefill, Started, StopReason, Usage
from snug.domain.model import DeviceKind, adapters_key
from snug.domain.prompt import GenerationRequest
from snug.domain.sampling import Sampling
from snug.engine.adapters import Adapters
from snug.engine.answer import UNLIMITED, Clock, Teller, stream_for
from snug.engine.decoder import ABORTED, AbortSwitch, decode_failure
from snug.engine.fitting import BATCH_TOKENS
from snug.engine.job import Job, mistake, tell
from snug.engine.known import KnownTokens
from snug.engine.loaded import LoadedModel
from snug.engine.memory import available_bytes
from snug.engine.native import Native
from snug.engine.output.stream import OutputStream
from snug.engine.projection import breakdown, can_count
from snug.engine.prompt import Prompt, PromptBuilder
from snug.engine.sampler import Sampler
from snug.engine.token_batch import TokenBatch
from snug.engine.warm import shared_tokens

MOST = 32  # sequences
DEFAULT_LIMIT = 512  # tokens of an answer that names no limit
_BESIDE_CHAT = 64  # prompt tokens of a step while a person waits for the other lane
_WORTH_COPYING = 32  # tokens
_FEWEST = 8  # sequences, where there is memory
_SHORTEST = 512  # tokens of a sequence
_MEMORY_SHARE = 0.5  # of what is free, for the caches of all sequences
_log = logging.getLogger(__name__)


class Slot:
    """One answer being made, or the KV cache that one left."""

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence
        self.job: Job | None = None
        self.tokens: list[int] = []  # prompt, then what was drawn
        self.prompt_tokens = 0
        self.cached = 0  # of tokens, with KV entries
        self.waits_for: tuple[Slot, int] | None = None  # (who reads the same, how many tokens)
        self.added = 0  # tokens that this step decodes
        self.place = -1  # of its logits in the batch of this step
        self.limit = UNLIMITED
        self.reused = 0
        self.clock = Clock(0.0)
        self.stream: OutputStream | None = None
        self.sampler: Sampler | None = None
        self.teller: Teller | None = None

    def begin(self, job: Job, prompt: Prompt, sampler: Sampler, teller: Teller, limit: int) -> None:
        """Take a request; of the KV entries that stand here those stay that it shares."""
        self.cached = min(
            shared_tokens(self.tokens[: self.cached], prompt.tokens), len(prompt.tokens) - 1
        )
        self.job, self.tokens, self.prompt_tokens = job, list(prompt.tokens), len(prompt.tokens)
        self.clock, self.stream = Clock(time.monotonic()), stream_for(prompt)
        self.sampler, self.teller = sampler, teller
        self.limit, self.waits_for, self.reused = limit, None, self.cached

    def end(self, event: Finished | Failed) -> None:
        """Tell the end and be free; the KV entries stay for others to copy."""
        job, self.job = self.job, None
        sampler, self.sampler = self.sampler, None
        del self.tokens[self.cached :]
        if sampler is not None:
            sampler.close()
        if job is not None:
            tell(job, event)

    def finish(self, reason: StopReason) -> None:
        """As `end`, in order."""
        if self.job is not None and self.stream is not None and self.teller is not None:
            for event in self.teller.tell(self.stream.flush()):
                tell(self.job, event)
        usage = Usage(self.prompt_tokens, self.reused, self.clock.drawn)
        self.end(Finished(usage, reason, self.clock.timings(0.0)))


class ParallelLane:
    """The context of the parallel answers. Engine thread only.

    Raises (constructor): OutOfMemoryError.

    Args:
        need_tokens: the longest prompt with its answer that waits now.
        waiting: how many requests wait now.
    """

    def __init__(
        self,
        native: Native,
        loaded: LoadedModel,
        builder: PromptBuilder,
        adapters: Adapters,
        need_tokens: int,
        waiting: int,
    ) -> None:
        self._llama: Any = native.llama
        self._native = native
        self._loaded = loaded
        self._builder = builder
        self._weights, self._adapters = adapters, ""
        self.switch = AbortSwitch()
        length = min(max(need_tokens, _SHORTEST), loaded.context_length)
        length = -(-length // 256) * 256  # llama.cpp's own step
        wanted = max(_FEWEST, waiting)  # more may come while the first are being answered
        count = min(MOST, wanted, max(1, room_tokens(native, loaded) // length))
        self.context = loaded.new_context(length * count, count)
        if not self.context:
            raise OutOfMemoryError(
                f"There is not enough memory for {count} answers at a time. Close other programs, "
                "or ask one after another."
            )
        self.length = int(self._llama.llama_n_ctx_seq(self.context))
        self._memory = self._llama.llama_get_memory(self.context)
        self._llama.llama_set_abort_callback(
            self.context, self.switch.as_callback(self._llama), self.switch.data
        )
        self._batch = TokenBatch(self._llama, BATCH_TOKENS, count)
        self._slots = [Slot(sequence) for sequence in range(count)]
        model = loaded.model
        self._copies = not (
            self._llama.llama_model_is_recurrent(model) or self._llama.llama_model_is_hybrid(model)
        )

    @property
    def busy(self) -> bool:
        """Some answer is being made."""
        return any(slot.job is not None for slot in self._slots)

    @property
    def size(self) -> int:
        """Answers that can be made at a time."""
        return len(self._slots)

    @property
    def held(self) -> dict[str, int]:
        """Bytes of its caches and buffers by device name; none where llama.cpp does not tell."""
        found: Counter[str] = Counter()
        if can_count(self._llama._lib):
            for buffer_type, (_, cache, compute) in breakdown(self._llama._lib, self.context):
                found[self._native.owner_of(buffer_type)[0]] += cache + compute
        return dict(found)

    def full(self) -> bool:
        """No place for one more request."""
        return all(slot.job is not None for slot in self._slots)

    def serves(self, request: GenerationRequest, need_tokens: int) -> bool:
        """Whether a request of so many tokens, with its answer, can join those at work."""
        same = adapters_key(request.adapters) == self._adapters or not self.busy
        return same and (need_tokens <= self.length or need_tokens > self._loaded.context_length)

    def add(self, job: Job) -> None:
        """Take a request; there must be a place. What cannot be answered is told at once."""
        request = job.request
        if request is None:
            raise AssertionError("a load is not for the parallel lane")
        try:
            self._use_adapters(request)
            prompt = self._builder.build(request, KnownTokens())
            room = self.length - len(prompt.tokens)
            if room < 1:
                raise ContextOverflowError(
                    f"This prompt needs {len(prompt.tokens)} tokens and a sequence holds "
                    f"{self.length}. Shorten it, or choose a longer context in Settings."
                )
            sampling = request.sampling or request.model.sampling or Sampling()
            sampler = Sampler(
                self._llama, self._loaded, sampling, request.schema, context=self.context
            )
        except SnugError as error:
            tell(job, Failed(error.message, error.remedies))
            return
        teller = Teller(self._llama, self._loaded, self.context, request.top_logprobs)
        slot = self._best_place(prompt.tokens)
        for other in self._slots:  # who waits for what stood here takes it now
            if other.waits_for is not None and other.waits_for[0] is slot:
                self._waits(other)
        slot.begin(job, prompt, sampler, teller, min(sampling.max_tokens or DEFAULT_LIMIT, room))
        self._rewind(slot, slot.cached)
        self._find_donor(slot)
        try:
            job.sink(self._started(slot, prompt))
        except Exception as error:  # noqa: BLE001 - its receiver failed; the others go on
            _log.exception("receiver of a parallel answer failed")
            slot.end(Failed(mistake(error)))

    def step(self, *, beside_chat: bool) -> None:
        """Decode once for everybody and draw a token for each that can have one.

        Args:
            beside_chat: a person waits for the other lane, so that this step must be short.
        """
        for slot in self._slots:
            if slot.job is not None and (slot.job.cancelled or self.switch.thrown):
                slot.finish(StopReason.STOPPED)
        self._batch.clear()
        self._fill(_BESIDE_CHAT if beside_chat else BATCH_TOKENS)
        if not self._batch.count:
            return
        result = self._llama.llama_decode(self.context, self._batch.native)
        if result != 0:
            self._break_off(result)
            return
        for slot in self._slots:
            if slot.job is not None:
                slot.cached += slot.added
                self._advance_safely(slot)

    def close(self) -> None:
        """End what runs, free the context."""
        for slot in self._slots:
            if slot.job is not None:
                slot.finish(StopReason.STOPPED)
        context, self.context = self.context, None
        if context:
            self._llama.llama_free(context)

    def _started(self, slot: Slot, prompt: Prompt) -> Started:
        return Started(
            self._loaded.file.name,
            self._loaded.placement,
            slot.prompt_tokens,
            slot.cached if slot.waits_for is None else slot.waits_for[1],
            self.length,
            prompt.dropped,
        )

    # -- one step -----------------------------------------------------------------------------

    def _fill(self, prompt_room: int) -> None:
        """The next token of every answer, then as much of new prompts as the step has room for."""
        # Before anything is added, so that a copy begins where its slot is continued.
        waiting = {slot.sequence for slot in self._slots if self._waits(slot)}
        for slot in self._slots:
            slot.place, slot.added = -1, 0
            if slot.job is not None and slot.cached >= slot.prompt_tokens:
                slot.place = self._batch.add(slot.tokens[slot.cached :], slot.cached, slot.sequence)
                slot.added = 1
        for slot in self._slots:
            if slot.job is None or slot.cached >= slot.prompt_tokens or slot.sequence in waiting:
                continue
            left = slot.prompt_tokens - slot.cached
            count = min(left, prompt_room, BATCH_TOKENS - self._batch.count)
            if count <= 0:
                break
            part = slot.tokens[slot.cached : slot.cached + count]
            slot.place = self._batch.add(part, slot.cached, slot.sequence)
            slot.added = count
            prompt_room -= count
            if count < left:
                self._batch.unwant_last()
                slot.place = -1

    def _advance_safely(self, slot: Slot) -> None:
        """As `_advance`; what fails for one answer ends that one alone."""
        try:
            self._advance(slot)
        except SnugError as error:
            slot.end(Failed(error.message, error.remedies))
        except Exception as error:  # noqa: BLE001 - of its receiver, or a defect of ours
            _log.exception("parallel answer failed")
            slot.end(Failed(mistake(error)))

    def _advance(self, slot: Slot) -> None:
        """Draw the slot's next token, where this step brought its logits."""
        job, stream, sampler, teller = slot.job, slot.stream, slot.sampler, slot.teller
        if job is None or stream is None or sampler is None or teller is None:
            return
        if slot.cached <= slot.prompt_tokens and slot.waits_for is None:
            job.sink(Prefill(slot.cached - slot.reused, slot.prompt_tokens - slot.reused))
        if slot.place < 0:
            return
        token = sampler.draw(slot.place)
        slot.clock.tick()
        if self._loaded.ends_turn(token):
            slot.finish(StopReason.END)
            return
        slot.tokens.append(token)
        teller.drawn(token, slot.place)
        for event in teller.tell(stream.feed(self._loaded.piece(token))):
            job.sink(event)
        if stream.hit:
            slot.finish(StopReason.END)
        elif slot.clock.drawn >= slot.limit:
            slot.finish(StopReason.LENGTH)

    def _break_off(self, result: int) -> None:
        for slot in self._slots:
            slot.cached = 0
            if slot.job is None:
                slot.tokens.clear()
            elif result == ABORTED:
                slot.finish(StopReason.STOPPED)
            else:
                slot.end(Failed(decode_failure(result).message))
        self._llama.llama_memory_clear(self._memory, True)

    # -- beginnings that are shared -----------------------------------------------------------

    def _best_place(self, tokens: tuple[int, ...]) -> Slot:
        """The free slot whose cache shares most with a prompt."""
        free = [slot for slot in self._slots if slot.job is None]
        return max(free, key=lambda slot: shared_tokens(slot.tokens[: slot.cached], tokens))

    def _find_donor(self, slot: Slot) -> None:
        """Who has read, or is about to read, a longer beginning of the same than stands here."""
        if not self._copies:
            return
        most = slot.prompt_tokens - 1
        shared, donor = max(
            (
                (min(shared_tokens(other.tokens, slot.tokens), most), other)
                for other in self._slots
                if other is not slot and other.tokens
            ),
            key=lambda pair: pair[0],
            default=(0, slot),
        )
        if shared >= slot.cached + _WORTH_COPYING:
            slot.waits_for = (donor, shared)
            self._waits(slot)

    def _waits(self, slot: Slot) -> bool:
        """Whether the beginning that it shares is still being read; copied once it is not."""
        if slot.waits_for is None:
            return False
        donor, shared = slot.waits_for
        still = shared_tokens(donor.tokens, slot.tokens)
        if still >= shared and donor.cached < shared and donor.job is not None:
            return True
        slot.waits_for = None
        useful = min(still, donor.cached, slot.prompt_tokens - 1)
        if useful > slot.cached:
            self._llama.llama_memory_seq_cp(self._memory, donor.sequence, slot.sequence, -1, -1)
            self._rewind(slot, useful)
            slot.reused = useful
        return False

    def _rewind(self, slot: Slot, length: int) -> None:
        if not self._llama.llama_memory_seq_rm(self._memory, slot.sequence, length, -1):
            self._llama.llama_memory_seq_rm(self._memory, slot.sequence, -1, -1)
            length = slot.reused = 0
        slot.cached = length

    def _use_adapters(self, request: GenerationRequest) -> None:
        key = adapters_key(request.adapters)
        if key == self._adapters:
            return
        self._weights.use(self.context, request.adapters)
        self._adapters = key
        for slot in self._slots:  # computed with other weights
            self._rewind(slot, 0)
            slot.tokens.clear()


def room_tokens(native: Native, loaded: LoadedModel) -> int:
    """Tokens of KV cache that the parallel answers may take of what is free."""
    kv_bytes = loaded.fit.projection.kv_cache / max(1, loaded.context_length)
    gpus = [d.free_bytes for d in native.devices() if d.kind is not DeviceKind.CPU]
    free = available_bytes()
    if gpus and loaded.placement.layers_on_gpu:
        free = min(free, sum(gpus))
    return int(_MEMORY_SHARE * free / max(1.0, kv_bytes))
