"""One model of another program's: whether to use it, what it is, or that it is here already."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from snug.services.adoption import Found
from snug.ui.look.parts import ElidedLabel, flat, label
from snug.ui.look.theme import Theme
from snug.ui.look.tick_box import TickBox
from snug.ui.look.tokens import SIZES
from snug.ui.look.words import licence_use_words, size_words, tr


class AdoptionRow(QFrame):
    """A box to tick, a name, and the facts under it."""

    toggled = Signal()

    def __init__(self, found: Found, number: int, theme: Theme) -> None:
        """A row.

        Args:
            number: tells rows of the same name apart.
        """
        super().__init__()
        self.found = found
        self.setObjectName(f"found_{number}")
        self.setAccessibleName(found.name)
        self.setAccessibleDescription(found_facts(found))
        self.box = TickBox(theme)
        self.box.setObjectName(f"take_{number}")
        self.box.setAccessibleName(self.tr("Use {}").format(found.name))
        self.box.setAccessibleDescription(found_facts(found))
        self.box.setEnabled(not found.already)
        self.box.setChecked(found.already)
        self.box.toggled.connect(lambda _on: self.toggled.emit())
        row = flat(QHBoxLayout(self), spacing=SIZES.gap_3)
        row.setContentsMargins(0, SIZES.gap_2, 0, SIZES.gap_2)
        row.addWidget(self.box, 0, Qt.AlignmentFlag.AlignTop)
        words = flat(QVBoxLayout(), spacing=2)
        words.addWidget(ElidedLabel(found.name))
        facts = ElidedLabel(found_facts(found))
        facts.setProperty("type", "small")
        facts.setProperty("tone", "soft")
        words.addWidget(facts)
        row.addLayout(words, 1)
        if found.already:
            badge = label(self.tr("In your library"))
            badge.setProperty("kind", "badge")
            row.addWidget(badge, 0, Qt.AlignmentFlag.AlignVCenter)

    @property
    def wanted(self) -> bool:
        """Ticked, and not here yet."""
        return self.box.isChecked() and not self.found.already

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The whole row ticks its box."""
        if self.box.isEnabled():
            self.box.toggle()


def found_facts(found: Found) -> str:
    """Size, quantization, licence and where it is from, in one line."""
    facts = (
        size_words(found.size_bytes),
        found.quantization,
        tr("{} files", str(found.files)) if found.files > 1 else "",
        tr("sees pictures") if found.projector is not None else "",
        licence_use_words(found.licence),
        found.source,
    )
    return " · ".join(fact for fact in facts if fact)
