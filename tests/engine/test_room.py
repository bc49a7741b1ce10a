"""The memory that is there for another model once the loaded one is gone."""

from __future__ import annotations

import threading

import pytest

from snug.domain.events import Event, Failed, Started
from snug.domain.model import LoadOptions, ModelFile
from snug.engine.host import EngineHost


def test_what_the_loaded_model_holds_counts_as_free(
    host: EngineHost, starter: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = threading.Event()

    def sink(event: Event) -> None:
        if isinstance(event, Started | Failed):
            loaded.set()

    host.preload(starter, LoadOptions(context_length=8192), sink)
    assert loaded.wait(60)
    held = host.look(lambda session: dict(session.loaded.held))
    assert held["CPU"] > 150 * 2**20  # the KV cache of 8,192 tokens alone is 188 MB
    # Other programs change what is free from one moment to the next; this cannot.
    monkeypatch.setattr(host._worker, "given_back", lambda: {"CPU": 2**60})
    cpu = next(one for one in host.devices_when_free() if one.name == "CPU")
    assert cpu.free_bytes == cpu.total_bytes
