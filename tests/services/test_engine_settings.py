"""What the person chose reaches the loading of a model and the asking of one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.ui.fakes import LARGE, SMALL, STARTER, Rooms, make_rooms

from snug.domain.errors import UserError
from snug.domain.model import KvType, LoadOptions
from snug.domain.prompt import Overflow
from snug.services.conversations import ConversationService
from snug.services.engine_settings import DRAFT, IDLE_MINUTES, KV_TYPE, THREADS, Host
from snug.services.models import ModelService


@pytest.fixture
def rooms() -> Iterator[Rooms]:
    made = make_rooms()
    yield made
    made.close()


@pytest.fixture
def models(rooms: Rooms) -> ModelService:
    return ModelService(rooms.library, rooms.store, rooms.engine)


def test_unset_everything_is_left_to_snug(models: ModelService) -> None:
    assert models.load_options(LARGE) == LoadOptions()
    assert models.settings.idle_minutes == 10
    assert models.settings.host is Host.AUTO
    assert models.settings.overflow is Overflow.DROP
    assert models.settings.lookup


def test_choices_are_kept_and_load_the_model(models: ModelService, rooms: Rooms) -> None:
    models.set_context_length(4096)
    models.settings.choose_kv_type(KvType.Q8_0)
    models.settings.choose_threads(3)
    models.settings.choose_draft(SMALL.name)
    again = ModelService(rooms.library, rooms.store, rooms.engine)
    assert again.load_options(LARGE) == LoadOptions(
        context_length=4096, kv_type=KvType.Q8_0, threads=3, draft=SMALL
    )


@pytest.mark.parametrize("model", [SMALL, STARTER])
def test_a_model_has_no_helper_as_large_as_itself(models: ModelService, model: object) -> None:
    models.settings.choose_draft(SMALL.name)
    assert isinstance(model, type(SMALL))
    assert models.load_options(model).draft is None


def test_a_helper_that_is_gone_is_done_without(models: ModelService, rooms: Rooms) -> None:
    models.settings.choose_draft(SMALL.name)
    rooms.library.remove(SMALL.name)
    assert models.load_options(LARGE).draft is None


@pytest.mark.parametrize(
    ("name", "value"), [(KV_TYPE, "f64"), (THREADS, "-1"), (IDLE_MINUTES, "²"), (DRAFT, "gone")]
)
def test_a_kept_value_without_sense_counts_as_unset(
    models: ModelService, rooms: Rooms, name: str, value: str
) -> None:
    rooms.store.settings[name] = value
    assert models.load_options(LARGE) == LoadOptions()
    assert models.settings.idle_minutes == 10


def test_threads_that_no_computer_has_are_refused(models: ModelService) -> None:
    with pytest.raises(UserError, match="choose 1 to 512"):
        models.settings.choose_threads(0)


def test_a_change_for_this_process_comes_last_and_is_not_kept(
    models: ModelService, rooms: Rooms
) -> None:
    models.settings.choose_threads(3)
    models.use_load_options(lambda load: replace(load, threads=1, gpu_layers=0))
    assert models.load_options(LARGE) == LoadOptions(threads=1, gpu_layers=0)
    again = ModelService(rooms.library, rooms.store, rooms.engine)
    assert again.load_options(LARGE) == LoadOptions(threads=3)


def test_the_host_of_this_process_is_not_kept(models: ModelService, rooms: Rooms) -> None:
    models.settings.use_host(Host.ISOLATED)
    assert models.settings.host is Host.ISOLATED
    assert ModelService(rooms.library, rooms.store, rooms.engine).settings.host is Host.AUTO


def test_a_request_says_what_to_do_when_the_context_is_full(
    models: ModelService, rooms: Rooms
) -> None:
    models.settings.choose_overflow(Overflow.STOP)
    service = ConversationService(rooms.store, models, rooms.engine)
    service.send(service.create().id, "Hello", lambda _event: None).wait(10)
    assert rooms.engine.requests[0].overflow is Overflow.STOP
