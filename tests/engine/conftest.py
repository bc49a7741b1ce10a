"""The real engine on the starter model, one per module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.engine.asking import Asking
from tests.starter import starter_model

from snug.domain.model import ModelFile
from snug.engine.host import EngineHost
from snug.engine.template import TemplateRenderer


@pytest.fixture(scope="session")
def starter() -> ModelFile:
    return starter_model()


@pytest.fixture(scope="module")
def host() -> Iterator[EngineHost]:
    host = EngineHost()
    yield host
    host.close()


@pytest.fixture
def ask(host: EngineHost, starter: ModelFile) -> Asking:
    return Asking(host, starter)


@pytest.fixture(scope="module")
def renderer() -> Iterator[TemplateRenderer]:
    renderer = TemplateRenderer()
    renderer.warm_up()
    yield renderer
    renderer.close()
