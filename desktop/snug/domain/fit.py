"""What a model takes of this machine's memory, and whether it fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from snug.domain.model import Device, DeviceKind

MEMORY_SHARE = 0.85  # of what is free; the rest is the system's
GPU_MARGIN_BYTES = 256 * 2**20  # of each card: the desktop's own needs
CONTEXT_STEPS = (32768, 16384, 8192, 4096, 2048, 1024, 512)


@dataclass(frozen=True, slots=True)
class DeviceBytes:
    """Bytes that one device would hold."""

    device: str
    kind: DeviceKind
    weights: int
    kv_cache: int
    compute: int

    @property
    def total(self) -> int:
        """All three."""
        return self.weights + self.kv_cache + self.compute


@dataclass(frozen=True, slots=True)
class Projection:
    """llama.cpp's own account of a load that did not happen."""

    context_length: int
    gpu_layers: int
    layers: int
    devices: tuple[DeviceBytes, ...]

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


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether and how a model fits what is free now.

    Attributes:
        projection: of the best setting that fits, or of the smallest that was tried.
        needed_bytes, free_bytes: on the device that is short, where it does not fit.
        tokens_per_second: measured here with this file or, failing that, scaled by size from
            another one; None where nothing was measured yet.
    """

    fits: bool
    projection: Projection
    needed_bytes: int = 0
    free_bytes: int = 0
    tokens_per_second: float | None = None


Projector = Callable[[int, int], Projection]  # (context length, GPU layers) → projection


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


def choose_fit(
    project: Projector,
    devices: tuple[Device, ...],
    layers: int,
    longest: int,
    context_length: int | None = None,
    gpu_layers: int | None = None,
) -> Fit:
    """The most layers on the GPU, then the longest useful context, that fit what is free.

    Args:
        layers: of the model, the output layer counted.
        longest: the context that an automatic choice aims for.
        context_length: a fixed choice; None lets it shrink until it fits.
        gpu_layers: a fixed choice; None finds the most that fit.
    """
    lengths = (
        (context_length,)
        if context_length is not None
        else (longest, *(step for step in CONTEXT_STEPS if step < longest))
    )
    has_gpu = any(device.kind is not DeviceKind.CPU for device in devices)
    last: Fit | None = None
    for length in lengths:
        for count in _layer_choices(project, devices, layers, length, gpu_layers, has_gpu):
            projection = project(length, count)
            short = shortage(projection, devices)
            if short is None:
                return Fit(True, projection)
            last = Fit(False, projection, *short)
    if last is None:
        raise AssertionError("no length was tried")
    return last


def _layer_choices(
    project: Projector,
    devices: tuple[Device, ...],
    layers: int,
    length: int,
    fixed: int | None,
    has_gpu: bool,
) -> tuple[int, ...]:
    """Layer counts worth a try, best first: the fixed one, or the most that fit the GPUs, or 0."""
    if fixed is not None:
        return (fixed,)
    if not has_gpu:
        return (0,)
    gpus = tuple(d for d in devices if d.kind is not DeviceKind.CPU)
    low, high = 0, layers

    def fits(count: int) -> bool:
        projection = project(length, count)
        parts = tuple(d for d in projection.devices if d.kind is not DeviceKind.CPU)
        on_gpu = Projection(length, count, layers, parts)
        return shortage(on_gpu, gpus) is None

    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return (low,)
