"""The starter model as every test gets it."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from snug.domain.model import ModelFile
from snug.models.library import Library
from snug.models.starter import find_starter


@functools.cache
def starter_model() -> ModelFile:
    """The library's entry of the starter; its file is read once per test run."""
    with tempfile.TemporaryDirectory() as folder:
        return Library(Path(folder), find_starter).resolve("starter")
