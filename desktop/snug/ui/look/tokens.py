"""Every colour and size of the window, in one place.

No widget holds a literal of its own. Contrast of text on its surface is at least 4.5 : 1 in light
and dark and 7 : 1 in high contrast; of controls 3 : 1 (checked by a test).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scheme(StrEnum):
    """Colour schemes a person can choose; SYSTEM follows the desktop."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"
    CONTRAST = "contrast"


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours as #rrggbb.

    Attributes:
        page: behind the conversation.
        panel: bars, drawers, cards; one step away from the page.
        raised: hover and selected rows, code blocks; the second step.
        raised_line: edge of what is selected; in high contrast a shape, else not seen.
        bubble: the person's message.
        line: hairlines. `line_strong`: borders of controls (3 : 1 on page and panel).
        text, text_soft, text_faint: the three greys of writing; all readable.
        accent: links, focus ring, send. `on_accent`: text on it. `accent_soft`: its tint.
        accent_hover: `accent` under the pointer. `tinted_line`: border of a tinted button.
        scroll: the handle of a scroll bar. `shadow`: under what lies over the page.
        good, warn, bad: fits, tight, does not fit; each is also told by a word or a shape.
        warn_soft, bad_soft: their tints, behind a banner.
        code_*: syntax colours on `raised`.
    """

    page: str
    panel: str
    raised: str
    raised_line: str
    bubble: str
    line: str
    line_strong: str
    text: str
    text_soft: str
    text_faint: str
    accent: str
    on_accent: str
    accent_soft: str
    accent_hover: str
    tinted_line: str
    scroll: str
    shadow: str
    good: str
    warn: str
    bad: str
    warn_soft: str
    bad_soft: str
    code_keyword: str
    code_string: str
    code_comment: str
    code_number: str
    code_name: str


LIGHT = Palette(
    page="#ffffff",
    panel="#f6f6f4",
    raised="#ecece8",
    raised_line="#ecece8",
    bubble="#eef1ee",
    line="#e2e2dd",
    line_strong="#8d8d85",
    text="#1d1e1c",
    text_soft="#51534f",
    text_faint="#666863",
    accent="#2f6b4f",
    on_accent="#ffffff",
    accent_soft="#e3eee8",
    accent_hover="#275a43",
    tinted_line="#c4d9ce",
    scroll="#c9c9c3",
    shadow="#000000",
    good="#2f6b4f",
    warn="#8a5a00",
    bad="#b3261e",
    warn_soft="#fbf1dc",
    bad_soft="#fbe9e7",
    code_keyword="#7b3fa0",
    code_string="#2f6b4f",
    code_comment="#5f625b",
    code_number="#9a4a00",
    code_name="#1f5fa8",
)

DARK = Palette(
    page="#191a19",
    panel="#202221",
    raised="#2b2d2c",
    raised_line="#2b2d2c",
    bubble="#29302c",
    line="#323533",
    line_strong="#6b706c",
    text="#ececea",
    text_soft="#bfc1bd",
    text_faint="#a0a39e",
    accent="#8cc7a8",
    on_accent="#10231a",
    accent_soft="#24352c",
    accent_hover="#a5d6bc",
    tinted_line="#3a5346",
    scroll="#4a4e4b",
    shadow="#000000",
    good="#8cc7a8",
    warn="#e2b666",
    bad="#f2938b",
    warn_soft="#362c18",
    bad_soft="#3a2220",
    code_keyword="#cfa5ea",
    code_string="#9ed3b4",
    code_comment="#a0a39e",
    code_number="#eab676",
    code_name="#9cc4f2",
)

CONTRAST = Palette(
    page="#000000",
    panel="#000000",
    raised="#141414",
    raised_line="#ffffff",
    bubble="#141414",
    line="#ffffff",
    line_strong="#ffffff",
    text="#ffffff",
    text_soft="#ffffff",
    text_faint="#e6e6e6",
    accent="#ffe14d",
    on_accent="#000000",
    accent_soft="#2b2600",
    accent_hover="#fff0a3",
    tinted_line="#ffe14d",
    scroll="#ffffff",
    shadow="#000000",
    good="#7cff9b",
    warn="#ffd24d",
    bad="#ffa8a0",
    warn_soft="#2b2200",
    bad_soft="#2b0a08",
    code_keyword="#ffb3ff",
    code_string="#7cff9b",
    code_comment="#e6e6e6",
    code_number="#ffd24d",
    code_name="#9fd0ff",
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Lengths in logical pixels, multiples of 4; type sizes from one scale."""

    small: int = 12
    bar: int = 13
    body: int = 15
    heading: int = 18
    title: int = 24
    line_height: float = 1.5
    gap: int = 4
    gap_2: int = 8
    gap_3: int = 12
    gap_4: int = 16
    gap_6: int = 24
    radius: int = 8
    sidebar: int = 264
    sidebar_growth: float = 1.5  # most that large text may widen it
    page_narrow: int = 520
    popup: int = 360
    drawer: int = 320
    drawer_needs: int = 480  # width that the chat beside it needs
    shadow: int = 24
    dialog: int = 400
    page_top: int = 40  # above the title of a page
    title_max: int = 560  # of the title in the page header
    window_width: int = 1280
    window_height: int = 800
    window_least_width: int = 480
    window_least_height: int = 400
    column: int = 760
    wide_column: int = 920  # of lists with facts at both ends
    fold_below: int = 900
    control: int = 36  # height of buttons and fields
    row: int = 32  # height of places and segments
    icon: int = 18
    icon_small: int = 16


SIZES = Sizes()
UNDO_MS = 8_000  # how long a removal can be undone
HUB_PAUSE_MS = 600  # after the last key, before the Hub is asked
SEARCH_PAUSE_MS = 120  # after the last key, before a search begins
REFRESH_MS = 100  # a list that changes often is read again at most so often
SHADOW_ALPHA = 60  # of 255
