"""Checks models on another thread and shows on their rows how far it is and what came of it."""

from __future__ import annotations

import threading

from PySide6.QtCore import QObject

from snug.domain.model import ModelFile
from snug.services.adoption import Adoption
from snug.ui.models.model_card import ModelCard
from snug.ui.tasks import Tasks


class ModelVerifier(QObject):
    """Watches rows; a row that is made anew while its model is checked goes on with it."""

    def __init__(self, adoption: Adoption, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self._adoption = adoption
        self._tasks = tasks
        self._cards: dict[str, ModelCard] = {}
        self._running: dict[str, threading.Event] = {}
        self._results: dict[str, str] = {}

    def watch(self, card: ModelCard) -> None:
        """Do what this row asks for; call for each row that is made."""
        name = card.model.name
        self._cards[name] = card
        card.verify_requested.connect(self.verify)
        card.stop_requested.connect(self.stop)
        if name in self._running:
            card.show_checking(0, 1)
        elif name in self._results:
            card.show_checked(self._results[name])

    def verify(self, model: ModelFile) -> None:
        """Read all of a model again; returns at once."""
        name = model.name
        if name in self._running:
            return
        stop = self._running[name] = threading.Event()
        self._results.pop(name, None)

        def shown(at: tuple[int, int]) -> None:
            self._show(name, *at)

        progress = self._tasks.progress(shown, self)
        self._show(name, 0, 1)
        self._tasks.run(
            self,
            lambda: self._adoption.verify(model, progress, stop),
            lambda problem: self._done(name, problem),
            lambda message: self._failed(name, message),
        )

    def stop(self, model: ModelFile) -> None:
        """End a check that runs."""
        if model.name in self._running:
            self._running[model.name].set()

    def close(self) -> None:
        """End all of them; call when the window closes."""
        for stop in self._running.values():
            stop.set()

    def _show(self, name: str, done: int, total: int) -> None:
        if name in self._running:
            self._cards[name].show_checking(done, total)

    def _done(self, name: str, problem: str) -> None:
        del self._running[name]
        self._results[name] = problem
        self._cards[name].show_checked(problem)

    def _failed(self, name: str, message: str) -> None:
        stopped = self._running.pop(name).is_set()
        good = self.tr("Stopped before all of it was read.") if stopped else ""
        self._cards[name].show_checked("" if stopped else message, good)
