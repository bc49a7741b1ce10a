"""The services as the application puts them together."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from snug.app import Application
from snug.domain.model import Device, DeviceKind
from snug.engine.supervisor import Supervisor
from snug.paths import find_paths


def test_what_is_free_for_a_model_counts_the_loaded_one_as_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the offers do: another model takes its place."""
    now = (Device("CPU", "", DeviceKind.CPU, 10**9, 8 * 10**9),)
    then = (Device("CPU", "", DeviceKind.CPU, 5 * 10**9, 8 * 10**9),)
    monkeypatch.setattr(Supervisor, "devices", lambda self: now)
    monkeypatch.setattr(Supervisor, "devices_when_free", lambda self: then)
    application = Application.temporary(find_paths(tmp_path), offline=True)
    try:
        assert application.services.hub is not None
        assert application.services.hub.available_bytes() == 5 * 10**9
    finally:
        application.close()


def test_cards_are_there_when_they_are_asked_for(tmp_path: Path) -> None:
    application = Application.temporary(find_paths(tmp_path), offline=True)
    try:
        cards = application.services.cards
        assert cards is not None
        assert cards.acceptances() == ()
    finally:
        application.close()


def test_the_windows_start_loads_nothing_that_only_a_card_or_a_search_needs() -> None:
    late = (
        "snug.services.cards snug.domain.model_card snug.hub.gateway snug.models.adoption.looking "
        "snug.models.origin statistics huggingface_hub httpx2 numpy"
    )
    code = f"import sys, snug.app; print(*sorted(set({late.split()!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == []
