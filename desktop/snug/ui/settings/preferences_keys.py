"""Names under which the window keeps what a person chose."""

from __future__ import annotations

LANGUAGE = "window.language"  # a code; "" for the system's
SCHEME = "window.scheme"
TEXT_SCALE = "window.text_percent"
GEOMETRY = "window.geometry"  # QByteArray as base64
BAR_SHOWN = "window.bar"  # "1" or "0"
OPEN_CONVERSATION = "window.conversation"  # id; "" once the window has closed in order
