"""The question "Does it run here?": the recommended file, the others behind a fold, the buttons."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from snug.domain.download import Download
from snug.domain.errors import SnugError
from snug.domain.hub import Fit, Repository
from snug.domain.licence import LicenceClass
from snug.domain.offer import Offer
from snug.services.cards import Cards
from snug.services.finding import Downloads, Hub
from snug.services.first_models import TransferSpeed
from snug.ui.look.notice import Notice
from snug.ui.look.parts import flat, hairline, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.look.words import size_words
from snug.ui.models.licence_gate import LicenceGate
from snug.ui.models.offer_row import Getting, OfferRow, column_titles, download_words
from snug.ui.models.queue_follower import QueueFollower
from snug.ui.tasks import Tasks

_WIDE_PX = 880  # below that the columns have no room


@dataclass(frozen=True, slots=True)
class Getters:
    """What is needed to get a file.

    Attributes:
        cards: keeps which licences were accepted; None where nobody keeps it.
        speed: of earlier downloads; None where it is not measured.
    """

    hub: Hub
    downloads: Downloads | None = None
    cards: Cards | None = None
    speed: TransferSpeed | None = None


class OffersView(QWidget):
    """Rows of one repository.

    Attributes:
        failed: a sentence for the person.
        chosen: a download was put into the queue.
        gate_opened: a licence is to be read.
        versions_wanted: it cannot run as it is; others made from it are to be looked for.
    """

    versions_wanted = Signal()
    gate_opened = Signal()
    failed = Signal(str)
    chosen = Signal(object)

    def __init__(self, getters: Getters, theme: Theme, tasks: Tasks) -> None:
        super().__init__()
        self.setObjectName("offersView")
        self._getters = getters
        self._theme = theme
        self._tasks = tasks
        self._repository: Repository | None = None
        self._offers: tuple[Offer, ...] = ()
        self._offline = False
        self._room = 0
        self._rows: list[OfferRow] = []
        self._gate: LicenceGate | None = None
        self._follower: QueueFollower | None = None
        if getters.downloads is not None:
            self._follower = QueueFollower(getters.downloads, tasks, self)
            self._follower.changed.connect(self._on_follower_changed)
        self._build()

    def _build(self) -> None:
        column = flat(QVBoxLayout(self), spacing=SIZES.gap_2)
        column.addWidget(hairline())
        column.addSpacing(SIZES.gap_2)
        head = flat(QHBoxLayout(), spacing=SIZES.gap_4)
        head.addWidget(label(self.tr("Does it run here?"), "heading"), 1)
        self._free = label(tone="faint")
        self._free.setObjectName("freeMemory")
        head.addWidget(self._free, 0, Qt.AlignmentFlag.AlignBottom)
        column.addLayout(head)
        self.notice = Notice("offersNotice", self._theme, self, flush=True)
        column.addWidget(self.notice)
        self._versions = push_button(
            "findVersions",
            self.tr("Look for versions of it that run here"),
            "tinted",
            self.versions_wanted.emit,
        )
        column.addWidget(self._versions, 0, Qt.AlignmentFlag.AlignLeading)
        self._titles = column_titles(self._theme)
        column.addWidget(self._titles)
        self._body = flat(QVBoxLayout(), spacing=SIZES.gap)
        column.addLayout(self._body)
        self._fold = push_button("allFiles", self.tr("All files"), "link", self.toggle_all)
        column.addWidget(self._fold, 0, Qt.AlignmentFlag.AlignLeading)
        self._others = QWidget()
        self._other_rows = flat(QVBoxLayout(self._others), spacing=0)
        column.addWidget(self._others)
        self.clear()

    # -- showing ------------------------------------------------------------------------------

    @property
    def rows(self) -> tuple[OfferRow, ...]:
        """Those that are made."""
        return tuple(self._rows)

    @property
    def gate(self) -> LicenceGate | None:
        """The licence that is being read; the rows must not change meanwhile."""
        return self._gate

    def clear(self, words: str = "") -> None:
        """Nothing is known yet; `words` say why."""
        self._leave_gate()
        for row in self._rows:
            row.setParent(None)
            row.deleteLater()
        self._rows = []
        self._offers = ()
        self._others.hide()
        self._fold.hide()
        self._versions.hide()
        self._titles.hide()
        self._free.setText("")
        self.notice.clear()
        if words:
            self.notice.say(words)

    def show_offers(
        self,
        repository: Repository,
        offers: tuple[Offer, ...],
        *,
        offline: bool,
        available_bytes: int | None,
        wanted: str = "",
    ) -> None:
        """Show the files of a repository.

        Args:
            offline: nothing can be downloaded now.
            available_bytes: memory that is free for a model.
            wanted: a quantization that was asked for; it is in sight.
        """
        opened = not self._others.isHidden()
        self.clear()
        self._repository, self._offers, self._offline = repository, offers, offline
        if self._follower is not None:
            with contextlib.suppress(SnugError):
                self._follower.follow(repository)
        if not offers:
            self.notice.say(self.tr("It holds no GGUF file, the kind that Snug runs."))
            self._versions.setVisible(not offline)
            return
        first = next((o for o in offers if o.recommended), None) or offers[0]
        self._body.addWidget(self._make_row(first))
        if available_bytes is not None:
            self._free.setText(self.tr("{} free now").format(size_words(available_bytes)))
        self._tell_no_fit(first)
        self._fold.setVisible(len(offers) > 1)
        self._fold.setText(self._fold_words(opened=False))
        self._fold.setAccessibleName(self._fold.text())
        self._titles.show()
        asked = any(o.variant.quantization.casefold() == wanted.casefold() for o in offers)
        if opened or (wanted and asked and first.variant.quantization != wanted):
            self.toggle_all()
        self._arrange()

    def focus_recommended(self, wanted: str = "") -> None:
        """Put the keyboard on the button to press."""
        target = [r for r in self._rows if r.offer.variant.quantization == wanted] or self._rows
        if target:
            target[0].button.setFocus(Qt.FocusReason.OtherFocusReason)

    def toggle_all(self) -> None:
        """Show or hide the files that are not recommended."""
        opened = self._others.isHidden()
        if opened and len(self._rows) < len(self._offers):
            shown = {id(row.offer) for row in self._rows}
            for offer in self._offers:
                if id(offer) not in shown:
                    if self._other_rows.count():
                        self._other_rows.addWidget(hairline())
                    self._other_rows.addWidget(self._make_row(offer))
        self._others.setVisible(opened)
        self._fold.setText(self._fold_words(opened=opened))
        self._fold.setAccessibleName(self._fold.text())
        self._arrange()

    def leave(self) -> None:
        """Follow no downloads any more; the window closes."""
        if self._follower is not None:
            self._follower.leave()

    def set_room(self, width: int) -> None:
        """Lay out for so many logical pixels.

        The page knows them: this view would not become narrower than rows in columns are.
        """
        self._room = width
        self._arrange()

    def _arrange(self) -> None:
        wide = self._room >= _WIDE_PX * max(1.0, self._theme.text_scale)
        self._titles.setVisible(wide and bool(self._rows))
        for row in self._rows:
            row.arrange(wide=wide)

    def _fold_words(self, *, opened: bool) -> str:
        words = self.tr("Only the recommended file") if opened else self.tr("All {} files")
        return words.format(len(self._offers))

    def _make_row(self, offer: Offer) -> OfferRow:
        row = OfferRow(offer, self._getting(offer), self._theme)
        row.get_requested.connect(self._on_get_requested)
        self._rows.append(row)
        return row

    def _tell_no_fit(self, first: Offer) -> None:
        if all(offer.fit is Fit.NO for offer in self._offers):
            needed = size_words(min(offer.needed_bytes for offer in self._offers))
            self.notice.say(
                self.tr("None of its files runs here now. The smallest needs {}.").format(needed),
                "warning",
                "warn",
            )
        elif not first.supported:
            words = self.tr("This build does not know its architecture, {}, yet.")
            architecture = self._repository.architecture if self._repository else ""
            self.notice.say(words.format(architecture or "?"), "warning", "warn")

    # -- getting ------------------------------------------------------------------------------

    def _getting(self, offer: Offer) -> Getting:
        speed = self._getters.speed
        minutes = None
        if speed is not None and speed.bytes_per_second is not None:
            minutes = speed.minutes(offer.variant.size_bytes)[0]
        words = download_words(offer.variant.size_bytes, minutes)
        plain = Getting(words)
        if self._offline:
            plain = Getting(words, False, self.tr("Snug is offline."))
        elif not offer.supported:
            plain = Getting(words, False, self.tr("This build cannot run it."))
        elif self._getters.downloads is None:
            plain = Getting(words, False, self.tr("Downloads are not available."))
        if self._follower is None:
            return plain
        return self._follower.getting(offer.variant, plain)

    def _on_follower_changed(self, quantization: str) -> None:
        for row in self._rows:
            if row.offer.variant.quantization.casefold() == quantization.casefold():
                row.set_getting(self._getting(row.offer))

    def _on_get_requested(self, offer: Offer) -> None:
        repository = self._repository
        if repository is None:
            return
        if self._is_settled(repository):
            self._start(repository, offer)
        else:
            self._open_gate(repository, offer)

    def _is_settled(self, repository: Repository) -> bool:
        """Nothing is to be asked: the licence is a free one, or was accepted as it is."""
        if repository.licence.licence_class is LicenceClass.COMMERCIAL:
            return True
        cards = self._getters.cards
        try:
            return cards is not None and not cards.needs_acceptance(repository)
        except SnugError:
            return False

    def _start(self, repository: Repository, offer: Offer, read: str = "") -> None:
        downloads, cards = self._getters.downloads, self._getters.cards
        if downloads is None:
            return
        row = next((r for r in self._rows if r.offer is offer), None)
        if row is not None:
            # The button is about to be disabled: the keyboard stays beside it.
            beside = row if self._fold.isHidden() else self._fold
            beside.setFocus(Qt.FocusReason.OtherFocusReason)
            row.set_getting(Getting(self.tr("Starting…"), False))

        def work() -> Download:
            if cards is not None:
                cards.note_choice(repository, read)
            return downloads.choose(repository, offer.variant)

        self._tasks.run(self, work, self._on_started, lambda words: self._on_not(offer, words))

    def _on_started(self, download: Download) -> None:
        if self._follower is not None:
            self._follower.add(download)
        self.chosen.emit(download)

    def _on_not(self, offer: Offer, message: str) -> None:
        for row in self._rows:
            if row.offer is offer:
                row.set_getting(self._getting(offer))
        self.failed.emit(message)

    def _open_gate(self, repository: Repository, offer: Offer) -> None:
        self._leave_gate()
        what = offer.variant.quantization or offer.variant.name
        gate = self._gate = LicenceGate(repository, what, self._theme)
        gate.left.connect(lambda: self._on_gate_left(offer))
        gate.accepted.connect(lambda: self._on_gate_accepted(repository, offer))
        recommended = any(r.offer is offer and self._body.indexOf(r) >= 0 for r in self._rows)
        if recommended:
            self._body.addWidget(gate)
        else:
            row = next(r for r in self._rows if r.offer is offer)
            self._other_rows.insertWidget(self._other_rows.indexOf(row) + 1, gate)
        stop = threading.Event()
        self._tasks.run(
            gate,
            lambda: self._getters.hub.licence_text(repository, stop),
            gate.text.show_text,
            gate.tell_no_text,
        )
        gate.show()  # at once, so that it takes the keyboard
        gate.text.setFocus(Qt.FocusReason.OtherFocusReason)
        self.gate_opened.emit()

    def _on_gate_accepted(self, repository: Repository, offer: Offer) -> None:
        read = self._gate.text.shown if self._gate is not None else ""
        self._focus_row(offer)
        self._leave_gate()
        self._start(repository, offer, read)

    def _on_gate_left(self, offer: Offer) -> None:
        self._focus_row(offer)
        self._leave_gate()

    def _focus_row(self, offer: Offer) -> None:
        for row in self._rows:
            if row.offer is offer:
                row.button.setFocus(Qt.FocusReason.OtherFocusReason)

    def _leave_gate(self) -> None:
        if self._gate is not None:
            self._gate.hide()
            self._gate.setParent(None)
            self._gate.deleteLater()
            self._gate = None
