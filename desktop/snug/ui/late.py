"""Views of other parts, made only where they are there: the window does without any of them."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QWidget


def late_view(module: str, name: str, *parts: Any) -> QWidget | None:
    """A view by its module and class; None where a part that it shows is None, or there is none.

    Args:
        parts: what it is made with, in order.
    """
    if any(part is None for part in parts) or importlib.util.find_spec(module) is None:
        return None
    made = getattr(importlib.import_module(module), name)(*parts)
    return made if isinstance(made, QWidget) else None


def connect_view(view: QWidget | None, signal: str, slot: Callable[..., object]) -> None:
    """Follow a signal of a view, where the view is there and has it."""
    found = getattr(view, signal, None)
    if found is not None:
        found.connect(slot)


def refresh_view(view: QWidget | None) -> None:
    """Bring a view up to date, where it is there and can be."""
    refresh = getattr(view, "refresh", None)
    if refresh is not None:
        refresh()
