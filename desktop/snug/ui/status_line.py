"""The quiet line under the composer: where the model runs, how fast, how full the context is."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget

from snug.domain.events import Event, Failed, Finished, Loading, Prefill, Started, TextDelta
from snug.domain.model import Placement
from snug.ui.context_meter import ContextMeter
from snug.ui.parts import flat, label
from snug.ui.theme import Theme
from snug.ui.tokens import SIZES


class StatusLine(QWidget):
    """Follows the events of an answer and says the least that helps."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusLine")
        self._theme = theme
        self._place = label("", "small", "faint")
        self._place.setObjectName("placementLabel")
        self._doing = label("", "small", "faint")
        self._doing.setObjectName("activityLabel")
        self.meter = ContextMeter(theme, self)
        row = flat(QHBoxLayout(self), spacing=SIZES.gap_4)
        row.setContentsMargins(SIZES.gap_4, 0, SIZES.gap_4, 0)
        row.addWidget(self._place)
        row.addWidget(self._doing)
        row.addStretch(1)
        row.addWidget(self.meter)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def take(self, event: Event) -> None:
        """Show what an event of the visible conversation tells."""
        match event:
            case Loading(_, fraction):
                self._doing.setText(self.tr("Loading {} %").format(round(100 * fraction)))
            case Started():
                self.show_placement(event.placement)
                self._doing.setText("")
                if event.prompt_tokens:
                    self.meter.show_used(event.prompt_tokens, event.context_length)
            case Prefill(done, total) if done < total:
                share = round(100 * done / max(1, total))
                self._doing.setText(self.tr("Reading {} %").format(share))
            case Prefill() | TextDelta():
                self._doing.setText(self.tr("Answering"))
            case Finished():
                self._doing.setText(self._speed(event))
            case Failed():
                self._doing.setText("")
            case _:
                pass

    def show_placement(self, placement: Placement) -> None:
        """Where the layers really are."""
        gpu, layers = placement.layers_on_gpu, placement.layers
        if gpu:
            text = self.tr("Runs on your graphics card ({} of {} layers)").format(gpu, layers)
        else:
            text = self.tr("Runs on the processor")
        self._place.setText(text)
        self._place.setToolTip(" ".join((placement.device + ".", placement.reason)).strip())

    def rest(self) -> None:
        """Another conversation is shown: what was said of an answer is over."""
        self._doing.setText("")
        self.meter.show_plan(None)

    def _speed(self, event: Finished) -> str:
        timings = event.timings
        if timings.tokens_per_second <= 0:
            return ""
        return self.tr("{} tokens/s · first word after {} s").format(
            f"{timings.tokens_per_second:.1f}", f"{timings.first_token_s:.1f}"
        )

    def _on_theme_changed(self) -> None:
        for text in (self._place, self._doing):
            text.setFont(self._theme.font(SIZES.small, tabular=True))
