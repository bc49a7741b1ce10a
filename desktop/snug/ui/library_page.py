"""On this computer: downloads on their way, the library, and what other programs hold."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QVBoxLayout

from snug.domain.errors import SnugError
from snug.domain.model import ModelFile
from snug.services.bundle import Services
from snug.ui.banner import Banner, Level
from snug.ui.icons import bind_icon
from snug.ui.late import connect_view, late_view, refresh_view
from snug.ui.model_card import ModelCard
from snug.ui.page import Page
from snug.ui.parts import flat, label, push_button, restyle
from snug.ui.tasks import Tasks
from snug.ui.theme import Theme
from snug.ui.tokens import SIZES
from snug.ui.undo_bar import UndoBar


class LibraryPage(Page):
    """The library as calm rows.

    Attributes:
        library_changed: a model came, went, or became the default.
        chosen: a model was made the one for new chats.
        find_requested: the person wants to look for a model.
    """

    library_changed = Signal()
    find_requested = Signal()
    chosen = Signal(object)

    def __init__(self, services: Services, theme: Theme, tasks: Tasks) -> None:
        self._cards: list[ModelCard] = []  # before the base lays out
        super().__init__(
            "libraryPage",
            self.tr("On this computer"),
            self.tr("The models on this computer. They run here and nowhere else."),
            theme,
            is_tab=True,
        )
        models = services.models
        self._models = models
        self._tasks = tasks
        self._hidden: set[str] = set()
        self.setAcceptDrops(True)
        self._add_button = push_button(
            "addModelButton", self.tr("Add a model file…"), "primary", self.choose_file
        )
        bind_icon(self._add_button, "plus", theme, "on_accent")
        self.head.addWidget(self._add_button)
        self.problem = Banner(theme, "modelProblem")
        self._rows = flat(QVBoxLayout())
        self._empty = label(
            self.tr("There is no model here yet. Add a GGUF file to begin."), tone="soft", wrap=True
        )
        self._drop = self._make_drop_zone()
        self._undo = UndoBar("modelUndo")
        self._downloads = late_view(
            "snug.ui.downloads_view", "DownloadsView", services.downloads, theme
        )
        self._found = late_view(
            "snug.ui.adoption_view", "AdoptionView", services.adoption, theme, tasks
        )
        connect_view(self._downloads, "find_requested", self.find_requested.emit)
        connect_view(self._downloads, "finished", lambda _model: self._on_changed_elsewhere())
        connect_view(self._found, "adopted", lambda *_: self._on_changed_elsewhere())
        self.column.addWidget(self.problem)
        if self._downloads is not None:
            self.column.addWidget(self._downloads)
        self.column.addLayout(self._rows)
        self.column.addWidget(self._empty)
        self.column.addSpacing(SIZES.gap_2)
        self.column.addWidget(self._drop)
        if self._found is not None:
            self.column.addWidget(self._found)
        self.column.addStretch(1)
        self.outer.addWidget(self._undo)

    def _make_drop_zone(self) -> QFrame:
        zone = QFrame()
        zone.setObjectName("dropZone")
        zone.setProperty("kind", "drop")
        zone.setAccessibleName(self.tr("Drop a model file here"))
        row = QHBoxLayout(zone)
        row.setContentsMargins(SIZES.gap_4, SIZES.gap_4, SIZES.gap_4, SIZES.gap_4)
        self._drop_text = label(tone="soft", wrap=True)
        row.addWidget(self._drop_text)
        self._set_busy("")
        return zone

    # -- showing ------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read the library again."""
        refresh_view(self._downloads)
        refresh_view(self._found)
        self.refresh_library()

    def refresh_library(self) -> None:
        """Read the models alone."""
        try:
            models = [m for m in self._models.models() if m.name not in self._hidden]
            default = self._models.default().name if models else ""
        except SnugError as error:
            self.problem.tell(error.message, Level.DANGER)
            return
        loaded = self._models.placement()
        for card in self._cards:
            self._rows.removeWidget(card)
            card.deleteLater()
        self._cards = []
        for model in models:
            card = ModelCard(model, model.name == default, loaded, self._theme)
            card.choose_requested.connect(self._on_choose_requested)
            card.remove_requested.connect(self.remove)
            self._rows.addWidget(card)
            self._cards.append(card)
        self._empty.setVisible(not models)
        self.arrange()

    def arrange(self) -> None:
        """Lay the rows out as well."""
        super().arrange()
        for card in self._cards:
            card.set_narrow(self.is_narrow)

    def commit_removals(self) -> None:
        """Carry out what could still be undone; call when the window closes."""
        self._undo.commit()
        commit = getattr(self._downloads, "commit_removals", None)
        if commit is not None:
            commit()

    def _on_changed_elsewhere(self) -> None:
        """A model came by a download, or from another program."""
        self.refresh_library()
        self.library_changed.emit()

    # -- adding -------------------------------------------------------------------------------

    def choose_file(self) -> None:
        """Ask for a file with the desktop's own dialog, which stands in nobody's way."""
        dialog = QFileDialog(self, self.tr("Add a model file"))
        dialog.setObjectName("addModelDialog")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilter(self.tr("Models (*.gguf)"))
        dialog.filesSelected.connect(lambda names: self.add_files([Path(n) for n in names]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def add_files(self, paths: list[Path]) -> None:
        """Check the files on another thread and add them; a fault is told in one sentence."""
        if not paths:
            return
        self.problem.clear()
        self._set_busy(self.tr("Checking {}…").format(", ".join(path.name for path in paths)))
        self._tasks.run(
            self,
            lambda: [self._models.import_file(path) for path in paths],
            self._on_files_added,
            self._on_adding_failed,
        )

    def _on_files_added(self, added: list[ModelFile]) -> None:
        self._set_busy("")
        self._hidden -= {model.name for model in added}
        self.refresh()
        self.library_changed.emit()

    def _on_adding_failed(self, message: str) -> None:
        self._set_busy("")
        self.refresh()
        self.library_changed.emit()
        self.problem.tell(message, Level.DANGER)

    def _set_busy(self, text: str) -> None:
        self._add_button.setEnabled(not text)
        rest = self.tr("Or drop a .gguf file anywhere on this page. It stays where it is on disk.")
        self._drop_text.setText(text or rest)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take GGUF files only."""
        if _gguf_files(event.mimeData().urls()):
            event.acceptProposedAction()
            self._set_over(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """The pointer went on."""
        self._set_over(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Add what was dropped."""
        self._set_over(False)
        event.acceptProposedAction()
        self.add_files(_gguf_files(event.mimeData().urls()))

    def _set_over(self, over: bool) -> None:
        self._drop.setProperty("over", "true" if over else "false")
        restyle(self._drop)

    # -- choosing and removing ----------------------------------------------------------------

    def _on_choose_requested(self, model: ModelFile) -> None:
        try:
            chosen = self._models.choose(model.name)
        except SnugError as error:
            self.problem.tell(error.message, Level.DANGER)
            return
        self.refresh()
        self.chosen.emit(chosen)
        self.library_changed.emit()

    def remove(self, model: ModelFile) -> None:
        """Take a model out of view; for eight seconds it can be brought back."""
        self._undo.offer(
            self.tr("Removed {}").format(model.name),
            lambda: self._remove(model.name),
            lambda: self._restore(model.name),
        )
        self._hidden.add(model.name)
        self.refresh()

    def _restore(self, name: str) -> None:
        self._hidden.discard(name)
        self.refresh()

    def _remove(self, name: str) -> None:
        self._hidden.discard(name)
        try:
            self._models.remove(name)
        except SnugError as error:
            self.problem.tell(error.message, Level.DANGER)
        self.refresh()
        self.library_changed.emit()


def _gguf_files(urls: list[QUrl]) -> list[Path]:
    paths = (Path(url.toLocalFile()) for url in urls if url.isLocalFile())
    return [path for path in paths if path.suffix.casefold() == ".gguf"]
