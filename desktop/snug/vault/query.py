"""Rows as plain tuples, so that statements stay short and typed where they are used."""

from __future__ import annotations

from typing import Any

import apsw

Value = str | int | float | bytes | None


def fetch(
    connection: apsw.Connection, statement: str, values: tuple[Value, ...] = ()
) -> list[tuple[Any, ...]]:
    """Every row of a statement; it is finished when this returns."""
    return list(connection.execute(statement, values))


def number(connection: apsw.Connection, statement: str, values: tuple[Value, ...] = ()) -> int:
    """The first column of the first row, a number."""
    return int(fetch(connection, statement, values)[0][0])
