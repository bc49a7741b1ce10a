"""The choice of how to load a model: context, layers, KV cache and experts. Pure functions.

The rule, best first; the first setting that fits is taken:

1. where there is a graphics card: all layers on it, with the longest context that is cheap, down to
   8,192 tokens; then the same with a q8_0 KV cache at 8,192; then, for a mixture of experts, with
   as few layers' experts as it takes in main memory;
2. as many layers on the card as fit, with 8,192 tokens, then 4,096; without a card, the longest
   context that is cheap, down to 4,096 tokens;
3. a q8_0 KV cache, from 4,096 tokens down to 512.

A context beyond 8,192 tokens is cheap where its KV cache and compute buffers take at most a quarter
of what is free on the devices that they lie on. It never passes what the model was trained for, nor
32,768 tokens where the processor does the reading: such a prompt would take it many minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from snug.domain.fit import Fit, Projection, Projector, Setting, room_of, shortage
from snug.domain.model import Device, DeviceKind, KvType

CONTEXT_STEPS = (131072, 65536, 32768, 16384, 8192, 4096, 2048, 1024, 512)
USEFUL_CONTEXT = 8192  # worth more than speed; beyond it only what is cheap
SHORT_CONTEXT = 4096  # q8_0 before anything shorter
LONGEST_ON_CPU = 32768
CONTEXT_SHARE = 0.25  # of the room, for KV cache and compute buffers of a longer context


@dataclass(frozen=True, slots=True)
class Wish:
    """What is fixed and what may be chosen.

    Attributes:
        layers: of the model, the output layer counted.
        trained: the longest context the model was trained for, in tokens.
        context_length, gpu_layers: None lets the choice be made.
        kv_type: with a context that may be chosen, F16 means: q8_0 only when memory is short.
        may_quantize_cache: flash attention is not switched off.
        expert_layers: layers with experts; 0 for a dense model.
        experts_on_cpu: at least so many layers' experts in main memory.
    """

    layers: int
    trained: int
    context_length: int | None = None
    gpu_layers: int | None = None
    kv_type: KvType = KvType.F16
    may_quantize_cache: bool = True
    expert_layers: int = 0
    experts_on_cpu: int = 0


class Chooser:
    """One choice. Projections are asked for as they are needed: each costs up to a second."""

    def __init__(self, project: Projector, devices: tuple[Device, ...], wish: Wish) -> None:
        self._project = project
        self._devices = devices
        self._gpus = tuple(d for d in devices if d.kind is not DeviceKind.CPU)
        self._wish = wish
        self._last: Fit | None = None

    def choose(self) -> Fit | None:
        """The best setting that fits; else the smallest that was tried, with what would fit.

        None where the model runs with no setting at all.
        """
        for setting in self._candidates():
            found = self._try(setting)
            if found is not None:
                return Fit(True, found)
        if self._last is None:
            return None
        return replace(self._last, remedies=tuple(self._remedies(self._last.projection)))

    # -- candidates, best first -------------------------------------------------------------

    def _candidates(self) -> Iterator[Setting]:
        wish = self._wish
        if self._gpus and wish.gpu_layers is None:
            yield from self._whole_on_gpu()
        for length in self._lengths(SHORT_CONTEXT):
            if not (self._gpus and self._is_free(length) and length > USEFUL_CONTEXT):
                yield self._most_layers(self._base(length))
        if self._may_shrink_cache():
            quantized = (length for length in self._lengths(0) if length <= SHORT_CONTEXT)
            for length in quantized:
                yield self._most_layers(replace(self._base(length), kv_type=KvType.Q8_0))
        elif wish.context_length is None:
            for length in self._lengths(0):
                if length < SHORT_CONTEXT:
                    yield self._most_layers(self._base(length))

    def _whole_on_gpu(self) -> Iterator[Setting]:
        useful = self._lengths(USEFUL_CONTEXT)
        whole = [replace(self._base(length), gpu_layers=self._wish.layers) for length in useful]
        yield from whole
        if self._may_shrink_cache():
            yield replace(whole[-1], kv_type=KvType.Q8_0)
        if self._wish.expert_layers > self._wish.experts_on_cpu:
            yield self._fewest_experts(whole[-1])

    def _is_free(self, length: int) -> bool:
        """Whether this context's length and its layers are for us to choose."""
        return self._wish.context_length != length and self._wish.gpu_layers is None

    def _base(self, length: int) -> Setting:
        wish = self._wish
        return Setting(length, wish.gpu_layers or 0, wish.kv_type, wish.experts_on_cpu)

    def _may_shrink_cache(self) -> bool:
        wish = self._wish
        free = wish.context_length is None and wish.kv_type is KvType.F16
        return free and wish.may_quantize_cache

    def _lengths(self, shortest: int) -> tuple[int, ...]:
        """Lengths to try, longest first, none shorter than `shortest` but for the last resort."""
        if self._wish.context_length is not None:
            return (self._wish.context_length,)
        longest = self._wish.trained if self._gpus else min(self._wish.trained, LONGEST_ON_CPU)
        longest = min(longest, CONTEXT_STEPS[0])
        steps = (longest, *(step for step in CONTEXT_STEPS if step < longest))
        return tuple(step for step in steps if step >= shortest) or (longest,)

    # -- trying -----------------------------------------------------------------------------

    def _try(self, setting: Setting) -> Projection | None:
        """The projection where it fits, and is cheap enough where it is long."""
        projection = self._project(setting)
        if projection is None:
            return None
        short = shortage(projection, self._devices)
        if short is not None:
            self._last = Fit(False, projection, *short)
            return None
        chosen = self._wish.context_length is not None
        if chosen or setting.context_length <= USEFUL_CONTEXT or self._is_cheap(projection):
            return projection
        return None

    def _is_cheap(self, projection: Projection) -> bool:
        rooms = {device.name: room_of(device) for device in self._devices}
        return all(
            part.kv_cache + part.compute <= CONTEXT_SHARE * rooms.get(part.device, 0)
            for part in projection.devices
        )

    def _most_layers(self, setting: Setting) -> Setting:
        """The most layers that fit the cards; the fixed number where one is wished."""
        if self._wish.gpu_layers is not None or not self._gpus:
            return setting

        def fits(count: int) -> bool:
            return self._fits_gpus(replace(setting, gpu_layers=count))

        return replace(setting, gpu_layers=_largest(fits, self._wish.layers))

    def _fewest_experts(self, setting: Setting) -> Setting:
        """The fewest layers whose experts must leave the cards; all where none is enough."""
        most = self._wish.expert_layers

        def fits(spared: int) -> bool:
            return self._fits_gpus(replace(setting, experts_on_cpu=most - spared))

        spared = _largest(fits, most - self._wish.experts_on_cpu)
        return replace(setting, experts_on_cpu=most - spared)

    def _fits_gpus(self, setting: Setting) -> bool:
        projection = self._project(setting)
        if projection is None:
            return False
        parts = tuple(d for d in projection.devices if d.kind is not DeviceKind.CPU)
        return shortage(replace(projection, devices=parts), self._gpus) is None

    # -- remedies ---------------------------------------------------------------------------

    def _remedies(self, failed: Projection) -> Iterator[Projection]:
        """The longest shorter context that fits, and the same length with a smaller KV cache."""
        wish = self._wish
        if wish.context_length is None:
            return
        setting = Setting(
            failed.context_length, failed.gpu_layers, failed.kv_type, failed.experts_on_cpu
        )
        shorter = (step for step in CONTEXT_STEPS if step < failed.context_length)
        yield from self._first(replace(setting, context_length=step) for step in shorter)
        if wish.may_quantize_cache and wish.kv_type is KvType.F16:
            yield from self._first((replace(setting, kv_type=KvType.Q8_0),))

    def _first(self, settings: Iterable[Setting]) -> Iterator[Projection]:
        for setting in settings:
            setting = self._most_layers(setting)
            projection = self._project(setting)
            if projection is not None and shortage(projection, self._devices) is None:
                yield projection
                return


def choose_fit(project: Projector, devices: tuple[Device, ...], wish: Wish) -> Fit | None:
    """How to load a model into what is free; the rule stands at the top of this module.

    Returns: None where llama.cpp can run the model with none of the settings.
    """
    return Chooser(project, devices, wish).choose()


def _largest(fits: Callable[[int], bool], most: int) -> int:
    """The largest count from 0 to `most` that fits, given that smaller ones fit better."""
    if fits(most):
        return most
    low, high = 0, most - 1
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return low
