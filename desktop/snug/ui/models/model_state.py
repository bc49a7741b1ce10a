"""The model in use and its state, at the foot of the left bar."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout

from snug.domain.events import Event, Failed, Loading, Started
from snug.domain.model import ModelFile
from snug.ui.look.icons import icon
from snug.ui.look.parts import ElidedLabel, dress, flat
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.look.words import placement_words


class ModelState(QPushButton):
    """A button that tells which model answers and where it is; pressing it opens Models."""

    state_changed = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("modelState")
        self.setProperty("kind", "row")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._theme = theme
        self._tone = "text_soft"
        self._icon = QLabel()
        self._name = ElidedLabel()
        self._state = ElidedLabel()
        dress(self._state, "small", "soft")
        self._progress = QProgressBar()
        self._progress.setObjectName("modelProgress")
        self._progress.setAccessibleName(self.tr("Loading the model"))
        self._progress.setTextVisible(False)
        self._progress.setRange(0, 100)
        for child in (self._icon, self._name, self._state, self._progress):
            child.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        column = QVBoxLayout(self)
        column.setContentsMargins(SIZES.gap_2 + 2, 6, SIZES.gap_2 + 2, 6)
        column.setSpacing(SIZES.gap)
        grid = flat(QGridLayout())
        grid.setHorizontalSpacing(SIZES.gap)
        grid.setVerticalSpacing(2)
        grid.addWidget(self._icon, 0, 0, 2, 1, Qt.AlignmentFlag.AlignCenter)
        grid.addWidget(self._name, 0, 1)
        grid.addWidget(self._state, 1, 1)
        grid.setColumnStretch(1, 1)
        column.addLayout(grid)
        column.addWidget(self._progress)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()
        self.show_none()

    def sizeHint(self) -> QSize:
        """As its labels need; a button would only ask for its (empty) text."""
        layout = self.layout()
        return layout.sizeHint() if layout is not None else super().sizeHint()

    minimumSizeHint = sizeHint

    @property
    def state(self) -> str:
        """What it says of the model's state."""
        return self._state.text()

    def show_none(self) -> None:
        """There is no model at all."""
        self._show(self.tr("No model yet"), self.tr("Add one in Models"), "warn")

    def show_chosen(self, model: ModelFile) -> None:
        """It will be loaded when it is needed."""
        self._show(model.name, self.tr("Loads with the first message"), "text_soft")

    def show_event(self, event: Event) -> None:
        """Follow what the engine tells of loading; other events change nothing."""
        match event:
            case Loading(model=name, fraction=fraction):
                percent = round(100 * min(1.0, max(0.0, fraction)))
                self._show(name, self.tr("Loading {} %").format(percent), "text_soft", percent)
            case Started(model=name, placement=placement):
                where = placement_words(placement)
                self._show(name, self.tr("Ready · {}").format(where), "accent")
                self.setToolTip(placement.reason)
            case _:
                pass

    def show_failed(self, failed: Failed) -> None:
        """It could not be loaded."""
        self._show(self._name.text(), self.tr("Could not be loaded"), "bad")
        self.setToolTip(failed.message)

    def _show(self, name: str, state: str, tone: str, percent: int | None = None) -> None:
        self._name.setText(name)
        self._state.setText(state)
        self._progress.setVisible(percent is not None)
        self._progress.setValue(percent or 0)
        self.setToolTip("")
        self.setAccessibleName(self.tr("Model in use: {}. {}").format(name, state))
        if tone != self._tone:
            self._tone = tone
            self._draw_icon()
        self.state_changed.emit(state)

    def _on_theme_changed(self) -> None:
        self._draw_icon()
        self.updateGeometry()

    def _draw_icon(self) -> None:
        made = icon("chip", self._theme, self._tone, pad=3)
        self._icon.setPixmap(made.pixmap(made.availableSizes()[0], self.devicePixelRatioF()))
