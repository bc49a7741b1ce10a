"""How SQLite is told the key of a file."""

from __future__ import annotations

import apsw

from snug.vault.data_key import DataKey, wipe

CIPHER = "chacha20"


def apply_key(connection: apsw.Connection, key: DataKey) -> None:
    """Give a fresh connection the cipher and the key, before anything else.

    SQLite says "ok" to a wrong key too; only a read tells.
    """
    connection.execute(f"PRAGMA cipher='{CIPHER}'")
    digits = key.raw.hex()
    statement = f"PRAGMA key='raw:{digits}'"
    try:
        # Uncached, so that the statement with the key does not stay in memory.
        connection.execute(statement, can_cache=False)
    finally:
        wipe(statement)
        wipe(digits)
