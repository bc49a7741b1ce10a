"""On this computer: downloads on their way, the library, and what other programs hold."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout

from snug.domain.model import ModelFile
from snug.services.bundle import Services
from snug.ui.look.banner import Banner, Level
from snug.ui.look.icons import bind_icon
from snug.ui.look.page import Page
from snug.ui.look.parts import label, push_button, restyle
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.models.adoption_view import AdoptionView
from snug.ui.models.downloads_view import DownloadsView
from snug.ui.models.library_rows import LibraryRows
from snug.ui.tasks import Tasks


class LibraryPage(Page):
    """The library as calm rows.

    Attributes:
        library_changed: a model came, went, or became the default.
        chosen: a model was made the one for new chats.
        find_requested: the person wants to look for a model.
        card_requested: the person wants to see a model's card.
    """

    library_changed = Signal()
    find_requested = Signal()
    card_requested = Signal(object)
    chosen = Signal(object)

    def __init__(self, services: Services, theme: Theme, tasks: Tasks) -> None:
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
        self.setAcceptDrops(True)
        self._add_button = push_button(
            "addModelButton", self.tr("Add a model file…"), "primary", self.choose_file
        )
        bind_icon(self._add_button, "plus", theme, "on_accent")
        self.head.addWidget(self._add_button)
        self.problem = Banner(theme, "modelProblem")
        self.rows = LibraryRows(models, services.adoption, theme, tasks)
        self.rows.chosen.connect(self.chosen)
        self.rows.library_changed.connect(self.library_changed)
        self.rows.card_requested.connect(self.card_requested)
        self.rows.failed.connect(self._tell)
        self._drop = self._make_drop_zone()
        self._downloads: DownloadsView | None = None
        self._found: AdoptionView | None = None
        self.column.addWidget(self.problem)
        if services.downloads is not None:
            self._downloads = DownloadsView(services.downloads, theme, hides_when_empty=True)
            self._downloads.find_requested.connect(self.find_requested)
            self._downloads.finished.connect(self._on_changed_elsewhere)
            self.column.addWidget(self._downloads)
        self.column.addWidget(self.rows)
        self.column.addSpacing(SIZES.gap_2)
        self.column.addWidget(self._drop)
        if services.adoption is not None:
            self._found = AdoptionView(services.adoption, theme, tasks)
            self._found.adopted.connect(self._on_changed_elsewhere)
            self.column.addWidget(self._found)
        self.column.addStretch(1)
        self.outer.addWidget(self.rows.undo)

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
        if self._downloads is not None:
            self._downloads.refresh()
        if self._found is not None:
            self._found.refresh()
        self.refresh_library()

    def refresh_library(self) -> None:
        """Read the models alone."""
        self.rows.refresh()

    def arrange(self) -> None:
        """Lay the rows out as well."""
        super().arrange()
        rows = getattr(self, "rows", None)  # the base lays out before they are there
        if rows is not None:
            rows.set_narrow(self.is_narrow)

    def remove(self, model: ModelFile) -> None:
        """Take a model out of view; for eight seconds it can be brought back."""
        self.rows.remove(model)

    def commit_removals(self) -> None:
        """Carry out what could still be undone; call when the window closes."""
        self.rows.close_down()
        if self._downloads is not None:
            self._downloads.commit_removals()
        if self._found is not None:
            self._found.close_work()

    def _tell(self, message: str) -> None:
        self.problem.tell(message, Level.DANGER)

    def _on_changed_elsewhere(self, _model: ModelFile | None = None) -> None:
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
        self.rows.show_again({model.name for model in added})
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


def _gguf_files(urls: list[QUrl]) -> list[Path]:
    paths = (Path(url.toLocalFile()) for url in urls if url.isLocalFile())
    return [path for path in paths if path.suffix.casefold() == ".gguf"]
