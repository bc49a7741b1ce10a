"""The only kind of document that text of a model or a stranger is read into."""

from __future__ import annotations

from PySide6.QtCore import QUrl
from PySide6.QtGui import QTextDocument


class InertDocument(QTextDocument):
    """A document that loads nothing, whatever it is asked for."""

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        """Nothing: an answer must not make Snug read a file or open a connection."""
        return None
