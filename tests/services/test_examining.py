"""The Hub's service over a real server: filters by this machine, and a header's exact sizes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.hub.hub_server import HubServer, Repo, gguf_bytes, serving
from tests.models.gguf_maker import named
from tests.services.test_hub_service import Settings

from snug.domain.errors import NotFoundError, SnugError
from snug.domain.hub import Fit, Query
from snug.domain.model import Device, DeviceKind, ModelFile
from snug.domain.speed import Measurement
from snug.hub.access import open_hub
from snug.hub.errors import StoppedError
from snug.models.prefix import shape_of_prefix
from snug.models.supported import is_supported
from snug.services.hub import HubService
from snug.services.judging import Judge
from snug.services.trends import GgufLooks
from snug.vault.vault import Vault

HEADER = named("Tiny").build()
MACHINE = (Device("CPU", "a processor", DeviceKind.CPU, 2 * 10**9, 2 * 10**9),)
Make = Callable[..., HubService]


class NoLibrary:
    """A library that holds nothing."""

    def models(self) -> tuple[ModelFile, ...]:
        return ()

    def import_file(self, path: Path, *, source: str, sha256: str, **_: str) -> ModelFile:
        raise NotFoundError("nothing is taken in")


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with serving() as server:
        yield server


@pytest.fixture
def make(hub: HubServer, tmp_path: Path) -> Iterator[Make]:
    made: list[HubService] = []
    settings = Settings()
    vault = Vault.temporary()
    looks = GgufLooks(vault.catalogue)

    def build(offline: bool = False) -> HubService:
        made.append(
            HubService(
                settings,
                NoLibrary(),
                lambda ledger, admit: open_hub(
                    tmp_path, ledger, admit, endpoint=hub.url, offline=lambda: offline
                ),
                lambda: MACHINE,
                lambda: offline,
                judge=Judge(lambda: MACHINE, lambda: (Measurement(9, 10**9),), is_supported),
                parse_header=shape_of_prefix,
                looks=looks,
            )
        )
        return made[-1]

    yield build
    for one in made:
        one.close()
    vault.close()


def offer(hub: HubServer, name: str, architecture: str = "llama", trending: int = 5) -> Repo:
    files = {"tiny-Q4_K_M.gguf": HEADER, "tiny-Q8_0.gguf": HEADER + bytes(9000)}
    gguf = {"context_length": 8192, "architecture": architecture, "total": 10**6}
    hub.repos[name] = Repo(
        files=files, tags=["gguf"], gguf=gguf, card={"license": "mit"}, trending=trending
    )
    return hub.repos[name]


def ranges(hub: HubServer) -> int:
    return sum("Range" in seen.headers for seen in hub.seen)


def test_examining_reads_one_header_once_for_all_quantizations(make: Make, hub: HubServer) -> None:
    offer(hub, "m/a")
    service = make()
    found = service.show("m/a")
    assert {one.exact for one in service.offers(found)} == {False}
    again, offers = service.examine(found)
    assert again == found
    assert {one.exact for one in offers} == {True}
    assert [one.variant.quantization for one in offers if one.recommended] == ["Q8_0"]
    assert all(one.tokens_per_second for one in offers)
    service.examine(found)
    assert ranges(hub) == 1
    assert {one.exact for one in service.offers(found)} == {True}


def test_examining_what_a_listing_told_asks_for_the_files_first(make: Make, hub: HubServer) -> None:
    offer(hub, "m/a", trending=7)
    service = make()
    listed = service.trending(Query()).repositories[0]
    bare, offers = service.examine(type(listed)(listed.id, listed.category, listed.licence))
    assert bare.variants == listed.variants
    assert len(offers) == 2


@pytest.mark.parametrize("status", [403, 404, 500])
def test_where_the_header_is_not_to_be_had_the_estimate_stays(
    make: Make, hub: HubServer, status: int
) -> None:
    offer(hub, "m/a")
    hub.answers["/m/a/resolve"] = lambda handler: handler.json({}, status)
    service = make()
    _, offers = service.examine(service.show("m/a"))
    assert {one.exact for one in offers} == {False}
    assert sum(one.recommended for one in offers) == 1


def test_a_file_that_is_no_gguf_leaves_the_estimate_too(make: Make, hub: HubServer) -> None:
    hub.repos["m/a"] = Repo(files={"a-Q4_0.gguf": b"<html>" * 999}, tags=["gguf"])
    service = make()
    _, offers = service.examine(service.show("m/a"))
    assert not offers[0].exact


def test_examining_stops_when_told(make: Make, hub: HubServer) -> None:
    offer(hub, "m/a")
    service = make()
    found = service.show("m/a")
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoppedError):
        service.examine(found, stop)


def test_filters_by_what_runs_and_fits_here(make: Make, hub: HubServer) -> None:
    offer(hub, "m/odd", "no-such-model", trending=9)
    offer(hub, "m/fine", trending=8)
    offer(hub, "m/large", trending=7)
    large = {
        "siblings": [{"rfilename": "large-Q4_0.gguf", "size": 90 * 10**9}],
        "id": "m/large",
        "sha": "a" * 40,
        "cardData": {"license": "mit"},
    }
    hub.answers["/api/models/m/large"] = lambda handler: handler.json(large)
    service = make()

    def names(query: Query) -> list[str]:
        return [one.id for one in service.trending(query).repositories]

    assert names(Query()) == ["m/odd", "m/fine", "m/large"]
    hub.seen.clear()
    assert names(Query(supported_only=True)) == ["m/fine", "m/large"]
    assert not any("/m/odd" in seen.path for seen in hub.seen)
    assert names(Query(fits_only=True)) == ["m/fine"]
    offline = make(offline=True)
    kept = offline.trending(Query(fits_only=True, supported_only=True, min_context=8000))
    assert [one.id for one in kept.repositories] == ["m/fine"]
    assert kept.kept


def test_a_new_start_asks_only_for_what_changed_since_the_last_look(
    make: Make, hub: HubServer
) -> None:
    for name in ("m/a", "m/b"):
        offer(hub, name)
    make().trending(Query())
    hub.repos["m/b"].publish("b" * 40, {"new-Q4_0.gguf": gguf_bytes(900)})
    hub.seen.clear()
    found = make().trending(Query()).repositories
    assert len(hub.seen) == 2  # the listing and m/b
    assert {v.quantization for one in found for v in one.variants} == {"Q4_K_M", "Q8_0", "Q4_0"}


def test_offline_offers_are_made_and_texts_are_not_fetched(make: Make, hub: HubServer) -> None:
    offer(hub, "m/a")
    make().trending(Query())
    offline = make(offline=True)
    one = offline.trending(Query()).repositories[0]
    hub.seen.clear()
    assert {offer.fit for offer in offline.examine(one)[1]} == {Fit.FITS}
    with pytest.raises(SnugError, match="offline"):
        offline.licence_text(one)
    assert hub.seen == []
