"""Whatever the gguf package writes, our reader reads the same: any types, arrays and shapes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.models.test_agreement import assert_same

from snug.models.damage import Damage
from snug.models.inspection import inspect
from snug.models.tables import TENSOR_TYPES

_T = gguf.GGUFValueType
_WHOLE = {
    _T.UINT8: (0, 2**8 - 1),
    _T.INT8: (-(2**7), 2**7 - 1),
    _T.UINT16: (0, 2**16 - 1),
    _T.INT16: (-(2**15), 2**15 - 1),
    _T.UINT32: (0, 2**32 - 1),
    _T.INT32: (-(2**31), 2**31 - 1),
    _T.UINT64: (0, 2**64 - 1),
    _T.INT64: (-(2**63), 2**63 - 1),
}
# NUL and lone surrogates apart, which are no text; an empty one is not written by the package.
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
_KEYS = st.from_regex(r"[a-z][a-z0-9_.]{0,20}", fullmatch=True).map(lambda key: f"x.{key}")
_PACKED = sorted(
    set(TENSOR_TYPES) & {kind.value for kind in gguf.GGML_QUANT_SIZES} - {9, *range(24, 29)}
)


def _values(kind: gguf.GGUFValueType) -> st.SearchStrategy[Any]:
    if kind in _WHOLE:
        low, high = _WHOLE[kind]
        return st.integers(low, high)
    if kind is _T.BOOL:
        return st.booleans()
    if kind is _T.STRING:
        return _TEXT
    width = 32 if kind is _T.FLOAT32 else 64
    return st.floats(width=width, allow_nan=False, allow_infinity=False)


_KINDS = st.sampled_from([kind for kind in _T if kind is not _T.ARRAY])
_SCALARS = _KINDS.flatmap(lambda kind: st.tuples(st.just(kind), st.none(), _values(kind)))
_ARRAYS = _KINDS.flatmap(
    lambda kind: st.tuples(
        st.just(_T.ARRAY), st.just(kind), st.lists(_values(kind), min_size=1, max_size=40)
    )
)
_METADATA = st.dictionaries(_KEYS, _SCALARS | _ARRAYS, max_size=12)
_TENSORS = st.lists(
    st.tuples(st.sampled_from(_PACKED), st.lists(st.integers(1, 4), max_size=3)), max_size=6
)


def _write(
    path: Path,
    metadata: dict[str, tuple[Any, Any, Any]],
    tensors: list[tuple[int, list[int]]],
    alignment: int,
    endianess: gguf.GGUFEndian = gguf.GGUFEndian.LITTLE,
) -> Path:
    writer = gguf.GGUFWriter(path, "llama", endianess=endianess)
    writer.add_custom_alignment(alignment)
    for key, (kind, element, value) in metadata.items():
        writer.add_key_value(key, value, kind, element)
    for number, (packing, outer) in enumerate(tensors):
        kind = gguf.GGMLQuantizationType(packing)
        block, size = gguf.GGML_QUANT_SIZES[kind]
        if kind in (gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16):
            width = np.float32 if size == 4 else np.float16
            writer.add_tensor(f"t{number}", np.ones((*outer, 8), dtype=width))
        else:
            row = 256 // block * size
            writer.add_tensor(f"t{number}", np.zeros((*outer, row), dtype=np.uint8), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(metadata=_METADATA, tensors=_TENSORS, alignment=st.sampled_from([8, 32, 64, 4096]))
def test_what_the_package_writes_is_read_the_same(
    metadata: dict[str, tuple[Any, Any, Any]], tensors: list[tuple[int, list[int]]], alignment: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert_same(_write(Path(folder) / "model.gguf", metadata, tensors, alignment))


@settings(max_examples=25, deadline=None)
@given(metadata=_METADATA, tensors=_TENSORS)
def test_what_is_written_for_big_endian_machines_is_refused_in_words(
    metadata: dict[str, tuple[Any, Any, Any]], tensors: list[tuple[int, list[int]]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = _write(Path(folder) / "model.gguf", metadata, tensors, 32, gguf.GGUFEndian.BIG)
        (problem,) = inspect(path).problems
    assert problem.damage is Damage.BIG_ENDIAN
    assert "big-endian" in problem.text
