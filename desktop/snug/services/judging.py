"""What a repository's quantizations are worth on this machine: one offer for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from snug.domain.fit import room_of
from snug.domain.footprint import (
    TABLES_BYTES,
    Shape,
    compute_bytes,
    guessed_shape,
    kv_bytes,
)
from snug.domain.hub import Fit, Repository, Variant
from snug.domain.model import Device, DeviceKind
from snug.domain.offer import Offer, Quality
from snug.domain.placing import CONTEXT_STEPS, LONGEST_ON_CPU
from snug.domain.quantization import bits_of, quality_of, rank_of
from snug.domain.remote_names import file_name, shard_of, shown
from snug.domain.speed import Measurement, expected

ACCEPTABLE_SPEED: Final = 4.0  # tokens per second: about as fast as people read aloud
USEFUL_CONTEXT: Final = 8192
SHORT_CONTEXT: Final = 4096
_FEWEST_BITS: Final = 4
_UNKNOWN_CONTEXT: Final = 8192  # as the engine's, where the file does not tell
_GUESSED_BITS: Final = 5
_LABEL: Final = re.compile(
    r"[-_.]?(?:UD-)?(?:I?Q\d_[A-Z0-9_]+|TQ\d_\d|MXFP4(?:_MOE)?|NVFP4|BF16|FP?16|FP?32)$",
    re.IGNORECASE,
)

Devices = Callable[[], tuple[Device, ...]]
Speeds = Callable[[], Sequence[Measurement]]


def same_model(variant: Variant) -> str:
    """What two quantizations of one model have in common: the file's name without its label."""
    path = variant.files[0].path
    shard = shard_of(path)
    stem = file_name(shard.stem if shard else path)
    return _LABEL.sub("", re.sub(r"\.gguf$", "", stem, flags=re.IGNORECASE)).casefold()


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes that a model may take: now, and with every other program closed."""

    gpu: int
    cpu: int
    most: int

    @property
    def all(self) -> int:
        """Of all processors together."""
        return self.gpu + self.cpu


def room_in(devices: Iterable[Device]) -> Room | None:
    """The room on processors whose memory is their own; None where no device is known."""
    own = [d for d in devices if d.kind in (DeviceKind.CPU, DeviceKind.GPU)]
    if not own:
        return None
    return Room(
        gpu=sum(room_of(d) for d in own if d.kind is DeviceKind.GPU),
        cpu=sum(room_of(d) for d in own if d.kind is DeviceKind.CPU),
        most=sum(room_of(replace(d, free_bytes=d.total_bytes)) for d in own),
    )


class Judge:
    """Judges repositories. Any thread; asks the devices each time, which may wait for the engine.

    Args (constructor):
        devices: what can compute here, with the memory that is free once the loaded model is gone.
        speeds: what models did on this machine.
        supports: whether this build knows an architecture; "" counts as known.
    """

    def __init__(self, devices: Devices, speeds: Speeds, supports: Callable[[str], bool]) -> None:
        self._devices = devices
        self._speeds = speeds
        self.supports = supports

    def offers(
        self, repository: Repository, shapes: dict[str, Shape] | None = None
    ) -> tuple[Offer, ...]:
        """One offer for each quantization, by size; at most one is recommended.

        Args:
            shapes: sizes from files' own headers, by `same_model`.
        """
        room = room_in(self._devices())
        speeds = tuple(self._speeds())
        made = [
            self._offer(repository, variant, room, speeds, (shapes or {}).get(same_model(variant)))
            for variant in sorted(repository.variants, key=lambda v: v.size_bytes)
        ]
        chosen = recommended(made, repository)
        return tuple(replace(one, recommended=one is chosen) for one in made)

    def _offer(
        self,
        repository: Repository,
        variant: Variant,
        room: Room | None,
        speeds: Sequence[Measurement],
        exact: Shape | None,
    ) -> Offer:
        shape = exact or guessed_shape(
            _parameters(repository, variant), repository.architecture, repository.context_length
        )
        architecture = shape.architecture or repository.architecture
        offer = Offer(
            variant=variant,
            fit=Fit.UNKNOWN,
            needed_bytes=0,
            context_length=0,
            tokens_per_second=None,
            quality=quality_of(variant.quantization, repository.parameter_count, architecture),
            recommended=False,
            exact=exact is not None,
            supported=self.supports(architecture),
            reason="The Hub does not tell how large the file is.",
        )
        if variant.size_bytes <= 0:
            return offer
        if room is None:
            return replace(offer, reason="It is not known how much memory is free here.")
        return _fitted(offer, shape, _trained(repository, shape), room, speeds)


def _fitted(
    offer: Offer, shape: Shape, trained: int, room: Room, speeds: Sequence[Measurement]
) -> Offer:
    size = offer.variant.size_bytes
    context = _longest(size, shape, trained, room)
    needed = needed_bytes(size, shape, context or min(trained, CONTEXT_STEPS[-1]))
    fit = Fit.NO
    if context:
        fit = Fit.FITS if context >= min(SHORT_CONTEXT, trained) else Fit.TIGHT
    on_gpu = min(1.0, room.gpu / needed)
    speed = expected(int(size * shape.active_share), on_gpu, speeds) if context else None
    if not offer.supported:
        fit, context, speed = Fit.NO, 0, None
    return replace(
        offer,
        fit=fit,
        needed_bytes=needed,
        context_length=context,
        tokens_per_second=speed.tokens_per_second if speed else None,
        speed_source=speed.source if speed else "",
        speed_reliable=speed is None or speed.reliable,
        reason=_reason(offer, shape.architecture, fit, context, needed, room),
    )


def needed_bytes(size_bytes: int, shape: Shape, context_length: int) -> int:
    """Weights, KV cache, compute buffers and llama.cpp's tables, with so long a context."""
    cache = kv_bytes(shape.layers, context_length)
    return size_bytes + cache + compute_bytes(shape, context_length) + TABLES_BYTES


def recommended(offers: Sequence[Offer], repository: Repository) -> Offer | None:
    """The best quality that fits comfortably: see `_demands` for what gives way first."""
    runnable = [o for o in offers if o.supported and o.fit in (Fit.FITS, Fit.TIGHT)]
    trained = _trained(repository, None)

    def best(one: Offer) -> tuple[int, int]:
        rank = rank_of(one.variant.quantization, repository.architecture)
        return rank, -one.variant.size_bytes

    for demand in _demands(trained):
        fitting = [one for one in runnable if demand(one)]
        if fitting and all(_is_fine(one) and _is_slow(one) for one in fitting):
            return min(fitting, key=lambda one: one.variant.size_bytes)
        if fitting:
            return min(fitting, key=best)
    return None


def _demands(trained: int) -> tuple[Callable[[Offer], bool], ...]:
    """What is asked of a recommendation, the most first.

    The context's length gives way first, from 8,192 to 4,096 tokens; then speed, and the smallest
    of at least 4 bits is taken; the 4 bits last.
    """

    def long(one: Offer, tokens: int) -> bool:
        return one.fit is Fit.FITS and one.context_length >= min(tokens, trained)

    return (
        lambda o: _is_fine(o) and not _is_slow(o) and long(o, USEFUL_CONTEXT),
        lambda o: _is_fine(o) and not _is_slow(o) and long(o, SHORT_CONTEXT),
        lambda o: _is_fine(o) and long(o, SHORT_CONTEXT),
        lambda o: long(o, SHORT_CONTEXT) and o.quality is not Quality.UNKNOWN,
        lambda o: o.fit is Fit.FITS,
        lambda _: True,
    )


def _is_fine(one: Offer) -> bool:
    return bits_of(one.variant.quantization) >= _FEWEST_BITS


def _is_slow(one: Offer) -> bool:
    """Surely too slow to read along; a doubtful figure does not count."""
    speed = one.tokens_per_second
    return speed is not None and one.speed_reliable and speed < ACCEPTABLE_SPEED


def _longest(size: int, shape: Shape, trained: int, room: Room) -> int:
    """The longest context that fits now; 0 where none does."""
    whole = needed_bytes(size, shape, min(trained, USEFUL_CONTEXT)) <= room.gpu
    most = min(trained, CONTEXT_STEPS[0] if whole else LONGEST_ON_CPU)
    steps = [most, *(step for step in CONTEXT_STEPS if step < most)]
    # What lies on a card wholly is quick; a longer context must not push it off again.
    bound = room.gpu if whole else room.all
    return next((step for step in steps if needed_bytes(size, shape, step) <= bound), 0)


def _trained(repository: Repository, shape: Shape | None) -> int:
    stated = (shape.context_length if shape else 0) or repository.context_length
    return max(CONTEXT_STEPS[-1], stated or _UNKNOWN_CONTEXT)


def _parameters(repository: Repository, variant: Variant) -> int:
    """From the Hub, unless the file is of another size than that; else from the file's size."""
    bits = bits_of(variant.quantization) or _GUESSED_BITS
    by_size = variant.size_bytes * 8 // (bits + 1)
    stated = repository.parameter_count
    return stated if stated and by_size / 4 <= stated <= by_size * 4 else by_size


def _reason(
    offer: Offer, architecture: str, fit: Fit, context: int, needed: int, room: Room
) -> str:
    if not offer.supported:
        return (
            f"Its architecture ({shown(architecture, 40)}) is not one that this version of Snug "
            "can run."
        )
    about = "" if offer.exact else "about "
    size, free = f"{about}{needed / 1e9:.1f} GB", f"{room.all / 1e9:.1f} GB"
    if fit is Fit.FITS:
        place = " on the graphics card" if needed <= room.gpu else ""
        return f"Fits{place} with a context of {context:,} tokens: it takes {size} of {free}."
    if fit is Fit.TIGHT:
        return (
            f"Only just fits, with a context of {context:,} tokens: it takes {size} of {free}. "
            "Close other programs for more."
        )
    if needed <= room.most:
        return f"Needs {size} and {free} are free; it would fit with other programs closed."
    return f"Needs {size}; this machine can give a model {room.most / 1e9:.1f} GB at most."
