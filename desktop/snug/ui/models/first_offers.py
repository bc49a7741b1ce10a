"""Three better models for somebody who has only the starter: under the welcome, in nobody's way."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from snug.domain.download import Download
from snug.domain.hub import Repository
from snug.services.bundle import Services
from snug.services.first_models import FirstModels, FirstOffer
from snug.ui.look.marks import MarkLabel, licence_mark
from snug.ui.look.parts import flat, flow, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.look.words import size_words
from snug.ui.models.hub_words import class_words, joined, licence_name, minutes_words
from snug.ui.tasks import Tasks

NO_BREAK = "\N{NO-BREAK SPACE}"  # lines end between facts, not within one
_CARDS_PX = 560  # below that the cards lie one under another
_LOW_PX = 600  # of the welcome; below that the reasons are left out
_TINY_PX = 640  # below that cards under one another are left out, and one line stands for them


def _tr(text: str, *values: str) -> str:
    return QCoreApplication.translate("FirstOffers", text).format(*values)


class OfferCard(QFrame):
    """One of the three."""

    get_requested = Signal(object)

    def __init__(self, offer: FirstOffer, number: int, theme: Theme, *, can_get: bool) -> None:
        super().__init__()
        model = offer.model
        self.offer = offer
        self.setObjectName(f"firstOffer{number}")
        self.setProperty("kind", "card")
        column = QVBoxLayout(self)
        column.setContentsMargins(SIZES.gap_3, SIZES.gap_3, SIZES.gap_3, SIZES.gap_3)
        column.setSpacing(SIZES.gap)
        top = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        top.addWidget(label(model.name, "strong"))
        top.addWidget(label(model.maker, tone="faint"), 1)
        column.addLayout(top)
        self._why = label(model.why, tone="soft", wrap=True)
        column.addWidget(self._why)
        column.addSpacing(SIZES.gap)
        column.addStretch(1)
        licence = class_words(model.licence.licence_class)
        column.addWidget(
            MarkLabel(
                f"firstLicence{number}", licence_mark(model.licence.licence_class), licence, theme
            )
        )
        time = _tr("about {}", minutes_words(offer.minutes))
        parts = (licence_name(model.licence), size_words(model.size_bytes), time)
        facts = joined(part.replace(" ", NO_BREAK) for part in parts)
        # Two lines in each card, so that the cards' lines stand level.
        column.addWidget(label(joined(parts[:2]), tone="soft"))
        column.addWidget(label(time, tone="soft"))
        self.button: QPushButton | None = None
        if can_get:
            self.button = push_button(
                f"getFirst{number}", _tr("Get it"), "tinted", lambda: self.get_requested.emit(offer)
            )
            self.button.setAccessibleName(_tr("Get {}", model.name))
            self.button.setAccessibleDescription(f"{model.why} {licence}. {facts}")
            column.addSpacing(SIZES.gap)
            column.addWidget(self.button)
        self.setAccessibleName(f"{model.name}. {model.why} {licence}. {facts}")

    def set_low(self, low: bool) -> None:
        """Leave the reason out where there is no room."""
        self._why.setVisible(not low)


class FirstOffers(QWidget):
    """Hidden until there is something to offer; goes when it is answered.

    Attributes:
        details_requested: a repository is to be looked at before it is downloaded.
        all_requested: every model is to be shown.
        download_chosen: one is on its way.
    """

    details_requested = Signal(object, str)
    all_requested = Signal()
    download_chosen = Signal(object)

    def __init__(self, services: Services, theme: Theme, tasks: Tasks) -> None:
        super().__init__()
        self.setObjectName("firstOffers")
        self._first: FirstModels | None = services.first_models
        self._services = services
        self._theme = theme
        self._tasks = tasks
        self._cards: list[OfferCard] = []
        self._asked = 0
        self._end: Callable[[], None] | None = None
        if self._first is not None and services.downloads is not None:
            # Whatever is downloaded teaches how long the next one takes.
            self._end = services.downloads.listen(self._first.speed.follow)
        self._room = (SIZES.column, SIZES.window_height)
        column = flat(QVBoxLayout(self), spacing=SIZES.gap_2)
        self._title = label(kind="label", wrap=True)
        self._title.setObjectName("firstTitle")
        column.addWidget(self._title)
        self._row = flat(QBoxLayout(QBoxLayout.Direction.LeftToRight), spacing=SIZES.gap_2)
        column.addLayout(self._row)
        foot = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        self._note = label(kind="small", tone="faint", wrap=True)
        self._note.setObjectName("firstNote")
        foot.addWidget(self._note, 100)
        foot.addStretch(1)
        self._all = push_button("firstAll", self.tr("All models"), "link", self.all_requested.emit)
        self._dismiss = push_button("firstDismiss", self.tr("No, thanks"), "link", self.dismiss)
        foot.addWidget(self._all, 0, Qt.AlignmentFlag.AlignVCenter)
        foot.addWidget(self._dismiss, 0, Qt.AlignmentFlag.AlignVCenter)
        column.addLayout(foot)
        self.hide()

    # -- showing ------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Look whether there is something to offer; returns at once."""
        first = self._first
        if first is None:
            return
        self._asked += 1
        number = self._asked

        def found(offers: tuple[FirstOffer, ...]) -> None:
            if number == self._asked:  # else they were answered meanwhile
                self.show_offers(offers)

        self._tasks.run(
            self,
            lambda: first.offers() if first.wanted else (),
            found,
            lambda _message: self.hide(),  # no offer is no failure
        )

    def show_offers(self, offers: tuple[FirstOffer, ...]) -> None:
        """Show these; none hides it."""
        for card in self._cards:
            card.setParent(None)
            card.deleteLater()
        self._cards = []
        for number, offer in enumerate(offers, start=1):
            card = OfferCard(offer, number, self._theme, can_get=self._can_get)
            card.get_requested.connect(self._on_get_requested)
            self._row.addWidget(card, 1)
            self._cards.append(card)
        words = (
            self.tr("A better model that fits this computer")
            if len(offers) == 1
            else self.tr("Better models that fit this computer")
        )
        self._title.setText(words)
        self._note.setText(self._note_words(offers))
        self.setAccessibleName(self._title.text())
        self.setVisible(bool(offers))
        self.fit(*self._room)

    def fit(self, width: int, height: int) -> None:
        """Lay out for a welcome of this size, in logical pixels."""
        self._room = (width, height)
        narrow = width < _CARDS_PX * max(1.0, self._theme.text_scale)
        self._row.setDirection(flow(narrow))
        scale = max(1.0, self._theme.text_scale)
        tiny = height < (_TINY_PX if narrow else _LOW_PX - 100) * scale
        for card in self._cards:
            card.set_low(narrow or height < _LOW_PX * scale)
            card.setVisible(not tiny)
        self._note.setVisible(not tiny)

    def leave(self) -> None:
        """Learn no more; the window closes."""
        if self._end is not None:
            self._end()
            self._end = None

    def dismiss(self) -> None:
        """The person wants none of them."""
        if self._first is not None:
            self._first.end()
        self._answered()

    def _answered(self) -> None:
        self._asked += 1
        self.show_offers(())

    @property
    def _offline(self) -> bool:
        network = self._services.network
        return self._services.profile.offline or (network is not None and network.offline)

    @property
    def _can_get(self) -> bool:
        services = self._services
        return not (self._offline or services.downloads is None or services.hub is None)

    def _note_words(self, offers: tuple[FirstOffer, ...]) -> str:
        if self._offline:
            return self.tr("Snug is offline; they can be downloaded once it is online.")
        if any(not offer.measured for offer in offers):
            return self.tr("Minutes at an assumed 50 Mbit/s. Downloaded from Hugging Face.")
        return self.tr("Minutes at the speed of your last downloads, from Hugging Face.")

    # -- getting ------------------------------------------------------------------------------

    def _on_get_requested(self, offer: FirstOffer) -> None:
        first, downloads, hub = self._first, self._services.downloads, self._services.hub
        if first is None or downloads is None or hub is None:
            return
        self._set_busy(True)
        self._note.setText(self.tr("Looking {} up on the Hub…").format(offer.model.name))
        self._tasks.run(
            self,
            lambda: first.get(offer.model, hub, downloads),
            lambda made: self._on_got(offer, made),
            self._on_failed,
        )

    def _on_got(self, offer: FirstOffer, made: Download | Repository) -> None:
        self._set_busy(False)
        if isinstance(made, Repository):
            self._note.setText("")
            self.details_requested.emit(made, offer.model.quantization)
            return
        self._answered()
        self.download_chosen.emit(made)

    def _on_failed(self, message: str) -> None:
        self._set_busy(False)
        self._note.setText(message)

    def _set_busy(self, busy: bool) -> None:
        for card in self._cards:
            if card.button is not None:
                card.button.setEnabled(not busy)
