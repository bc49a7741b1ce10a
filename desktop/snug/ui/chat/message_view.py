"""One message of the transcript: thoughts, text, calls of tools, what is to be said, buttons."""

from __future__ import annotations

from time import perf_counter

from PySide6.QtCore import QLocale, QPoint, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QEnterEvent, QGuiApplication, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from snug.domain.attachments import split
from snug.ui.chat.edit_box import EditBox
from snug.ui.chat.message_actions import MessageActions
from snug.ui.chat.message_note import MessageNote
from snug.ui.chat.reasoning_view import ReasoningView
from snug.ui.chat.tool_calls_view import ToolCallsView
from snug.ui.chat.turn import Action, Note, Turn
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.text.markdown import Block, Prose, Splitter
from snug.ui.text.message_text import FIRST_SLICE_S, MessageText
from snug.ui.text.safe_text import MAX_SHOWN, MAX_SHOWN_LINES, shown_length

OUTSET = SIZES.gap_2  # on either side of the column, for buttons whose icon keeps its line
ROW = SIZES.gap_6  # height of the buttons; they stand in the room between two messages
BUBBLE_SHARE = 0.85  # of the column, at most
RENDER_MS = 50  # between two renderings of a growing answer, at least …
RENDER_REST = 10  # … and ten times what the last one took


class MessageView(QWidget):
    """Arranges itself for a width; the transcript places it.

    Attributes:
        height_changed: it needs another height.
        asked: an `Action` on the message with this id.
        edited: id and new text of one of the person's messages.
        branch_chosen: id of another alternative.
        link_chosen: an address, and where on the screen it was chosen.
        dragged: the pointer selects text; where it is on the screen.
    """

    height_changed = Signal()
    asked = Signal(str, str)
    edited = Signal(str, str)
    branch_chosen = Signal(str)
    link_chosen = Signal(str, QPoint)
    dragged = Signal(QPoint)

    def __init__(
        self, turn: Turn, theme: Theme, parent: QWidget, budget_s: float = FIRST_SLICE_S
    ) -> None:
        super().__init__(parent)
        self.setObjectName("message")
        self._theme = theme
        self._turn = turn
        self._width = 0
        self._splitter = Splitter()
        self._lines = 0
        self._given = 0
        self._bubble = QRect()
        self._focused = False
        self._note: MessageNote | None = None
        self._reasoning: ReasoningView | None = None
        self._calls: ToolCallsView | None = None
        self._edit: EditBox | None = None
        self._text = MessageText(theme, self)
        self._text.setObjectName("messageText")
        self._text.height_changed.connect(self.height_changed)
        self._text.link_chosen.connect(self.link_chosen)
        self._text.dragged.connect(self.dragged)
        self._actions = MessageActions(theme, self)
        self._actions.chosen.connect(self._on_action)
        self._actions.branch_chosen.connect(self.branch_chosen)
        self._render = QTimer(self)
        self._render.setSingleShot(True)
        self._render.timeout.connect(self._on_render_due)
        self._spent_s = 0.0
        self._show_text(turn.message.text, budget_s)
        self.set_turn(turn)

    # -- what is shown ------------------------------------------------------------------------

    @property
    def turn(self) -> Turn:
        """What it shows."""
        return self._turn

    @property
    def text(self) -> MessageText:
        """The widget with the text."""
        return self._text

    @property
    def settled(self) -> bool:
        """All that was given is on the page."""
        return self._text.complete and not self._render.isActive()

    def set_turn(self, turn: Turn) -> None:
        """The same message in another state; a text that differs is shown anew."""
        before, self._turn = self._turn, turn
        if before.live and not turn.live and self._given == len(turn.message.text):
            self._finish()
        elif self._needs_new_text(before, turn):
            self._show_text(turn.message.text)
        if not turn.mine:
            thinking = turn.live and not turn.message.text
            self.set_thoughts(turn.message.reasoning, thinking, turn.thought_s)
            self.set_calls(turn.message.tool_calls)
        self._actions.set_turn(turn)
        self._show_note()
        self._name()
        self.height_changed.emit()

    @staticmethod
    def _needs_new_text(before: Turn, turn: Turn) -> bool:
        if turn.live:
            return not before.live  # an answer that is continued grows again
        return turn.message.text != before.message.text

    @property
    def _waits(self) -> bool:
        """Nothing of the answer has come yet."""
        return self._turn.live and not self._text.blocks and self._calls is None

    def append(self, delta: str) -> None:
        """More of a growing answer; it is drawn as often as the machine can bear."""
        self._feed(delta)
        if not self._render.isActive():
            pause = max(RENDER_MS, round(RENDER_REST * self._spent_s * 1000))
            self._render.start(0 if not self._text.blocks else pause)

    def set_thoughts(self, thoughts: str, live: bool, seconds: float) -> None:
        """The model's reasoning so far; none for most."""
        if not thoughts:
            return
        if self._reasoning is None:
            self._reasoning = ReasoningView(self._theme, self)
            self._reasoning.height_changed.connect(self.height_changed)
            self._reasoning.link_chosen.connect(self.link_chosen)
            self._reasoning.show()
        self._reasoning.set_thoughts(thoughts, live, seconds)

    def set_calls(self, kept: tuple[str, ...]) -> None:
        """What tools the model asked for so far, each as it is kept; none for most."""
        if self._calls is None:
            if not kept:
                return
            self._calls = ToolCallsView(self._theme, self)
            self._calls.height_changed.connect(self.height_changed)
        self._calls.setVisible(bool(kept))
        self._calls.set_calls(kept)
        self.height_changed.emit()

    def begin_edit(self) -> None:
        """Let the person write the message anew, in its place."""
        if self._edit is not None or self._turn.busy:
            return
        turn = self._turn
        self._edit = EditBox(turn.message.text, self._theme, self, of_answer=not turn.mine)
        self._edit.submitted.connect(self._on_edit_submitted)
        self._edit.cancelled.connect(self._on_edit_cancelled)
        self._edit.height_changed.connect(self.height_changed)
        self._edit.show()
        self._text.hide()
        self._actions.hide()
        self.height_changed.emit()
        self._edit.begin()

    def set_focused(self, focused: bool) -> None:
        """The keyboard is somewhere in here."""
        if focused != self._focused:
            self._focused = focused
            self._actions.set_wanted(focused or self.underMouse())
            self.update()

    def redress(self) -> None:
        """The theme has changed."""
        if self._turn.mine:
            self._show_text(self._turn.message.text)
        else:
            self._text.redress()
        if self._reasoning is not None:
            self._reasoning.redress()
        if self._calls is not None:
            self._calls.redress()
        self._show_note()

    # -- inside -------------------------------------------------------------------------------

    def _show_text(self, text: str, budget_s: float = FIRST_SLICE_S) -> None:
        self._render.stop()
        if self._turn.mine:
            text = self._without_files(text)
            length = shown_length(text)
            left_out = len(text) - length
            more = f"\n\n{self._more(left_out)}" if left_out else ""
            self._text.show_plain(text[:length] + more)
            return
        self._splitter = Splitter()
        self._lines = 0
        self._given = 0
        self._feed(text)
        if not self._turn.live:
            self._splitter.finish()
        self._text.show_blocks(self._blocks(), budget_s)

    def _without_files(self, text: str) -> str:
        """What the person wrote, with a line for each file that went with it."""
        written, files = split(text) if "[File: " in text else (text, ())
        words = self.tr("File: {} ({} characters)")
        lines = [words.format(one.name, QLocale().toString(len(one.text))) for one in files]
        return "\n\n".join(part for part in (written, "\n".join(lines)) if part)

    def _feed(self, text: str) -> None:
        """Hand on as much as is shown."""
        self._given += len(text)
        room = MAX_SHOWN - self._splitter.length
        if room <= 0 or self._lines > MAX_SHOWN_LINES:
            return
        self._lines += text.count("\n")
        self._splitter.feed(text[: min(room, shown_length(text))])

    def _on_render_due(self) -> None:
        began_s = perf_counter()
        self._text.show_blocks(self._blocks())
        self._spent_s = perf_counter() - began_s

    def _finish(self) -> None:
        self._render.stop()
        self._splitter.finish()
        self._text.show_blocks(self._blocks())

    def _blocks(self) -> list[Block]:
        blocks = self._splitter.blocks()
        left_out = self._given - self._splitter.length
        if left_out:
            blocks.append(Prose(f"*{self._more(left_out)}*"))
        return blocks

    def _more(self, left_out: int) -> str:
        number = QLocale().toString(left_out)
        return self.tr("{} more characters are not shown. Copy takes them all.").format(number)

    def _show_note(self) -> None:
        wanted = self._turn.note is not Note.NONE
        if wanted and self._note is None:
            self._note = MessageNote(self._theme, self)
            self._note.chosen.connect(self._on_action)
            self._note.show()
        if self._note is not None:
            self._note.setVisible(wanted)
            if wanted:
                self._note.set_turn(self._turn)

    def _name(self) -> None:
        start = " ".join(self._turn.message.text[:200].split())
        if self._turn.mine:
            name = self.tr("You: {}").format(start)
        else:
            model = self._turn.message.model or self.tr("the model")
            name = self.tr("Answer from {}: {}").format(model, start)
        self.setAccessibleName(name)
        self._text.setAccessibleName(name)

    def _on_action(self, action: str) -> None:
        if action == Action.COPY:
            QGuiApplication.clipboard().setText(self._turn.message.text)
            self._actions.tell_copied()
        elif action == Action.EDIT:
            self.begin_edit()
        else:
            self.asked.emit(action, self._turn.message.id)

    def _on_edit_submitted(self, text: str) -> None:
        self._close_edit()
        self.edited.emit(self._turn.message.id, text)

    def _on_edit_cancelled(self) -> None:
        self._close_edit()
        self._text.setFocus(Qt.FocusReason.OtherFocusReason)

    def _close_edit(self) -> None:
        if self._edit is not None:
            self._edit.hide()
            self._edit.deleteLater()
            self._edit = None
        self._text.show()
        self._actions.show()
        self.height_changed.emit()

    # -- arranging ----------------------------------------------------------------------------

    def layout_for(self, width: int) -> int:
        """Arrange for this width; the height it takes, the row of buttons included."""
        self._width = width
        y = 0
        if self._reasoning is not None:
            tall = self._reasoning.layout_for(width)
            self._reasoning.setGeometry(0, 0, width + 2 * OUTSET, tall)
            y = tall + SIZES.gap_2
        y = self._place_text(y, width)
        if self._calls is not None and not self._calls.isHidden():
            y += SIZES.gap_2 if y else 0
            tall = self._calls.layout_for(width)
            self._calls.setGeometry(0, y, width + 2 * OUTSET, tall)
            y += tall
        if self._note is not None and not self._note.isHidden():
            y += SIZES.gap_2
            tall = self._note.height_for(width)
            self._note.setGeometry(OUTSET, y, width, tall)
            y += tall
        side = OUTSET - SIZES.gap
        self._actions.setGeometry(side, y + SIZES.gap, width + 2 * (OUTSET - side), ROW)
        return y + SIZES.gap + ROW

    def _place_text(self, y: int, width: int) -> int:
        if self._edit is not None:
            tall = self._edit.sizeHint().height()
            self._edit.setGeometry(OUTSET, y, width, tall)
            self._bubble = QRect()
            return y + tall
        if not self._turn.mine:
            tall = self._text.height_for(width)
            empty = not self._text.blocks
            tall = SIZES.gap_6 if self._waits else 0 if empty else tall
            self._text.setGeometry(OUTSET, y, width, tall)
            return y + tall
        pad, pad_y = SIZES.gap_4, SIZES.gap_3 - 2
        room = round(width * BUBBLE_SHARE) - 2 * pad
        inner = self._text.natural_width(room)
        tall = self._text.height_for(inner)
        rtl = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        left = OUTSET + (0 if rtl else width - inner - 2 * pad)
        self._bubble = QRect(left, y, inner + 2 * pad, tall + 2 * pad_y)
        lead = round(self._theme.px(SIZES.body) / 5)  # a line's spare room is above its letters
        self._text.setGeometry(left + pad, y + pad_y - lead, inner, tall)
        self.update()
        return self._bubble.bottom() + 1

    # -- Qt -----------------------------------------------------------------------------------

    def enterEvent(self, event: QEnterEvent) -> None:
        """Show the buttons."""
        self._actions.set_wanted(True)

    def leaveEvent(self, event: object) -> None:
        """Hide them, unless the keyboard is here."""
        self._actions.set_wanted(self._focused)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The bubble of the person's message; dots while nothing has come yet."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._bubble.isEmpty():
            contrast = self._theme.palette.line == self._theme.palette.line_strong
            painter.setPen(QPen(self._theme.color("line" if contrast else "bubble"), 1))
            painter.setBrush(self._theme.color("bubble"))
            box = QRectF(self._bubble).adjusted(0.5, 0.5, -0.5, -0.5)
            painter.drawRoundedRect(box, SIZES.radius, SIZES.radius)
        elif self._waits:
            self._paint_waiting(painter)
        if self._text.hasFocus() and self._text.reached_by_key:
            self._paint_focus(painter)
        painter.end()

    def _paint_focus(self, painter: QPainter) -> None:
        painter.setPen(QPen(self._theme.color("accent"), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        box = self._text.geometry() if self._bubble.isEmpty() else self._bubble
        edge = OUTSET - 2 if self._bubble.isEmpty() else 1
        painter.drawRoundedRect(QRectF(box).adjusted(-edge, 1, edge, 2), SIZES.gap, SIZES.gap)

    def _paint_waiting(self, painter: QPainter) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("text_faint"))
        middle = self._text.y() + SIZES.gap_3
        for number in range(3):
            left = self._text.x() + number * SIZES.gap_3
            painter.drawEllipse(QRectF(left, middle - 2, SIZES.gap + 1, SIZES.gap + 1))
