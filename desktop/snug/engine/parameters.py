"""llama.cpp's parameters for a setting: the same ones for a projection and for the real load."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, replace
from typing import Any

from snug.domain.errors import UserError
from snug.domain.fit import Setting
from snug.domain.model import KvType, LoadOptions, Toggle
from snug.engine.native import Native

BATCH_TOKENS = 512
# Positions of one batch that may be asked for their logits; llama.cpp aborts the process at one
# more. Speculation asks for up to 33, the parallel lane for 32. llama.cpp's own choice, one for
# each token of a batch, would take 300 MB at a vocabulary of 150,000.
OUTPUTS = 64
_GGML_TYPES = {KvType.F16: 1, KvType.Q8_0: 8, KvType.Q4_0: 2}
_FLASH_ATTENTION = {Toggle.AUTO: -1, Toggle.OFF: 0, Toggle.ON: 1}


class _Override(ctypes.Structure):
    """llama_model_tensor_buft_override: tensors that match `pattern` go into `buffer_type`."""

    _fields_ = (("pattern", ctypes.c_char_p), ("buffer_type", ctypes.c_void_p))


@dataclass(frozen=True, slots=True)
class ModelParameters:
    """`native` is what llama.cpp takes; `alive` what it points to, to be kept while it is used."""

    native: Any
    alive: object


def model_parameters(native: Native, setting: Setting, options: LoadOptions) -> ModelParameters:
    """Parameters of a load. The progress callback and the load mode are the caller's."""
    parameters = native.llama.llama_model_default_params()
    parameters.n_gpu_layers = setting.gpu_layers
    parameters.use_extra_bufts = options.extra_buffers
    overrides = None
    if setting.experts_on_cpu > 0:
        overrides = (_Override * 2)()  # the second one stays empty and ends the list
        overrides[0] = _Override(expert_pattern(setting.experts_on_cpu), native.cpu_buffer_type)
        parameters.tensor_buft_overrides = ctypes.addressof(overrides)
    return ModelParameters(parameters, overrides)


def expert_pattern(layers: int) -> bytes:
    """A regular expression for the experts' tensors of the first `layers` layers."""
    numbers = "|".join(str(number) for number in range(layers))
    return rf"^blk\.({numbers})\.ffn_(up|down|gate|gate_up)_(ch|)exps".encode()


def context_parameters(
    native: Native,
    setting: Setting,
    options: LoadOptions,
    sequences: int = 1,
    outputs: int = OUTPUTS,
) -> Any:
    """Parameters of a context.

    Args:
        sequences: how many answers it can hold side by side.
        outputs: positions of one batch that may be asked for logits or embeddings.
    """
    parameters = native.llama.llama_context_default_params()
    length = setting.context_length
    parameters.n_ctx = length
    parameters.n_seq_max = sequences
    # Each of several sequences looks at its own KV entries alone: with one cache for all, every
    # token would be multiplied with those of all the others before they are masked.
    parameters.kv_unified = sequences == 1
    parameters.n_batch = parameters.n_ubatch = min(length, BATCH_TOKENS)
    parameters.n_outputs_max = min(parameters.n_batch, max(outputs, sequences))
    parameters.type_k = parameters.type_v = _GGML_TYPES[setting.kv_type]
    parameters.flash_attn_type = _FLASH_ATTENTION[options.flash_attention]
    parameters.no_perf = True
    return parameters


def draft_options(options: LoadOptions, length: int) -> LoadOptions:
    """How a small model is loaded beside one with these options.

    Where no layer of the large one may lie on a graphics card, since that crashed say, none of the
    small one does either. What loads of the large one taught of memory is not true of it.
    """
    return replace(
        options,
        context_length=length,
        gpu_layers=0 if options.gpu_layers == 0 else None,
        experts_on_cpu=0,
        draft=None,
        experience=replace(options.experience, memory_factor=1.0),
    )


def check_options(options: LoadOptions) -> None:
    """Refuse what cannot work together. Raises: UserError."""
    if options.kv_type is not KvType.F16 and options.flash_attention is Toggle.OFF:
        raise UserError(
            f"A KV cache of type {options.kv_type.value} needs flash attention. Switch flash "
            "attention on, or choose the type f16."
        )
