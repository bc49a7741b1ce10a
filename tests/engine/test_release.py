"""A model that is let go gives its memory back, and comes back by itself."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.starter import starter_model

from snug.domain.conversation import Role
from snug.domain.events import Event, Failed, Finished, Loading, Started, TextDelta
from snug.domain.model import LoadOptions
from snug.domain.prompt import GenerationRequest, PromptMessage
from snug.domain.sampling import Sampling
from snug.engine.host import EngineHost

SHORT = GenerationRequest(
    model=starter_model(),
    messages=(PromptMessage(Role.USER, "Count to three."),),
    sampling=Sampling(temperature=0.0, max_tokens=24),
    load=LoadOptions(context_length=1024),
)


@pytest.fixture
def host() -> Iterator[EngineHost]:
    made = EngineHost()
    yield made
    made.close()


def ask(host: EngineHost) -> list[Event]:
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    host.generate(SHORT, events.put)
    seen = [events.get(timeout=60)]
    while not isinstance(seen[-1], Finished | Failed):
        seen.append(events.get(timeout=60))
    return seen


def resident_bytes() -> int:
    status = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


@pytest.mark.alone
def test_memory_falls_by_the_models_size_and_the_next_answer_loads_it_again(
    host: EngineHost,
) -> None:
    first = ask(host)
    loaded = resident_bytes()
    host.release()
    host.devices()  # answered after it, on the same thread
    assert host.placement() is None
    assert loaded - resident_bytes() > 0.9 * starter_model().size_bytes
    again = ask(host)
    assert isinstance(again[0], Loading)
    assert [e for e in again if isinstance(e, TextDelta)] == [
        e for e in first if isinstance(e, TextDelta)
    ]


def test_a_release_amid_an_answer_changes_nothing(host: EngineHost) -> None:
    alone = [e for e in ask(host) if isinstance(e, TextDelta)]
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def sink(event: Event) -> None:
        if isinstance(event, Started | TextDelta):
            host.release()
        events.put(event)

    host.generate(SHORT, sink)
    seen = [events.get(timeout=60)]
    while not isinstance(seen[-1], Finished | Failed):
        seen.append(events.get(timeout=60))
    assert isinstance(seen[-1], Finished)
    assert [e for e in seen if isinstance(e, TextDelta)] == alone
