from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.ui.fake_hub import GB, FakeDownloads, FakeHub, FakeNetwork, repository
from tests.ui.fake_store import FakeStore
from tests.ui.fakes import RESOURCES, SMALL, STARTER

from snug.domain.download import Download, DownloadDone, DownloadProgress
from snug.domain.errors import UserError
from snug.domain.hub import Fit, Repository, fit_of, parse_reference
from snug.domain.licence import LicenceClass, classify
from snug.domain.model import ModelFile
from snug.services.first_models import FirstModels, TransferSpeed
from snug.services.preferences import Preferences

LISTING = RESOURCES / "first_models.json"


@pytest.fixture
def preferences() -> Iterator[Preferences]:
    store = FakeStore()
    yield Preferences(store)
    store.close()


def make(
    preferences: Preferences,
    free_bytes: int | None = 8 * GB,
    library: tuple[ModelFile, ...] = (STARTER,),
    listing: Path = LISTING,
) -> FirstModels:
    return FirstModels(
        listing, preferences, lambda: library, lambda: free_bytes, TransferSpeed(preferences)
    )


def test_the_list_ships_well_formed_entries(preferences: Preferences) -> None:
    models = make(preferences).models()
    assert 12 <= len(models) <= 20
    assert min(m.parameter_count for m in models) <= 0.6 * GB
    assert max(m.parameter_count for m in models) >= 32 * GB
    assert len({m.reference for m in models}) == len(models)
    for model in models:
        assert parse_reference(model.reference).quantization == model.quantization
        assert model.licence.licence_class is LicenceClass.COMMERCIAL, model.name
        assert 0.4 < model.size_bytes / model.parameter_count < 1.15, model.name
        assert model.context_length >= 4096
        assert model.why.endswith(".")


@pytest.mark.parametrize("free_gb", [2, 4, 8, 16, 24, 64])
def test_three_are_offered_that_fit_the_most_able_first(
    preferences: Preferences, free_gb: int
) -> None:
    offers = make(preferences, free_gb * GB).offers()
    sizes = [offer.model.size_bytes for offer in offers]
    assert len(offers) == 3
    assert sizes == sorted(set(sizes), reverse=True)
    assert all(fit_of(size, free_gb * GB) is Fit.FITS for size in sizes)
    assert len({offer.model.maker for offer in offers}) >= 2


def test_where_nothing_fits_nothing_is_offered(preferences: Preferences) -> None:
    assert make(preferences, GB // 2).offers() == ()


def test_where_the_memory_is_not_known_small_ones_are_offered(preferences: Preferences) -> None:
    offers = make(preferences, None).offers()
    assert len(offers) == 3
    assert all(offer.model.size_bytes < 3 * GB for offer in offers)


def test_minutes_are_assumed_until_a_download_was_measured(preferences: Preferences) -> None:
    first = make(preferences)
    before = first.offers()[0]
    assert not before.measured
    assert before.minutes == round(before.model.size_bytes / (50_000_000 / 8) / 60)
    first.speed.follow(DownloadProgress("x", 1, 2, 100_000_000.0, 1.0))
    after = first.offers()[0]
    assert after.measured
    assert after.minutes < before.minutes


def test_the_measured_speed_is_kept_when_the_download_ends(preferences: Preferences) -> None:
    speed = TransferSpeed(preferences)
    speed.follow(DownloadProgress("x", 1, 2, 3_000_000.0, 1.0))
    assert TransferSpeed(preferences).bytes_per_second is None
    speed.follow(DownloadDone("x", SMALL))
    preferences.set("barrier", "")  # writes go in order
    assert TransferSpeed(preferences).bytes_per_second == 3_000_000


def test_they_are_wanted_only_while_there_is_nothing_but_the_starter(
    preferences: Preferences,
) -> None:
    assert make(preferences).wanted
    assert not make(preferences, library=(STARTER, SMALL)).wanted


def test_a_dismissed_offer_stays_away(preferences: Preferences) -> None:
    make(preferences).end()
    preferences.set("barrier", "")
    assert not make(preferences).wanted


def first_and_hub(
    preferences: Preferences, licence: str, *, gated: bool = False
) -> tuple[FirstModels, Repository, FakeHub]:
    first = make(preferences)
    model = first.offers()[0].model
    there = replace(repository(model.repository, weights=8, gated=gated), licence=classify(licence))
    return first, there, FakeHub((there,))


def test_getting_one_puts_it_into_the_queue_and_ends_the_offer(preferences: Preferences) -> None:
    first, _there, hub = first_and_hub(preferences, "apache-2.0")
    downloads = FakeDownloads(FakeNetwork())
    made = first.get(first.offers()[0].model, hub, downloads)
    assert isinstance(made, Download)
    assert downloads.queue == [made]
    preferences.set("barrier", "")
    assert not first.wanted


@pytest.mark.parametrize(("licence", "gated"), [("cc-by-nc-4.0", False), ("apache-2.0", True)])
def test_another_licence_or_a_gate_is_looked_at_first(
    preferences: Preferences, licence: str, gated: bool
) -> None:
    first, there, hub = first_and_hub(preferences, licence, gated=gated)
    downloads = FakeDownloads(FakeNetwork())
    assert first.get(first.offers()[0].model, hub, downloads) == there
    assert downloads.queue == []
    assert first.wanted


def test_a_damaged_list_is_told(preferences: Preferences, tmp_path: Path) -> None:
    broken = tmp_path / "first.json"
    broken.write_text('[{"repository": 1}]')
    with pytest.raises(UserError, match="cannot be read"):
        make(preferences, listing=broken).offers()
