"""How long a folder keeps its chats: a choice, and a sentence about what it will do."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QDialog, QVBoxLayout, QWidget

from snug.domain.organising import Folder
from snug.services.organiser import Organiser
from snug.ui.look.parts import dialog_buttons, label
from snug.ui.look.tokens import SIZES

_CHOICES = (7, 30, 90, 180, 365)


class RetentionDialog(QDialog):
    """Asks; `days` is the answer once it was accepted."""

    def __init__(self, folder: Folder, organiser: Organiser, parent: QWidget) -> None:
        super().__init__(parent)
        self._folder, self._organiser = folder, organiser
        self.setObjectName("retentionDialog")
        self.setWindowTitle(self.tr("How long to keep"))
        self.setAccessibleName(self.windowTitle())
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(SIZES.dialog)
        column = QVBoxLayout(self)
        column.setContentsMargins(*(SIZES.gap_6,) * 4)
        column.setSpacing(SIZES.gap_3)
        column.addWidget(label(folder.name, "heading", wrap=True))
        self._box = QComboBox()
        self._box.setObjectName("retentionDays")
        self._box.setAccessibleName(self.windowTitle())
        self._box.addItem(self.tr("Keep everything"), None)
        for days in sorted({*_CHOICES, folder.retention_days or _CHOICES[0]}):
            self._box.addItem(self.tr("{} days after the last change").format(days), days)
        self._box.setCurrentIndex(max(0, self._box.findData(folder.retention_days)))
        self._words = label(tone="soft", wrap=True)
        self._words.setObjectName("retentionWords")
        # Room for the longest sentence: the dialog is not to grow under the pointer.
        self._words.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeading)
        self._words.setMinimumHeight(5 * self.fontMetrics().lineSpacing())
        accept = "retentionAccept", self.tr("Keep this rule")
        buttons = dialog_buttons(self, accept, ("retentionCancel", self.tr("Cancel")))
        for part in (self._box, self._words, buttons):
            column.addWidget(part)
        self._box.currentIndexChanged.connect(self._on_box_changed)
        self._on_box_changed()

    @property
    def days(self) -> int | None:
        """The rule; None keeps everything."""
        chosen = self._box.currentData()
        return None if chosen is None else int(chosen)

    def _on_box_changed(self) -> None:
        days = self.days
        if days is None:
            self._words.setText(self.tr("Nothing in this folder is thrown away by itself."))
            return
        words = self.tr(
            "Chats in this folder that were not changed for {} days go to the trash, archived "
            "ones too. Pinned chats stay. As things stand that is {} of them, within two days."
        )
        self._words.setText(words.format(days, self._organiser.count_due(self._folder.id, days)))
