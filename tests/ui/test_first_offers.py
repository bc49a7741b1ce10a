from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from tests.ui.fake_hub import GB, NO_CONNECTION, repository
from tests.ui.fakes import SMALL, STARTER, Rooms
from tests.ui.finding import Shown

from snug.domain.licence import classify
from snug.ui.chat.composer import Composer
from snug.ui.look.theme import Theme
from snug.ui.main_window import MainWindow
from snug.ui.models.first_offers import NO_BREAK, OfferCard
from snug.ui.places import Place


@pytest.fixture
def shown(qtbot: QtBot, rooms: Rooms, theme: Theme, tmp_path: Path) -> Shown:
    """A first start: the real chat page, nothing but the starter, 8 GB free."""
    rooms.library.kept = [STARTER]
    return Shown(qtbot, rooms, theme, tmp_path, chat=True)


def offered(shown: Shown) -> list[OfferCard]:
    """The three, once they are there."""
    shown.window.start()
    shown.qtbot.waitUntil(lambda: shown.there("firstOffers"))
    return shown.window.findChildren(OfferCard)


def put_on_the_hub(shown: Shown, card: OfferCard, licence: str = "apache-2.0") -> None:
    model = card.offer.model
    there = replace(
        repository(model.repository, weights=8),
        licence=classify(licence),
    )
    shown.finding.hub.holds[there.id] = there


def test_three_models_that_fit_are_offered_without_asking_anything(shown: Shown) -> None:
    cards = offered(shown)
    assert len(cards) == 3
    assert all(card.offer.model.size_bytes < 8 * GB for card in cards)
    assert shown.finding.hub.requests == []
    assert shown.finding.trends.looks == 0


def test_a_card_tells_licence_size_minutes_and_why(shown: Shown) -> None:
    card = offered(shown)[0]
    spoken = card.accessibleName().replace(NO_BREAK, " ")
    for words in (card.offer.model.why, "Commercial use", "Apache 2.0", "GB", "about", "min"):
        assert words in spoken
    assert "assumed 50 Mbit/s" in shown.text("firstNote")


def test_the_starter_is_usable_meanwhile(shown: Shown) -> None:
    offered(shown)
    composer = shown.window.findChild(Composer)
    assert composer is not None
    assert shown.window.focusWidget() is composer.field
    assert shown.window.place is Place.CHATS


def test_one_press_puts_it_into_the_queue_and_the_offer_goes(shown: Shown) -> None:
    card = offered(shown)[0]
    put_on_the_hub(shown, card)
    shown.button("getFirst1").click()
    shown.qtbot.waitUntil(lambda: len(shown.finding.downloads.queue) == 1)
    shown.qtbot.waitUntil(lambda: "is on its way" in shown.window.banner.text)
    assert not shown.there("firstOffers")
    shown.button("bannerAction").click()
    assert shown.window.place is Place.MODELS


def test_a_licence_that_is_another_now_is_shown_first(shown: Shown) -> None:
    card = offered(shown)[0]
    put_on_the_hub(shown, card, "cc-by-nc-4.0")
    shown.button("getFirst1").click()
    shown.qtbot.waitUntil(lambda: shown.there("repositoryPage"))
    assert shown.finding.downloads.queue == []


def test_a_hub_that_does_not_answer_is_told_in_place(shown: Shown) -> None:
    offered(shown)
    shown.finding.hub.fails = NO_CONNECTION
    shown.button("getFirst1").click()
    shown.qtbot.waitUntil(lambda: "does not answer" in shown.text("firstNote"))
    assert shown.button("getFirst1").isEnabled()


def test_a_dismissed_offer_does_not_come_back(
    qtbot: QtBot, rooms: Rooms, theme: Theme, tmp_path: Path, shown: Shown
) -> None:
    offered(shown)
    shown.button("firstDismiss").click()
    assert not shown.there("firstOffers")
    again = MainWindow(rooms.services(tmp_path), theme)
    qtbot.addWidget(again, before_close_func=lambda w: w.close())
    again.show()
    again.start()
    qtbot.waitUntil(lambda: again.sidebar.model_state.state == "Ready · on the processor")
    assert again.offers.isHidden()


def test_offline_it_is_a_list_without_buttons(shown: Shown) -> None:
    shown.finding.network.offline = True
    cards = offered(shown)
    assert len(cards) == 3
    assert all(card.button is None for card in cards)
    assert "once it is online" in shown.text("firstNote")


def test_who_has_a_model_is_offered_nothing(
    qtbot: QtBot, rooms: Rooms, theme: Theme, tmp_path: Path
) -> None:
    rooms.library.kept = [SMALL, STARTER]
    shown = Shown(qtbot, rooms, theme, tmp_path, chat=True)
    shown.window.start()
    qtbot.waitUntil(lambda: shown.window.sidebar.model_state.state == "Ready · on the processor")
    assert shown.window.offers.isHidden()


def test_all_models_leads_to_discover(shown: Shown) -> None:
    offered(shown)
    shown.button("firstAll").click()
    assert shown.there("discoverPage")


@pytest.mark.parametrize("size", [(1280, 800), (900, 700), (480, 640)])
def test_no_card_is_cut_off(shown: Shown, size: tuple[int, int]) -> None:
    offered(shown)
    shown.window.resize(*size)
    shown.window.grab()
    page = shown.window.findChild(QWidget, "welcome")
    assert isinstance(page, QWidget)
    for card in shown.window.findChildren(OfferCard):
        if card.isVisible():
            assert card.height() >= card.minimumSizeHint().height()
            assert card.mapTo(page, card.rect().bottomRight()).x() <= page.width()
