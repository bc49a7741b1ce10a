"""The settings of profiles: several people, or sides of one, on one device."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from snug.domain.errors import SnugError
from snug.domain.profile import FIRST, MAX_NAME, ProfileEntry
from snug.services.profiles import NAME_WARNING, Profiles
from snug.ui.look.parts import flat, hairline, label, push_button
from snug.ui.look.sure_button import SureButton
from snug.ui.look.tokens import SIZES
from snug.ui.settings.setting_rows import setting_row


class ProfileRows(QObject):
    """Builds the rows and does what is chosen.

    Attributes:
        failed: something was not done; a sentence.
    """

    failed = Signal(str)

    def __init__(
        self, profiles: Profiles, open_profile: Callable[[str], bool], parent: QObject
    ) -> None:
        """Make them.

        Args:
            open_profile: opens the profile of an id in a window of its own; False where it cannot.
        """
        super().__init__(parent)
        self._profiles = profiles
        self._open_profile = open_profile

    def make(self) -> list[QWidget]:
        """The profiles, and how to make another one."""
        self._list = QWidget()
        self._list.setObjectName("profileList")
        self._list.setAccessibleName(self.tr("Profiles"))
        self._column = flat(QVBoxLayout(self._list), spacing=SIZES.gap_3)
        self._name = QLineEdit()
        self._name.setObjectName("newProfileName")
        self._name.setAccessibleName(self.tr("Name of the new profile"))
        self._name.setPlaceholderText(self.tr("Name"))
        self._name.setMaxLength(MAX_NAME)
        self._name.returnPressed.connect(self._on_make_pressed)
        make = push_button("newProfileButton", self.tr("Make"), "", self._on_make_pressed)
        control = QWidget()
        line = flat(QHBoxLayout(control), spacing=SIZES.gap_2)
        line.addWidget(self._name)
        line.addWidget(make)
        words = self.tr("Its chats and keys are its own; models are shared.")
        self.refresh()
        row = setting_row(self.tr("New profile"), f"{words} {NAME_WARNING}", control)
        return [self._list, row]

    def refresh(self) -> None:
        """Show those that there are; another window may have changed them."""
        while (item := self._column.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.hide()
                old.deleteLater()
        try:
            current, entries = self._profiles.current.id, self._profiles.list()
        except SnugError as error:
            self.failed.emit(error.message)
            return
        for number, entry in enumerate(entries):
            if number:
                self._column.addWidget(hairline())
            self._column.addWidget(self._row(entry, entry.id == current))

    def _row(self, entry: ProfileEntry, is_current: bool) -> QWidget:
        row = QWidget()
        line = flat(QHBoxLayout(row), spacing=SIZES.gap_2)
        name = QLineEdit(entry.name)
        name.setObjectName(f"profileName_{entry.id}")
        name.setAccessibleName(self.tr("Name of the profile {}").format(entry.name))
        name.setProperty("kind", "inline")
        name.setMaxLength(MAX_NAME)
        name.editingFinished.connect(lambda: self._rename(entry, name))
        line.addWidget(name, 1)
        if is_current:
            here = label(self.tr("this one"))
            here.setProperty("kind", "badge")
            line.addWidget(here, 0, Qt.AlignmentFlag.AlignVCenter)
            return row
        opens = push_button(
            f"openProfile_{entry.id}", self.tr("Open"), "", lambda: self._open(entry)
        )
        opens.setAccessibleName(self.tr("Open {}").format(entry.name))
        opens.setToolTip(self.tr("In a window of its own"))
        line.addWidget(opens)
        if entry.id != FIRST:
            delete = SureButton(
                f"deleteProfile_{entry.id}",
                self.tr("Delete"),
                self.tr("Delete all its chats for good?"),
                entry.name,
            )
            delete.sure.connect(lambda: self._try(lambda: self._profiles.delete(entry.id)))
            line.addWidget(delete)
        return row

    # -- what is done -------------------------------------------------------------------------

    def _on_make_pressed(self) -> None:
        name = self._name.text()
        if self._try(lambda: self._profiles.create(name.strip())):
            self._name.clear()

    def _rename(self, entry: ProfileEntry, field: QLineEdit) -> None:
        if field.text() == entry.name:
            return
        name = field.text()
        self._try(lambda: self._profiles.rename(entry.id, name))

    def _open(self, entry: ProfileEntry) -> None:
        if not self._open_profile(entry.id):
            words = self.tr("The window of {} did not open. In a terminal: snug --profile")
            self.failed.emit(words.format(entry.name))

    def _try(self, change: Callable[[], object]) -> bool:
        try:
            change()
        except SnugError as error:
            self.failed.emit(error.message)
            return False
        finally:
            self.refresh()
        return True
