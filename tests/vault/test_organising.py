"""Folders, tags, pins, archive and trash; retention, and a clock that cannot be trusted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.vault.helpers import a_conversation, a_message

from snug.domain.conversation import now_ms
from snug.domain.errors import NotFoundError, UserError
from snug.domain.organising import DAY_MS, ListFilter, Shelf
from snug.vault.conversations import Conversations
from snug.vault.organising import Organising
from snug.vault.vault import Vault

YEAR_MS = 365 * DAY_MS
NOW = now_ms()


@pytest.fixture
def temporary() -> Iterator[Vault]:
    made = Vault.temporary()
    yield made
    made.close()


@pytest.fixture
def store(temporary: Vault) -> Conversations:
    return temporary.conversations


@pytest.fixture
def order(temporary: Vault) -> Organising:
    return temporary.organising


def listed(store: Conversations, where: ListFilter) -> list[str]:
    return [summary.title for summary in store.summaries(where=where)]


def test_each_list_shows_what_its_filter_says(store: Conversations, order: Organising) -> None:
    ids = {name: a_conversation(store, name) for name in ("free", "work", "pin", "old", "gone")}
    folder = order.create_folder("Work")
    order.move([ids["work"], ids["pin"]], folder.id)
    order.pin([ids["pin"]], True)
    order.archive([ids["old"]], True)
    order.trash([ids["gone"]])
    order.tag([ids["work"], ids["gone"]], "tax")
    assert set(listed(store, ListFilter())) == {"free", "work", "pin", "old"}
    assert listed(store, ListFilter(Shelf.CHATS, pinned_first=True))[0] == "pin"
    assert listed(store, ListFilter(Shelf.CHATS, folder_id="")) == ["free"]
    assert set(listed(store, ListFilter(folder_id=folder.id))) == {"work", "pin"}
    assert listed(store, ListFilter(folder_id=folder.id, pinned=False)) == ["work"]
    assert listed(store, ListFilter(tag="TAX")) == ["work"]
    assert listed(store, ListFilter(Shelf.ARCHIVE)) == ["old"]
    assert listed(store, ListFilter(Shelf.TRASH)) == ["gone"]


def test_a_tag_on_very_many_conversations_lists_like_one_on_few(
    store: Conversations, order: Organising, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [a_conversation(store, str(number)) for number in range(4)]
    order.tag(ids[:3], "tax")
    few = listed(store, ListFilter(tag="tax"))
    monkeypatch.setattr("snug.vault.listing._RARE", 1)
    assert listed(store, ListFilter(tag="tax")) == few == ["2", "1", "0"]


def test_conversations_fall_out_of_a_folder_that_is_deleted(
    store: Conversations, order: Organising
) -> None:
    folder = order.create_folder("Work")
    order.move([a_conversation(store, "kept")], folder.id)
    order.delete_folder(folder.id)
    assert order.folders() == ()
    assert listed(store, ListFilter(Shelf.CHATS, folder_id="")) == ["kept"]


@pytest.mark.parametrize("name", ["", "  ", "ÄRZTE", "x" * 81])
def test_a_folder_needs_a_name_of_its_own(order: Organising, name: str) -> None:
    order.create_folder("Ärzte")
    with pytest.raises(UserError):
        order.create_folder(name)


def test_a_move_of_several_that_fails_moves_none(store: Conversations, order: Organising) -> None:
    folder = order.create_folder("Work")
    with pytest.raises(NotFoundError):
        order.move([a_conversation(store, "a"), "nope"], folder.id)
    assert listed(store, ListFilter(folder_id=folder.id)) == []


def test_a_tag_goes_with_the_last_conversation_that_had_it(
    store: Conversations, order: Organising
) -> None:
    first, second = a_conversation(store), a_conversation(store)
    order.tag([first], "Tax")
    order.tag([second], "tax")
    assert [(tag.name, tag.count) for tag in order.tags()] == [("Tax", 2)]
    order.untag([first], "TAX")
    store.delete(second)
    assert order.tags() == ()


def test_restored_is_where_it_was(store: Conversations, order: Organising) -> None:
    folder = order.create_folder("Work")
    one = a_conversation(store, "one")
    order.move([one], folder.id)
    order.tag([one], "tax")
    before = store.summaries()[0]
    order.trash([one])
    order.restore([one])
    assert store.summaries()[0] == before


# -- retention ------------------------------------------------------------------------------------


def test_what_was_not_touched_goes_to_the_trash_and_then_for_good(
    store: Conversations, order: Organising
) -> None:
    folder = order.create_folder("Work")
    ids = [a_conversation(store, name) for name in ("plain", "pinned", "outside")]
    order.move(ids[:2], folder.id)
    order.pin(ids[1:2], True)
    order.set_retention(folder.id, 7)
    moment = now_ms() + 3_600_000
    days_until: dict[str, int] = {}
    for day in range(60):
        done = order.tidy(moment + day * DAY_MS)
        for what, found in (("trashed", done.trashed), ("deleted", done.deleted)):
            if found:
                assert found == (ids[0],)
                days_until.setdefault(what, day)
                store.delete_many(done.deleted)
    # One look later than the day itself: see the rule of the clock.
    assert days_until == {"trashed": 8, "deleted": 39}
    assert set(listed(store, ListFilter())) == {"pinned", "outside"}


def test_a_message_a_move_and_a_restore_begin_the_rule_anew(
    store: Conversations, order: Organising
) -> None:
    folder = order.create_folder("Work")
    one = a_conversation(store, "one")
    order.set_retention(folder.id, 1)
    order.move([one], folder.id)
    assert order.count_due(folder.id, 1) == 0
    order.trash([one])
    order.restore([one])
    a_message(store, one, "hello")
    order.tidy(NOW)
    assert order.tidy(NOW + DAY_MS).trashed == ()


def test_a_clock_that_leaps_a_year_ahead_deletes_nothing(
    store: Conversations, order: Organising
) -> None:
    folder = order.create_folder("Work")
    order.set_retention(folder.id, 30)
    kept, thrown = a_conversation(store, "kept"), a_conversation(store, "thrown")
    order.move([kept], folder.id)
    order.tidy(NOW)
    order.trash([thrown])
    assert order.tidy(NOW + YEAR_MS) == order.tidy(NOW + YEAR_MS + DAY_MS // 2)
    assert order.tidy(NOW + DAY_MS).deleted == ()  # put right
    assert order.tidy(NOW + 2 * DAY_MS).deleted == ()
    assert listed(store, ListFilter(folder_id=folder.id)) == ["kept"]
    assert listed(store, ListFilter(Shelf.TRASH)) == ["thrown"]


def test_a_clock_that_starts_in_1970_deletes_nothing(
    store: Conversations, order: Organising
) -> None:
    order.trash([a_conversation(store)])
    for moment in (NOW, 5000, NOW + 1000, 7000, NOW + DAY_MS, NOW + 2 * DAY_MS):
        assert order.tidy(moment).deleted == ()


def test_what_a_fast_clock_threw_away_is_not_kept_until_then(
    store: Conversations, order: Organising, temporary: Vault
) -> None:
    one = a_conversation(store)
    order.trash([one])  # its clock says NOW, and the true day is a year earlier
    days = [order.tidy(NOW - YEAR_MS + day * DAY_MS).deleted for day in range(40)]
    assert (one,) in days


def test_nothing_is_looked_at_twice_a_day(store: Conversations, order: Organising) -> None:
    order.set_keep_days(0)
    order.tidy(NOW)
    order.trash([a_conversation(store)])
    assert order.tidy(NOW + DAY_MS - 1).deleted == ()


def test_a_trash_that_keeps_nothing_gives_up_what_lies_in_it(
    store: Conversations, order: Organising
) -> None:
    one = a_conversation(store)
    order.tidy(NOW)
    order.trash([one])
    order.set_keep_days(0)
    order.tidy(NOW + DAY_MS)
    assert order.tidy(NOW + 2 * DAY_MS).deleted == (one,)
