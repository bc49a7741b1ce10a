from __future__ import annotations

import pytest
from tests.ui.fake_hub import GB, FakeHub, FakeNetwork, FakeTrends, many, repository

from snug.domain.errors import UserError
from snug.domain.hub import Fit, Query, fit_of
from snug.services.discover import Discover, best_fit, is_address, largest_fitting, reference_in


def make(kept: int = 120, *, offline: bool = False) -> tuple[Discover, FakeHub, FakeTrends]:
    rows = many(kept)
    hub, trends = FakeHub(rows), FakeTrends(rows)
    return Discover(hub, trends, FakeNetwork(offline=offline), offline=False), hub, trends


@pytest.mark.parametrize(
    ("text", "repository", "quantization"),
    [
        ("Qwen/Qwen3-4B-GGUF", "Qwen/Qwen3-4B-GGUF", ""),
        ("Qwen/Qwen3-4B-GGUF:Q4_K_M", "Qwen/Qwen3-4B-GGUF", "Q4_K_M"),
        (" https://huggingface.co/Qwen/Qwen3-4B-GGUF ", "Qwen/Qwen3-4B-GGUF", ""),
        ("huggingface.co/a/b/tree/main?x=1#top", "a/b", ""),
        ("https://hf.co/a/b/blob/main/file.gguf", "a/b", ""),
    ],
)
def test_a_name_or_an_address_refers_to_a_repository(
    text: str, repository: str, quantization: str
) -> None:
    found = reference_in(text)
    assert found is not None
    assert (found.repository, found.quantization) == (repository, quantization)


@pytest.mark.parametrize(
    "text",
    ["qwen", "", "https://huggingface.co/models", "https://evil.example/a/b", "a/../b", "a b/c"],
)
def test_a_part_of_a_name_refers_to_nothing(text: str) -> None:
    assert reference_in(text) is None


def test_only_addresses_of_the_hub_are_addresses() -> None:
    assert is_address("https://huggingface.co/a/b")
    assert not is_address("a/b")
    assert not is_address("https://huggingface.co.evil.example/a/b")


def test_the_first_page_asks_nothing() -> None:
    discover, hub, trends = make()
    listing = discover.first(Query())
    assert listing.count == 120
    assert len(listing.rows) == 50
    assert hub.requests == []
    assert trends.looks == 0


def test_what_a_search_found_is_kept() -> None:
    discover, hub, _trends = make(0)
    hub.holds["new/One-GGUF"] = repository("new/One-GGUF")
    discover.refresh(Query(text="one"))
    assert [row.id for row in discover.first(Query(text="one")).rows] == ["new/One-GGUF"]


def test_offline_nothing_is_asked() -> None:
    discover, hub, trends = make(offline=True)
    with pytest.raises(UserError, match="offline"):
        discover.refresh(Query(text="qwen"))
    with pytest.raises(UserError, match="offline"):
        discover.refresh(Query())
    assert hub.requests == []
    assert trends.looks == 0


def test_what_fits_here_is_bounded_by_the_free_memory() -> None:
    discover, hub, _trends = make()
    hub.free_bytes = 2 * GB
    every = discover.first(Query(fits_only=True)).count
    discover.measure()
    fitting = discover.first(Query(fits_only=True))
    assert 0 < fitting.count < every
    assert all(discover.fit(row) is Fit.FITS for row in fitting.rows)


def test_what_is_too_large_and_must_fit_is_nothing() -> None:
    discover, hub, _trends = make()
    hub.free_bytes = 2 * GB
    discover.measure()
    query = Query(fits_only=True, min_size_bytes=20 * GB)
    assert discover.first(query).count == 0
    assert discover.rows(query, 50) == ()


def test_the_largest_that_fits_is_found_to_a_megabyte() -> None:
    size = largest_fitting(8 * GB)
    assert fit_of(size, 8 * GB) is Fit.FITS
    assert fit_of(size + 1_000_001, 8 * GB) is not Fit.FITS


def test_without_files_the_fit_is_guessed_from_the_weights() -> None:
    assert best_fit(repository(weights=4, files=False), 8 * GB) is Fit.FITS
    assert best_fit(repository(weights=70, files=False), 8 * GB) is Fit.NO
    assert best_fit(repository(weights=0, files=False), 8 * GB) is Fit.UNKNOWN
    assert best_fit(repository(weights=4), None) is Fit.UNKNOWN
