"""A model's card in the window: where it comes from, its licence, its data, what to mind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from snug.domain.errors import EnvironmentFault
from snug.domain.hub import Repository
from snug.domain.licence import LicenceClass, common_name
from snug.domain.model import ModelFile
from snug.domain.model_card import ModelCard
from snug.services.card_words import CLASS_WORDS, sections, template_sentence
from snug.services.cards import Cards
from snug.ui.look.banner import Banner, Level
from snug.ui.look.parts import flat, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.models.card_parts import CautionRow, Facts, FileRow, value_label
from snug.ui.tasks import Tasks
from snug.ui.text.diff_box import DiffBox
from snug.ui.text.safe_text import shown_prose

_TONES = {
    LicenceClass.COMMERCIAL: "good",
    LicenceClass.RESTRICTED: "warn",
    LicenceClass.RESEARCH: "bad",
    LicenceClass.UNKNOWN: "bad",
}
_SAVED_MS = 4_000
_MOST_FILES = 40


class CardView(QWidget):
    """Everything that is known of one model, in calm sections.

    It is as tall as its contents; what holds it scrolls.

    Attributes:
        shown: a card is there (or could not be made).
    """

    shown = Signal()

    def __init__(
        self, cards: Cards, theme: Theme, tasks: Tasks, *, under_a_title: bool = False
    ) -> None:
        """Build it, empty.

        Args:
            under_a_title: what is above says the model's name and licence already.
        """
        super().__init__()
        self._under_a_title = under_a_title
        self.setObjectName("cardView")
        self.setAccessibleName(self.tr("Card of the model"))
        self._cards, self._theme, self._tasks = cards, theme, tasks
        self._ask: Callable[[], ModelCard] | None = None
        self._card: ModelCard | None = None
        self._asked = 0
        column = flat(QVBoxLayout(self), spacing=SIZES.gap_4)
        self._title = label("", "heading" if under_a_title else "title", wrap=True)
        self._use = label("", "strong", wrap=True)
        self._state = label("", "", "soft", wrap=True)
        self.problem = Banner(theme, "cardProblem")
        self._buttons = self._make_buttons()
        self._body = QWidget()
        self._rows = flat(QVBoxLayout(self._body), spacing=SIZES.gap_6)
        for part in (self._title, self._use, self._state, self._buttons, self.problem, self._body):
            column.addWidget(part)
        column.addStretch(1)
        self._back = QTimer(self)
        self._back.setSingleShot(True)
        self._back.setInterval(_SAVED_MS)
        self._back.timeout.connect(lambda: self._say(""))
        self._clear("")

    @property
    def card(self) -> ModelCard | None:
        """What is shown; None while it is still being made."""
        return self._card

    def show_repository(self, repository: Repository) -> None:
        """Show the card of a repository on the Hub; it is made on another thread."""
        self._clear(shown_prose(repository.id))
        self._ask = lambda: self._cards.of_repository(repository)
        self.refresh()

    def show_model(self, model: ModelFile) -> None:
        """Show the card of a model on this computer."""
        self._clear(shown_prose(model.name))
        self._ask = lambda: self._cards.of_model(model)
        self.refresh()

    def refresh(self) -> None:
        """Make the card anew; what is shown stays until the new one is there."""
        if self._ask is None:
            return
        self._asked += 1
        number = self._asked
        self.problem.clear()
        self._say(self.tr("Looking it up…"))

        def done(card: ModelCard) -> None:
            if number == self._asked:
                self._show(card)

        def failed(message: str) -> None:
            if number == self._asked:
                self._say("")
                self.problem.tell(message, Level.DANGER)
                self.shown.emit()

        self._tasks.run(self, self._ask, done, failed)

    # -- showing ------------------------------------------------------------------------------

    def _make_buttons(self) -> QWidget:
        row = QWidget()
        line = flat(QHBoxLayout(row), spacing=SIZES.gap_2)
        self._report_button = push_button(
            "saveReportButton", self.tr("Save report…"), "", self.choose_report
        )
        self._bom_button = push_button(
            "saveBomButton", self.tr("Save bill of materials…"), "quiet", self.choose_bom
        )
        line.addWidget(self._report_button)
        line.addWidget(self._bom_button)
        line.addStretch(1)
        return row

    def _clear(self, title: str) -> None:
        self._card = None
        self._name(title)
        self._use.hide()
        self._say("")
        self._empty()
        self._enable(False)

    def _name(self, title: str) -> None:
        self._title.setText(self.tr("Its card") if self._under_a_title and title else title)
        self._title.setVisible(bool(title))

    def _enable(self, on: bool) -> None:
        self._report_button.setEnabled(on)
        self._bom_button.setEnabled(on)

    def _empty(self) -> None:
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()

    def _say(self, words: str) -> None:
        self._state.setText(words)
        self._state.setVisible(bool(words))

    def _show(self, card: ModelCard) -> None:
        self._card = card
        self._say("")
        self._name(shown_prose(card.title))
        name = shown_prose(card.licence.name or common_name(card.licence.id)) or self.tr(
            "No licence stated"
        )
        use = CLASS_WORDS[card.licence.licence_class]
        self._use.setText(self.tr("{}: {}").format(name, use))
        self._use.setProperty("tone", _TONES[card.licence.licence_class])
        self._use.style().polish(self._use)
        self._use.setVisible(not self._under_a_title)
        self._empty()
        if card.cautions:
            self._rows.addWidget(self._make_cautions(card))
        for section in sections(card):
            self._rows.addWidget(Facts(section))
        self._rows.addWidget(self._make_files(card))
        self._rows.addWidget(self._make_template(card))
        for gap in card.gaps:
            self._rows.addWidget(value_label(gap, "faint"))
        self._enable(True)
        self.shown.emit()

    def _make_cautions(self, card: ModelCard) -> QWidget:
        box, column = _section(self.tr("What to mind"), SIZES.gap_2)
        for one in card.cautions:
            column.addWidget(CautionRow(one))
        return box

    def _make_files(self, card: ModelCard) -> QWidget:
        box, column = _section(self.tr("Files and their SHA-256"), SIZES.gap_3)
        for number, file in enumerate(card.files[:_MOST_FILES]):
            column.addWidget(FileRow(file, number, self._theme))
        more = len(card.files) - _MOST_FILES
        if more > 0:
            words = self.tr("And {} more; the bill of materials has all.").format(more)
            column.addWidget(value_label(words, "soft"))
        return box

    def _make_template(self, card: ModelCard) -> QWidget:
        box, column = _section(self.tr("Chat template"), SIZES.gap_2)
        column.addWidget(value_label(template_sentence(card)))
        if card.comparison.lines:
            column.addWidget(DiffBox(card.comparison.lines, self._theme))
        if card.comparison.cut:
            words = self.tr("The comparison is too long to be shown whole.")
            column.addWidget(value_label(words, "soft"))
        return box

    # -- saving -------------------------------------------------------------------------------

    def choose_report(self) -> None:
        """Ask where the report should go: a web page, or Markdown."""
        filters = [self.tr("Web page (*.html)"), self.tr("Markdown (*.md)")]
        self._choose(self.tr("Save report"), filters, ".html", self.save_report)

    def choose_bom(self) -> None:
        """Ask where the bill of materials should go."""
        filters = [self.tr("CycloneDX (*.json)")]
        self._choose(self.tr("Save bill of materials"), filters, ".cdx.json", self.save_bom)

    def save_report(self, path: Path) -> None:
        """Write the report; Markdown where the name ends so."""
        card = self._card
        if card is not None:
            markdown = path.suffix.lower() == ".md"
            make = self._cards.report_markdown if markdown else self._cards.report
            self._save(path, lambda: make(card))

    def save_bom(self, path: Path) -> None:
        """Write the bill of materials."""
        card = self._card
        if card is not None:
            self._save(path, lambda: self._cards.bom(card))

    def _choose(
        self, title: str, filters: list[str], ending: str, save: Callable[[Path], None]
    ) -> None:
        card = self._card
        if card is None:
            return
        dialog = QFileDialog(self, title)
        dialog.setObjectName("saveCardDialog")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(filters)
        dialog.selectFile(file_stem(card.title) + ending)
        dialog.fileSelected.connect(lambda name: save(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _save(self, path: Path, make: Callable[[], str]) -> None:
        def work() -> Path:
            try:
                path.write_text(make(), encoding="utf-8", newline="\n")
            except OSError as error:
                raise EnvironmentFault(
                    f"{path} cannot be written: {error.strerror or error}. Choose another place."
                ) from error
            return path

        self._tasks.run(self, work, self._on_saved, self._on_save_failed)

    def _on_saved(self, path: Path) -> None:
        self._say(self.tr("Saved as {}.").format(path.name))
        self._back.start()

    def _on_save_failed(self, message: str) -> None:
        self.problem.tell(message, Level.DANGER)


def file_stem(title: str) -> str:
    """A name for a file, made of a model's: letters, digits, dots and dashes only."""
    kept = "".join(ch if ch.isascii() and (ch.isalnum() or ch in "._-") else "-" for ch in title)
    return "-".join(filter(None, kept.strip("._-").split("-")))[:80] or "model"


def _section(title: str, spacing: int) -> tuple[QWidget, QVBoxLayout]:
    box = QWidget()
    column = flat(QVBoxLayout(box), spacing=spacing)
    heading = label(title, "heading")
    heading.setAlignment(Qt.AlignmentFlag.AlignLeading)
    column.addWidget(heading)
    return box, column
