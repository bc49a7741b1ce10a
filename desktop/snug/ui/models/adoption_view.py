"""Found on this computer: models of other programs, used where they lie."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from snug.services.adoption import Adopted, Adoption, Found, by_program
from snug.ui.look.parts import dress, flat, hairline, icon_button, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.look.words import count_words, size_words
from snug.ui.models.adoption_row import AdoptionRow
from snug.ui.tasks import Tasks

_MAX_ROWS = 200


class AdoptionView(QWidget):
    """Groups of rows, and one button that takes what is ticked.

    Attributes:
        adopted: models joined the library.
    """

    adopted = Signal()

    def __init__(self, adoption: Adoption, theme: Theme, tasks: Tasks) -> None:
        super().__init__()
        self.setObjectName("adoptionView")
        self.setAccessibleName(self.tr("Found on this computer"))
        self._adoption = adoption
        self._theme = theme
        self._tasks = tasks
        self._folders: list[Path] = []
        self._rows: list[AdoptionRow] = []
        self._stop: threading.Event | None = None
        self._looking = False
        self._stays = False
        column = flat(QVBoxLayout(self), spacing=SIZES.gap_2)
        column.addLayout(self._make_head())
        column.addWidget(
            label(
                self.tr(
                    "Models of other programs. Snug uses them where they are; nothing is copied."
                ),
                tone="soft",
                wrap=True,
            )
        )
        self._groups = flat(QVBoxLayout())
        self._state = label("", tone="soft", wrap=True)
        self._state.setObjectName("adoptionState")
        column.addLayout(self._groups)
        column.addWidget(self._state)
        column.addLayout(self._make_foot())
        self._say(self.tr("Looking…"))

    # -- showing ------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Look again, on another thread; what is ticked stays ticked."""
        if self._looking or self._stop is not None:
            return
        self._looking = True
        folders = tuple(self._folders)

        def look() -> tuple[Found, ...]:
            found = self._adoption.found()
            return (*found, *(self._adoption.found(paths=folders) if folders else ()))

        self._tasks.run(self, look, self._on_looked, self._on_look_failed)

    def close_work(self) -> None:
        """Stop what runs; call when the window closes."""
        if self._stop is not None:
            self._stop.set()

    def _on_looked(self, found: tuple[Found, ...]) -> None:
        self._looking = False
        ticked = {row.found.path for row in self._rows if row.wanted}
        self._clear()
        shown = 0
        for program, ones in by_program(found).items():
            usable = [one for one in ones if not one.problem]
            rows = usable[: _MAX_ROWS - shown]
            shown += len(rows)
            self._add_group(program.label, ones, rows, ticked)
        if not found:
            self._say(
                self.tr(
                    "LM Studio, the Hugging Face cache, Ollama, Jan and GPT4All keep no models "
                    "here. If you have some in another folder, show Snug where."
                )
            )
        elif not self._stays:
            self._say("")
        self._count()

    def _add_group(
        self, name: str, ones: Sequence[Found], rows: Sequence[Found], ticked: set[Path]
    ) -> None:
        usable = [one for one in ones if not one.problem]
        head = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        head.setContentsMargins(0, SIZES.gap_3, 0, SIZES.gap)
        head.addWidget(label(name, "label"))
        size = size_words(sum(one.size_bytes for one in usable))
        models = self._models(len(usable))
        head.addWidget(label(f"{models} · {size}" if usable else models, "small", "soft"))
        head.addStretch(1)
        group = QWidget()
        column = flat(QVBoxLayout(group))
        column.addLayout(head)
        column.addWidget(hairline())
        for one in rows:
            row = AdoptionRow(one, len(self._rows), self._theme)
            row.box.setChecked(row.box.isChecked() or one.path in ticked)
            row.toggled.connect(self._count)
            column.addWidget(row)
            self._rows.append(row)
        if len(usable) > len(rows):
            more = count_words(len(usable) - len(rows))
            text = self.tr("and {} more: take them with `snug models adopt`").format(more)
            column.addWidget(label(text, "small", "soft"))
        left_out = [one for one in ones if one.problem]
        if left_out:
            self._add_left_out(column, left_out)
        self._groups.addWidget(group)

    def _add_left_out(self, column: QVBoxLayout, ones: Sequence[Found]) -> None:
        """Behind one line: what cannot be used, and why."""
        text = "\n".join(f"{one.path.name}: {one.problem}" for one in ones[:_MAX_ROWS])
        details = label(text, "small", "soft", wrap=True)
        details.setObjectName("leftOutDetails")
        details.setVisible(False)
        many = self.tr("{} files left out: show why").format(count_words(len(ones)))
        shown = self.tr("1 file left out: show why") if len(ones) == 1 else many
        button = push_button("leftOutButton", shown, "link")
        button.clicked.connect(lambda: details.setVisible(details.isHidden()))
        line = flat(QHBoxLayout())
        line.addWidget(button)
        line.addStretch(1)
        column.addLayout(line)
        column.addWidget(details)

    def _clear(self) -> None:
        self._rows = []
        while (item := self._groups.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()

    def _count(self) -> None:
        wanted = [row.found for row in self._rows if row.wanted]
        free = any(not row.found.already for row in self._rows)
        self._take.setVisible(free and self._stop is None)
        self._take.setEnabled(bool(wanted))
        size = size_words(sum(one.size_bytes for one in wanted))
        text = self.tr("Use {} ({})").format(self._models(len(wanted)), size)
        self._take.setText(text if wanted else self.tr("Use in Snug"))
        self._take.setAccessibleName(self._take.text())

    # -- taking -------------------------------------------------------------------------------

    def take(self) -> None:
        """Take what is ticked; each is read in full once, which takes a while."""
        wanted = [row.found for row in self._rows if row.wanted]
        if not wanted or self._stop is not None:
            return
        stop = self._stop = threading.Event()
        progress = self._tasks.progress(self._show_progress, self)
        self._show_progress((0, sum(one.size_bytes for one in wanted)))
        self._tasks.run(
            self,
            lambda: self._adoption.adopt(wanted, progress, stop),
            self._on_taken,
            self._on_failed,
        )

    def _show_progress(self, at: tuple[int, int]) -> None:
        done, total = at
        if self._stop is None:
            return
        for row in self._rows:
            row.box.setEnabled(False)
        self._take.setVisible(False)
        self._look_in.setVisible(False)
        self._cancel.setVisible(True)
        self._bar.setVisible(True)
        self._bar.setValue(round(1000 * done / max(total, 1)))
        text = self.tr("Checking: {} of {} read")
        self._say(text.format(size_words(done), size_words(total)))

    def _on_taken(self, results: tuple[Adopted, ...]) -> None:
        taken = sum(result.model is not None for result in results)
        problems = [f"{r.path.name}: {r.problem}" for r in results if r.model is None]
        added = self.tr("Added {}.").format(self._models(taken)) if taken else ""
        self._finish("\n".join(filter(None, (added, *problems))), bool(problems))
        if taken:
            self.adopted.emit()

    def _on_failed(self, message: str) -> None:
        self._finish(message, wrong=True)

    def _on_look_failed(self, message: str) -> None:
        self._looking = False
        self._say(message, "bad", stays=True)

    def _finish(self, text: str, wrong: bool) -> None:
        self._stop = None
        self._cancel.setVisible(False)
        self._bar.setVisible(False)
        self._look_in.setVisible(True)
        self._say(text, "bad" if wrong else "good", stays=True)
        self.refresh()

    # -- parts --------------------------------------------------------------------------------

    def choose_folder(self) -> None:
        """Ask for a folder with the desktop's own dialog, and look there as well."""
        dialog = QFileDialog(self, self.tr("Look for models in a folder"))
        dialog.setObjectName("adoptionFolderDialog")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.filesSelected.connect(lambda names: self.look_in([Path(n) for n in names]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def look_in(self, folders: Sequence[Path]) -> None:
        """Look in these folders too, from now on until the window closes."""
        self._folders += [path for path in folders if path not in self._folders]
        self._say(self.tr("Looking…"))
        self.refresh()

    def _make_head(self) -> QHBoxLayout:
        head = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        head.addWidget(label(self.tr("Found on this computer"), "heading"))
        head.addStretch(1)
        head.addWidget(
            icon_button(
                "lookAgainButton", self.tr("Look again"), "refresh", self._theme, self.refresh
            )
        )
        return head

    def _make_foot(self) -> QVBoxLayout:
        self._take = push_button("adoptButton", self.tr("Use in Snug"), "primary", self.take)
        self._take.setVisible(False)
        self._cancel = push_button(
            "adoptionStopButton", self.tr("Stop"), "", lambda: self.close_work()
        )
        self._cancel.setVisible(False)
        self._look_in = push_button(
            "lookInFolderButton", self.tr("Look in a folder…"), "quiet", self.choose_folder
        )
        self._bar = QProgressBar()
        self._bar.setObjectName("adoptionProgress")
        self._bar.setAccessibleName(self.tr("Checking models"))
        self._bar.setTextVisible(False)
        self._bar.setRange(0, 1000)
        self._bar.setVisible(False)
        row = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        row.setContentsMargins(0, SIZES.gap_2, 0, 0)
        for button in (self._take, self._cancel, self._look_in):
            row.addWidget(button)
        row.addStretch(1)
        foot = flat(QVBoxLayout(), spacing=SIZES.gap)
        foot.addWidget(self._bar)
        foot.addLayout(row)
        return foot

    def _models(self, number: int) -> str:
        """So many models, in words."""
        many = self.tr("{} models").format(count_words(number))
        return self.tr("1 model") if number == 1 else many

    def _say(self, text: str, tone: str = "soft", stays: bool = False) -> None:
        """Say something below the groups; what `stays` outlives the next look."""
        self._stays = stays
        self._state.setText(text)
        dress(self._state, tone=tone)
        self._state.setVisible(bool(text))
