"""The model of the open conversation: a button with its name, and a list to choose another."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from snug.domain.model import ModelFile, Placement
from snug.ui.look.icons import bind_icon, icon
from snug.ui.look.parts import (
    ElidedLabel,
    claims_escape,
    dress,
    flat,
    hairline,
    label,
    push_button,
    soft_shadow,
)
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.look.words import placement_words, size_words

_STEPS = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}


class ModelPicker(QPushButton):
    """Shows the chosen model; pressing it opens the list.

    Attributes:
        opened: the list is about to show; the owner calls `set_models` first.
        chosen: another model was picked.
    """

    opened = Signal()
    chosen = Signal(object)
    add_requested = Signal()
    manage_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("modelPicker")
        self.setProperty("kind", "quiet")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(self.tr("Choose the model that answers (Ctrl+M)"))
        self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the arrow after the name
        bind_icon(self, "chevron-down", theme)
        self._theme = theme
        self._models: tuple[ModelFile, ...] = ()
        self._current: ModelFile | None = None
        self._loaded: tuple[ModelFile, Placement] | None = None
        self.clicked.connect(self.open_list)
        self.set_current(None)

    def set_current(self, model: ModelFile | None) -> None:
        """Show this one as chosen."""
        self._current = model
        name = model.name if model is not None else self.tr("Choose a model")
        self.setText(self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, 320))
        self.setAccessibleName(self.tr("Model: {}").format(name))

    def set_models(
        self, models: Sequence[ModelFile], loaded: tuple[ModelFile, Placement] | None
    ) -> None:
        """What the list will show."""
        self._models, self._loaded = tuple(models), loaded

    def open_list(self) -> None:
        """Open the list under the button, the chosen model focused."""
        self.opened.emit()
        window = self.window()
        popup = ModelPopup(self._theme, self._models, self._current, self._loaded, window)
        popup.model_picked.connect(self.chosen)
        popup.add_requested.connect(self.add_requested)
        popup.manage_requested.connect(self.manage_requested)
        popup.closed.connect(self.setFocus)
        corner = QPoint(0, self.height() + SIZES.gap)
        if not self.window().isRightToLeft():
            corner.setX(self.width() - SIZES.popup)
        popup.open_at(self.mapTo(window, corner))


class ModelPopup(QWidget):
    """Models as rows; arrows move, Return picks, Esc or a press beside it closes.

    A layer over the window and not a window of its own: its corners are round on every desktop.
    """

    model_picked = Signal(object)
    add_requested = Signal()
    manage_requested = Signal()
    closed = Signal()

    def __init__(
        self,
        theme: Theme,
        models: Sequence[ModelFile],
        current: ModelFile | None,
        loaded: tuple[ModelFile, Placement] | None,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._window = window
        self.setObjectName("modelPopup")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._frame = QFrame(self)
        self._frame.setObjectName("modelPopupFrame")
        self._frame.setAccessibleName(self.tr("Models"))
        self._frame.setProperty("kind", "popup")
        self._frame.setFixedWidth(SIZES.popup)
        self._frame.setGraphicsEffect(soft_shadow(theme, self._frame))
        self._buttons: list[QPushButton] = []
        self._current: QPushButton | None = None
        self._column = flat(QVBoxLayout(self._frame), SIZES.gap_2, 2)
        for model in models:
            row = ModelRow(theme, model, model == current, _state(model, loaded))
            row.clicked.connect(lambda _=False, m=model: self._pick(m))
            if model == current:
                self._current = row
            self._add(row)
        if not models:
            self._column.addWidget(label(self.tr("There is no model here yet."), tone="soft"))
        self._column.addSpacing(SIZES.gap)
        self._column.addWidget(hairline())
        self._column.addSpacing(SIZES.gap)
        for name, text, icon_name, signal in (
            ("addModelFile", self.tr("Add a model file…"), "file-add", self.add_requested),
            ("manageModels", self.tr("All models"), "models", self.manage_requested),
        ):
            button = push_button(name, text, "row", self.close)
            button.clicked.connect(signal)
            bind_icon(button, icon_name, theme)
            self._add(button)

    def open_at(self, corner: QPoint) -> None:
        """Show the list with its upper left corner there, inside the window."""
        window = self._window
        self.setGeometry(window.rect())
        self._frame.adjustSize()
        room = window.width() - self._frame.width() - SIZES.gap_2
        corner.setX(max(SIZES.gap_2, min(corner.x(), room)))
        self._frame.move(corner)
        self.show()
        self.raise_()
        window.installEventFilter(self)
        target = self._current or self._buttons[0]
        target.setFocus(Qt.FocusReason.PopupFocusReason)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A window that changes its size closes the list."""
        if event.type() == QEvent.Type.Resize:
            self.close()
        return super().eventFilter(watched, event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A press beside the list."""
        if not self._frame.geometry().contains(event.position().toPoint()):
            self.close()

    def event(self, event: QEvent) -> bool:
        """Esc is for the list, not for the window's shortcut."""
        return claims_escape(event) or super().event(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Tell the button, which takes the keyboard back."""
        self.closed.emit()
        super().closeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down go round; Esc closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
            return
        step = _STEPS.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        at = next((i for i, button in enumerate(self._buttons) if button.hasFocus()), 0)
        target = self._buttons[(at + step) % len(self._buttons)]
        target.setFocus(Qt.FocusReason.TabFocusReason)

    def _add(self, button: QPushButton) -> None:
        self._buttons.append(button)
        self._column.addWidget(button)

    def _pick(self, model: ModelFile) -> None:
        self.close()
        self.model_picked.emit(model)


class ModelRow(QPushButton):
    """One model of the list: name and facts, a tick where it is the chosen one."""

    def __init__(self, theme: Theme, model: ModelFile, is_current: bool, state: str) -> None:
        super().__init__()
        self.setObjectName(f"pick_{model.name}")
        self.setProperty("kind", "row")
        self.setCheckable(True)
        self.setChecked(is_current)
        facts = " · ".join(
            part for part in (size_words(model.size_bytes), model.quantization, state) if part
        )
        name = ElidedLabel(model.name)
        dress(name, "label")
        detail = ElidedLabel(facts)
        dress(detail, "small", "soft")
        lines = flat(QVBoxLayout(), spacing=2)
        lines.addWidget(name)
        lines.addWidget(detail)
        if model.source == "starter":
            note = ElidedLabel(self.tr("Good for trying the app, not for answers"))
            dress(note, "small", "warn")
            lines.addWidget(note)
            facts = f"{facts}. {note.text()}"
        row = flat(QHBoxLayout(self), SIZES.gap_2 + 2, SIZES.gap_2)
        row.addLayout(lines, 1)
        tick = QLabel()
        if is_current:
            made = icon("check", theme, "accent")
            edge = made.availableSizes()[0]
            tick.setPixmap(made.pixmap(edge, self.devicePixelRatioF()))
        row.addWidget(tick)
        for child in self.findChildren(QLabel):
            child.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName(model.name)
        self.setAccessibleDescription(facts)

    def sizeHint(self) -> QSize:
        """As its labels need; a button would only ask for its (empty) text."""
        layout = self.layout()
        return layout.sizeHint() if layout is not None else super().sizeHint()

    minimumSizeHint = sizeHint


def _state(model: ModelFile, loaded: tuple[ModelFile, Placement] | None) -> str:
    if loaded is None or loaded[0].name != model.name:
        return ""
    return placement_words(loaded[1])
