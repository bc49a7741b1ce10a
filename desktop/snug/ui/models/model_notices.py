"""What the banner of the window says of the model: none there, not loaded, waiting for memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject

from snug.domain.errors import NotFoundError, Remedy, RemedyKind, SnugError
from snug.domain.events import Event, Failed, Paused, Resumed, Started
from snug.services.models import ModelService
from snug.ui.look.banner import Banner, Level
from snug.ui.look.remedies import remedy_words
from snug.ui.models.model_desk import ModelDesk
from snug.ui.reopening import CAUSE


class ModelNotices(QObject):
    """Follows the model for the banner, with the next step as its button.

    Args:
        choose: shows the models there are.
        add: lets the person add one.
        open_settings: shows where a remedy is to be chosen.
    """

    def __init__(
        self,
        banner: Banner,
        desk: ModelDesk,
        choose: Callable[[], None],
        add: Callable[[], None],
        open_settings: Callable[[], None],
    ) -> None:
        super().__init__(desk)
        self._banner = banner
        self._desk = desk
        self._choose = choose
        self._add = add
        self._open_settings = open_settings

    def tell_missing(self, models: ModelService) -> None:
        """Say so where there is no model to load."""
        try:
            models.default()
        except NotFoundError as error:
            words = self.tr("Add a model file…")
            self._banner.tell(error.message, Level.INFO, "load", words, self._add)
        except SnugError as error:
            self._banner.tell(error.message, Level.DANGER)

    def follow(self, event: Event) -> None:
        """Something came of a running answer."""
        if isinstance(event, Started):
            self._banner.clear(CAUSE)
        match event:
            case Paused(reason=reason):
                self._banner.tell(reason, Level.WARN, "paused")
            case Resumed():
                self._banner.clear("paused")
            case Failed():
                pass  # the chat page tells it in its place, under the message
            case _:
                self._desk.follow(event)

    def tell_load_failed(self, message: str, remedies: tuple[Remedy, ...]) -> None:
        """Say why a model was not loaded, and offer the best remedy."""
        words, pressed = self.tr("Choose another model"), self._choose
        if remedies:
            words, pressed = remedy_words(remedies[0]), partial(self._desk.remedy, remedies[0])
            if remedies[0].kind is RemedyKind.OPEN_SETTINGS:
                pressed = self._open_settings
        self._banner.tell(message, Level.DANGER, "load", words, pressed)
