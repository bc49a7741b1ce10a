from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtWidgets import QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot
from tests.ui.fake_hub import GB, NO_CONNECTION, repository
from tests.ui.fakes import SMALL, Rooms
from tests.ui.finding import Shown

from snug.domain.download import (
    DownloadDone,
    DownloadProgress,
    DownloadState,
    DownloadStopped,
)
from snug.domain.errors import EnvironmentFault
from snug.domain.hub import Repository
from snug.ui.look.banner import Banner
from snug.ui.look.marks import Mark, MarkLabel
from snug.ui.look.theme import Theme
from snug.ui.models.repository_page import RepositoryPage
from snug.ui.text.link_prompt import LinkPrompt

FREE = repository("Qwen/Qwen3-4B-GGUF")
BOUND = repository("google/gemma-3-4b-GGUF", "gemma")
CLOSED = repository("google/gated-GGUF", "gemma", gated=True)


@pytest.fixture
def shown(qtbot: QtBot, rooms: Rooms, theme: Theme, tmp_path: Path) -> Shown:
    made = Shown(qtbot, rooms, theme, tmp_path)
    made.finding.hub.holds |= {one.id: one for one in (FREE, BOUND, CLOSED)}
    return made


def opened(shown: Shown, one: Repository | str, wanted: str = "") -> RepositoryPage:
    """The page of a repository, examined to the end."""
    page = shown.repository(one, wanted)
    name = one if isinstance(one, str) else one.id
    shown.qtbot.waitUntil(lambda: page.offers.rows != ())
    if page.repository is not None and not page.repository.gated:
        shown.qtbot.waitUntil(lambda: f"examine {name}" in shown.finding.hub.requests)
        shown.qtbot.waitUntil(lambda: page.offers.rows[0].offer.exact)
    return page


def mark(shown: Shown, name: str) -> MarkLabel:
    found = shown.window.findChild(MarkLabel, name)
    assert isinstance(found, MarkLabel), name
    return found


# -- may I use it, does it run here -------------------------------------------------------------


@pytest.mark.parametrize(
    ("licence", "answer", "shape"),
    [
        ("apache-2.0", "Yes, also for work · Apache 2.0", Mark.GOOD),
        ("gemma", "Yes, with conditions · Gemma", Mark.WARN),
        ("cc-by-nc-4.0", "For research only, not for work · CC BY-NC 4.0", Mark.BAD),
        ("", "Not certain: ask the makers first · Licence unknown", Mark.UNKNOWN),
    ],
)
def test_the_licence_is_answered_in_words_and_shape(
    shown: Shown, licence: str, answer: str, shape: Mark
) -> None:
    one = repository("a/b-GGUF", licence)
    shown.finding.hub.holds[one.id] = one
    opened(shown, one)
    label = mark(shown, "licenceClass")
    assert (label.text, label.mark) == (answer, shape)
    assert shown.text("licenceReason") == one.licence.reason


def test_the_licences_text_is_read_only_when_it_is_asked_for(shown: Shown) -> None:
    opened(shown, FREE)
    assert f"licence {FREE.id}" not in shown.finding.hub.requests
    shown.button("readLicence").click()
    field = shown.window.findChild(QPlainTextEdit, "licenceFullText")
    assert isinstance(field, QPlainTextEdit)
    shown.qtbot.waitUntil(lambda: "You may read it." in field.toPlainText())
    shown.button("readLicence").click()
    assert not field.isVisible()


def test_the_recommended_file_is_in_sight_and_the_others_are_folded(shown: Shown) -> None:
    page = opened(shown, FREE)
    assert [row.offer.variant.quantization for row in page.offers.rows] == ["Q4_K_M"]
    assert page.offers.rows[0].offer.recommended
    assert shown.window.focusWidget() is page.offers.rows[0].button
    assert shown.button("allFiles").text() == "All 7 files"
    shown.button("allFiles").click()
    assert len(page.offers.rows) == 7
    assert shown.there("offer-Q8_0")


def test_each_file_tells_its_fit_by_word_and_shape(shown: Shown) -> None:
    shown.finding.hub.free_bytes = round(3.2 * GB)
    opened(shown, FREE)
    shown.button("allFiles").click()
    said = {name: mark(shown, f"fit-{name}") for name in ("Q2_K", "Q4_K_M", "Q8_0")}
    assert {name: label.text for name, label in said.items()} == {
        "Q2_K": "Fits",
        "Q4_K_M": "Tight",
        "Q8_0": "Too large",
    }
    assert [label.mark for label in said.values()] == [Mark.GOOD, Mark.WARN, Mark.BAD]


def test_a_row_speaks_everything(shown: Shown) -> None:
    page = opened(shown, FREE)
    spoken = page.offers.rows[0].accessibleName()
    for words in ("Q4_K_M", "recommended", "2.3 GB", "good", "Fits", "32k context", "tokens/s"):
        assert words in spoken


def test_an_asked_for_quantization_is_in_sight_and_focused(shown: Shown) -> None:
    page = opened(shown, FREE, "Q8_0")
    assert shown.there("offer-Q8_0")
    assert shown.window.focusWidget() is shown.button("downloadButton-Q8_0")
    assert page.offers.rows[0].offer.recommended


def test_where_nothing_fits_the_page_says_what_is_missing(shown: Shown) -> None:
    shown.finding.hub.free_bytes = GB
    page = opened(shown, FREE)
    assert "None of its files runs here now. The smallest needs 1.9 GB." in page.offers.notice.text


def test_without_a_file_that_runs_other_versions_are_looked_for(shown: Shown) -> None:
    whole = repository("maker/Whole", files=False)
    shown.finding.hub.holds |= {whole.id: whole, "b/Whole-GGUF": repository("b/Whole-GGUF")}
    shown.repository(whole)
    shown.qtbot.waitUntil(lambda: shown.there("findVersions"))
    shown.button("findVersions").click()
    page = shown.discover()
    shown.qtbot.waitUntil(lambda: page.model.rowCount() == 2)
    assert page.search.text() == "Whole"


def test_in_a_narrow_window_nothing_is_cut_off(shown: Shown) -> None:
    shown.window.resize(900, 700)
    page = opened(shown, FREE)
    shown.button("allFiles").click()

    def inside() -> bool:
        return all(
            0 < row.button.mapTo(page, row.button.rect().topRight()).x() <= page.width()
            and row.mapTo(page, row.rect().topLeft()).x() >= 0
            for row in page.offers.rows
        )

    shown.qtbot.waitUntil(inside)  # the rows that came just now are laid out a turn later


# -- downloading --------------------------------------------------------------------------------


def test_a_free_licence_starts_with_one_press(shown: Shown) -> None:
    opened(shown, FREE)
    shown.button("downloadButton-Q4_K_M").click()
    shown.qtbot.waitUntil(lambda: shown.button("downloadButton-Q4_K_M").text() == "In the queue")
    assert [d.quantization for d in shown.finding.downloads.queue] == ["Q4_K_M"]
    assert shown.window.focusWidget() is shown.button("allFiles")
    assert not shown.there("licenceGate")
    assert shown.finding.cards.accepted == []


def test_another_licence_is_shown_first_and_kept_when_accepted(shown: Shown) -> None:
    opened(shown, BOUND)
    shown.button("downloadButton-Q4_K_M").click()
    assert shown.there("licenceGate")
    assert shown.finding.downloads.queue == []
    text = shown.window.findChild(QPlainTextEdit, "licenceText")
    assert isinstance(text, QPlainTextEdit)
    shown.qtbot.waitUntil(lambda: "The licence in full." in text.toPlainText())
    accept = shown.button("licenceAccept")
    shown.qtbot.waitUntil(lambda: accept.visibleRegion().boundingRect() == accept.rect())
    accept.click()
    shown.qtbot.waitUntil(lambda: len(shown.finding.downloads.queue) == 1)
    assert shown.finding.cards.accepted == [BOUND.id]
    assert "The licence in full." in shown.finding.cards.texts[0]


def test_esc_in_the_gate_downloads_nothing_and_stays_on_the_page(shown: Shown) -> None:
    opened(shown, BOUND)
    shown.button("downloadButton-Q4_K_M").click()
    gate = shown.window.findChild(QPlainTextEdit, "licenceText")
    assert isinstance(gate, QPlainTextEdit)
    assert shown.window.focusWidget() is gate
    shown.qtbot.keyClick(gate, Qt.Key.Key_Escape)
    assert not shown.there("licenceGate")
    assert shown.there("repositoryPage")
    assert shown.window.focusWidget() is shown.button("downloadButton-Q4_K_M")
    assert shown.finding.downloads.queue == []


def test_an_exact_fit_that_comes_late_does_not_take_the_licence_away(shown: Shown) -> None:
    page = shown.repository(BOUND)
    shown.qtbot.waitUntil(lambda: page.offers.rows != ())
    shown.finding.hub.hold.clear()
    shown.button("downloadButton-Q4_K_M").click()
    shown.finding.hub.hold.set()
    text = shown.window.findChild(QPlainTextEdit, "licenceText")
    assert isinstance(text, QPlainTextEdit)
    shown.qtbot.waitUntil(lambda: "The licence in full." in text.toPlainText())
    shown.qtbot.waitUntil(lambda: f"examine {BOUND.id}" in shown.finding.hub.requests)
    assert shown.there("licenceGate")


def test_an_accepted_licence_is_not_asked_for_again(shown: Shown) -> None:
    shown.finding.cards.accepted.append(BOUND.id)
    opened(shown, BOUND)
    shown.button("downloadButton-Q4_K_M").click()
    shown.qtbot.waitUntil(lambda: len(shown.finding.downloads.queue) == 1)


def test_a_licence_without_a_text_can_still_be_judged(shown: Shown) -> None:
    opened(shown, BOUND)
    shown.finding.hub.fails = NO_CONNECTION
    shown.button("downloadButton-Q4_K_M").click()
    text = shown.window.findChild(QPlainTextEdit, "licenceText")
    assert isinstance(text, QPlainTextEdit)
    shown.qtbot.waitUntil(lambda: "does not answer" in text.placeholderText())
    assert shown.button("licenceAccept").isEnabled()


def test_a_download_that_cannot_begin_is_told(shown: Shown) -> None:
    shown.finding.downloads.fails = EnvironmentFault("The disk has 1.0 GB free; 2.3 GB are needed.")
    page = opened(shown, FREE)
    shown.button("downloadButton-Q4_K_M").click()
    shown.qtbot.waitUntil(lambda: "The disk has 1.0 GB free" in page.notice.text)
    assert shown.button("downloadButton-Q4_K_M").isEnabled()


def test_a_model_that_is_in_the_queue_already_says_so(shown: Shown) -> None:
    shown.finding.downloads.choose(FREE, FREE.variant("Q4_K_M"))
    opened(shown, FREE)
    assert shown.button("downloadButton-Q4_K_M").text() == "In the queue"
    assert not shown.button("downloadButton-Q4_K_M").isEnabled()


def test_a_closed_window_follows_no_download(shown: Shown) -> None:
    assert shown.models.repository is None
    before = len(shown.finding.downloads.listeners)
    opened(shown, FREE)
    assert len(shown.finding.downloads.listeners) == before + 1
    shown.window.close()
    # The page's own, and the one that learns the speed.
    assert len(shown.finding.downloads.listeners) == before - 1


def test_progress_is_shown_on_the_button(shown: Shown) -> None:
    opened(shown, FREE)
    button = shown.button("downloadButton-Q4_K_M")
    button.click()
    shown.qtbot.waitUntil(lambda: len(shown.finding.downloads.queue) == 1)
    shown.qtbot.waitUntil(lambda: button.text() == "In the queue")
    identifier = shown.finding.downloads.queue[0].id
    shown.finding.downloads.tell(DownloadProgress(identifier, 43, 100, 1e6, 57.0))
    shown.qtbot.waitUntil(lambda: button.text() == "Downloading · 43 %")
    shown.finding.downloads.tell(DownloadStopped(identifier, DownloadState.PAUSED))
    shown.qtbot.waitUntil(lambda: button.text() == "Paused")
    shown.finding.downloads.tell(DownloadDone(identifier, SMALL))
    shown.qtbot.waitUntil(lambda: button.text() == "On this computer")
    assert not button.isEnabled()


def test_the_minutes_are_shown_once_a_speed_was_measured(shown: Shown) -> None:
    opened(shown, FREE)
    assert shown.button("downloadButton-Q4_K_M").text() == "Download"
    shown.finding.downloads.tell(DownloadProgress("other", 1, 2, 10_000_000.0, 1.0))
    opened(shown, BOUND)
    assert shown.button("downloadButton-Q4_K_M").text() == "Download · 4 min"


# -- gated, offline, errors ---------------------------------------------------------------------


def test_a_gated_model_leads_to_the_page_to_accept(shown: Shown) -> None:
    page = opened(shown, CLOSED)
    opened_urls: list[str] = []

    def note(url: QUrl) -> bool:
        opened_urls.append(url.toString())
        return True

    page.open_url = note
    assert "access token" in shown.window.findChild(QWidget, "gatedWords").accessibleName()
    shown.button("openToAccept").click()
    prompt = page.findChild(LinkPrompt)
    assert prompt is not None
    shown.button("openLink").click()
    assert opened_urls == [f"https://huggingface.co/{CLOSED.id}"]
    assert f"examine {CLOSED.id}" not in shown.finding.hub.requests


def test_with_a_token_the_gate_says_what_is_left_to_do(shown: Shown) -> None:
    shown.finding.network.has_token = True
    opened(shown, CLOSED)
    words = shown.window.findChild(QWidget, "gatedWords").accessibleName()
    assert "Your token is kept here" in words


def test_offline_the_kept_files_are_judged_and_nothing_can_be_pressed(shown: Shown) -> None:
    shown.finding.network.offline = True
    page = shown.repository(FREE)
    shown.qtbot.waitUntil(lambda: page.offers.rows != ())
    assert "offline" in page.notice.text
    assert not shown.button("downloadButton-Q4_K_M").isEnabled()
    assert shown.button("downloadButton-Q4_K_M").toolTip() == "Snug is offline."
    assert shown.finding.hub.requests == []


def test_when_the_hub_fails_the_kept_files_are_shown_with_the_reason(shown: Shown) -> None:
    shown.finding.hub.fails = NO_CONNECTION
    page = shown.repository(FREE)
    shown.qtbot.waitUntil(lambda: page.offers.rows != ())
    assert "does not answer" in page.notice.text


def test_a_name_that_is_not_there_is_told(shown: Shown) -> None:
    page = shown.repository("no/such")
    shown.qtbot.waitUntil(lambda: "There is no no/such on the Hub." in page.notice.text)
    assert "could not be read" in page.offers.notice.text


def test_an_answer_for_a_page_that_was_left_is_dropped(shown: Shown) -> None:
    shown.finding.hub.hold.clear()
    page = shown.repository(FREE)
    shown.repository(BOUND)
    shown.finding.hub.hold.set()
    shown.qtbot.waitUntil(lambda: page.offers.rows != ())
    assert page.repository is not None
    assert page.repository.id == BOUND.id


def test_esc_goes_back_and_stops_no_answer(shown: Shown) -> None:
    page = opened(shown, FREE)
    shown.window.activateWindow()
    shown.qtbot.waitUntil(shown.window.isActiveWindow)
    focused = shown.window.focusWidget()
    assert focused is not None
    shown.qtbot.keyClick(focused, Qt.Key.Key_Escape)
    assert not page.isVisible()
    asked = getattr(shown.window.chat_page, "asked", [])
    assert "stop" not in asked


def test_a_chosen_download_says_so_nowhere_else(shown: Shown) -> None:
    opened(shown, FREE)
    shown.button("downloadButton-Q4_K_M").click()
    shown.qtbot.waitUntil(lambda: len(shown.finding.downloads.queue) == 1)
    banner = shown.window.findChild(Banner, "banner")
    assert isinstance(banner, Banner)
    assert banner.text == ""
