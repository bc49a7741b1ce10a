"""What is kept of the Hub, in the real encrypted database."""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.vault.conftest import Home
from tests.vault.helpers import bytes_of, forms

from snug.domain.hub import Category, Order, Query, RemoteFile, Repository, Variant
from snug.domain.licence import LicenceClass, classify, resolve
from snug.domain.licence import LicenceFacts as Facts
from snug.domain.trends import DAY_MS, Dimension, Filter, Page, Scope
from snug.vault import catalogue as room
from snug.vault.catalogue import ModelCatalogue
from snug.vault.connecting import connect
from snug.vault.data_key import DataKey
from snug.vault.database import FILE_NAME, Database
from snug.vault.files import create_private
from snug.vault.migrations import STEPS, migrate
from snug.vault.query import fetch, number
from snug.vault.vault import Vault

DAY = 20_000  # days since the epoch


def repository(name: str = "m/x", **more: Any) -> Repository:
    values: dict[str, Any] = {"category": Category.TEXT, "licence": classify("mit")}
    return Repository(id=name, **(values | more))


def variant(label: str, *sizes: int) -> Variant:
    return Variant(label, tuple(RemoteFile(f"{label}-{n}.gguf", n, "f" * 64) for n in sizes))


FULL = repository(
    "m/full",
    category=Category.CODE,
    commit="c" * 40,
    gated=True,
    downloads=7,
    likes=3,
    trending_score=5,
    context_length=8192,
    architecture="qwen2",
    parameter_count=10**9,
    base_models=("m/base", "m/other"),
    variants=(variant("Q4_0", 500), variant("Q8_0", 600, 400)),
    projectors=(RemoteFile("mmproj.gguf", 30),),
    modified_ms=1234,
)


@pytest.fixture
def kept(vault: Vault) -> ModelCatalogue:
    return vault.catalogue


def names(kept: ModelCatalogue, **more: Any) -> list[str]:
    bounds = {name: more.pop(name) for name in tuple(more) if name not in Query.__slots__}
    wanted = Filter(Query(**more), **bounds)
    found = [one.id for one in kept.models(wanted, 0, 100)]
    assert kept.count(wanted) == len(found)
    return found


def test_a_model_comes_back_whole(kept: ModelCatalogue, home: Home, vault: Vault) -> None:
    kept.keep([FULL], 1)
    assert kept.model("M/FULL") == FULL
    vault.close()
    with_new_process = home.open()
    assert with_new_process.catalogue.model("m/full") == FULL
    with_new_process.close()


def test_a_listing_does_not_forget_what_was_known_in_full(kept: ModelCatalogue) -> None:
    inherited = resolve(
        "m/full",
        lambda name: (
            Facts("mit", base_models=()) if "base" in name else Facts(base_models=("m/base",))
        ),
    )
    kept.keep([replace(FULL, licence=inherited)], 1)
    listed = repository("m/full", licence=classify(""), downloads=99, commit="d" * 40)
    kept.keep([listed], 2)
    found = kept.model("m/full")
    assert found is not None
    assert (found.downloads, found.commit, found.variants) == (99, FULL.commit, FULL.variants)
    assert found.licence.inherited_from == "m/base"
    newer = replace(FULL, variants=(variant("Q2_K", 100),), commit="e" * 40)
    kept.keep([newer], 3)
    assert kept.model("m/full") == newer


def test_a_licence_that_is_stated_no_longer_does_not_stay(kept: ModelCatalogue) -> None:
    inherited = replace(classify("mit"), inherited_from="m/base")
    kept.keep([repository("m/own"), repository("m/from", licence=inherited)], 1)
    kept.keep(
        [repository("m/own", licence=classify("")), repository("m/from", licence=classify(""))], 2
    )
    assert names(kept, licence_class=LicenceClass.COMMERCIAL) == ["m/from"]


def test_filters(kept: ModelCatalogue) -> None:
    kept.keep(
        [
            FULL,
            repository("m/Plain", downloads=9),
            repository("n/research_1", licence=classify("cc-by-nc-4.0"), context_length=4096),
            repository("n/Large", architecture="llama", variants=(variant("Q4_0", 9000),)),
            repository("n/video", category=Category.VIDEO, licence=classify("gemma")),
        ],
        1,
    )
    assert names(kept, category=Category.CODE) == ["m/full"]
    assert names(kept, licence_class=LicenceClass.RESEARCH) == ["n/research_1"]
    assert names(kept, gated=True) == ["m/full"]
    assert len(names(kept, gated=False)) == 4
    assert names(kept, text="FULL m/") == ["m/full"]
    assert names(kept, text="_") == ["n/research_1"]
    assert names(kept, text="%") == []
    assert names(kept, min_context=4097) == ["m/full"]
    assert set(names(kept, architectures=frozenset({"llama", "qwen2"}))) == {"m/full", "n/Large"}
    assert set(names(kept, runnable=True)) == {"m/full", "n/Large"}
    assert len(names(kept)) == 5


def test_a_size_is_that_of_one_of_the_files(kept: ModelCatalogue) -> None:
    kept.keep([FULL, repository("m/listed", parameter_count=1000), repository("m/unknown")], 1)
    assert names(kept, max_bytes=500) == ["m/full"]
    assert set(names(kept, max_bytes=700)) == {"m/full", "m/listed"}
    assert names(kept, min_bytes=1000) == ["m/full"]
    assert names(kept, min_bytes=700, max_bytes=900) == []  # 500 and 1,000 bytes: none between


def test_orders_and_pages(kept: ModelCatalogue) -> None:
    kept.keep(
        [
            repository(f"m/{n}", trending_score=n % 2, downloads=n, modified_ms=-n % 7)
            for n in range(6)
        ],
        1,
    )
    assert names(kept, order=Order.TRENDING) == ["m/5", "m/3", "m/1", "m/4", "m/2", "m/0"]
    assert names(kept, order=Order.DOWNLOADS) == [f"m/{n}" for n in range(5, -1, -1)]
    assert names(kept, order=Order.NEWEST) == ["m/1", "m/2", "m/3", "m/4", "m/5", "m/0"]
    wanted = Filter(Query(order=Order.DOWNLOADS))
    assert [one.id for one in kept.models(wanted, 2, 2)] == ["m/3", "m/2"]
    assert kept.models(wanted, 6, 2) == ()


def test_the_models_that_were_not_seen_for_longest_go(
    kept: ModelCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MAX_MODELS", 3)
    for n in range(5):
        kept.keep([replace(FULL, id=f"m/{n}")], n)
        kept.keep([replace(FULL, id="m/0")], n)
    assert set(names(kept)) == {"m/0", "m/3", "m/4"}


def test_what_was_made_from_a_model_is_found_by_it(kept: ModelCatalogue) -> None:
    kept.keep([FULL, replace(FULL, id="m/more", downloads=99), repository("m/no-gguf")], 1)
    assert kept.made_from("M/Base") == ("m/more", "m/full")
    assert kept.made_from("m/full") == ()
    assert kept.architectures() == (("qwen2", 2),)


def look(kept: ModelCatalogue, day: int, *counts: int, hour: int = 12, whole: bool = True) -> None:
    """A look at the whole field, with so many text, code and video models."""
    kinds = (Category.TEXT, Category.CODE, Category.VIDEO)
    found = [
        repository(f"m/{kind.value}{n}", category=kind, trending_score=100 - n)
        for kind, count in zip(kinds, counts, strict=False)
        for n in range(count)
    ]
    page = Page(Scope.FIELD, tuple(found))
    kept.keep_look((DAY + day) * DAY_MS + hour * 3_600_000, [page], whole=whole)


def test_the_fullest_look_of_a_day_is_counted(kept: ModelCatalogue) -> None:
    look(kept, 0, 3, 1)
    look(kept, 0, 1, hour=13)
    look(kept, 1, 2, 2)
    found = kept.tallies(Dimension.CATEGORY, Scope.FIELD, "2024-01-01")
    assert [(t.total, t.counts) for t in found] == [
        (4, {"text": 3, "code": 1}),
        (4, {"text": 2, "code": 2}),
    ]
    assert [t.day for t in found] == sorted(t.day for t in found)
    assert len(kept.tallies(Dimension.CATEGORY, Scope.FIELD, found[1].day)) == 1
    assert kept.tallies(Dimension.CATEGORY, Scope.RUNNABLE, "2024-01-01") == ()
    (family, _) = kept.tallies(Dimension.FAMILY, Scope.FIELD, "2024-01-01")
    assert family.counts == {"other": 4}
    (licence, _) = kept.tallies(Dimension.LICENCE, Scope.FIELD, "2024-01-01")
    assert licence.counts == {"commercial": 4}


def test_the_last_look_comes_back_in_the_order_of_the_hub(kept: ModelCatalogue) -> None:
    assert kept.last_look([Scope.FIELD]) is None
    look(kept, 0, 2, 2)
    look(kept, 1, 2, 1)
    found = kept.last_look([Scope.FIELD])
    assert found is not None
    time_ms, models = found
    assert time_ms == (DAY + 1) * DAY_MS + 12 * 3_600_000
    assert [one.id for one in models] == ["m/text0", "m/code0", "m/text1"]
    assert kept.look_times(Scope.FIELD, time_ms) == (time_ms,)


def test_what_a_whole_look_does_not_show_trends_no_more(kept: ModelCatalogue) -> None:
    look(kept, 0, 1, 1)
    look(kept, 1, 1, whole=False)
    assert [one.trending_score for one in kept.models(Filter(Query()), 0, 9)] == [100, 100]
    look(kept, 2, 1)
    found = kept.models(Filter(Query()), 0, 9)
    assert [(one.id, one.trending_score) for one in found] == [("m/text0", 100), ("m/code0", 0)]


def test_old_looks_are_thinned_to_one_a_day_and_then_go(
    kept: ModelCatalogue, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in (0, 5, 380):
        look(kept, day, 1, hour=8)
        look(kept, day, 2, hour=9)
        look(kept, day, 1, hour=10)
    look(kept, 404, 1)
    days = kept.look_times(Scope.FIELD, 0)
    assert [(t // DAY_MS - DAY, t // 3_600_000 % 24) for t in days] == [
        (5, 9),
        (380, 8),
        (380, 9),
        (380, 10),
        (404, 12),
    ]
    monkeypatch.setattr(room, "MAX_LOOKS", 2)
    look(kept, 404, 1, hour=13)
    assert len(kept.look_times(Scope.FIELD, 0)) == 2
    with vault._database.reading() as connection:
        assert number(connection, "SELECT count(*) FROM hub_look_entries") == 2


def test_nothing_of_it_lies_open_on_the_disk(home: Home) -> None:
    vault = home.open()
    vault.catalogue.keep([repository("m/cranberry-secret")], 1)
    vault.catalogue.keep_look(
        1, [Page(Scope.FIELD, (repository("m/cranberry-secret"),))], whole=True
    )
    wanted = list(forms("cranberry-secret"))
    for path, body in bytes_of(home.folder):
        assert not any(form in body for form in wanted), path
    vault.close()


def test_a_page_of_5_000_kept_models_takes_at_most_20_ms(kept: ModelCatalogue) -> None:
    labels = [variant(f"Q{n}", n * 10**9) for n in range(2, 22)]
    kinds = tuple(Category)
    kept.keep(
        [
            replace(FULL, id=f"m/{n}", category=kinds[n % 8], downloads=n, variants=tuple(labels))
            for n in range(5000)
        ],
        1,
    )
    for wanted in (
        Filter(Query()),
        Filter(Query(text="4", category=Category.CODE)),
        Filter(Query(order=Order.DOWNLOADS, gated=True), max_bytes=4 * 10**9),
    ):
        taken = []
        for _ in range(9):
            start = time.perf_counter()
            assert len(kept.models(wanted, 0, 50)) == 50
            kept.count(wanted)
            taken.append(time.perf_counter() - start)
        assert statistics.median(taken) <= 0.02


# -- the first version's settings ---------------------------------------------------------------


def old_row(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "category": "code",
        "licence": {
            "id": "mit",
            "licence_class": "commercial",
            "reason": "r",
            "name": "",
            "link": "",
            "inherited_from": "m/base",
        },
        "commit": "c" * 40,
        "gated": True,
        "downloads": 7,
        "likes": 1,
        "trending_score": 9,
        "context_length": 8192,
        "architecture": "qwen2",
        "parameter_count": 5,
        "base_models": ["m/base"],
        "variants": [
            {"quantization": "Q4", "files": [{"path": "a", "size_bytes": 5, "sha256": "f"}]}
        ],
        "projectors": [{"path": "p", "size_bytes": 2, "sha256": ""}],
        "modified_ms": 3,
    } | more


def opened_from(tmp_path: Path, settings: dict[str, str]) -> Database:
    """A vault of the format before, with these settings, brought up to date."""
    key = DataKey.random()
    path = tmp_path / FILE_NAME
    create_private(path)
    connection = connect(str(path), key, path=path)
    migrate(connection, path, back_up=None, steps=STEPS[:2])
    for name, value in settings.items():
        connection.execute("INSERT INTO settings VALUES(?, ?)", (name, value))
    connection.close()
    (tmp_path / "vault.json").write_text("{}")  # a backup takes it along
    return Database.open(tmp_path, key)


def test_the_old_looks_are_brought_over_and_dropped(tmp_path: Path) -> None:
    time_ms = DAY * DAY_MS + 5000
    days = {
        "2024-10-03": [["m/a", "text", "llama", 5, 50], ["m/b", "code", "gemma3", 4, 40]],
        "2024-10-04": [["m/full", "code", "qwen2", 9, 7]],
    }
    last = {"time_ms": time_ms, "repositories": [old_row("m/full")]}
    database = opened_from(
        tmp_path,
        {"hub.trending.last": json.dumps(last), "hub.trending.days": json.dumps(days), "word": "x"},
    )
    kept = ModelCatalogue(database, None)  # type: ignore[arg-type] # it only reads
    found = kept.last_look([Scope.RUNNABLE])
    assert found is not None
    assert found[0] == time_ms
    (model,) = found[1]
    assert (model.id, model.licence.inherited_from) == ("m/full", "m/base")
    assert model.variants == (Variant("Q4", (RemoteFile("a", 5, "f"),)),)
    assert model.projectors == (RemoteFile("p", 2),)
    families = kept.tallies(Dimension.FAMILY, Scope.RUNNABLE, "2024-01-01")
    assert [(t.day, t.counts) for t in families] == [
        ("2024-10-03", {"Llama": 1, "Gemma": 1}),
        ("2024-10-04", {"Qwen": 1}),
    ]
    licences = kept.tallies(Dimension.LICENCE, Scope.RUNNABLE, "2024-01-01")
    assert [t.day for t in licences] == ["2024-10-04"]  # the days before did not keep it
    with database.reading() as connection:
        assert fetch(connection, "SELECT name FROM settings") == [("word",)]
    database.close()


@pytest.mark.parametrize(
    ("last", "days"),
    [
        ("[]", "[]"),
        ("{", "}"),
        ('{"time_ms": "x", "repositories": []}', '{"yesterday": [["a", "text", "", 1, 1]]}'),
        ('{"time_ms": 1e30, "repositories": [{}]}', '{"2026-01-01": [[1, 2], 5, null]}'),
        (json.dumps({"time_ms": 5, "repositories": [old_row("a/b", likes="x")]}), "null"),
        (json.dumps({"time_ms": 5, "repositories": [old_row("a/b", category="x")]}), "5"),
        (json.dumps({"time_ms": 5, "repositories": [old_row("a/b", likes=2**63)]}), "5"),
        ("{}", '{"2026-01-01": [["a", "text", "", Infinity, 1], ["a", "text", "", 1, 1e300]]}'),
        ('{"time_ms": 5, "repositories": 7}', '{"2026-01-01": [["a", "nonsense", "", 1, 1]]}'),
    ],
)
def test_old_settings_that_make_no_sense_are_dropped(tmp_path: Path, last: str, days: str) -> None:
    database = opened_from(tmp_path, {"hub.trending.last": last, "hub.trending.days": days})
    with database.reading() as connection:
        assert number(connection, "SELECT count(*) FROM settings") == 0
        assert number(connection, "SELECT count(*) FROM hub_looks") == 0
        assert number(connection, "SELECT count(*) FROM hub_models") == 0
    database.close()
