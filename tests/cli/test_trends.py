"""`snug models trending --all` and `--history`: real processes against a Hub on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.hub.hub_server import HubServer, Repo, serving
from tests.hub.test_terminal import Snug

from snug.domain.conversation import now_ms
from snug.domain.hub import Category, Repository
from snug.domain.licence import classify
from snug.domain.trends import Page, Scope
from snug.vault.vault import Vault

DAY_MS = 86_400_000


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with serving() as server:
        server.repos["v/clips"] = Repo(task="text-to-video", gguf={}, trending=9)
        server.repos["q/base"] = Repo(card={"license": "mit"}, gguf={}, trending=8)
        server.repos["q/made-GGUF"] = Repo(tags=["gguf", "base_model:quantized:q/base"])
        yield server


@pytest.fixture
def snug(hub: HubServer, tmp_path: Path) -> Snug:
    return Snug(hub, tmp_path)


def look(vault: Vault, days_ago: int, **counts: int) -> None:
    found = [
        Repository(f"{kind}/{n}", Category(kind), classify("mit"))
        for kind, count in counts.items()
        for n in range(count)
    ]
    time_ms = now_ms() - days_ago * DAY_MS
    vault.catalogue.keep_look(time_ms, [Page(Scope.FIELD, tuple(found))], whole=True)


def test_all_shows_what_snug_cannot_run_and_what_was_made_of_it(snug: Snug, hub: HubServer) -> None:
    found = {one["repo"]: one for one in snug.document("models", "trending", "--all")}
    assert found["v/clips"]["category"] == "video"
    assert (found["v/clips"]["runs"], found["v/clips"]["runs_as"]) == (False, [])
    assert (found["q/base"]["runs"], found["q/base"]["runs_as"]) == (False, ["q/made-GGUF"])
    assert found["q/made-GGUF"]["runs"]
    assert found["q/made-GGUF"]["licence_class"] == "commercial"
    seen = len(hub.seen)
    again = snug.run("models", "trending", "--all", "--category", "video")
    assert "nothing was sent now" in again.stderr
    assert "v/clips" in again.stdout
    assert "q/base" not in again.stdout
    assert len(hub.seen) == seen
    ledger = snug.document("ledger")
    assert {one["reason"] for one in ledger} == {"look for trending models"}


def test_history_tells_what_rises_and_sends_nothing(
    snug: Snug, hub: HubServer, tmp_path: Path
) -> None:
    empty = snug.run("models", "trending", "--history")
    assert "no look at the Hub" in empty.stderr
    vault = Vault.open(tmp_path / "data" / "vault", tmp_path / "config" / "snug" / "keys")
    look(vault, 2, text=9, video=1)
    look(vault, 1, text=8, video=2)
    vault.close()
    few = snug.run("models", "trending", "--history")
    assert "too few" in few.stderr
    assert "rising" not in few.stdout
    vault = Vault.open(tmp_path / "data" / "vault", tmp_path / "config" / "snug" / "keys")
    look(vault, 0, text=6, video=4)
    vault.close()
    told = snug.run("models", "trending", "--history")
    assert "From the looks of 3 days" in told.stderr
    lines = [line.split() for line in told.stdout.splitlines()]
    assert ["video", "4", "40%", "+30", "points", "^", "rising"] in lines
    assert ["text", "6", "60%", "-30", "points", "v", "falling"] in lines
    document = snug.document("models", "trending", "--history", "--by", "licence", "--days", "2")
    assert document["by"] == "licence"
    (one,) = document["series"]
    assert (one["name"], one["trend"], one["days_with_looks"]) == ("commercial", "unknown", 2)
    assert [point["count"] for point in one["points"]] == [10, 10]
    assert hub.seen == []


def test_a_number_of_days_that_makes_no_sense_is_refused(snug: Snug) -> None:
    for wrong in ("0", "-1", "x", "401"):
        assert snug.run("models", "trending", "--history", "--days", wrong).returncode == 2
    assert snug.run("models", "trending", "--history", "--all").returncode == 2


def test_offline_what_a_search_found_is_searched_again(snug: Snug, hub: HubServer) -> None:
    online = snug.document("models", "search", "made")
    seen = len(hub.seen)
    offline = snug.document("--offline", "models", "search", "made")
    assert [one["repo"] for one in offline] == [one["repo"] for one in online] == ["q/made-GGUF"]
    assert offline[0]["files"] == online[0]["files"]
    none = snug.run("--offline", "models", "search", "nothing-of-this-name")
    assert (none.returncode, "offline" in none.stderr) == (1, True)
    assert len(hub.seen) == seen


def test_a_limit_out_of_range_is_wrong_usage(snug: Snug) -> None:
    for limit in ("0", "101", "-1", "many"):
        assert snug.run("models", "search", "x", "--limit", limit).returncode == 2
