"""The library's rows over a real library: what they check, miss, remove, and lead to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QPushButton, QToolButton
from pytestqt.qtbot import QtBot
from tests.models.gguf_maker import named
from tests.ui.fakes import STARTER, FakeEngine, FakeStore

from snug.models.adoption.places import Machine
from snug.models.library import Library
from snug.services.adoption import Adoption
from snug.services.models import ModelService
from snug.ui.bridge import Bridge
from snug.ui.look.theme import Theme
from snug.ui.models.library_rows import LibraryRows
from snug.ui.models.model_card import ModelCard
from snug.ui.tasks import Tasks


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.gguf"
    path.write_bytes(named("Mine").build())
    return path


@pytest.fixture
def rows(qtbot: QtBot, theme: Theme, tmp_path: Path, file: Path) -> Iterator[LibraryRows]:
    machine = Machine(tmp_path / "home", {}, "linux", tmp_path / "home")
    library = Library(tmp_path / "models", lambda: None, lambda: machine)
    library.import_file(file)
    models = ModelService(library, FakeStore(), FakeEngine())
    bridge = Bridge()
    tasks = Tasks(bridge)
    made = LibraryRows(models, Adoption(library), theme, tasks)
    qtbot.addWidget(made)
    made.resize(760, 400)
    made.show()
    made.refresh()
    yield made
    made.close_down()
    tasks.close()
    bridge.close()


def cards(rows: LibraryRows) -> list[ModelCard]:
    QApplication.processEvents()  # rows that were just made are shown a turn later
    return [card for card in rows.findChildren(ModelCard) if card.isVisible()]


def press(card: ModelCard, name: str) -> None:
    action = card.findChild(QAction, name)
    assert action is not None, name
    action.trigger()


def test_a_check_finds_a_byte_that_changed(qtbot: QtBot, rows: LibraryRows, file: Path) -> None:
    (card,) = cards(rows)
    press(card, f"verify_{card.model.name}")
    qtbot.waitUntil(lambda: "every byte is as it was added" in card.said)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    press(card, f"verify_{card.model.name}")
    qtbot.waitUntil(lambda: "Reading" not in card.said and "every byte" not in card.said)
    assert "is not the one that was added" in card.said


def test_a_model_whose_file_is_gone_stays_and_says_so(rows: LibraryRows, file: Path) -> None:
    file.unlink()
    rows.refresh()
    (card,) = cards(rows)
    assert str(file) in card.accessibleDescription()


def test_a_row_leads_to_the_card(qtbot: QtBot, rows: LibraryRows) -> None:
    (card,) = cards(rows)
    with qtbot.waitSignal(rows.card_requested) as asked:
        press(card, f"card_{card.model.name}")
    assert asked.args == [card.model]


def test_what_was_removed_comes_back_with_undo(rows: LibraryRows, file: Path) -> None:
    (card,) = cards(rows)
    rows.remove(card.model)
    assert cards(rows) == []
    undo = rows.undo.findChild(QPushButton)
    assert isinstance(undo, QPushButton)
    undo.click()
    assert [one.model.name for one in cards(rows)] == [card.model.name]
    assert file.exists()


def test_without_undo_it_is_forgotten_and_a_file_elsewhere_stays(
    rows: LibraryRows, file: Path
) -> None:
    (card,) = cards(rows)
    rows.remove(card.model)
    rows.close_down()
    rows.refresh()
    assert cards(rows) == []
    assert file.exists()


def test_removing_with_the_keyboard_leaves_it_on_undo(qtbot: QtBot, rows: LibraryRows) -> None:
    (card,) = cards(rows)
    qtbot.addWidget(rows.undo)
    rows.undo.setParent(rows)
    rows.activateWindow()
    remove = card.findChild(QToolButton, f"remove_{card.model.name}")
    assert remove is not None
    remove.setFocus()
    qtbot.waitUntil(remove.hasFocus)
    remove.click()
    undo = rows.undo.findChild(QPushButton)
    assert isinstance(undo, QPushButton)
    assert undo.hasFocus()


def test_the_starter_offers_no_removal(qtbot: QtBot, theme: Theme) -> None:
    card = ModelCard(STARTER, False, None, theme)
    qtbot.addWidget(card)
    assert card.findChild(QToolButton, f"more_{STARTER.name}") is not None
    assert card.findChild(QToolButton, f"remove_{STARTER.name}") is None
