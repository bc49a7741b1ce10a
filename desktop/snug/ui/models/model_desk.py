"""Keeps the picker, the foot of the bar and the engine of one mind about the model in use."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from snug.domain.conversation import ConversationSettings
from snug.domain.errors import Remedy, SnugError
from snug.domain.events import Event, Failed, Loading, Started
from snug.domain.model import ModelFile
from snug.services.models import ModelService
from snug.services.protocols import Cancellable
from snug.ui.bridge import Bridge
from snug.ui.models.model_picker import ModelPicker
from snug.ui.models.model_state import ModelState


class ModelDesk(QObject):
    """Chooses and loads models.

    Attributes:
        chosen: the person picked another model for the open conversation.
        load_failed: a sentence for the person, and the remedies that it offers.
        followed: an event of loading.
    """

    chosen = Signal(object)
    load_failed = Signal(str, object)
    followed = Signal(object)

    def __init__(
        self,
        models: ModelService,
        picker: ModelPicker,
        state: ModelState,
        bridge: Bridge,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._models = models
        self._picker = picker
        self._state = state
        self._bridge = bridge
        self._current: ModelFile | None = None
        self._loading: Cancellable | None = None
        picker.opened.connect(self._on_picker_opened)
        picker.chosen.connect(self.choose)

    @property
    def current(self) -> ModelFile | None:
        """The model that answers next in the open conversation."""
        return self._current

    def show_for(self, settings: ConversationSettings | None) -> None:
        """Another conversation is open; None is one that does not exist yet."""
        self._show(self._models.next_for(settings))

    def choose(self, model: ModelFile) -> None:
        """Take this model for the open conversation and for new ones, and load it."""
        try:
            self._models.choose(model.name)
        except SnugError as error:
            self.load_failed.emit(error.message, error.remedies)
            return
        self._show(model)
        self.chosen.emit(model)
        self.preload()

    def remedy(self, remedy: Remedy) -> None:
        """Do what a failed load offered, and load again."""
        if self._current is None:
            return
        try:
            self._models.apply(remedy, self._current)
        except SnugError as error:
            self.load_failed.emit(error.message, ())
            return
        self.preload()

    def preload(self) -> None:
        """Load the current model before its first use; returns at once."""
        if self._current is None:
            return
        if self._loading is not None:
            self._loading.cancel()
        sink = self._bridge.sink(self._on_preload_event, self)
        self._loading = self._models.preload(self._current, sink)

    def follow(self, event: Event) -> None:
        """Show what an event tells about the model, of loading or of an answer."""
        if isinstance(event, Failed):
            self._state.show_failed(event)
            self.load_failed.emit(event.message, event.remedies)
        elif isinstance(event, Loading | Started):
            self._state.show_event(event)

    def show_released(self) -> None:
        """The model's memory was given back; it is loaded again when it is needed."""
        if self._current is not None:
            self._state.show_chosen(self._current)

    def close(self) -> None:
        """Stop a load that is under way."""
        if self._loading is not None:
            self._loading.cancel()

    def _on_preload_event(self, event: Event) -> None:
        self.follow(event)
        self.followed.emit(event)

    def _show(self, model: ModelFile | None) -> None:
        self._current = model
        self._picker.set_current(model)
        loaded = self._models.placement()
        if model is None:
            self._state.show_none()
        elif loaded is not None and loaded[0].name == model.name:
            self._state.show_event(Started(model.name, loaded[1], 0, 0, 0))
        else:
            self._state.show_chosen(model)

    def _on_picker_opened(self) -> None:
        try:
            models = self._models.models()
        except SnugError as error:
            self.load_failed.emit(error.message, error.remedies)
            models = ()
        self._picker.set_models(models, self._models.placement())
