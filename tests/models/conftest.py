"""A library in a folder of its own, without the starter."""

from __future__ import annotations

from pathlib import Path

import pytest

from snug.models.library import Library


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def library(folder: Path) -> Library:
    return Library(folder, lambda: None)
