"""Whether a header's numbers are ones that llama.cpp survives.

Some values make llama.cpp end the whole process (GGML_ASSERT) instead of refusing the file:
a layer count of 0, a NaN epsilon, more experts in use than there are. They must not reach it.

Source: `load_hparams` in llama.cpp's llama-model.cpp, LLAMA_MAX_LAYERS and LLAMA_MAX_EXPERTS, and
the assertions of ggml's rope and norm operations, as of llama-cpp-python 0.3.36.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from snug.models.architectures import (
    DOUBLE_INNER_SIZE,
    EQUAL_HEADS,
    FULL_ROPE,
    NEED_EXPERTS,
    ONE_EXPERT_IS_NONE,
    RECURRENT,
    SECTIONED,
)
from snug.models.damage import GET_AGAIN, Damage, Problem, quoted
from snug.models.gguf import GgufHeader
from snug.models.tables import ValueType

MAX_LAYERS: Final = 512
MAX_EXPERTS: Final = 1024
MAX_CONTEXT: Final = 2**24
MAX_VOCABULARY: Final = 2**21
MAX_TEMPLATE_BYTES: Final = 256 * 1024

_ARCHITECTURE: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_ROPE_SCALINGS: Final = frozenset({"none", "linear", "yarn", "longrope"})


@dataclass(frozen=True, slots=True)
class _Range:
    """The whole numbers that a key may hold; an array per layer only where `per_layer`."""

    suffix: str
    low: int
    high: int
    required: bool = False
    per_layer: bool = False


_RANGES: Final = (
    _Range("block_count", 1, MAX_LAYERS, required=True),
    _Range("context_length", 1, MAX_CONTEXT, required=True),
    _Range("embedding_length", 1, 2**20, required=True),
    _Range("embedding_length_out", 0, 2**20),
    _Range("vocab_size", 1, MAX_VOCABULARY),
    _Range("nextn_predict_layers", 0, MAX_LAYERS),
    _Range("feed_forward_length", 0, 2**24, per_layer=True),
    _Range("expert_feed_forward_length", 0, 2**24, per_layer=True),
    _Range("attention.head_count", 0, 2**16, per_layer=True),
    _Range("attention.head_count_kv", 0, 2**16, per_layer=True),
    _Range("attention.key_length", 1, 2**16),
    _Range("attention.value_length", 1, 2**16),
    _Range("attention.key_length_swa", 1, 2**16),
    _Range("attention.value_length_swa", 1, 2**16),
    _Range("rope.dimension_count", 0, 2**16),
    _Range("rope.dimension_count_swa", 0, 2**16),
    _Range("expert_count", 0, MAX_EXPERTS),
    _Range("expert_used_count", 0, MAX_EXPERTS, per_layer=True),
    _Range("expert_group_count", 0, MAX_EXPERTS),
    _Range("expert_group_used_count", 0, MAX_EXPERTS),
)


def check_architecture(header: GgufHeader) -> Iterator[Problem]:
    """Whether the file names its architecture."""
    if "general.architecture" not in header.metadata:
        yield Problem(
            Damage.ARCHITECTURE,
            f"The file does not say what kind of model it is (general.architecture). {GET_AGAIN}",
        )
    elif not _ARCHITECTURE.fullmatch(header.architecture):
        yield Problem(
            Damage.ARCHITECTURE,
            f'"general.architecture" is {quoted(header.architecture)}, '
            f"which is no name of an architecture. {GET_AGAIN}",
        )


def check_metadata(header: GgufHeader) -> Iterator[Problem]:
    """All problems of a language model's numbers; the architecture must be sound."""
    wrong = False
    for rule in _RANGES:
        for problem in _check_range(header, rule):
            wrong = True
            yield problem
    yield from _check_reals(header)
    yield from _check_template(header)
    if wrong:
        return  # The rest compares these numbers with one another.
    layers = header.integer(header.key("block_count")) or 0
    yield from _check_prediction_layers(header, layers)
    yield from _check_heads(header, layers)
    yield from _check_head_lengths(header, layers)
    yield from _check_experts(header, layers)
    yield from _check_rope(header)
    yield from _check_inner_size(header)


def _check_range(header: GgufHeader, rule: _Range) -> Iterator[Problem]:
    key = header.key(rule.suffix)
    value = header.metadata.get(key)
    if value is None:
        if rule.required:
            yield Problem(Damage.KEY_MISSING, f"The file lacks {quoted(key)}. {GET_AGAIN}")
        return
    if value.kind is ValueType.ARRAY and rule.per_layer:
        layers = header.integer(header.key("block_count"))
        numbers = header.per_layer(key, 0)
        if value.count != layers or numbers is None:
            yield Problem(
                Damage.LAYER_ARRAY,
                f"{quoted(key)} must hold one whole number for each of the {layers} layers; "
                f"it is an array of {value.count:,} values. {GET_AGAIN}",
            )
            return
    elif value.kind is not ValueType.UINT32 or not isinstance(value.content, int):
        yield Problem(
            Damage.KEY_TYPE,
            f"{quoted(key)} must be a 32-bit unsigned number, "
            f"but the file holds {value.kind.name}. {GET_AGAIN}",
        )
        return
    else:
        numbers = (value.content,)
    for number in numbers:
        if not rule.low <= number <= rule.high:
            yield Problem(
                Damage.KEY_RANGE,
                f"{quoted(key)} is {number:,}; {rule.low:,} to {rule.high:,} are possible. "
                f"{GET_AGAIN}",
            )
            return


def _check_reals(header: GgufHeader) -> Iterator[Problem]:
    """Every floating-point number of the architecture is finite, an epsilon within (0, 1)."""
    prefix = header.key("")
    for key, value in header.metadata.items():
        if not key.startswith(prefix):
            continue
        number = value.content
        epsilon = key.endswith(("epsilon", "_eps"))
        if epsilon and value.kind is not ValueType.FLOAT32:
            yield Problem(
                Damage.KEY_TYPE,
                f"{quoted(key)} must be a 32-bit floating-point number, "
                f"but the file holds {value.kind.name}. {GET_AGAIN}",
            )
        elif not isinstance(number, float):
            continue
        elif not math.isfinite(number):
            yield Problem(
                Damage.NOT_FINITE, f"{quoted(key)} is {number}, which is no number. {GET_AGAIN}"
            )
        elif epsilon and not 0 < number < 1:
            yield Problem(
                Damage.KEY_RANGE,
                f"{quoted(key)} is {number:g}; it must lie between 0 and 1. {GET_AGAIN}",
            )


def _check_template(header: GgufHeader) -> Iterator[Problem]:
    value = header.metadata.get("tokenizer.chat_template")
    if value is None:
        return
    if value.kind is not ValueType.STRING:
        yield Problem(Damage.TEMPLATE, f"The chat template is no text. {GET_AGAIN}")
    elif value.count > MAX_TEMPLATE_BYTES:
        yield Problem(
            Damage.TEMPLATE,
            f"The chat template is {value.count:,} bytes long; at most {MAX_TEMPLATE_BYTES:,} "
            "are allowed. Choose another file of this model.",
        )


def _check_prediction_layers(header: GgufHeader, layers: int) -> Iterator[Problem]:
    extra = header.integer(header.key("nextn_predict_layers")) or 0
    if extra > layers:
        yield Problem(
            Damage.KEY_RANGE,
            f"{quoted(header.key('nextn_predict_layers'))} is {extra}, "
            f"more than the {layers} layers. {GET_AGAIN}",
        )


def _check_heads(header: GgufHeader, layers: int) -> Iterator[Problem]:
    key = header.key("attention.head_count")
    heads = header.per_layer(key, layers)
    if header.architecture in RECURRENT:
        return
    if heads is None:
        yield Problem(Damage.KEY_MISSING, f"The file lacks {quoted(key)}. {GET_AGAIN}")
        return
    if not any(heads):
        yield Problem(
            Damage.HEADS, f"{quoted(key)} is 0; a model needs attention heads. {GET_AGAIN}"
        )
        return
    kv_key = header.key("attention.head_count_kv")
    kv_heads = header.per_layer(kv_key, layers) or heads
    single = header.integer(kv_key)
    if single == 0:
        yield Problem(
            Damage.HEADS, f"{quoted(kv_key)} is 0; a model needs attention heads. {GET_AGAIN}"
        )
        return
    for layer, (count, kv_count) in enumerate(zip(heads, kv_heads, strict=True)):
        if count and kv_count and count % kv_count:
            yield Problem(
                Damage.HEADS,
                f"Layer {layer} has {count} attention heads for {kv_count} key-value heads; "
                f"the first must be a multiple of the second. {GET_AGAIN}",
            )
            return


def _check_head_lengths(header: GgufHeader, layers: int) -> Iterator[Problem]:
    """Key, value and rotary dimensions are the same where the architecture's code asserts it."""
    heads = (header.per_layer(header.key("attention.head_count"), layers) or (0,))[0]
    if not heads:
        return
    usual = (header.integer(header.key("embedding_length")) or 0) // heads
    stated = (header.integer(header.key(f"attention.{part}_length")) for part in ("key", "value"))
    key_length, value_length = (usual if length is None else length for length in stated)
    if header.architecture in EQUAL_HEADS and key_length != value_length:
        yield Problem(
            Damage.HEADS,
            f"A head's keys have {key_length} dimensions and its values {value_length}; "
            f"{quoted(header.architecture)} needs the same. {GET_AGAIN}",
        )
    turned = header.integer(header.key("rope.dimension_count"))
    if header.architecture in FULL_ROPE and turned not in (None, key_length):
        yield Problem(
            Damage.ROPE,
            f"{quoted(header.key('rope.dimension_count'))} is {turned}; "
            f"{quoted(header.architecture)} needs the {key_length} of a head. {GET_AGAIN}",
        )


def _check_experts(header: GgufHeader, layers: int) -> Iterator[Problem]:
    experts = header.integer(header.key("expert_count")) or 0
    used = max(header.per_layer(header.key("expert_used_count"), layers) or (0,))
    groups = header.integer(header.key("expert_group_count")) or 0
    groups_used = header.integer(header.key("expert_group_used_count")) or 0
    if experts <= 1 and header.architecture in ONE_EXPERT_IS_NONE:
        experts = used = 0
    needed = header.architecture in NEED_EXPERTS
    if used > experts or (experts and not used) or (needed and not experts):
        yield Problem(
            Damage.EXPERTS,
            f"The file says that {used} of {experts} experts are used for a token. {GET_AGAIN}",
        )
    if (groups and groups >= experts) or (
        groups > 1 and (experts % groups or not 0 < groups_used < groups)
    ):
        yield Problem(
            Damage.EXPERTS,
            f"The file puts {experts} experts into {groups} groups, of which {groups_used} are "
            f"used; that cannot be. {GET_AGAIN}",
        )


def _check_rope(header: GgufHeader) -> Iterator[Problem]:
    """The rotary embedding: known scaling, positive base, an even number of existing dimensions."""
    key = header.key("rope.scaling.type")
    if key in header.metadata and header.text(key) not in _ROPE_SCALINGS:
        yield Problem(
            Damage.ROPE,
            f"{quoted(key)} is {quoted(header.text(key) or '')}, "
            f"which llama.cpp does not know. {GET_AGAIN}",
        )
    for suffix in ("rope.freq_base", "rope.freq_base_swa"):
        base = header.real(header.key(suffix))
        if base is not None and base <= 0:
            yield Problem(
                Damage.ROPE,
                f"{quoted(header.key(suffix))} is {base:g}; it must be above 0. {GET_AGAIN}",
            )
    factor = header.real(header.key("rope.scaling.factor"))
    if factor is not None and factor < 0:
        yield Problem(
            Damage.ROPE,
            f"{quoted(header.key('rope.scaling.factor'))} is {factor:g}, below 0. {GET_AGAIN}",
        )
    yield from _check_rope_dimensions(header, "")
    yield from _check_rope_dimensions(header, "_swa")
    yield from _check_rope_sections(header)


def _check_rope_dimensions(header: GgufHeader, window: str) -> Iterator[Problem]:
    key = header.key(f"rope.dimension_count{window}")
    dimensions = header.integer(key)
    if dimensions is None or header.architecture in RECURRENT:
        return
    if dimensions % 2:
        yield Problem(Damage.ROPE, f"{quoted(key)} is {dimensions}, not even. {GET_AGAIN}")
    length = header.integer(header.key(f"attention.key_length{window}"))
    heads = header.integer(header.key("attention.head_count"))
    if length is None and heads and not window:
        length = (header.integer(header.key("embedding_length")) or 0) // heads
    if length is not None and dimensions > length:
        yield Problem(
            Damage.ROPE,
            f"{quoted(key)} is {dimensions}, more than the {length} of a head. {GET_AGAIN}",
        )


def _check_rope_sections(header: GgufHeader) -> Iterator[Problem]:
    key = header.key("rope.dimension_sections")
    if header.architecture not in SECTIONED:
        return
    sections = header.per_layer(key, 1)
    if sections is None or len(sections) > 4 or min(sections, default=0) < 0 or not any(sections):
        yield Problem(
            Damage.ROPE,
            f"{quoted(key)} must hold up to 4 lengths, not all of them 0. {GET_AGAIN}",
        )


def _check_inner_size(header: GgufHeader) -> Iterator[Problem]:
    key = header.key("ssm.inner_size")
    inner = header.integer(key)
    width = header.integer(header.key("embedding_length")) or 0
    if header.architecture in DOUBLE_INNER_SIZE and inner is not None and inner != 2 * width:
        yield Problem(
            Damage.KEY_RANGE,
            f"{quoted(key)} is {inner:,}; it must be twice the {width:,} of the model. {GET_AGAIN}",
        )
