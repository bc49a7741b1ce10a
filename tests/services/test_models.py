"""What loads taught is kept per model and machine, and given to later ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.services.scripted import NOWHERE, ScriptedAnswer, ScriptedEngine
from tests.starter import starter_model

from snug.domain.events import Event, Started
from snug.domain.fit import DeviceBytes, Fit, Projection
from snug.domain.model import DeviceKind, Experience, KvType, LoadOptions, ModelFile, Placement
from snug.domain.speed import Measurement, Where
from snug.models.library import Library
from snug.services.models import ModelService
from snug.services.protocols import EventSink
from snug.vault.vault import Vault

LEARNT = Experience(1.12, 6, 8)


class LoadingEngine(ScriptedEngine):
    """Loads at once and tells what that taught."""

    def __init__(self) -> None:
        super().__init__(())
        self.placed: tuple[ModelFile, Placement] | None = None
        self.options: list[LoadOptions] = []

    def preload(self, model: ModelFile, options: LoadOptions, sink: EventSink) -> ScriptedAnswer:
        self.placed = (model, replace(NOWHERE, learnt=LEARNT))
        self.options.append(options)
        sink(Started(model.name, self.placed[1], 0, 0, 8192))
        return ScriptedAnswer((), sink, None)

    def placement(self) -> tuple[ModelFile, Placement] | None:
        return self.placed

    def fit(self, model: ModelFile, options: LoadOptions) -> Fit:
        self.options.append(options)
        part = DeviceBytes("CPU", DeviceKind.CPU, 1, 1, 1)
        return Fit(True, Projection(8192, 0, 31, (part,), options.kv_type))


@pytest.fixture
def vault() -> Iterator[Vault]:
    vault = Vault.temporary()
    yield vault
    vault.close()


@pytest.fixture
def engine() -> LoadingEngine:
    return LoadingEngine()


@pytest.fixture
def service(vault: Vault, engine: LoadingEngine, tmp_path: Path) -> ModelService:
    return ModelService(Library(tmp_path), vault.conversations, engine)


def test_a_load_is_remembered_and_its_events_still_come(
    service: ModelService, engine: LoadingEngine
) -> None:
    events: list[Event] = []
    service.preload(starter_model(), events.append)
    assert [type(event) for event in events] == [Started]
    assert service.load_options(starter_model()).experience == LEARNT


def test_an_answer_remembers_its_load_too(service: ModelService, engine: LoadingEngine) -> None:
    engine.placed = (starter_model(), replace(NOWHERE, learnt=LEARNT))
    service.record_speed(starter_model(), 12.0)
    assert service.experience(starter_model()) == LEARNT


def test_another_model_learns_nothing_from_it(service: ModelService, engine: LoadingEngine) -> None:
    service.preload(starter_model(), lambda _event: None)
    other = replace(starter_model(), sha256="f" * 64)
    assert service.experience(other) == Experience()


def test_what_was_learnt_does_not_reload_the_model(service: ModelService) -> None:
    before = service.load_options(starter_model())
    service.preload(starter_model(), lambda _event: None)
    assert service.load_options(starter_model()) == before


@pytest.mark.parametrize("kept", ["no json", "[]", '{"x": 3}', '{"x": [1]}', '{"x": ["a", 1, 1]}'])
def test_spoilt_notes_are_as_none(service: ModelService, vault: Vault, kept: str) -> None:
    vault.conversations.set_setting("model.experiences", kept)
    assert service.experience(starter_model()) == Experience()


def test_absurd_notes_are_bounded(service: ModelService, vault: Vault) -> None:
    service.preload(starter_model(), lambda _event: None)
    kept = json.loads(vault.conversations.setting("model.experiences") or "")
    key = next(iter(kept))
    vault.conversations.set_setting("model.experiences", json.dumps({key: [40.0, 10**9, 0]}))
    assert service.experience(starter_model()) == Experience(1.25, None, None)


def test_a_fit_is_asked_with_the_cache_and_context_that_were_named(
    service: ModelService, engine: LoadingEngine
) -> None:
    service.preload(starter_model(), lambda _event: None)
    service.fit(starter_model(), 1024, KvType.Q8_0)
    assert engine.options[-1] == LoadOptions(context_length=1024, kv_type=KvType.Q8_0)
    assert engine.options[-1].experience == LEARNT


def placed(model: ModelFile, on_gpu: int) -> tuple[ModelFile, Placement]:
    return model, replace(NOWHERE, layers_on_gpu=on_gpu, layers=30)


def test_a_speed_is_kept_with_what_it_read_and_where(
    service: ModelService, engine: LoadingEngine
) -> None:
    model = starter_model()
    service.active_share = lambda _model: 0.25
    for on_gpu, where in ((0, Where.CPU), (30, Where.GPU), (12, Where.BOTH)):
        engine.placed = placed(model, on_gpu)
        service.record_speed(model, 40.0)
        kept = Measurement(40.0, model.size_bytes // 4, where, model.name)
        assert service.speeds() == (kept,)


def test_a_speed_is_told_as_measured_else_scaled_by_the_active_weights(
    service: ModelService, engine: LoadingEngine
) -> None:
    model = starter_model()
    assert service.fit(model).tokens_per_second is None
    service.record_speed(model, 40.0)
    assert service.fit(model).tokens_per_second == 40.0
    other = replace(model, sha256="f" * 64, size_bytes=4 * model.size_bytes)
    assert service.fit(other).tokens_per_second == 10.0
    service.active_share = lambda _model: 0.5
    assert service.fit(other).tokens_per_second == 20.0


def test_speeds_of_an_earlier_version_still_count(service: ModelService, vault: Vault) -> None:
    model = starter_model()
    kept = json.dumps({"x": [12.0, model.size_bytes], model.sha256[:16]: [30, model.size_bytes]})
    vault.conversations.set_setting("model.speeds", kept)
    assert service.fit(model).tokens_per_second == 30.0
    assert len(service.speeds()) == 2


@pytest.mark.parametrize(
    "kept", ["x", "[]", '{"a": 3}', '{"a": [1]}', '{"a": [1, 1, "moon"]}', '{"a": [1, 1e999]}']
)
def test_spoilt_speeds_are_as_none(service: ModelService, vault: Vault, kept: str) -> None:
    vault.conversations.set_setting("model.speeds", kept)
    assert service.speeds() == ()
    assert service.fit(starter_model()).tokens_per_second is None
