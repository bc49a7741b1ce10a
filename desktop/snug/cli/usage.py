"""What is wrong about how a command was called: told in one line, with exit code 2."""

from __future__ import annotations

import argparse
from pathlib import Path

from snug.domain.errors import UserError


class WrongUsageError(UserError):
    """Options that do not go together, or one that is missing."""


def a_path(text: str) -> Path:
    """The path that an argument names. Raises: ArgumentTypeError (it is empty)."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the name of the file is empty")
    return Path(text)
