"""One download: its name, how far it is, what is wrong, and what can be done about it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QProgressBar, QVBoxLayout, QWidget

from snug.domain.download import DownloadState
from snug.ui.look.icons import bind_icon
from snug.ui.look.parts import ElidedLabel, dress, flat, hairline, icon_button, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.models.download_words import Standing, pace_line, problem_line, size_line

_STEPS = 1000  # of the bar


class DownloadRow(QFrame):
    """A row with a hairline above it; `show_standing` changes its words in place.

    Attributes:
        toggled: pause it, or go on; `cancelled`: stop it and delete what came.
        check_requested: ask whether the file of a finished one was replaced upstream.
        page_requested: open the repository's page; an address.
        token_given: a token for gated repositories was entered.
    """

    toggled = Signal(str)
    cancelled = Signal(str)
    check_requested = Signal(str)
    page_requested = Signal(str)
    token_given = Signal(str, str)

    def __init__(self, standing: Standing, theme: Theme) -> None:
        super().__init__()
        self._id = standing.download.id
        self._theme = theme
        self._standing = standing
        self._running: bool | None = None
        title = standing.download.title
        short = self._id[:12]
        self.setObjectName(f"download_{short}")
        self._title = ElidedLabel(title)
        dress(self._title, "strong")
        self._size = ElidedLabel()
        self._pace = label(tone="soft")
        self._pace.setObjectName(f"pace_{short}")
        self._problem = label(tone="warn", wrap=True)
        self._problem.setObjectName(f"problem_{short}")
        self._bar = QProgressBar()
        self._bar.setObjectName(f"bar_{short}")
        self._bar.setRange(0, _STEPS)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress of {}").format(title))
        self._make_buttons(short, title)
        self._access = self._make_access(short)
        self._lay_out()
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()
        self.show_standing(standing)

    @property
    def words(self) -> str:
        """All that the row says, for reading aloud."""
        said = (self._title.text(), self._size.text(), self._pace.text(), self._problem.text())
        return ". ".join(part.rstrip(".") for part in said if part)

    def show_standing(self, standing: Standing) -> None:
        """Show how far it is now."""
        self._standing = standing
        done = standing.download.state is DownloadState.DONE
        self._size.setText(size_line(standing))
        self._pace.setText(pace_line(standing))
        problem = problem_line(standing)
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))
        dress(self._problem, tone="soft" if done else "warn")
        self._bar.setValue(round(standing.share * _STEPS))
        self._bar.setVisible(not done)
        self._cancel.setVisible(not done)
        self._toggle.setVisible(not done)
        self._check.setVisible(done)
        self._access.setVisible(bool(standing.page))
        self._show_toggle(standing)
        self.setAccessibleName(self._title.text())
        self.setAccessibleDescription(self.words)

    def _show_toggle(self, standing: Standing) -> None:
        waits = standing.download.state is DownloadState.QUEUED
        running = standing.is_running or (waits and not standing.download.problem)
        if running is self._running:
            return
        self._running = running
        words = self.tr("Pause") if running else self.tr("Go on")
        self._toggle.setToolTip(words)
        self._toggle.setAccessibleName(f"{words}: {self._title.text()}")
        bind_icon(self._toggle, "pause" if running else "continue", self._theme)

    def _lay_out(self) -> None:
        column = flat(QVBoxLayout(self), spacing=SIZES.gap_2)
        column.addWidget(hairline())
        top = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        words = flat(QVBoxLayout(), spacing=SIZES.gap)
        words.addWidget(self._title)
        figures = flat(QHBoxLayout(), spacing=SIZES.gap_4)
        figures.addWidget(self._size, 1)
        figures.addWidget(self._pace, 0, Qt.AlignmentFlag.AlignTrailing)
        figures.addWidget(self._check)
        words.addLayout(figures)
        words.addWidget(self._bar)
        top.addLayout(words, 1)
        top.addWidget(self._toggle, 0, Qt.AlignmentFlag.AlignVCenter)
        top.addWidget(self._cancel, 0, Qt.AlignmentFlag.AlignVCenter)
        column.addLayout(top)
        column.addWidget(self._problem)
        column.addWidget(self._access)
        column.setContentsMargins(0, 0, 0, SIZES.gap_2)

    def _make_buttons(self, short: str, title: str) -> None:
        self._toggle = icon_button(
            f"toggle_{short}", self.tr("Pause"), "pause", self._theme, self._on
        )
        self._cancel = icon_button(
            f"cancel_{short}",
            self.tr("Cancel the download of {}").format(title),
            "trash",
            self._theme,
            lambda: self.cancelled.emit(self._id),
        )
        self._check = push_button(
            f"check_{short}",
            self.tr("Replaced since?"),
            "link",
            lambda: self.check_requested.emit(self._id),
        )
        self._check.setAccessibleDescription(
            self.tr("Ask the Hub whether it offers another file now than {}").format(title)
        )

    def _make_access(self, short: str) -> QWidget:
        """What a gated repository needs: its page, and a token."""
        made = QWidget()
        line = flat(QHBoxLayout(made), spacing=SIZES.gap_2)
        page = push_button(
            f"page_{short}",
            self.tr("Open its page"),
            "tinted",
            lambda: self.page_requested.emit(self._standing.page),
        )
        page.setAccessibleDescription(self.tr("There you sign in and accept the conditions."))
        self._token = QLineEdit()
        self._token.setObjectName(f"token_{short}")
        self._token.setAccessibleName(self.tr("Your token of the Hub"))
        self._token.setPlaceholderText(self.tr("Then paste your token: hf_…"))
        self._token.setEchoMode(QLineEdit.EchoMode.Password)
        self._token.returnPressed.connect(self._on_token_returned)
        keep = push_button(
            f"keepToken_{short}", self.tr("Keep and go on"), "", self._on_token_returned
        )
        line.addWidget(page)
        line.addWidget(self._token, 1)
        line.addWidget(keep)
        return made

    def _on(self) -> None:
        self.toggled.emit(self._id)

    def _on_token_returned(self) -> None:
        token = self._token.text().strip()
        self._token.clear()
        self.token_given.emit(self._id, token)

    def _on_theme_changed(self) -> None:
        for part in (self._size, self._pace):
            part.setFont(self._theme.font(SIZES.bar, tabular=True))
        self._size.setProperty("tone", "soft")
