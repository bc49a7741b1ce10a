"""Models and the devices that run them, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from snug.domain.errors import UserError
from snug.domain.sampling import Sampling


class DeviceKind(StrEnum):
    """What computes."""

    CPU = "cpu"
    GPU = "gpu"
    INTEGRATED = "integrated"
    ACCELERATOR = "accelerator"


@dataclass(frozen=True, slots=True)
class Device:
    """A processor llama.cpp can use. Bytes are of the memory that it computes in."""

    name: str
    description: str
    kind: DeviceKind
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Experience:
    """What loading a model on this machine taught; kept, and given to later loads of it.

    Attributes:
        memory_factor: bytes that a load took ÷ bytes that were projected.
        threads: the fastest number for one token at a time; None where it was not measured.
        threads_batch: the fastest number for reading a prompt.
    """

    memory_factor: float = 1.0
    threads: int | None = None
    threads_batch: int | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a loaded model really lies.

    Attributes:
        device: description of the device that holds most layers.
        layers_on_gpu: repeating layers and the output layer on a GPU.
        layers: all of them.
        reason: why it is not all on a GPU, in plain words; "" when it is.
        learnt: what this load taught; not a part of where the model lies.
    """

    device: str
    layers_on_gpu: int
    layers: int
    reason: str = ""
    learnt: Experience | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model on this disk, as the library keeps it.

    Attributes:
        name: the library name, unique; what the person types and sees.
        path: absolute path of the (first) GGUF file.
        context_length: the longest context the model was trained for, in tokens.
        licence: SPDX-like identifier from the file's metadata; "" where unknown.
        source: where it came from: "starter", "import" or a repository "owner/name".
        parameter_count: number of weights; 0 where unknown.
        chat_template: the model's own Jinja template; "" where it has none.
        tool_template: another one that it has for conversations with tools; "" for most.
        sampling: the values that its makers recommend; None where the file names none.
        commit: the revision of the repository in `source`; "" where unknown.
        projector: path of the file with which it sees pictures; "" where none is known.
        program: name of the program in whose folder it lies, as "Ollama"; "" for all others.
        other_paths: where the same content lies as well.
    """

    name: str
    path: str
    size_bytes: int
    sha256: str
    architecture: str
    quantization: str
    context_length: int
    licence: str = ""
    source: str = "import"
    parameter_count: int = 0
    layers: int = 0
    chat_template: str = ""
    sampling: Sampling | None = None
    note: str = ""
    tool_template: str = ""
    commit: str = ""
    projector: str = ""
    program: str = ""
    other_paths: tuple[str, ...] = field(default=(), compare=False)


class KvType(StrEnum):
    """How the numbers of the KV cache are kept. Less room costs a little quality."""

    F16 = "f16"
    Q8_0 = "q8_0"
    Q4_0 = "q4_0"


class Toggle(StrEnum):
    """Something that llama.cpp may decide by itself."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter file and its weight; 1 is as it was trained, 0 switches it off.

    Raises (constructor): UserError, for a weight that is no number in [-10, 10].
    """

    path: str
    sha256: str
    scale: float = 1.0

    def __post_init__(self) -> None:
        if type(self.scale) not in (int, float) or not -10.0 <= self.scale <= 10.0:
            raise UserError(
                f"The weight of an adapter must be between -10 and 10; {repr(self.scale)[:20]} is "
                "not. 1 is as it was trained, 0 switches it off."
            )


def adapters_key(adapters: Sequence[Adapter]) -> str:
    """What tells KV entries that were computed under other adapters apart; "" for none.

    An adapter of weight 0 changes nothing, and order does not matter: their changes add up.
    """
    parts = sorted(f"{a.sha256 or a.path}:{float(a.scale)!r}" for a in adapters if a.scale)
    return "\n".join(parts)


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How to load a model.

    Attributes:
        context_length: tokens of KV cache; None takes the longest useful that fits.
        gpu_layers: None places as many as fit what is free.
        threads: None takes what was measured to be fastest, else the number of physical cores.
        kv_type: of keys and values alike. All but F16 need flash attention. Where neither this nor
            the context's length was chosen, Q8_0 is taken before a context gets shorter than 4,096.
        flash_attention: AUTO lets llama.cpp see whether the device can.
        experts_on_cpu: so many of the first layers keep their experts in main memory; for models
            whose experts do not fit the graphics card.
        extra_buffers: whether weights may be repacked for this processor's matrix units; admission
            turns it off where that crashes.
        draft: a small model with the same vocabulary that guesses ahead; None for none.
        experience: of earlier loads of this model here. It changes no answer, so that a model
            loaded with another one serves as well.
    """

    context_length: int | None = None
    gpu_layers: int | None = None
    threads: int | None = None
    kv_type: KvType = KvType.F16
    flash_attention: Toggle = Toggle.AUTO
    experts_on_cpu: int = 0
    extra_buffers: bool = True
    draft: ModelFile | None = None
    experience: Experience = field(default=Experience(), compare=False)
