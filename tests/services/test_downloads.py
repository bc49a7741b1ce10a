"""Downloads for a front end: a real queue and a real server below the service."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.hub.hub_server import Handler, HubServer, gguf_bytes, serving
from tests.hub.misbehaviour import BODY, HALF, OTHER, RESOLVE, first_half
from tests.hub.rooms import FILE, NAME, Repo, sha
from tests.services.test_network import Keyring, Store

from snug.domain.download import (
    Download,
    DownloadDone,
    DownloadEvent,
    DownloadListed,
    DownloadProgress,
    DownloadState,
)
from snug.domain.errors import NotFoundError
from snug.domain.model import ModelFile
from snug.hub.access import open_hub
from snug.services.downloads import DownloadService
from snug.services.hub import HubService
from snug.services.network import Network


@dataclass
class Library:
    """Takes what it is given."""

    kept: list[ModelFile] = field(default_factory=list)

    def models(self) -> tuple[ModelFile, ...]:
        return tuple(self.kept)

    def import_file(self, path: Path, *, source: str, sha256: str, **_: str) -> ModelFile:
        size = path.stat().st_size
        model = ModelFile(
            "Tiny", str(path), size, sha256 or "split", "llama", "Q4_K_M", 0, source=source
        )
        self.kept.append(model)
        return model


class Bench:
    """The service over a hub on loopback."""

    def __init__(
        self, server: HubServer, folder: Path, store: Store | None = None, stated: bool = True
    ) -> None:
        self.server = server
        self.store = store or Store()
        self.library = Library()
        self.network = Network(
            self.store, Keyring(), environment={"HF_ENDPOINT": server.url if stated else ""}
        )
        self.hub = HubService(
            self.store,
            self.library,
            lambda ledger, admit: open_hub(
                folder,
                self.network.watched(ledger),
                admit,
                endpoint=self.network.endpoint,
                token=self.network.token,
                offline=lambda: self.network.offline,
            ),
            lambda: (),
            lambda: self.network.offline,
        )
        self.downloads = DownloadService(self.hub, self.network, self.store, self.library.models)
        self.events: list[DownloadEvent] = []
        self.done = threading.Semaphore(0)
        self.downloads.listen(self._on_event)

    def choose(self, quantization: str = "Q4_K_M") -> Download:
        found = self.hub.show(NAME)
        return self.downloads.choose(found, found.variant(quantization))

    def get(self) -> ModelFile:
        self.choose()
        assert self.done.acquire(timeout=10)
        return self.library.kept[-1]

    def wait(self, state: DownloadState) -> Download:
        deadline = time.monotonic() + 10
        while True:
            (only,) = self.downloads.all()
            if only.state is state:
                return only
            assert time.monotonic() < deadline, only

    def _on_event(self, event: DownloadEvent) -> None:
        self.events.append(event)
        if isinstance(event, DownloadDone):
            self.done.release()


@pytest.fixture
def server() -> Iterator[HubServer]:
    with serving() as made:
        made.repos[NAME] = Repo(files={FILE: BODY}, tags=["gguf"])
        yield made


@pytest.fixture
def bench(server: HubServer, tmp_path: Path) -> Iterator[Bench]:
    (tmp_path / "models").mkdir()
    made = Bench(server, tmp_path / "models")
    yield made
    made.downloads.close()


def test_what_is_chosen_is_worked_off_and_told_from_the_first_event_to_the_last(
    bench: Bench,
) -> None:
    model = bench.get()
    assert Path(model.path).read_bytes() == BODY
    kinds = [type(event) for event in bench.events]
    assert DownloadListed in kinds
    assert DownloadProgress in kinds
    (only,) = bench.downloads.listed()
    assert only.state is DownloadState.DONE
    assert bench.downloads.progress(only.id) is None


def test_who_ended_listening_hears_nothing(bench: Bench) -> None:
    heard: list[DownloadEvent] = []
    bench.downloads.listen(heard.append)()
    bench.get()
    assert heard == []


def test_pause_and_resume(bench: Bench, server: HubServer) -> None:
    bench.network.set_speed_limit(1_000_000)
    download = bench.choose()
    deadline = time.monotonic() + 10
    while bench.downloads.progress(download.id) is None:
        assert time.monotonic() < deadline
    bench.downloads.pause(download.id)
    bench.wait(DownloadState.PAUSED)
    assert 0 < bench.downloads.done_bytes(download.id) < len(BODY)
    bench.network.set_speed_limit(0)
    bench.downloads.resume(download.id)
    assert bench.done.acquire(timeout=10)
    assert server.poured <= len(BODY) * 2


def test_a_speed_limit_is_kept_and_counts_at_once(bench: Bench) -> None:
    bench.downloads.set_speed_limit(100_000)
    bench.choose()
    assert not bench.done.acquire(timeout=0.5)  # it would take 30 s
    bench.downloads.set_speed_limit(0)
    assert bench.done.acquire(timeout=10)
    bench.downloads.set_speed_limit(7_000_000)
    assert Network(bench.store, Keyring()).speed_limit == 7_000_000


def test_going_offline_in_settings_holds_a_download_and_online_lets_it_go_on(
    bench: Bench, server: HubServer
) -> None:
    bench.network.set_speed_limit(1_000_000)
    download = bench.choose()
    deadline = time.monotonic() + 10
    while bench.downloads.progress(download.id) is None:
        assert time.monotonic() < deadline
    bench.network.set_offline(True)
    held = bench.wait(DownloadState.QUEUED)
    assert "offline" in held.problem
    bench.network.set_speed_limit(0)
    bench.network.set_offline(False)
    assert bench.done.acquire(timeout=10)


def test_a_gated_one_names_its_page_and_a_token_lets_it_go_on(
    bench: Bench, server: HubServer
) -> None:
    server.repos[NAME].gated = "manual"
    bench.choose()
    refused = bench.wait(DownloadState.FAILED)
    assert refused.needs_access
    assert bench.downloads.page_of(refused) == f"{server.url}/{NAME}"
    bench.network.set_token("hf_mine")
    bench.downloads.resume(refused.id)
    assert bench.done.acquire(timeout=10)
    (only,) = bench.downloads.all()
    assert not only.needs_access


def test_cancel_deletes_what_came_and_tells(bench: Bench, server: HubServer) -> None:
    server.answers[RESOLVE] = first_half
    download = bench.choose()
    deadline = time.monotonic() + 10
    while bench.downloads.done_bytes(download.id) < HALF:
        assert time.monotonic() < deadline
    bench.downloads.cancel(download.id)
    assert bench.downloads.all() == ()
    assert isinstance(bench.events[-1], DownloadListed)
    with pytest.raises(NotFoundError):
        bench.downloads.get(download.id)


def test_finished_ones_can_be_cleared_and_their_records_stay(bench: Bench) -> None:
    bench.get()
    bench.downloads.clear_finished()
    assert bench.downloads.listed() == ()
    assert len(bench.downloads.all()) == 1


def test_a_download_is_found_by_the_beginning_of_its_id(bench: Bench) -> None:
    bench.get()
    assert bench.downloads.get(sha(BODY)[:8]).id == sha(BODY)
    for senseless in ("", "zz"):
        with pytest.raises(NotFoundError):
            bench.downloads.get(senseless)


def test_a_file_that_was_replaced_upstream_is_told_with_dates_and_sizes(
    bench: Bench, server: HubServer
) -> None:
    model = bench.get()
    assert bench.downloads.replaced(model) is None
    server.repos[NAME].publish("b" * 40, {FILE: OTHER + b"more"})
    change = bench.downloads.replaced(model)
    assert change is not None
    assert (change.old_bytes, change.new_bytes) == (len(BODY), len(OTHER) + 4)
    assert "replaced upstream" in change.words
    assert "1 November 2026" in change.words
    assert "downloaded on" in change.words
    asked = len(server.seen)
    assert bench.downloads.replaced_in(bench.hub.show(NAME)) == (change,)
    assert len(server.seen) == asked + 1  # the look itself, and no more
    assert [c.repository for c in bench.downloads.all_replaced(lambda words: None)] == [NAME]


def test_a_file_that_is_offered_no_more_is_told(bench: Bench, server: HubServer) -> None:
    model = bench.get()
    server.repos[NAME].publish("b" * 40, {"tiny-Q8_0.gguf": OTHER})
    change = bench.downloads.replaced(model)
    assert change is not None
    assert change.is_gone
    assert "no longer offered" in change.words


def test_a_model_from_elsewhere_is_not_asked_for(bench: Bench, server: HubServer) -> None:
    mine = ModelFile("Mine", "/x/mine.gguf", 1, "0" * 64, "llama", "Q4_K_M", 0, source="import")
    with pytest.raises(NotFoundError, match="nothing to compare"):
        bench.downloads.replaced(mine)
    bench.library.kept.append(mine)
    assert bench.downloads.replaced_in(bench.hub.show(NAME)) == ()


def test_a_split_model_is_compared_by_all_its_parts(bench: Bench, server: HubServer) -> None:
    parts = {f"big-Q8_0-{n:05d}-of-00002.gguf": gguf_bytes(50_000, n) for n in (1, 2)}
    server.repos[NAME] = Repo(files=parts, tags=["gguf"])
    bench.choose("Q8_0")
    assert bench.done.acquire(timeout=10)
    bench.library.kept[-1] = model = replace(bench.library.kept[-1], quantization="Q8_0")
    assert bench.downloads.replaced(model) is None
    server.repos[NAME].publish("b" * 40, parts | {"big-Q8_0-00002-of-00002.gguf": OTHER})
    assert bench.downloads.replaced(model) is not None


def test_another_mirror_counts_for_the_next_request(server: HubServer, tmp_path: Path) -> None:
    with serving() as mirror:
        mirror.repos[NAME] = Repo(files={FILE: OTHER}, tags=["gguf"])
        made = Bench(server, tmp_path, stated=False)
        made.network.set_endpoint(server.url)
        assert made.hub.show(NAME).variants[0].sha256 == sha(BODY)
        made.network.set_endpoint(mirror.url)
        assert made.hub.show(NAME).variants[0].sha256 == sha(OTHER)
        model = made.get()
        assert Path(model.path).read_bytes() == OTHER
        assert not any("/resolve/" in seen.path for seen in server.seen)
        made.downloads.close()


def test_closing_before_and_while_starting_leaves_no_thread(
    server: HubServer, tmp_path: Path
) -> None:
    made = Bench(server, tmp_path)
    made.downloads.start(0)
    made.downloads.close()
    made.downloads.start(0)
    names = [thread.name for thread in threading.enumerate()]
    assert "snug-downloads-start" not in names
    assert "hub-downloads" not in names


def test_what_was_queued_before_a_restart_goes_on_at_the_start(
    server: HubServer, tmp_path: Path
) -> None:
    reached = threading.Event()

    def stall(handler: Handler) -> None:
        first_half(handler)
        reached.set()
        server.over.wait(20)

    server.answers[RESOLVE] = stall
    before = Bench(server, tmp_path)
    download = before.choose()
    assert reached.wait(5)
    deadline = time.monotonic() + 10
    while before.downloads.done_bytes(download.id) < HALF:
        assert time.monotonic() < deadline
    before.downloads.close()
    server.answers[RESOLVE] = lambda handler: handler.send_file(BODY, etag='"v1"')
    after = Bench(server, tmp_path, before.store)
    after.downloads.start(0)
    assert after.done.acquire(timeout=10)
    after.downloads.close()
    assert server.poured == len(BODY)


def test_a_choice_does_not_wait_for_the_window_that_opens(
    server: HubServer, tmp_path: Path
) -> None:
    server.repos[NAME] = Repo(files={FILE: BODY}, tags=["gguf"])
    made = Bench(server, tmp_path)
    made.downloads.start(600)
    made.choose()
    assert made.done.acquire(timeout=10)
    made.downloads.close()
