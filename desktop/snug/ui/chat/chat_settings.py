"""The drawer at the side of a chat: its instructions, and how its answers are drawn."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QCoreApplication, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QFrame,
    QPlainTextEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from snug.domain.conversation import ConversationSettings, Overflow
from snug.domain.model import ModelFile
from snug.domain.sampling import Sampling
from snug.ui.chat.drawer import Drawer
from snug.ui.chat.number_fields import NumberFields, values
from snug.ui.look.parts import Choice, flat, label, push_button
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.settings.setting_rows import ChoiceButton

_SETTLE_MS = 600  # after the last key in the instructions


class ChatSettings(Drawer):
    """Shows the settings of the open chat; each change holds from the next answer on.

    Attributes:
        changed: the settings as they are now.
    """

    changed = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        title = QCoreApplication.translate("ChatSettings", "This chat")
        super().__init__("chatSettings", title, "closeDrawer", theme, parent)
        self.setAccessibleName(self.tr("Settings of this chat"))
        self._settings = ConversationSettings()
        self._model: ModelFile | None = None
        self._shown = False
        area = QScrollArea()
        area.setObjectName("chatSettingsArea")
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(self._content(theme))
        self.column.addWidget(area, 1)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._on_instructions_settled)

    def _content(self, theme: Theme) -> QWidget:
        content = QWidget()
        column = flat(QVBoxLayout(content), spacing=SIZES.gap_3)
        column.setContentsMargins(SIZES.gap_4, 0, SIZES.gap_4, SIZES.gap_4)
        column.addWidget(label(self.tr("Instructions"), "label"))
        self._instructions = QPlainTextEdit()
        self._instructions.setObjectName("systemPrompt")
        self._instructions.setAccessibleName(self.tr("Instructions for the model"))
        hint = self.tr("What the model is told before everything else")
        self._instructions.setPlaceholderText(hint)
        self._instructions.setTabChangesFocus(True)
        self._instructions.setFixedHeight(SIZES.dialog // 3)
        self._instructions.textChanged.connect(self._on_instructions_text_changed)
        column.addWidget(self._instructions)
        column.addWidget(label(self.tr("When the chat outgrows the context"), "label"))
        column.addWidget(self._overflow_choice(theme))
        column.addWidget(label(self.tr("How tokens are drawn"), "label"))
        words = self.tr("Empty fields are as the model's makers recommend.")
        column.addWidget(label(words, "small", "soft", wrap=True))
        often = tuple(value for value in values() if value.often)
        seldom = tuple(value for value in values() if not value.often)
        self._often, self._seldom = NumberFields(often), NumberFields(seldom)
        self._fold = push_button("moreSampling", self.tr("More…"), "link", self._unfold)
        for part in (self._often, self._fold, self._seldom):
            column.addWidget(part)
        self._seldom.hide()
        for fields in (self._often, self._seldom):
            fields.changed.connect(self._on_sampling_changed)
        reset = push_button("resetSampling", self.tr("As the model has it"), "", self._reset)
        column.addWidget(reset, 0, Qt.AlignmentFlag.AlignLeading)
        column.addStretch(1)
        return content

    def _overflow_choice(self, theme: Theme) -> ChoiceButton:
        words = self.tr("When the chat outgrows the context")
        self._overflow = ChoiceButton("overflowChoice", words, theme, self._on_overflow_chosen)
        self._overflows = (
            Choice(Overflow.DROP.value, self.tr("Leave out the oldest messages")),
            Choice(Overflow.SUMMARISE.value, self.tr("Summarise the oldest messages")),
            Choice(Overflow.STOP.value, self.tr("Stop and tell me")),
        )
        return self._overflow

    # -- showing ------------------------------------------------------------------------------

    def show_settings(self, settings: ConversationSettings, model: ModelFile | None) -> None:
        """The settings of the chat that is open now."""
        same_text = self._shown and settings.system_prompt == self._settings.system_prompt
        self._settle.stop()
        self._settings, self._model, self._shown = settings, model, True
        if not same_text:
            self._instructions.blockSignals(True)
            self._instructions.setPlainText(settings.system_prompt)
            self._instructions.blockSignals(False)
        self._overflow.offer(self._overflows, settings.overflow.value)
        for fields in (self._often, self._seldom):
            fields.show_sampling(settings.sampling, self._base)
        self._fold.setEnabled(True)

    @property
    def _base(self) -> Sampling:
        recommended = None if self._model is None else self._model.sampling
        return recommended or Sampling()

    def keep_now(self) -> None:
        """What is being typed counts now; call before another chat is shown."""
        if self._settle.isActive():
            self._settle.stop()
            self._on_instructions_settled()

    def take_keyboard(self) -> None:
        """Put the cursor into the first field."""
        self._instructions.setFocus(Qt.FocusReason.OtherFocusReason)

    # -- changing -----------------------------------------------------------------------------

    def _change(self, settings: ConversationSettings) -> None:
        if settings != self._settings:
            self._settings = settings
            self.changed.emit(settings)

    def _on_instructions_text_changed(self) -> None:
        self._settle.start()

    def _on_instructions_settled(self) -> None:
        text = self._instructions.toPlainText()
        self._change(replace(self._settings, system_prompt=text if text.strip() else ""))

    def _on_overflow_chosen(self, value: str) -> None:
        self._change(replace(self._settings, overflow=Overflow(value)))

    def _on_sampling_changed(self, sampling: Sampling | None) -> None:
        self._change(replace(self._settings, sampling=sampling))
        for fields in (self._often, self._seldom):
            fields.show_sampling(sampling, self._base)

    def _reset(self) -> None:
        self._on_sampling_changed(None)

    def _unfold(self) -> None:
        shown = self._seldom.isHidden()
        self._seldom.setVisible(shown)
        self._fold.setText(self.tr("Less") if shown else self.tr("More…"))
