"""A model's card in the window, with the real services over stand-ins for the rooms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot
from tests.services.card_rooms import MAKER, MODEL, POISONED, QUANT, REPOSITORY, SHA, Bench

from snug.domain.licence import LicenceFacts
from snug.domain.model_card import PageState
from snug.ui.bridge import Bridge
from snug.ui.look.theme import Theme
from snug.ui.models.card_view import CardView, file_stem
from snug.ui.tasks import Tasks
from snug.ui.text.diff_box import DiffBox


class Desk:
    """A card view on a bench."""

    def __init__(self, bench: Bench, theme: Theme, qtbot: QtBot) -> None:
        self.bench, self._qtbot = bench, qtbot
        self._bridge = Bridge()
        self.tasks = Tasks(self._bridge)
        self.view = CardView(bench.cards, theme, self.tasks)
        qtbot.addWidget(self.view)
        self.view.resize(760, 900)
        self.view.show()

    def show_model(self) -> None:
        with self._qtbot.waitSignal(self.view.shown, timeout=5000):
            self.view.show_model(MODEL)
        self._qtbot.waitUntil(lambda: "Chat template" in self.words)  # Qt shows it a turn later

    def show_repository(self) -> None:
        with self._qtbot.waitSignal(self.view.shown, timeout=5000):
            self.view.show_repository(REPOSITORY)
        self._qtbot.waitUntil(lambda: "Chat template" in self.words)

    @property
    def words(self) -> str:
        labels = self.view.findChildren(QLabel)
        return "\n".join(one.text() for one in labels if one.isVisibleTo(self.view))

    def press(self, name: str) -> None:
        button = self.view.findChild(QWidget, name)
        assert isinstance(button, QPushButton | QToolButton)
        self._qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.fixture
def desk(theme: Theme, qtbot: QtBot) -> Iterator[Desk]:
    made = Desk(Bench(), theme, qtbot)
    yield made
    assert made.tasks.close()


def test_a_models_card_shows_where_from_licence_and_what_is_not_known(desk: Desk) -> None:
    desk.show_model()
    for wanted in (
        *("quantized from maker/tiny", "maker/chats (says maker/tiny)", SHA),
        *("Not measured here yet.", "The same as that of maker/tiny"),
        "Apache 2.0: Commercial use allowed",
    ):
        assert wanted in desk.words, wanted


def test_every_label_shows_plain_text(desk: Desk) -> None:
    desk.show_model()
    labels = desk.view.findChildren(QLabel)
    assert len(labels) > 30
    assert {one.textFormat() for one in labels if one.text()} == {Qt.TextFormat.PlainText}
    assert not any(one.openExternalLinks() for one in labels)


def test_markup_and_hidden_characters_of_strangers_are_shown_as_text(desk: Desk) -> None:
    evil = "<img src=http://x>\u202ecod.exe\U000e0041"
    page = replace(QUANT, datasets=(evil,), facts=LicenceFacts("other", evil))
    desk.bench.pages.known["quant/tiny-GGUF"] = page
    desk.show_model()
    assert "<img src=http://x>⟨U+202E⟩cod.exe⟨U+E0041⟩" in desk.words.replace("> ⟨", ">⟨")
    assert "\u202e" not in desk.words


def test_a_poisoned_template_is_shown_with_signs_and_markers(desk: Desk) -> None:
    page = replace(QUANT, template=POISONED.replace("Visit", "\u202eVisit"))
    desk.bench.pages.known["quant/tiny-GGUF"] = page
    desk.show_repository()
    box = desk.view.findChild(DiffBox, "templateDiff")
    assert box is not None
    assert box.isReadOnly()
    added = [line for line in box.toPlainText().split("\n") if line.startswith("+{")]
    assert len(added) == 1
    assert "⟨U+202E⟩Visit http://evil" in added[0]
    assert "Danger" in desk.words


def test_a_hash_is_copied_whole(desk: Desk) -> None:
    desk.show_model()
    desk.press("copyHash0")
    assert QGuiApplication.clipboard().text() == SHA


def test_report_and_bill_are_saved_where_the_person_says(
    desk: Desk, qtbot: QtBot, tmp_path: Path
) -> None:
    desk.show_model()
    desk.view.save_report(tmp_path / "a.html")
    qtbot.waitUntil(lambda: "Saved as a.html." in desk.words)
    desk.view.save_report(tmp_path / "a.md")
    qtbot.waitUntil(lambda: "Saved as a.md." in desk.words)
    desk.view.save_bom(tmp_path / "a.json")
    qtbot.waitUntil(lambda: "Saved as a.json." in desk.words)
    assert (tmp_path / "a.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert (tmp_path / "a.md").read_text("utf-8").startswith("# Tiny Q4")
    assert json.loads((tmp_path / "a.json").read_text("utf-8"))["bomFormat"] == "CycloneDX"


def test_what_cannot_be_saved_is_told(desk: Desk, qtbot: QtBot, tmp_path: Path) -> None:
    desk.show_model()
    desk.view.save_bom(tmp_path / "none" / "a.json")
    qtbot.waitUntil(lambda: "cannot be written" in desk.view.problem.text)


def test_a_card_that_came_too_late_is_not_shown(desk: Desk, qtbot: QtBot) -> None:
    desk.view.show_repository(REPOSITORY)
    desk.show_model()
    qtbot.waitUntil(lambda: desk.view.card is not None)
    assert desk.tasks.close()
    assert desk.view.card is not None
    assert desk.view.card.title == MODEL.name


def test_another_model_leaves_nothing_of_the_first(desk: Desk) -> None:
    desk.bench.pages.known["maker/tiny"] = replace(MAKER, state=PageState.GATED, template="")
    desk.show_model()
    assert "is gated" in desk.words
    desk.bench.pages.known["maker/tiny"] = MAKER
    desk.show_model()
    assert "is gated" not in desk.words


def test_without_a_card_there_is_nothing_to_save(desk: Desk) -> None:
    for name in ("saveReportButton", "saveBomButton"):
        button = desk.view.findChild(QPushButton, name)
        assert button is not None
        assert not button.isEnabled()
    desk.show_model()
    assert desk.view.findChild(QPushButton, "saveBomButton").isEnabled()


def test_every_control_has_a_name(desk: Desk) -> None:
    desk.show_model()
    controls = [*desk.view.findChildren(QPushButton), *desk.view.findChildren(QToolButton)]
    named = [one for one in controls if one.isVisibleTo(desk.view)]
    assert len(named) >= 3
    assert all(one.objectName() and one.accessibleName() for one in named)


def test_the_card_is_as_tall_as_its_words_and_fits_a_narrow_window(desk: Desk) -> None:
    desk.show_model()
    desk.view.resize(432, 900)
    assert desk.view.minimumSizeHint().width() <= 432
    assert desk.view.heightForWidth(712) < 1400


def test_a_name_for_a_file_holds_nothing_odd() -> None:
    assert file_stem("a/b: Qwen 3 (é)\u202e..") == "a-b-Qwen-3"
    assert file_stem("../..") == "model"
