"""The part of the style sheet that only the chat page needs, made from the tokens."""

from __future__ import annotations

from dataclasses import asdict
from string import Template

from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES

SEND_BUTTON = SIZES.gap * 8  # edge, border included
_CHAT = """
QTextBrowser, QTextBrowser:focus { background: transparent; border: none; padding: 0px; }
QToolButton[kind="mini"] { background: transparent; border: 2px solid transparent; padding: 2px;
  border-radius: 6px; min-height: 0px; }
QToolButton[kind="mini"]:hover { background: $raised; }
QToolButton[kind="mini"]:pressed { background: $line; }
QToolButton[kind="mini"]:focus { border: 2px solid $accent; padding: 2px; }
QToolButton[kind="fold"] { background: transparent; border: 2px solid transparent; padding: 0px 4px;
  border-radius: 6px; min-height: 24px; color: $text_soft; font-size: ${bar_px}px; }
QToolButton[kind="fold"]:hover { color: $text; background: $raised; }
QToolButton[kind="fold"]:focus { border: 2px solid $accent; padding: 0px 4px; min-height: 24px; }
QFrame[kind="composer"] { background: $page; border: 1px solid $line_strong;
  border-radius: ${big_radius}px; }
QFrame[kind="composer"][active="true"] { border: 1px solid $accent; }
QPlainTextEdit[kind="composer"], QPlainTextEdit[kind="composer"]:focus { background: transparent;
  border: none; padding: 0px; font-size: ${body_px}px; }
QToolButton[kind="send"], QToolButton[kind="stop"], QToolButton[kind="send"]:focus,
QToolButton[kind="stop"]:focus { border-radius: ${round}px; padding: 0px;
  min-height: ${inner}px; max-height: ${inner}px; }
QToolButton[kind="send"] { background: $accent; border: 2px solid $accent; }
QToolButton[kind="send"]:hover { background: $accent_hover; border-color: $accent_hover; }
QToolButton[kind="send"]:focus { border: 2px solid $text; }
QToolButton[kind="send"]:disabled { background: $raised; border-color: $raised_line; }
QToolButton[kind="stop"] { background: $text; border: 2px solid $text; }
QToolButton[kind="stop"]:focus { border: 2px solid $accent; }
QPushButton[kind="chip"] { background: $page; border: 1px solid $line; border-radius: ${radius}px;
  padding: 8px 16px; color: $text_soft; text-align: left; min-height: 20px; }
QPushButton[kind="chip"]:hover { border-color: $line_strong; color: $text; background: $panel; }
QPushButton[kind="chip"]:focus { border: 2px solid $accent; padding: 7px 15px; min-height: 20px; }
QToolButton[kind="newest"] { background: $page; border: 1px solid $line_strong;
  border-radius: 18px; padding: 0px; min-height: 0px; }
QToolButton[kind="newest"]:hover { background: $raised; }
QToolButton[kind="newest"]:focus { border: 2px solid $accent; padding: 0px; min-height: 0px; }
QFrame[kind="notice"] { background: $warn_soft; border: 1px solid $warn;
  border-radius: ${radius}px; }
QFrame[kind="linkprompt"] { background: $page; border: 1px solid $line_strong;
  border-radius: ${radius}px; }
"""


def chat_style_sheet(theme: Theme) -> str:
    """The chat page's own rules."""
    values: dict[str, str] = {name: str(value) for name, value in asdict(theme.palette).items()}
    values["radius"] = str(SIZES.radius)
    values["big_radius"] = str(SIZES.gap_3)
    values["round"] = str(SEND_BUTTON // 2)
    values["inner"] = str(SEND_BUTTON - 4)
    values["body_px"] = str(theme.px(SIZES.body))
    values["bar_px"] = str(theme.px(SIZES.bar))
    return Template(_CHAT).substitute(values)
