"""Settings: how it looks, how long it remembers, where the data is, what it is made of."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from snug.domain.errors import SnugError
from snug.services.bundle import Services
from snug.services.keys import KeyService
from snug.services.locking import LockSettings
from snug.services.profiles import Profiles
from snug.ui.another_window import open_profile
from snug.ui.locks.key_rows import KeyRows
from snug.ui.locks.lock_rows import LockRows
from snug.ui.locks.profile_rows import ProfileRows
from snug.ui.look.banner import Banner, Level
from snug.ui.look.language import NAMES
from snug.ui.look.page import Page
from snug.ui.look.parts import Choice, Segments, flat, hairline, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES, Scheme
from snug.ui.network.network_rows import NetworkRows
from snug.ui.settings.about import components
from snug.ui.settings.engine_rows import EngineRows
from snug.ui.settings.keeping_rows import KeepingRows
from snug.ui.settings.preferences_keys import LANGUAGE, SCHEME, TEXT_SCALE
from snug.ui.settings.setting_rows import ChoiceButton, setting_row

_TEXT_SCALES = (80, 90, 100, 115, 130, 150, 175, 200)


class SettingsPage(Page):
    """Every change takes effect at once; there is no button to apply it.

    Attributes:
        context_changed: models are loaded in another way from now on.
        idle_changed: a model stays in memory for another while.
        shortcuts_requested: the list of keys is to be shown.
        ledger_requested: what was sent is to be shown.
        export_requested: all chats are to be written to a file.
        import_requested: chats are to be read in; where on the screen it was asked.
        lock_changed: the chats are locked at other times from now on.
    """

    context_changed = Signal()
    idle_changed = Signal()
    shortcuts_requested = Signal()
    ledger_requested = Signal()
    export_requested = Signal()
    import_requested = Signal(QPoint)
    lock_changed = Signal()

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
        self._network: NetworkRows | None = None
        self._keys: KeyRows | None = None
        self._keeping: KeepingRows | None = None
        if services.network is not None:
            self._network = NetworkRows(services.network, theme, self)
            self._network.failed.connect(lambda words: self.problem.tell(words, Level.DANGER))
            self._network.ledger_requested.connect(self.ledger_requested)
            self._add_section(self.tr("Network"), self._network.make())
        if services.keys is not None:
            self._add_section(self.tr("Privacy and keys"), self._privacy(services.keys))
        self._profiles: ProfileRows | None = None
        if services.profiles is not None:
            self._add_section(self.tr("Profiles"), self._profile_rows(services.profiles))
        self._add_section(self.tr("Data"), self._data())
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
        self._text_size = ChoiceButton(
            "textSizeChoice", self.tr("Text size"), self._theme, self._on_text_size_chosen
        )
        self._text_size.offer(
            [Choice(str(n), f"{n} %") for n in _TEXT_SCALES],
            str(round(self._theme.text_scale * 100)),
        )
        self._language = ChoiceButton(
            "languageChoice", self.tr("Language"), self._theme, self._on_language_chosen
        )
        system = Choice("", self.tr("As the system"))
        names = [Choice(code, name) for code, name in NAMES.items()]
        self._language.offer([system, *names], self._services.preferences.get(LANGUAGE))
        keys = push_button(
            "shortcutsButton", self.tr("Show the list"), "", self.shortcuts_requested.emit
        )
        return [
            setting_row(self.tr("Colours"), self.tr("System follows your desktop."), self._scheme),
            setting_row(
                self.tr("Text size"), self.tr("Of everything in this window."), self._text_size
            ),
            setting_row(
                self.tr("Language"),
                self.tr("Of the window, from its next start on. Models answer in any they know."),
                self._language,
            ),
            setting_row(
                self.tr("Keyboard"), self.tr("Everything here can be done with keys."), keys
            ),
        ]

    def _answers(self) -> list[QWidget]:
        self._engine = EngineRows(
            self._services.models, self._services.preferences, self._theme, self
        )
        self._engine.load_changed.connect(self.context_changed)
        self._engine.idle_changed.connect(self.idle_changed)
        self._engine.failed.connect(lambda words: self.problem.tell(words, Level.DANGER))
        return self._engine.make()

    def _privacy(self, keys: KeyService) -> list[QWidget]:
        settings = LockSettings(self._services.preferences, keys)
        self._lock = LockRows(settings, self._theme, self)
        self._lock.changed.connect(self.lock_changed)
        self._lock.failed.connect(lambda words: self.problem.tell(words, Level.DANGER))
        self._keys = KeyRows(keys, self._theme, self)
        self._keys.changed.connect(self._lock_again)
        self._keys.failed.connect(lambda words: self.problem.tell(words, Level.DANGER))
        key_rows, lock_rows = self._keys.make(), self._lock.make()
        return [*key_rows[:-1], *lock_rows, key_rows[-1]]

    def _profile_rows(self, profiles: Profiles) -> list[QWidget]:
        profile = self._services.profile
        shared = profile.shared_dir or profile.data_dir
        self._profiles = ProfileRows(
            profiles, lambda one: open_profile(one, shared, profile.offline), self
        )
        self._profiles.failed.connect(lambda words: self.problem.tell(words, Level.DANGER))
        return self._profiles.make()

    def _lock_again(self) -> None:
        """Other keys change what is usual for the lock."""
        self._lock.refresh()
        if self._keeping is not None:
            self._keeping.refresh()
        self.lock_changed.emit()

    def refresh(self) -> None:
        """Show what may have changed elsewhere; called whenever the page is opened."""
        self._engine.refresh()
        if self._network is not None:
            self._network.refresh()
        if self._keys is not None:
            self._keys.refresh()
        if self._profiles is not None:
            self._profiles.refresh()
        if self._keeping is not None:
            self._keeping.refresh()

    def finish(self) -> None:
        """Wait for what was begun; call before the page goes."""
        for rows in (self._network, self._keys, self._keeping):
            if rows is not None:
                rows.finish()

    def _data(self) -> list[QWidget]:
        profile = self._services.profile
        folder = push_button("openDataButton", self.tr("Open folder"), "", self._open_folder)
        network = (
            self.tr("Snug was started offline and makes no connection at all.")
            if profile.offline
            else self.tr("Your chats and files are never sent anywhere.")
        )
        rows = [
            setting_row(self.tr("Where your chats are"), str(profile.data_dir), folder),
        ]
        if self._keys is None:
            words = profile.key_note or self.tr("It is with you.")
            rows.append(setting_row(self.tr("The key to them"), words, None))
        if self._services.keeping is not None:
            self._keeping = KeepingRows(self._services.keeping, self)
            self._keeping.failed.connect(lambda words: self.problem.tell(words, Level.DANGER))
            rows.extend(self._keeping.make())
        if self._services.importing is not None:
            rows.append(self._import_row())
        if self._services.exporting is not None:
            rows.append(self._export_row())
        if self._network is None:
            rows.append(setting_row(self.tr("Network"), network, None))
        return rows

    def _import_row(self) -> QWidget:
        button = push_button("importButton", self.tr("Import…"), "", self._ask_what_to_import)
        button.setAccessibleName(self.tr("Import chats"))
        self._import = button
        words = self.tr(
            "From ChatGPT, Claude, LM Studio, Open WebUI, Jan, GPT4All, Cherry Studio or Snug. "
            "Or drop the file on the list of chats."
        )
        return setting_row(self.tr("Import chats"), words, button)

    def _ask_what_to_import(self) -> None:
        at = self._import.mapToGlobal(QPoint(0, self._import.height()))
        self.import_requested.emit(at)

    def _export_row(self) -> QWidget:
        button = push_button("exportAllButton", self.tr("Export…"), "", self.export_requested.emit)
        button.setAccessibleName(self.tr("Export all chats"))
        words = self.tr("To read elsewhere or to keep. The file is not encrypted.")
        return setting_row(self.tr("Export all chats"), words, button)

    def _about(self) -> list[QWidget]:
        version = setting_row(
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

    # -- changes ------------------------------------------------------------------------------

    def _on_scheme_chosen(self, value: str) -> None:
        self._theme.set_scheme(Scheme(value))
        self._keep(SCHEME, value)

    def _on_language_chosen(self, code: str) -> None:
        self._keep(LANGUAGE, code)

    def _on_text_size_chosen(self, percent: str) -> None:
        self._theme.set_text_scale(int(percent) / 100)
        self._keep(TEXT_SCALE, percent)

    def _keep(self, name: str, value: str) -> None:
        try:
            self._services.preferences.set(name, value)
        except SnugError as error:
            self.problem.tell(error.message, Level.DANGER)

    def _open_folder(self) -> None:
        folder = self._services.profile.data_dir
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self.problem.tell(self.tr("No program opened the folder {}").format(folder), Level.WARN)
