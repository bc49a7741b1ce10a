"""What was copied from Snug leaves the clipboard when the chats are locked."""

from __future__ import annotations

from PySide6.QtGui import QClipboard


def forget_copied(clipboard: QClipboard) -> None:
    """Empty the clipboard where what is in it came from this program; what others put stays."""
    if clipboard.ownsClipboard():
        clipboard.clear(QClipboard.Mode.Clipboard)
    if clipboard.supportsSelection() and clipboard.ownsSelection():
        clipboard.clear(QClipboard.Mode.Selection)
