"""What was seen of the Hub, kept: the models in one table to filter and page, and every look.

Nothing here is a secret that others know, but which models a person looks for is theirs, so it lies
in the encrypted database. It can all be asked for again, so nothing is synced. Both are bounded:
models that were not seen for longest go first, old looks are thinned to one a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import apsw

from snug.domain.hub import Order, Repository
from snug.domain.trends import DAY_MS, Dimension, Filter, Page, Scope, Tally, day_of, family
from snug.vault import catalogue_rows as rows
from snug.vault.database import Database
from snug.vault.query import Value, fetch, number
from snug.vault.rows import storable
from snug.vault.writer import Writer

MAX_MODELS: Final = 50_000
MAX_LOOK_DAYS: Final = 400
MAX_LOOKS: Final = 4_000  # of one page each
_THIN_AFTER_DAYS: Final = 30
_AT_ONCE: Final = 100  # models in one transaction; between two, a conversation may be written
_MAX_WORDS: Final = 8
_ORDERS: Final = {
    Order.TRENDING: "trending DESC, downloads DESC, seq",
    Order.DOWNLOADS: "downloads DESC, seq",
    Order.NEWEST: "modified_ms DESC, seq",
}
# The + keeps SQLite from walking an index in this order: where few models fit, it would look up all
# of 50,000 one by one (120 ms); reading the narrow table through takes 10 ms.
_SCANNED: Final = {order: f"+{columns}" for order, columns in _ORDERS.items()}
_COLUMNS: Final = {
    Dimension.CATEGORY: "category",
    Dimension.FAMILY: "family",
    Dimension.LICENCE: "licence_class",
}


class ModelCatalogue:
    """The kept models and looks of a vault. Any thread; writes wait for the vault's writer.

    Raises (all methods): `VaultDamagedError`, `DiskFullError`, `EnvironmentFault`.
    """

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    # -- models -------------------------------------------------------------------------------

    def keep(self, repositories: Sequence[Repository], time_ms: int) -> None:
        """Store or update models; what a fuller answer told of one earlier stays."""
        for start in range(0, len(repositories), _AT_ONCE):
            some = repositories[start : start + _AT_ONCE]
            self._writer.run(lambda some=some: self._keep(some, time_ms))  # type: ignore[misc]

    def models(self, wanted: Filter, offset: int, limit: int) -> tuple[Repository, ...]:
        """A page of those that fit, in the query's order, with their files."""
        where, values = _where(wanted)
        order = (_SCANNED if values else _ORDERS)[wanted.query.order]
        with self._database.reading() as connection:
            found = fetch(
                connection,
                f"SELECT seq FROM hub_models WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?",  # noqa: S608
                (*values, limit, offset),
            )
            return rows.by_seq(connection, [int(row[0]) for row in found])

    def count(self, wanted: Filter) -> int:
        """How many fit."""
        where, values = _where(wanted)
        with self._database.reading() as connection:
            return number(connection, f"SELECT count(*) FROM hub_models WHERE {where}", values)  # noqa: S608

    def model(self, identifier: str) -> Repository | None:
        """One by its name; None where it is not kept."""
        with self._database.reading() as connection:
            return rows.by_id(connection, identifier)

    def architectures(self) -> tuple[tuple[str, int], ...]:
        """The architectures of the kept models and how many have each, most frequent first."""
        with self._database.reading() as connection:
            return tuple(
                (str(name), int(count))
                for name, count in fetch(
                    connection,
                    """SELECT architecture, count(*) FROM hub_models WHERE architecture != ''
                    GROUP BY 1 ORDER BY 2 DESC, 1""",
                )
            )

    def made_from(self, identifier: str) -> tuple[str, ...]:
        """The kept models with a GGUF that state to be made from this one, most loaded first."""
        with self._database.reading() as connection:
            return tuple(
                str(row[0])
                for row in fetch(
                    connection,
                    """SELECT m.id FROM hub_bases b JOIN hub_models m ON m.seq = b.model
                    WHERE b.base = ? AND m.runnable ORDER BY m.downloads DESC, m.seq LIMIT 20""",
                    (storable(identifier),),
                )
            )

    # -- looks --------------------------------------------------------------------------------

    def keep_look(self, time_ms: int, pages: Sequence[Page], *, whole: bool) -> None:
        """Keep a look with all that it showed, in one transaction.

        Args:
            whole: it read all pages, so that what it did not show trends no more.
        """
        self._writer.run(lambda: self._keep_look(time_ms, pages, whole))

    def last_look(self, scopes: Sequence[Scope]) -> tuple[int, tuple[Repository, ...]] | None:
        """When the newest look at one of these pages was, and what it showed, each model once."""
        marks = ", ".join("?" * len(scopes))
        with self._database.reading() as connection:
            newest = number(
                connection,
                f"SELECT coalesce(max(time_ms), -1) FROM hub_looks WHERE scope IN ({marks})",  # noqa: S608
                tuple(scope.value for scope in scopes),
            )
            if newest < 0:
                return None
            found = fetch(
                connection,
                """SELECT m.seq, max(e.trending) FROM hub_looks l
                JOIN hub_look_entries e ON e.look = l.seq
                JOIN hub_models m ON m.id = e.repository
                WHERE l.time_ms = ? GROUP BY m.seq ORDER BY 2 DESC, min(e.place), m.seq""",
                (newest,),
            )
            return newest, rows.by_seq(connection, [int(row[0]) for row in found])

    def look_times(self, scope: Scope, since_ms: int) -> tuple[int, ...]:
        """When that page was looked at, oldest first, UTC milliseconds."""
        with self._database.reading() as connection:
            found = fetch(
                connection,
                "SELECT time_ms FROM hub_looks WHERE scope = ? AND time_ms >= ? ORDER BY time_ms",
                (scope.value, since_ms),
            )
            return tuple(int(row[0]) for row in found)

    def tallies(self, by: Dimension, scope: Scope, since_day: str) -> tuple[Tally, ...]:
        """One tally for each day with a look at that page, oldest first: of the fullest, latest."""
        column = _COLUMNS[by]
        with self._database.reading() as connection:
            found = fetch(
                connection,
                f"""WITH chosen AS (
                    SELECT seq, day, row_number() OVER (
                        PARTITION BY day ORDER BY models DESC, time_ms DESC) AS turn
                    FROM hub_looks WHERE scope = ? AND day >= ?)
                SELECT c.day, e.{column}, count(*) FROM chosen c
                JOIN hub_look_entries e ON e.look = c.seq
                WHERE c.turn = 1 AND e.{column} IS NOT NULL GROUP BY 1, 2 ORDER BY 1""",  # noqa: S608
                (scope.value, since_day),
            )
        days: dict[str, dict[str, int]] = {}
        for day, name, count in found:
            days.setdefault(str(day), {})[str(name)] = int(count)
        return tuple(Tally(day, sum(counts.values()), counts) for day, counts in days.items())

    # -- writer's thread ----------------------------------------------------------------------

    def _keep(self, repositories: Sequence[Repository], time_ms: int) -> None:
        with self._database.writing() as connection:
            for one in repositories:
                rows.put(connection, one, time_ms)
            _bound_models(connection)

    def _keep_look(self, time_ms: int, pages: Sequence[Page], whole: bool) -> None:
        with self._database.writing() as connection:
            for page in pages:
                for one in page.repositories:
                    rows.put(connection, one, time_ms)
                _put_look(connection, time_ms, page)
            if whole:
                connection.execute(
                    "UPDATE hub_models SET trending = 0 WHERE trending > 0 AND seen_ms < ?",
                    (time_ms,),
                )
            _bound_models(connection)
            _bound_looks(connection, time_ms)


def _put_look(connection: apsw.Connection, time_ms: int, page: Page) -> None:
    connection.execute(
        "INSERT INTO hub_looks(time_ms, day, scope, models) VALUES(?, ?, ?, ?)",
        (time_ms, day_of(time_ms), page.scope.value, len(page.repositories)),
    )
    look = connection.last_insert_rowid()
    connection.executemany(
        "INSERT INTO hub_look_entries VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                look,
                place,
                storable(one.id),
                one.category.value,
                family(one),
                one.licence.licence_class.value,
                one.trending_score,
                one.downloads,
            )
            for place, one in enumerate(page.repositories)
        ],
    )


def _bound_models(connection: apsw.Connection) -> None:
    over = number(connection, "SELECT count(*) FROM hub_models") - MAX_MODELS
    if over > 0:
        connection.execute(
            """DELETE FROM hub_models WHERE seq IN
            (SELECT seq FROM hub_models ORDER BY seen_ms, seq LIMIT ?)""",
            (over,),
        )


def _bound_looks(connection: apsw.Connection, now_ms: int) -> None:
    """Old looks go; of the last year's days one look of each page stays, the fullest."""
    connection.execute(
        "DELETE FROM hub_looks WHERE time_ms < ?", (now_ms - MAX_LOOK_DAYS * DAY_MS,)
    )
    connection.execute(
        """DELETE FROM hub_looks WHERE seq IN (SELECT seq FROM (
            SELECT seq, row_number() OVER (
                PARTITION BY scope, day ORDER BY models DESC, time_ms DESC) AS turn
            FROM hub_looks WHERE time_ms < ?) WHERE turn > 1)""",
        (now_ms - _THIN_AFTER_DAYS * DAY_MS,),
    )
    connection.execute(
        """DELETE FROM hub_looks WHERE seq IN
        (SELECT seq FROM hub_looks ORDER BY time_ms DESC, seq DESC LIMIT -1 OFFSET ?)""",
        (MAX_LOOKS,),
    )


def _where(wanted: Filter) -> tuple[str, tuple[Value, ...]]:
    """The condition of a filter and what its marks stand for."""
    query = wanted.query
    exact: list[tuple[str, Value]] = []
    for column, value in (
        ("category = ?", query.category.value if query.category else None),
        ("licence_class = ?", query.licence_class.value if query.licence_class else None),
        ("gated = ?", None if query.gated is None else int(query.gated)),
        ("runnable = ?", None if wanted.runnable is None else int(wanted.runnable)),
        ("context_length >= ?", query.min_context or None),
    ):
        if value is not None:
            exact.append((column, value))
    for word in query.text.split()[:_MAX_WORDS]:
        plain = storable(word).replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
        exact.append((r"id LIKE ? ESCAPE '\'", f"%{plain}%"))
    conditions, values = [c for c, _ in exact], [v for _, v in exact]
    if wanted.architectures:
        conditions.append(
            f"architecture COLLATE NOCASE IN ({', '.join('?' * len(wanted.architectures))})"
        )
        values += sorted(storable(name) for name in wanted.architectures)
    if wanted.min_bytes or wanted.max_bytes:
        conditions.append("largest_bytes >= ?")
        values.append(max(1, wanted.min_bytes))
    if wanted.max_bytes:
        conditions.append("smallest_bytes <= ?")
        values.append(wanted.max_bytes)
    if wanted.min_bytes and wanted.max_bytes:
        conditions.append(
            """(smallest_bytes >= ? OR largest_bytes <= ? OR EXISTS (
            SELECT 1 FROM hub_files f WHERE f.model = hub_models.seq
            AND f.variant >= 0 GROUP BY f.variant HAVING sum(f.size_bytes) BETWEEN ? AND ?))"""
        )
        values += [wanted.min_bytes, wanted.max_bytes] * 2
    return " AND ".join(conditions) or "1", tuple(values)
