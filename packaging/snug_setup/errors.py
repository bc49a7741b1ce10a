"""The one error that set-up shows to the user, without a traceback."""

from __future__ import annotations


class SetupError(Exception):
    """Set-up cannot go on; the text says why and what to do."""
