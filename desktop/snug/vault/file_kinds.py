"""Which of Snug's own files something is, so that one that came to the wrong command is sent on."""

from __future__ import annotations

import zipfile
from pathlib import Path

_AGE = (b"age-encryption.org/v1", b"-----BEGIN AGE ENCRYPTED FILE-----")
_ZIP = b"PK\x03\x04"
_OF_A_BACKUP = {"manifest.json", "vault.json", "snug.db"}
_SNUG_JSON = b'"snug-conversations"'
_HEAD = 512


def what_to_do_with(path: Path) -> str:
    """What this file is and which command reads it, in a sentence; "" where Snug does not know."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
        if head.startswith(_AGE):
            return "This is an encrypted archive: snug vault unarchive reads it."
        if _SNUG_JSON in head:
            return "These are exported chats: snug conversations import reads them."
        if not head.startswith(_ZIP):
            return ""
        if not zipfile.is_zipfile(path):
            return "The zip is cut off: it was not copied or downloaded to its end. Get it again."
        with zipfile.ZipFile(path) as archive:
            if set(archive.namelist()) >= _OF_A_BACKUP:
                return "This is a backup of Snug: snug vault restore brings it back."
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError):
        return ""
    return ""
