"""Below the composer, small: where the model runs, how fast, how full the context is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from snug.domain.events import Started, Timings
from snug.domain.model import Placement
from snug.ui.chat.answers import RunningAnswer
from snug.ui.chat.context_meter import ContextMeter
from snug.ui.look.parts import ElidedLabel, dress, flat
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES


class StatusLine(QWidget):
    """One line of small figures that do not dance."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("statusLine")
        self._theme = theme
        self._where = ElidedLabel("", self)
        self._where.setObjectName("placement")
        self._speed = QLabel(self)
        self._speed.setObjectName("speed")
        self.meter = ContextMeter(theme, self)
        row = flat(QHBoxLayout(self), spacing=SIZES.gap_4)
        row.setContentsMargins(SIZES.gap_3, 0, SIZES.gap_3, 0)
        row.addWidget(self._where, 1)
        row.addWidget(self._speed)
        row.addWidget(self.meter)
        for part in (self._where, self._speed):
            dress(part, "small", "faint")
            part.setTextFormat(Qt.TextFormat.PlainText)
        self._on_theme_changed()
        theme.changed.connect(self._on_theme_changed)

    @property
    def placement_words(self) -> str:
        """Where it runs, as shown."""
        return self._where.text()

    @property
    def activity_words(self) -> str:
        """What it does or how fast it was, as shown."""
        return self._speed.text()

    def show_placement(self, placement: Placement | None) -> None:
        """Where the layers of the model are."""
        words = self._placement_words(placement)
        self._where.setText(words)
        self._where.setAccessibleName(words)
        if placement is not None:
            self._where.setToolTip(placement.reason or placement.device)

    def show_running(self, running: RunningAnswer | None) -> None:
        """How far the answer has come: loading, reading, speaking."""
        if running is None:
            self._tell("")
        elif running.loading is not None:
            percent = round(running.loading.fraction * 100)
            self._tell(self.tr("Loading {} {} %").format(running.loading.model, percent))
        elif running.tokens == 0 and running.prefill is not None and running.prefill.total:
            percent = round(100 * running.prefill.done / running.prefill.total)
            self._tell(self.tr("Reading {} %").format(percent))
        elif running.tokens == 0:
            self._tell(self.tr("Waiting"))
        else:
            self._show_speed(running)

    def _show_speed(self, running: RunningAnswer) -> None:
        speed = running.tokens_per_second
        if speed:
            words = self.locale().toString(speed, "f", 1)
            self._tell(self.tr("{} tokens/s").format(words))
        else:
            self._tell(self.tr("Answering"))
        started = running.started
        if started is not None:
            used = started.prompt_tokens + running.tokens
            self.meter.show_used(used, started.context_length)

    def show_timings(self, timings: Timings | None) -> None:
        """How fast the last answer was."""
        if timings is None or timings.tokens_per_second <= 0:
            self._tell("")
            return
        number = self.locale()
        speed = number.toString(float(timings.tokens_per_second), "f", 1)
        first = number.toString(float(timings.first_token_s), "f", 2)
        self._tell(self.tr("{} tokens/s · first token {} s").format(speed, first))

    def show_started(self, started: Started) -> None:
        """The model is loaded and the prompt counted."""
        self.show_placement(started.placement)
        self.meter.show_used(started.prompt_tokens, started.context_length)

    def _tell(self, words: str) -> None:
        self._speed.setText(words)
        self._speed.setAccessibleName(words)

    def _placement_words(self, placement: Placement | None) -> str:
        if placement is None:
            return ""
        if placement.layers_on_gpu <= 0:
            return self.tr("Runs on the processor")
        words = self.tr("Runs on your graphics card ({} of {} layers)")
        return words.format(placement.layers_on_gpu, placement.layers)

    def _on_theme_changed(self) -> None:
        font = self._theme.font(SIZES.small, tabular=True)
        for part in (self._where, self._speed):
            part.setFont(font)
