"""What a model takes of this machine's memory, and whether it fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from snug.domain.model import Device, DeviceKind, KvType

MEMORY_SHARE = 0.85  # of what is free; the rest is the system's
GPU_MARGIN_BYTES = 256 * 2**20  # of each card: the desktop's own needs
# What a measured load may correct a projection by; beyond that the measurement is to be doubted.
FACTOR_BOUNDS = (0.9, 1.25)
FACTOR_NOISE = 0.06  # a deviation up to this is the measurement's, not the projection's


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to load a model.

    Attributes:
        gpu_layers: on graphics cards, the output layer counted.
        experts_on_cpu: so many of the first layers keep their experts in main memory.
    """

    context_length: int
    gpu_layers: int = 0
    kv_type: KvType = KvType.F16
    experts_on_cpu: int = 0


@dataclass(frozen=True, slots=True)
class DeviceBytes:
    """Bytes that one device would hold.

    Attributes:
        other: the vocabulary and llama.cpp's own tables.
        mapped: of `weights`, those that stay in the file: the system can drop and read them again,
            and does not count them as taken.
        repacked: of `weights`, those laid out anew for this processor; the file's are not kept.
    """

    device: str
    kind: DeviceKind
    weights: int
    kv_cache: int
    compute: int
    other: int = 0
    mapped: int = 0
    repacked: int = 0

    @property
    def total(self) -> int:
        """All that is resident once the whole context was used."""
        return self.weights + self.kv_cache + self.compute + self.other

    def scaled(self, factor: float) -> DeviceBytes:
        """Corrected by what an earlier load took."""
        sizes = (self.weights, self.kv_cache, self.compute, self.other, self.mapped, self.repacked)
        return DeviceBytes(self.device, self.kind, *(int(size * factor) for size in sizes))


@dataclass(frozen=True, slots=True)
class Projection:
    """llama.cpp's own account of a load that did not happen.

    Attributes:
        exact: False where the bytes were computed from the file's metadata instead.
    """

    context_length: int
    gpu_layers: int
    layers: int
    devices: tuple[DeviceBytes, ...]
    kv_type: KvType = KvType.F16
    experts_on_cpu: int = 0
    exact: bool = True

    @property
    def weights(self) -> int:
        """Bytes of weights on all devices."""
        return sum(d.weights for d in self.devices)

    @property
    def kv_cache(self) -> int:
        """Bytes of KV cache on all devices."""
        return sum(d.kv_cache for d in self.devices)

    @property
    def compute(self) -> int:
        """Bytes of compute buffers on all devices."""
        return sum(d.compute for d in self.devices)

    @property
    def total(self) -> int:
        """All bytes on all devices."""
        return sum(d.total for d in self.devices)

    def corrected(self, factor: float) -> Projection:
        """What to expect where an earlier load took `factor` of its projection."""
        bounded = bounded_factor(factor)
        if bounded == 1.0:
            return self
        return replace(self, devices=tuple(d.scaled(bounded) for d in self.devices))


def bounded_factor(factor: float) -> float:
    """A measured factor as it may be used; 1 where it says no more than noise."""
    if abs(factor - 1.0) <= FACTOR_NOISE:
        return 1.0
    low, high = FACTOR_BOUNDS
    return min(high, max(low, factor))


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether and how a model fits what is free now.

    Attributes:
        projection: of the best setting that fits, or of the smallest that was tried.
        needed_bytes, free_bytes: on the device that is short, where it does not fit.
        tokens_per_second: measured here with this file or, failing that, scaled by size from
            another one; None where nothing was measured yet.
        remedies: where it does not fit, settings that would.
    """

    fits: bool
    projection: Projection
    needed_bytes: int = 0
    free_bytes: int = 0
    tokens_per_second: float | None = None
    remedies: tuple[Projection, ...] = ()


# A setting → its projection; None where llama.cpp cannot run the model so.
Projector = Callable[[Setting], "Projection | None"]


def with_given_back(
    devices: tuple[Device, ...], given_back: Mapping[str, int]
) -> tuple[Device, ...]:
    """The devices as they will be once a loaded model is gone. Bytes by the device's name."""
    return tuple(
        replace(d, free_bytes=min(d.total_bytes, d.free_bytes + given_back.get(d.name, 0)))
        for d in devices
    )


def room_of(device: Device) -> int:
    """Bytes of a device's free memory that a model may take."""
    if device.kind is DeviceKind.CPU:
        return int(MEMORY_SHARE * device.free_bytes)
    return max(0, device.free_bytes - GPU_MARGIN_BYTES)


def shortage(projection: Projection, devices: tuple[Device, ...]) -> tuple[int, int] | None:
    """(needed, available) bytes on the first device that is too small; None where all fits."""
    rooms = {device.name: room_of(device) for device in devices}
    for part in projection.devices:
        room = rooms.get(part.device, 0)
        if part.total > room:
            return part.total, room
    return None


def remedy_text(fit: Fit, chosen_length: bool) -> str:
    """What would help where a model does not fit, as the first half of a sentence.

    Args:
        chosen_length: the person chose the context's length.
    """
    ways = []
    for found in fit.remedies:
        length = f"a context of {found.context_length} tokens"
        if found.kv_type is fit.projection.kv_type:
            ways.append(length)
        elif found.context_length == fit.projection.context_length:
            ways.append(f"a KV cache of type {found.kv_type.value}")
        else:
            ways.append(f"{length} and a KV cache of type {found.kv_type.value}")
    if ways:
        return f"It fits with {' or with '.join(ways)}"
    if chosen_length and not fit.remedies:
        return "No shorter context would do; choose a smaller model or quantization"
    return "Choose a smaller model or quantization"
