"""The window in tests: offscreen, with fakes below the real services."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication
from tests.ui.fakes import RESOURCES, Rooms, make_rooms

from snug.services.bundle import Services
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import Scheme


@pytest.fixture
def rooms() -> Iterator[Rooms]:
    made = make_rooms()
    yield made
    made.close()


@pytest.fixture
def services(rooms: Rooms, tmp_path: Path) -> Services:
    return rooms.services(tmp_path)


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    """The light theme, in force; torn down with the test so that no signal outlives it."""
    made = Theme(RESOURCES, Scheme.LIGHT)
    made.install(qapp)
    yield made
    made.deleteLater()
    # No event loop runs between tests; without it windows would pile up, and every style sheet
    # would be laid over all of them.
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
