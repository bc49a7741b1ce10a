"""Keeps Qt itself from writing down what somebody did."""

from __future__ import annotations

import os

from PySide6.QtCore import QSettings


def leave_no_traces() -> None:
    """Give Qt's own settings no place to be written to; call it before there is a dialog.

    Qt's file dialog remembers the folders it was in, in `~/.config/QtProject.conf`, where anybody
    can read them. Source: QFileDialogPrivate::saveSettings; there is no switch for it.
    """
    nowhere = f"{os.devnull}/nowhere"  # nothing can lie below what is no folder
    QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, nowhere)
