"""Settings: how it looks, how long it remembers, where the data is, what it is made of."""

from __future__ import annotations

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from snug.domain.errors import SnugError
from snug.domain.model import DEFAULT_CONTEXT_LENGTH
from snug.services.bundle import Services
from snug.ui.about import components
from snug.ui.banner import Banner, Level
from snug.ui.icons import bind_icon
from snug.ui.page import Page
from snug.ui.parts import Choice, Segments, flat, hairline, label, push_button
from snug.ui.preferences_keys import CONTEXT_LENGTH, SCHEME, TEXT_SCALE
from snug.ui.theme import Theme
from snug.ui.tokens import SIZES, Scheme
from snug.ui.words import count_words

_TEXT_SCALES = (80, 90, 100, 115, 130, 150, 175, 200)
_CONTEXT_LENGTHS = (2048, 4096, 8192, 16384, 32768, 65536, 131072)


class SettingsPage(Page):
    """Every change takes effect at once; there is no button to apply it.

    Attributes:
        context_changed: models load with another context length from now on.
        shortcuts_requested: the list of keys is to be shown.
    """

    context_changed = Signal()
    shortcuts_requested = Signal()

    def __init__(self, services: Services, theme: Theme) -> None:
        super().__init__(
            "settingsPage",
            self.tr("Settings"),
            self.tr("Changes take effect at once and stay on this computer."),
            theme,
        )
        self._services = services
        self.problem = Banner(theme, "settingsProblem")
        self.column.addWidget(self.problem)
        self._add_section(self.tr("Appearance"), self._appearance())
        self._add_section(self.tr("Answers"), self._answers())
        self._add_section(self.tr("Data and privacy"), self._data())
        self._add_section(self.tr("About"), self._about())
        self.column.addStretch(1)

    # -- sections -----------------------------------------------------------------------------

    def _appearance(self) -> list[QWidget]:
        schemes = (
            Choice(Scheme.SYSTEM, self.tr("System")),
            Choice(Scheme.LIGHT, self.tr("Light")),
            Choice(Scheme.DARK, self.tr("Dark")),
            Choice(Scheme.CONTRAST, self.tr("High contrast")),
        )
        self._scheme = Segments("schemeChoice", self.tr("Colours"), schemes)
        self._scheme.set_value(self._theme.scheme)
        self._scheme.chosen.connect(self._on_scheme_chosen)
        self._text_size = self._menu_button(
            "textSizeChoice",
            self.tr("Text size"),
            [(f"{n} %", n) for n in _TEXT_SCALES],
            self._on_text_size_chosen,
        )
        self._text_size.setText(f"{round(self._theme.text_scale * 100)} %")
        keys = push_button(
            "shortcutsButton", self.tr("Show the list"), "", self.shortcuts_requested.emit
        )
        return [
            _row(self.tr("Colours"), self.tr("System follows your desktop."), self._scheme),
            _row(self.tr("Text size"), self.tr("Of everything in this window."), self._text_size),
            _row(self.tr("Keyboard"), self.tr("Everything here can be done with keys."), keys),
        ]

    def _answers(self) -> list[QWidget]:
        entries = [(self.tr("Automatic"), 0)]
        entries += [(self.tr("{} tokens").format(count_words(n)), n) for n in _CONTEXT_LENGTHS]
        self._context = self._menu_button(
            "contextLengthChoice", self.tr("Context length"), entries, self._on_context_chosen
        )
        kept = self._services.preferences.get(CONTEXT_LENGTH)
        number = int(kept) if kept.isdigit() else 0
        self._context.setText(next((text for text, n in entries if n == number), kept))
        words = self.tr(
            "How much of a chat the model can see. More needs more memory; automatic takes up to "
            "{} tokens."
        ).format(count_words(DEFAULT_CONTEXT_LENGTH))
        return [_row(self.tr("Context length"), words, self._context)]

    def _data(self) -> list[QWidget]:
        profile = self._services.profile
        folder = push_button("openDataButton", self.tr("Open folder"), "", self._open_folder)
        network = (
            self.tr("Snug was started offline and makes no connection at all.")
            if profile.offline
            else self.tr("Your chats and files are never sent anywhere.")
        )
        return [
            _row(self.tr("Where your chats are"), str(profile.data_dir), folder),
            _row(self.tr("The key to them"), profile.key_note or self.tr("It is with you."), None),
            _row(self.tr("Network"), network, None),
        ]

    def _about(self) -> list[QWidget]:
        version = _row(
            self.tr("Snug {}").format(self._services.profile.version),
            self.tr("Free software under the Apache License 2.0. Made with:"),
            None,
        )
        table = QWidget()
        column = flat(QVBoxLayout(table), spacing=SIZES.gap)
        column.setContentsMargins(0, 0, 0, SIZES.gap_3)
        for part in components():
            row = flat(QHBoxLayout(), spacing=SIZES.gap_3)
            row.addWidget(label(f"{part.name} {part.version}"), 1)
            row.addWidget(label(part.licence, "small", "faint"))
            column.addLayout(row)
        return [version, table]

    def _add_section(self, title: str, rows: list[QWidget]) -> None:
        self.column.addSpacing(SIZES.gap_2)
        self.column.addWidget(label(title, "heading"))
        for number, row in enumerate(rows):
            if number:
                self.column.addWidget(hairline())
            self.column.addWidget(row)

    def _menu_button(
        self, name: str, accessible_name: str, entries: list[tuple[str, int]], chosen: object
    ) -> QPushButton:
        button = push_button(name, "", "")
        button.setAccessibleName(accessible_name)
        button.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the arrow after the words
        bind_icon(button, "chevron-down", self._theme)
        menu = QMenu(button)
        menu.setObjectName(f"{name}Menu")
        for text, number in entries:
            action = menu.addAction(text)
            action.setData(number)
            action.setObjectName(f"{name}_{number}")
        menu.triggered.connect(lambda action: button.setText(action.text()))
        menu.triggered.connect(lambda action: chosen(action.data()))  # type: ignore[operator]
        button.setMenu(menu)
        return button

    # -- changes ------------------------------------------------------------------------------

    def _on_scheme_chosen(self, value: str) -> None:
        self._theme.set_scheme(Scheme(value))
        self._keep(SCHEME, value)

    def _on_text_size_chosen(self, percent: int) -> None:
        self._theme.set_text_scale(percent / 100)
        self._keep(TEXT_SCALE, str(percent))

    def _on_context_chosen(self, tokens: int) -> None:
        try:
            self._services.models.set_context_length(tokens or None)
        except SnugError as error:
            self.problem.tell(error.message, Level.DANGER)
            return
        self.context_changed.emit()

    def _keep(self, name: str, value: str) -> None:
        try:
            self._services.preferences.set(name, value)
        except SnugError as error:
            self.problem.tell(error.message, Level.DANGER)

    def _open_folder(self) -> None:
        folder = self._services.profile.data_dir
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self.problem.tell(self.tr("No program opened the folder {}").format(folder), Level.WARN)


def _row(title: str, words: str, control: QWidget | None) -> QWidget:
    """A setting: name and explanation at the start, the control at the end."""
    row = QWidget()
    line = flat(QHBoxLayout(row), spacing=SIZES.gap_6)
    texts = flat(QVBoxLayout(), spacing=SIZES.gap)
    texts.addWidget(label(title, "label"))
    explanation: QLabel = label(words, "", "soft", wrap=True)
    explanation.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    explanation.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    texts.addWidget(explanation)
    line.addLayout(texts, 1)
    if control is not None:
        line.addWidget(control, 0, Qt.AlignmentFlag.AlignVCenter)
    return row
