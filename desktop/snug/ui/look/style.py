"""The application's style sheet, made from the tokens.

Fusion draws what is not named here, from the palette. Widgets choose a look by a property
(`kind`, `tone`, `type`), never by a colour of their own.
"""

from __future__ import annotations

from dataclasses import asdict
from string import Template

from snug.ui.look.tokens import SIZES, Palette

_BASE = """
* { outline: none; }
QWidget { color: $text; font-size: ${bar_px}px; }
QMainWindow, QDialog, QWidget[surface="page"] { background: $page; }
QWidget[surface="panel"] { background: $panel; }
QFrame[kind="line"] { background: $line; border: none; max-height: 1px; min-height: 1px; }
QFrame[kind="line_upright"] { background: $line; border: none; max-width: 1px; min-width: 1px; }
QFrame[kind="card"] { background: $panel; border: 1px solid $line; border-radius: ${radius}px; }
QFrame[kind="popup"] { background: $page; border: 1px solid $line_strong;
  border-radius: ${radius}px; }
QToolTip { background: $text; color: $page; border: 1px solid $text; padding: 4px 8px;
  font-size: ${small_px}px; }
QScrollArea, QAbstractScrollArea { background: transparent; border: none; }
QAbstractScrollArea::corner { background: transparent; border: none; }
QScrollArea > QWidget > QWidget { background: transparent; }
"""

_LABELS = """
QLabel { background: transparent; }
QLabel[type="title"] { font-size: ${title_px}px; font-weight: 600; }
QLabel[type="heading"] { font-size: ${heading_px}px; font-weight: 600; }
QLabel[type="code"] { font-size: ${heading_px}px; font-family: monospace; }
QLabel[type="body"] { font-size: ${body_px}px; }
QLabel[type="strong"] { font-size: ${body_px}px; font-weight: 600; }
QLabel[type="label"] { font-size: ${bar_px}px; font-weight: 600; }
QLabel[type="small"] { font-size: ${small_px}px; }
QLabel[tone="soft"] { color: $text_soft; }
QLabel[tone="faint"] { color: $text_faint; }
QLabel[tone="accent"] { color: $accent; }
QLabel[tone="good"] { color: $good; }
QLabel[tone="warn"] { color: $warn; }
QLabel[tone="bad"] { color: $bad; }
QLabel[kind="badge"] { color: $accent; background: $accent_soft; border-radius: 4px;
  padding: 1px 6px; font-size: ${small_px}px; }
"""

_BUTTONS = """
QPushButton, QToolButton { background: $page; border: 1px solid $line_strong;
  border-radius: ${radius}px; padding: 0px 12px; min-height: ${inner}px; }
QPushButton:hover, QToolButton:hover { background: $raised; }
QPushButton:pressed, QToolButton:pressed { background: $line; }
QPushButton:focus, QToolButton:focus { border: 2px solid $accent; padding: 0px 11px;
  min-height: ${inner_focus}px; }
QPushButton:disabled, QToolButton:disabled { color: $text_faint; border-color: $line;
  background: $panel; }
QPushButton::menu-indicator, QToolButton::menu-indicator { image: none; width: 0px; }
QPushButton[kind="primary"] { background: $accent; color: $on_accent; border: 1px solid $accent;
  font-weight: 600; }
QPushButton[kind="primary"]:hover { background: $accent_hover; border-color: $accent_hover; }
QPushButton[kind="primary"]:focus { border: 2px solid $text; }
QPushButton[kind="primary"]:disabled { background: $raised; color: $text_faint;
  border-color: $raised; }
QPushButton[kind="tinted"] { background: $accent_soft; color: $accent;
  border: 1px solid $tinted_line; font-weight: 600; }
QPushButton[kind="tinted"]:hover { border-color: $accent; }
QPushButton[kind="tinted"]:focus { border: 2px solid $accent; }
QPushButton[kind="danger"] { color: $bad; border: 1px solid $bad; background: transparent; }
QPushButton[kind="quiet"], QToolButton[kind="quiet"], QPushButton[kind="row"],
QPushButton[kind="nav"] { background: transparent; border: 2px solid transparent;
  padding: 0px 8px; }
QPushButton[kind="quiet"]:hover, QToolButton[kind="quiet"]:hover, QPushButton[kind="row"]:hover,
QPushButton[kind="nav"]:hover { background: $raised; }
QPushButton[kind="quiet"]:focus, QToolButton[kind="quiet"]:focus, QPushButton[kind="row"]:focus,
QPushButton[kind="nav"]:focus { border: 2px solid $accent; padding: 0px 8px; }
QPushButton[kind="quiet"]:disabled, QToolButton[kind="quiet"]:disabled { background: transparent;
  color: $text_faint; }
QPushButton[kind="nav"] { text-align: left; color: $text_soft; min-height: ${nav}px; }
QPushButton[kind="nav"]:checked { background: $raised; color: $text; font-weight: 600;
  border: 2px solid $raised_line; }
QPushButton[kind="nav"]:checked:focus { border: 2px solid $accent; }
QPushButton[kind="row"] { text-align: left; }
QPushButton[kind="row"]:checked { background: $accent_soft; }
QPushButton[kind="link"] { background: transparent; border: 2px solid transparent; color: $accent;
  padding: 0px 4px; min-height: 20px; font-weight: 600; }
QPushButton[kind="link"]:hover { text-decoration: underline; }
QPushButton[kind="link"]:focus { border: 2px solid $accent; }
QToolButton[kind="icon"] { background: transparent; border: 2px solid transparent; padding: 5px;
  min-height: 0px; }
QToolButton[kind="icon"]:hover { background: $raised; }
QToolButton[kind="icon"]:pressed, QToolButton[kind="icon"]:checked { background: $line; }
QToolButton[kind="icon"]:focus { border: 2px solid $accent; padding: 5px; }
QToolButton[kind="icon"]:disabled { background: transparent; }
QPushButton[kind="segment"] { background: transparent; border: 2px solid transparent;
  border-radius: 6px; min-height: ${segment}px; padding: 0px 12px; color: $text_soft; }
QPushButton[kind="segment"]:hover { color: $text; }
QPushButton[kind="segment"]:checked { background: $page; color: $text;
  border: 1px solid $line_strong; padding: 0px 13px; min-height: ${segment_down}px; }
QPushButton[kind="segment"]:focus { border: 2px solid $accent; }
QPushButton[kind="filter"] { background: transparent; border: 1px solid $line_strong;
  border-radius: ${pill}px; min-height: ${segment}px; padding: 0px 11px; color: $text_soft; }
QPushButton[kind="filter"]:hover { background: $raised; color: $text; }
QPushButton[kind="filter"][on="true"], QPushButton[kind="filter"]:checked {
  background: $accent_soft; color: $accent; border: 1px solid $accent; }
QPushButton[kind="filter"]:focus { border: 2px solid $accent; padding: 0px 10px;
  min-height: ${segment_focus}px; }
QFrame[kind="segments"] { background: $raised; border-radius: ${radius}px; border: none; }
"""

_FIELDS = """
QLineEdit, QPlainTextEdit, QTextEdit { background: $page; border: 1px solid $line_strong;
  border-radius: ${radius}px; padding: 0px 8px; selection-background-color: $accent;
  selection-color: $on_accent; placeholder-text-color: $text_faint; }
QLineEdit { min-height: ${inner}px; }
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus { border: 2px solid $accent;
  padding: 0px 7px; }
QLineEdit:focus { min-height: ${inner_focus}px; }
QLineEdit[kind="inline"] { background: transparent; border: 2px solid transparent;
  padding: 0px 6px; font-size: ${body_px}px; font-weight: 600; min-height: 28px; }
QLineEdit[kind="inline"]:hover { background: $raised; }
QLineEdit[kind="inline"]:focus { border: 2px solid $accent; background: $page;
  padding: 0px 6px; }
QLineEdit[kind="search"] { padding: 0px 2px; }
QLineEdit[kind="search"]:focus { padding: 0px 1px; }
QLineEdit[kind="cell"] { border: 2px solid $accent; padding: 0px 6px; min-height: 0px;
  font-size: ${bar_px}px; }
QLineEdit QToolButton, QLineEdit QToolButton:hover { background: transparent; border: none;
  padding: 0px; min-height: 0px; }
QTextBrowser { background: transparent; border: none; padding: 0px; }
QProgressBar { background: $line; border: none; border-radius: 1px; max-height: 3px;
  min-height: 3px; }
QProgressBar::chunk { background: $accent; border-radius: 1px; }
"""

_LISTS = """
QAbstractItemView { background: transparent; border: none; }
QTableView { selection-background-color: $accent_soft; selection-color: $text; }
QTableView::item { border: none; border-bottom: 1px solid $line; padding: 0px 8px; }
QTableView:focus { border: 2px solid $accent; border-radius: 4px; }
QHeaderView { background: transparent; }
QHeaderView::section { background: transparent; color: $text_faint; border: none;
  border-bottom: 1px solid $line_strong; padding: 0px 8px; font-size: ${small_px}px; }
QMenu { background: $page; border: 1px solid $line_strong; padding: 4px; }
QMenu::item { padding: 7px 24px 7px 12px; border-radius: 6px; }
QMenu::icon { padding-left: 8px; }
QMenu::item:selected { background: $raised; }
QMenu::item:disabled { color: $text_faint; }
QMenu::separator { height: 1px; background: $line; margin: 4px 8px; }
QTableView { border: none; }
QTableView::item { padding: 0px 8px; border-bottom: 1px solid $line; }
QTableView::item:selected { background: $accent_soft; color: $text; }
QTableView:focus { border: 1px solid $accent; }
QHeaderView, QHeaderView::section { background: $page; border: none; color: $text_soft; }
QHeaderView::section { border-bottom: 1px solid $line_strong; padding: 4px 10px; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 0px; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0px; }
QScrollBar::handle { background: $scroll; border-radius: 3px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 32px; }
QScrollBar::handle:horizontal { min-width: 32px; }
QScrollBar::handle:hover { background: $line_strong; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0px; height: 0px; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
"""

_BANNERS = """
QFrame[kind="banner"] { border: none; border-bottom: 1px solid $line; background: $accent_soft; }
QFrame[kind="banner"][level="warn"] { background: $warn_soft; border-bottom: 1px solid $warn; }
QFrame[kind="banner"][level="danger"] { background: $bad_soft; border-bottom: 1px solid $bad; }
QFrame[kind="caution"] { background: $panel; border: 1px solid $raised_line;
  border-radius: ${radius}px; }
QFrame[kind="caution"][level="warn"] { background: $warn_soft; border-color: $warn_soft; }
QFrame[kind="caution"][level="danger"] { background: $bad_soft; border-color: $bad_soft; }
QPlainTextEdit[kind="diff"] { background: $panel; border: 1px solid $line;
  border-radius: ${radius}px; padding: 8px; }
QPlainTextEdit[kind="diff"]:focus { border: 1px solid $accent; }
QFrame[kind="undo"] { background: $text; border-radius: ${radius}px; border: none;
  margin: 0px 8px 8px 8px; }
QFrame[kind="undo"] QLabel { color: $page; }
QFrame[kind="undo"] QPushButton { color: $page; font-weight: 600; background: transparent;
  border: 2px solid transparent; padding: 0px 8px; min-height: 24px; }
QFrame[kind="undo"] QPushButton:hover { text-decoration: underline; }
QFrame[kind="undo"] QPushButton:focus { border: 2px solid $page; }
QFrame[kind="drawer"] { background: $panel; border: none; border-left: 1px solid $line; }
QFrame[kind="drawer"] QTreeWidget { background: transparent; padding: 0px 8px; }
QFrame[kind="drawer"] QTreeWidget::item { min-height: 26px; }
QFrame[kind="drawer"] QTreeWidget::item:selected { background: $accent_soft; color: $text; }
QFrame[kind="drawer"] QScrollArea, QFrame[kind="drawer"] QScrollArea > QWidget > QWidget {
  background: transparent; }
QListWidget[kind="boxed"] { border: 1px solid $line; border-radius: ${radius}px;
  background: $page; }
QListWidget[kind="boxed"]:focus { border: 2px solid $accent; }
QListWidget[kind="boxed"]::item { min-height: 28px; padding: 0px 8px; }
QListWidget[kind="boxed"]::item:selected { background: $accent_soft; color: $text; }
QFrame[kind="drop"] { border: 1px dashed $line_strong; border-radius: ${radius}px;
  background: transparent; }
QFrame[kind="drop"][over="true"] { border: 2px dashed $accent; background: $accent_soft; }
QWidget[kind="scrim"] { background: rgba(0, 0, 0, 110); }
"""


def style_sheet(palette: Palette, scale: float) -> str:
    """The whole style sheet.

    Args:
        palette: the colours in force.
        scale: factor on every type size, 1.0 as designed.
    """
    values: dict[str, str] = {name: str(value) for name, value in asdict(palette).items()}
    for name in ("small", "bar", "body", "heading", "title"):
        values[f"{name}_px"] = str(round(getattr(SIZES, name) * scale))
    control = round(SIZES.control * max(1.0, scale))
    row = round(SIZES.row * max(1.0, scale))
    values["nav"] = str(row - 4)
    values["segment"] = str(row - 6)
    values["segment_down"] = str(row - 4)
    values["segment_focus"] = str(row - 8)
    values["pill"] = str((row - 4) // 2)
    values["inner"] = str(control - 2)
    values["inner_focus"] = str(control - 4)
    values["radius"] = str(SIZES.radius)
    return Template(_BASE + _LABELS + _BUTTONS + _FIELDS + _LISTS + _BANNERS).substitute(values)
