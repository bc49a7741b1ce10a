"""The tables of what is kept of the Hub, and how the first version's two settings come into them.

`hub_models` is narrow, so that a filter reads little; what is only shown lies in `hub_details`.
Statements are written out here and not shared with the store: a step that was released is never
changed.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from typing import Any

import apsw

from snug.domain.families import family_of
from snug.domain.hub import Category
from snug.domain.licence import LicenceClass
from snug.vault.query import fetch
from snug.vault.rows import storable

_LAST = "hub.trending.last"
_DAYS = "hub.trending.days"
_TABLES = (
    """CREATE TABLE hub_models(
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL COLLATE NOCASE UNIQUE,
        category TEXT NOT NULL,
        family TEXT NOT NULL,
        licence_class TEXT NOT NULL,
        architecture TEXT NOT NULL,
        gated INTEGER NOT NULL,
        runnable INTEGER NOT NULL,
        trending INTEGER NOT NULL,
        downloads INTEGER NOT NULL,
        modified_ms INTEGER NOT NULL,
        context_length INTEGER NOT NULL,
        files_known INTEGER NOT NULL,
        smallest_bytes INTEGER NOT NULL,
        largest_bytes INTEGER NOT NULL,
        seen_ms INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX hub_models_by_trend ON hub_models(trending DESC, downloads DESC, seq)",
    "CREATE INDEX hub_models_by_downloads ON hub_models(downloads DESC, seq)",
    "CREATE INDEX hub_models_by_time ON hub_models(modified_ms DESC, seq)",
    "CREATE INDEX hub_models_by_seen ON hub_models(seen_ms)",
    """CREATE TABLE hub_details(
        model INTEGER PRIMARY KEY REFERENCES hub_models(seq) ON DELETE CASCADE,
        "commit" TEXT NOT NULL,
        likes INTEGER NOT NULL,
        parameter_count INTEGER NOT NULL,
        licence_id TEXT NOT NULL,
        licence_name TEXT NOT NULL,
        licence_link TEXT NOT NULL,
        licence_reason TEXT NOT NULL,
        licence_from TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE hub_bases(
        model INTEGER NOT NULL REFERENCES hub_models(seq) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        base TEXT NOT NULL COLLATE NOCASE,
        PRIMARY KEY(model, position)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX hub_bases_by_base ON hub_bases(base)",
    # `variant` counts the quantizations; -1 are the projectors. `part` counts the shards of one.
    """CREATE TABLE hub_files(
        model INTEGER NOT NULL REFERENCES hub_models(seq) ON DELETE CASCADE,
        variant INTEGER NOT NULL,
        part INTEGER NOT NULL,
        quantization TEXT NOT NULL,
        path TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        PRIMARY KEY(model, variant, part)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE hub_looks(
        seq INTEGER PRIMARY KEY,
        time_ms INTEGER NOT NULL,
        day TEXT NOT NULL,
        scope TEXT NOT NULL,
        models INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX hub_looks_by_day ON hub_looks(scope, day)",
    "CREATE INDEX hub_looks_by_time ON hub_looks(time_ms)",
    # What was said on that day: a model's category or licence may be another one later.
    """CREATE TABLE hub_look_entries(
        look INTEGER NOT NULL REFERENCES hub_looks(seq) ON DELETE CASCADE,
        place INTEGER NOT NULL,
        repository TEXT NOT NULL,
        category TEXT NOT NULL,
        family TEXT NOT NULL,
        licence_class TEXT,
        trending INTEGER NOT NULL,
        downloads INTEGER NOT NULL,
        PRIMARY KEY(look, place)
    ) STRICT, WITHOUT ROWID""",
)


def kept_from_the_hub(connection: apsw.Connection) -> None:
    """3: what the Hub told, as tables: models with their files, and every look.

    The first version kept the last look and a few figures of each day as two JSON settings; they
    are brought over, as far as they can be read, and dropped.
    """
    for statement in _TABLES:
        connection.execute(statement)
    for day, rows in _days(connection):
        _insert_look(connection, _noon_ms(day), day, rows)
    last = _json(connection, _LAST)
    if isinstance(last, dict):
        _bring_last_look(connection, last)
    connection.execute("DELETE FROM settings WHERE name IN (?, ?)", (_LAST, _DAYS))


def _days(connection: apsw.Connection) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    """The days as (day, entries); what makes no sense is passed over."""
    days = _json(connection, _DAYS)
    for day, rows in sorted(days.items()) if isinstance(days, dict) else ():
        entries: list[tuple[Any, ...]] = []
        for row in rows if isinstance(rows, list) else ():
            try:
                name, category, architecture, score, downloads = row
                Category(category)
                family = family_of(str(name), str(architecture))
                numbers = (_fitting(score), _fitting(downloads))
            except (ValueError, TypeError):
                continue
            entries.append((storable(str(name)), str(category), family, None, *numbers))
        if _is_day(day) and entries:
            yield day, entries


def _bring_last_look(connection: apsw.Connection, last: dict[str, Any]) -> None:
    try:
        time_ms = _fitting(last["time_ms"])
        day = datetime.datetime.fromtimestamp(time_ms / 1000, datetime.UTC).date().isoformat()
        models = [one for one in last["repositories"] if _is_model(one)]
    except (ValueError, TypeError, KeyError, OverflowError, OSError):
        return
    entries = []
    for one in models:
        family = family_of(one["id"], one["architecture"], one["base_models"])
        _insert_model(connection, one, family, time_ms)
        entries.append(
            (
                storable(one["id"]),
                one["category"],
                family,
                one["licence"]["licence_class"],
                one["trending_score"],
                one["downloads"],
            )
        )
    if entries:
        # It is the day's own look, told in full.
        connection.execute("DELETE FROM hub_looks WHERE day = ?", (day,))
        _insert_look(connection, time_ms, day, entries)


def _is_model(one: Any) -> bool:
    """Whether a row of the old setting is as that version wrote it."""
    try:
        Category(one["category"])
        LicenceClass(one["licence"]["licence_class"])
        texts = [one["id"], one["category"], one["architecture"], one["commit"]]
        texts += [*one["base_models"], *one["licence"].values()]
        numbers = [one[name] for name in ("downloads", "likes", "trending_score", "modified_ms")]
        numbers += [one["context_length"], one["parameter_count"]]
        files = [*one["projectors"], *(f for v in one["variants"] for f in v["files"])]
        texts += [text for file in files for text in (file["path"], file["sha256"])]
        texts += [variant["quantization"] for variant in one["variants"]]
        numbers += [file["size_bytes"] for file in files]
    except (KeyError, TypeError, AttributeError, ValueError):
        return False
    return all(isinstance(t, str) for t in texts) and all(map(_fits, numbers))


def _fits(number: Any) -> bool:
    """Whether SQLite can hold it: one that it cannot must not keep the vault from opening."""
    return isinstance(number, int) and abs(number) < 2**63


def _fitting(number: Any) -> int:
    if not _fits(number):
        raise ValueError("no number that fits")
    return int(number)


def _insert_model(
    connection: apsw.Connection, one: dict[str, Any], family: str, time_ms: int
) -> None:
    sizes = [sum(file["size_bytes"] for file in v["files"]) for v in one["variants"]]
    licence = one["licence"]
    connection.execute(
        """INSERT OR REPLACE INTO hub_models VALUES(
        NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            *(storable(text) for text in (one["id"], one["category"], family)),
            licence["licence_class"],
            storable(one["architecture"]),
            int(bool(one.get("gated"))),
            int(bool(sizes)),
            one["trending_score"],
            one["downloads"],
            one["modified_ms"],
            one["context_length"],
            int(bool(sizes)),
            min(sizes, default=0),
            max(sizes, default=0),
            time_ms,
        ),
    )
    _insert_details(connection, connection.last_insert_rowid(), one)


def _insert_details(connection: apsw.Connection, seq: int, one: dict[str, Any]) -> None:
    licence = one["licence"]
    told = (licence["id"], licence["name"], licence["link"], licence["reason"])
    connection.execute(
        "INSERT INTO hub_details VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            seq,
            one["commit"],
            one["likes"],
            one["parameter_count"],
            *(storable(text) for text in (*told, licence["inherited_from"])),
        ),
    )
    for position, base in enumerate(one["base_models"]):
        connection.execute("INSERT INTO hub_bases VALUES(?, ?, ?)", (seq, position, storable(base)))
    groups = [(-1, "", one["projectors"])]
    groups += [(i, v["quantization"], v["files"]) for i, v in enumerate(one["variants"])]
    connection.executemany(
        "INSERT INTO hub_files VALUES(?, ?, ?, ?, ?, ?, ?)",
        [
            (seq, variant, part, quantization, storable(f["path"]), f["size_bytes"], f["sha256"])
            for variant, quantization, files in groups
            for part, f in enumerate(files)
        ],
    )


def _insert_look(
    connection: apsw.Connection, time_ms: int, day: str, entries: list[tuple[Any, ...]]
) -> None:
    connection.execute(
        "INSERT INTO hub_looks(time_ms, day, scope, models) VALUES(?, ?, 'gguf', ?)",
        (time_ms, day, len(entries)),
    )
    look = connection.last_insert_rowid()
    connection.executemany(
        "INSERT INTO hub_look_entries VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
        [(look, place, *entry) for place, entry in enumerate(entries)],
    )


def _json(connection: apsw.Connection, name: str) -> Any:
    found = fetch(connection, "SELECT value FROM settings WHERE name = ?", (name,))
    try:
        return json.loads(found[0][0]) if found else None
    except ValueError:
        return None


def _is_day(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _noon_ms(day: str) -> int:
    noon = datetime.datetime.fromisoformat(f"{day}T12:00:00+00:00")
    return round(noon.timestamp() * 1000)
