"""Child process: load a model for real, fill its context, tell what it really took.

    python -m tests.engine.weighing FILE CONTEXT KV_TYPE EXTRA_BUFFERS

Prints a JSON document: bytes resident before and after, as projected, and as estimated.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from snug.domain.model import KvType, LoadOptions, ModelFile
from snug.engine.fitting import find_fit
from snug.engine.loaded import LoadedModel
from snug.engine.memory import resident_bytes
from snug.engine.native import Native
from snug.engine.projection import ProjectedModel


def fill(native: Native, loaded: LoadedModel) -> None:
    """Decode full batches until the context is full."""
    llama: Any = native.llama
    length = loaded.context_length
    batch_tokens = min(512, length)
    batch = llama.llama_batch_init(batch_tokens, 0, 1)
    for start in range(0, length, batch_tokens):
        batch.n_tokens = min(batch_tokens, length - start)
        for index in range(batch.n_tokens):
            batch.token[index] = 300 + index
            batch.pos[index] = start + index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = 0
            batch.logits[index] = index == batch.n_tokens - 1
        assert llama.llama_decode(loaded.context, batch) == 0
    llama.llama_batch_free(batch)


def weigh(path: Path, options: LoadOptions) -> dict[str, object]:
    """Load and fill one model in this process."""
    native = Native()
    file = ModelFile("it", str(path), path.stat().st_size, "", "", "", 8192)
    before = resident_bytes() or 0
    loaded = LoadedModel(native, file, options, lambda _fraction: True)
    fill(native, loaded)
    after = resident_bytes() or 0
    layout = ProjectedModel(native, file, loaded.setting, options)
    estimate = layout.project(loaded.setting, exact=False)
    layout.close()
    assert estimate is not None
    fit = find_fit(native, file, options)
    learnt = loaded.placement.learnt
    return {
        "taken": after - before,
        "projected": fit.projection.total,
        "parts": [
            fit.projection.weights,
            fit.projection.kv_cache,
            fit.projection.compute,
            sum(part.other for part in fit.projection.devices),
        ],
        "repacked": sum(part.repacked for part in fit.projection.devices),
        "estimated": estimate.total,
        "estimated_parts": [estimate.weights, estimate.kv_cache, estimate.compute],
        "factor": learnt.memory_factor if learnt else 1.0,
    }


if __name__ == "__main__":
    _name, _path, _context, _kv, _extra = sys.argv
    _options = LoadOptions(
        context_length=int(_context), kv_type=KvType(_kv), extra_buffers=_extra == "1"
    )
    print(json.dumps(weigh(Path(_path), _options)))
