"""Fields for the values of a `Sampling`: empty means as the model's makers recommend."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QLineEdit, QWidget

from snug.domain.errors import UserError
from snug.domain.sampling import Sampling
from snug.ui.look.parts import dress, flat, label, restyle
from snug.ui.look.tokens import SIZES


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a `Sampling`, in words.

    Attributes:
        whole: it is a whole number.
        often: it is shown at once; the others are folded away.
    """

    name: str
    title: str
    words: str
    whole: bool = False
    often: bool = False


def values() -> tuple[Value, ...]:
    """In the order in which they are shown."""
    return (
        Value("temperature", _tr("Temperature"), _tr("0 is always the likeliest"), often=True),
        Value("top_p", _tr("Top P"), _tr("1 keeps every token"), often=True),
        Value("top_k", _tr("Top K"), _tr("0 keeps every token"), whole=True, often=True),
        Value("min_p", _tr("Min P"), _tr("Share of the likeliest token"), often=True),
        Value("repeat_penalty", _tr("Repetition penalty"), _tr("1 is none"), often=True),
        Value("max_tokens", _tr("Longest answer"), _tr("In tokens"), whole=True, often=True),
        Value("seed", _tr("Seed"), _tr("The same one, the same answer"), whole=True, often=True),
        Value("frequency_penalty", _tr("Frequency penalty"), _tr("0 is none")),
        Value("presence_penalty", _tr("Presence penalty"), _tr("0 is none")),
        Value("repeat_last_n", _tr("Penalties look back"), _tr("In tokens"), whole=True),
        Value("typical_p", _tr("Typical P"), _tr("1 keeps every token")),
        Value("top_n_sigma", _tr("Top N sigma"), _tr("0 keeps every token")),
        Value("xtc_probability", _tr("XTC probability"), _tr("0 is never")),
        Value("xtc_threshold", _tr("XTC threshold"), _tr("Above 0.5 it does nothing")),
        Value("dry_multiplier", _tr("DRY multiplier"), _tr("0 is none")),
        Value("dry_base", _tr("DRY base"), _tr("How fast the penalty grows")),
        Value("dry_allowed_length", _tr("DRY length"), _tr("Repetition allowed"), whole=True),
        Value("dynatemp_range", _tr("Dynamic temperature"), _tr("Up and down; 0 is fixed")),
        Value("mirostat", _tr("Mirostat"), _tr("0 is off; 1 or 2"), whole=True),
        Value("mirostat_tau", _tr("Mirostat tau"), _tr("Surprise in bits")),
        Value("mirostat_eta", _tr("Mirostat eta"), _tr("Speed of learning")),
    )


class NumberFields(QWidget):
    """A grid of fields.

    Attributes:
        changed: a `Sampling` that is sound, or None where all is as the model has it.
    """

    changed = Signal(object)

    def __init__(self, shown: tuple[Value, ...]) -> None:
        super().__init__()
        self._values = shown
        self._base = Sampling()
        self._set = Sampling()
        self._fields: dict[str, QLineEdit] = {}
        self._problem = label("", "small", wrap=True)
        self._problem.setObjectName("samplingProblem")
        dress(self._problem, tone="bad")
        grid = flat(QGridLayout(self), spacing=SIZES.gap_2)
        for row, value in enumerate(shown):
            self._add(grid, row, value)
        grid.addWidget(self._problem, len(shown), 0, 1, 2)
        grid.setColumnStretch(0, 1)
        self._problem.hide()

    def _add(self, grid: QGridLayout, row: int, value: Value) -> None:
        field = QLineEdit()
        field.setObjectName(f"sampling_{value.name}")
        field.setAccessibleName(value.title)
        field.setAccessibleDescription(value.words)
        field.setToolTip(value.words)
        field.setFixedWidth(SIZES.dialog // 4)
        field.editingFinished.connect(self._on_edited)
        title = QLabel(value.title)
        title.setToolTip(value.words)
        title.setBuddy(field)
        grid.addWidget(title, row, 0)
        grid.addWidget(field, row, 1)
        self._fields[value.name] = field

    def show_sampling(self, sampling: Sampling | None, base: Sampling) -> None:
        """Show what is set; `base` is what holds where nothing is."""
        self._base, self._set = base, sampling or base
        for value in self._values:
            field, standard = self._fields[value.name], getattr(base, value.name)
            own = getattr(self._set, value.name)
            field.setPlaceholderText("–" if standard is None else _text(standard))
            field.setText("" if own == standard or own is None else _text(own))
        self._tell("")

    def _on_edited(self) -> None:
        try:
            read: dict[str, Any] = {value.name: self._read(value) for value in self._values}
            made = replace(self._set, **read)
        except UserError as error:
            self._tell(error.message)
            return
        self._tell("")
        if made != self._set:
            self._set = made
            self.changed.emit(None if made == self._base else made)

    def _read(self, value: Value) -> float | int | None:
        """What stands in a field. Raises: UserError."""
        text = self._fields[value.name].text().strip().replace(",", ".")
        if not text:
            standard: float | int | None = getattr(self._base, value.name)
            return standard
        try:
            return int(text) if value.whole else float(text)
        except ValueError:
            kind = _tr("a whole number") if value.whole else _tr("a number")
            raise UserError(_tr("{} must be {}.").format(value.title, kind)) from None

    def _tell(self, problem: str) -> None:
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))
        restyle(self._problem)


def _text(value: float) -> str:
    """A number as `_read` takes it back unchanged; `:g` alone would round a seed."""
    return str(value) if isinstance(value, int) else f"{value:.15g}"


def _tr(text: str) -> str:
    return QCoreApplication.translate("NumberFields", text)
