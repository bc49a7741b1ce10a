"""One part in its own process; prints its figures as a JSON line.

python -m snug.bench PART FOLDER
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from snug.bench.batches import run_batches
from snug.bench.chat import run_decode, run_frames, run_reuse
from snug.bench.download import run_download
from snug.bench.header import run_header
from snug.bench.hosts import run_isolated, run_restore
from snug.bench.models_page import run_models_page
from snug.bench.repeats import run_lookup
from snug.bench.vault import run_vault

PARTS: dict[str, Callable[[Path], dict[str, object]]] = {
    "decode": run_decode,
    "reuse": run_reuse,
    "batches": run_batches,
    "lookup": run_lookup,
    "restore": run_restore,
    "isolated": run_isolated,
    "frames": run_frames,
    "models_page": run_models_page,
    "download": run_download,
    "header": run_header,
    "vault": run_vault,
}

if __name__ == "__main__":
    _part, _folder = sys.argv[1:]
    print(json.dumps(PARTS[_part](Path(_folder) / _part)))
