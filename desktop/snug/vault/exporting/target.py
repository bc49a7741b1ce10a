"""Writing a file that a person asked for: private, whole or not at all, never over another."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from snug.domain.errors import UserError
from snug.vault.files import os_faults, sync_folder


def write_target(path: Path, fill: Callable[[BinaryIO], None], replace: bool = False) -> None:
    """Write a file of mode 0600 through `fill`; it appears under its name when it is complete.

    Raises:
        UserError: there is a file of this name and `replace` is not set, or no such folder.
        DiskFullError, EnvironmentFault: it could not be written; nothing is left behind.
    """
    if not path.parent.is_dir():
        raise UserError(f"There is no folder {path.parent}. Make it, or choose another.")
    if path.is_dir() or (not replace and os.path.lexists(path)):
        raise UserError(f"{path} is there already. Choose another name, or say to replace it.")
    temporary = path.with_name(f".snug-{secrets.token_hex(6)}.tmp")
    with os_faults(path):
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with os.fdopen(os.open(temporary, flags, 0o600), "w+b") as file:
                fill(file)
                file.flush()
                os.fsync(file.fileno())
            _give_name(temporary, path, replace)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(path.parent)


def _give_name(temporary: Path, path: Path, replace: bool) -> None:
    if replace:
        temporary.replace(path)
        return
    try:
        path.hardlink_to(temporary)  # fails where somebody has made the file in the meantime
    except FileExistsError:
        raise UserError(f"{path} is there already. Choose another name.") from None
    except OSError:  # a file system without links, as on many memory sticks
        if os.path.lexists(path):
            raise UserError(f"{path} is there already. Choose another name.") from None
        temporary.rename(path)
