"""How long Discover takes to open with 5,000 kept models: a real vault and a real window."""

from __future__ import annotations

import statistics
from pathlib import Path
from time import perf_counter
from typing import NoReturn

from snug import __version__
from snug.domain.conversation import now_ms
from snug.domain.hub import Category, RemoteFile, Repository, Variant
from snug.domain.licence import classify
from snug.engine.hosts import build_engine
from snug.models.library import Library
from snug.models.starter import find_starter
from snug.paths import find_paths
from snug.services.bundle import Profile, Services
from snug.services.conversations import ConversationService
from snug.services.hub import HubService
from snug.services.models import ModelService
from snug.services.preferences import Preferences
from snug.services.trends import Trends
from snug.vault.vault import Vault

KEPT = 5_000
ROUNDS = 5
_LICENCES = ("apache-2.0", "mit", "gemma", "cc-by-nc-4.0", "")
_QUANTIZATIONS = (("Q4_K_M", 0.6), ("Q6_K", 0.8), ("Q8_0", 1.05))


def run_models_page(folder: Path) -> dict[str, object]:
    """Milliseconds from the press on Models, over the tab Discover, to its painted rows.

    The median of five windows, each of which makes the page anew, offscreen; and the first one of
    the process, which also imports the page. Nothing is asked: it is offline.
    """
    paths = find_paths(folder / "data")
    vault = Vault.open(paths.vault, folder / "keys", keyring_allowed=False)
    store = vault.conversations
    preferences = Preferences(store)
    engine = build_engine(preferences, lambda: False, vault.kv_states)
    library = Library(paths.models, find_starter)
    models = ModelService(library, store, engine)
    hub = HubService(store, library, _never, engine.devices, lambda: True)
    trends = Trends(vault.catalogue, store, _never, lambda: True)
    trends.keep(_repository(number) for number in range(KEPT))
    services = Services(
        Profile(__version__, paths.data, paths.resources, "", created=False, offline=True),
        ConversationService(store, models, engine),
        models,
        preferences,
        hub=hub,
        trends=trends,
    )
    try:
        first, *times = [_open_ms(services) for _ in range(ROUNDS + 1)]
    finally:
        engine.close()
        vault.close()
    return {
        "models_page_ms": round(statistics.median(times), 1),
        "models_page_first_ms": round(first, 1),
        "models_kept": KEPT,
    }


def _never(*_: object) -> NoReturn:
    raise RuntimeError("nothing is asked here")


def _open_ms(services: Services) -> float:
    # Late: Qt reads its environment when it is imported.
    from PySide6.QtWidgets import QApplication

    from snug.ui.look.theme import Theme
    from snug.ui.main_window import MainWindow
    from snug.ui.places import Place

    app = QApplication.instance() or QApplication([])
    theme = Theme(services.profile.resources)
    if isinstance(app, QApplication):
        theme.install(app)
    window = MainWindow(services, theme)
    window.resize(1280, 800)
    window.show()
    window.grab()
    began = perf_counter()
    window.go_to(Place.MODELS)
    from snug.ui.models.models_page import (  # later than the press, as in the application
        ModelsPage,
        Tab,
    )

    page = window.findChild(ModelsPage)
    if not isinstance(page, ModelsPage):
        raise TypeError("the window has no page for models")
    page.show_tab(Tab.DISCOVER)
    window.grab()
    took = 1_000 * (perf_counter() - began)
    if page.discover is None or page.discover.model.rowCount() != KEPT:
        raise RuntimeError("not every kept model is in the list")
    window.close()
    return took


def _repository(number: int) -> Repository:
    weights = (1 + number % 40) * 900_000_000
    variants = tuple(
        Variant(
            name,
            (RemoteFile(f"m-{name}.gguf", round(weights * share), f"{number:08d}".ljust(64, "0")),),
        )
        for name, share in _QUANTIZATIONS
    )
    return Repository(
        id=f"maker{number % 97}/Model-{number:04d}-GGUF",
        category=tuple(Category)[number % 3],
        licence=classify(_LICENCES[number % len(_LICENCES)]),
        commit="c0ffee",
        downloads=1_000_000 // (number + 1),
        likes=number % 500,
        trending_score=KEPT - number,
        context_length=32_768,
        architecture="llama",
        parameter_count=weights,
        variants=variants,
        modified_ms=now_ms() - number * 3_600_000,
    )
