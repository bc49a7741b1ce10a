"""Other programs' models in the window, and a model's row: what they show and what they do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot
from tests.models import programs
from tests.models.gguf_maker import named
from tests.ui.fakes import CPU, LARGE, SMALL, STARTER

from snug.domain.adoption import Found, Removed
from snug.domain.errors import EnvironmentFault, UserError
from snug.domain.model import ModelFile
from snug.models.adoption.places import Machine
from snug.models.library import Library
from snug.services.adoption import Adoption
from snug.ui.bridge import Bridge
from snug.ui.look.theme import Theme
from snug.ui.models.adoption_row import AdoptionRow
from snug.ui.models.adoption_view import AdoptionView
from snug.ui.models.model_card import ModelCard
from snug.ui.models.model_verifier import ModelVerifier
from snug.ui.tasks import Tasks


@pytest.fixture
def tasks(qtbot: QtBot) -> Iterator[Tasks]:
    bridge = Bridge()
    made = Tasks(bridge)
    yield made
    made.close()
    bridge.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    return made


@pytest.fixture
def adoption(tmp_path: Path, home: Path) -> Adoption:
    machine = Machine(home, {}, "linux", home / "system")
    return Adoption(Library(tmp_path / "models", lambda: None, lambda: machine))


@pytest.fixture
def view(qtbot: QtBot, adoption: Adoption, theme: Theme, tasks: Tasks) -> AdoptionView:
    made = AdoptionView(adoption, theme, tasks)
    qtbot.addWidget(made)
    made.resize(760, 600)
    made.show()
    return made


def rows(view: AdoptionView) -> list[AdoptionRow]:
    return [row for row in view.findChildren(AdoptionRow) if row.isVisible()]


def words(widget: QWidget) -> str:
    found = widget.findChildren(QLabel)
    return "\n".join(part.text() for part in found if part.isVisible())


def button(widget: QWidget, name: str) -> QPushButton:
    found = widget.findChild(QPushButton, name)
    assert isinstance(found, QPushButton)
    return found


def test_a_computer_without_other_models_is_told_so(qtbot: QtBot, view: AdoptionView) -> None:
    view.refresh()
    qtbot.waitUntil(lambda: "keep no models here" in words(view))
    assert rows(view) == []
    assert not button(view, "adoptButton").isVisible()
    assert button(view, "lookInFolderButton").isVisible()


def test_models_are_grouped_by_program_with_their_facts(
    qtbot: QtBot, view: AdoptionView, home: Path
) -> None:
    programs.lm_studio(home)
    programs.ollama(home / ".ollama" / "models")
    view.refresh()
    qtbot.waitUntil(lambda: len(rows(view)) == 3)
    shown = words(view)
    assert shown.index("LM Studio") < shown.index("Tiny Q4_K_M") < shown.index("Ollama")
    assert "Apache 2.0, commercial use allowed" in shown
    assert "sees pictures" in shown
    assert "2 files left out: show why" in button(view, "leftOutButton").text()


def test_what_was_left_out_is_told_on_demand(qtbot: QtBot, view: AdoptionView, home: Path) -> None:
    programs.lm_studio(home)
    view.refresh()
    qtbot.waitUntil(lambda: len(rows(view)) == 2)
    assert "web page" not in words(view)
    qtbot.mouseClick(button(view, "leftOutButton"), Qt.MouseButton.LeftButton)
    assert "page.gguf: This is a web page" in words(view)
    assert "has not finished downloading" in words(view)


def test_ticked_models_join_the_library(
    qtbot: QtBot, view: AdoptionView, adoption: Adoption, home: Path
) -> None:
    programs.lm_studio(home)
    view.refresh()
    qtbot.waitUntil(lambda: len(rows(view)) == 2)
    take = button(view, "adoptButton")
    assert not take.isEnabled()
    qtbot.mouseClick(rows(view)[0], Qt.MouseButton.LeftButton)
    assert take.text().startswith("Use 1 model (")
    with qtbot.waitSignal(view.adopted):
        qtbot.mouseClick(take, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "In your library" in words(view))
    assert "Added 1 model." in words(view)
    assert [one.already for one in adoption.found() if not one.problem] == [True, False]


def test_a_model_that_is_not_what_its_program_says_is_told(
    qtbot: QtBot, view: AdoptionView, home: Path
) -> None:
    blob = programs.ollama(home / ".ollama" / "models")
    data = bytearray(blob.read_bytes())
    data[-1] ^= 1
    blob.write_bytes(data)
    view.refresh()
    qtbot.waitUntil(lambda: len(rows(view)) == 1)
    rows(view)[0].box.setChecked(True)
    view.take()
    qtbot.waitUntil(lambda: "is not what Ollama says" in words(view))


def test_a_folder_that_was_chosen_is_looked_in(
    qtbot: QtBot, view: AdoptionView, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    named("Own").write(own / "own.gguf")
    view.look_in([own])
    qtbot.waitUntil(lambda: [row.found.name for row in rows(view)] == ["Own F32"])


def test_every_control_has_a_name(qtbot: QtBot, view: AdoptionView, home: Path) -> None:
    programs.lm_studio(home)
    view.refresh()
    qtbot.waitUntil(lambda: len(rows(view)) == 2)
    controls = [*view.findChildren(QPushButton), *(row.box for row in rows(view))]
    assert all(one.objectName() and one.accessibleName() for one in controls)


class Reading:
    """A library whose check waits for the test, as that of a large file does."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.problem = ""
        self.error: Exception | None = None

    def verify(self, name: str, *, progress: object, cancelled: object) -> str:
        assert callable(progress)
        assert callable(cancelled)
        progress(1, 2)
        while not self.go.wait(0.01):
            if cancelled():
                raise UserError("Stopped; nothing was changed.")
        if self.error is not None:
            raise self.error
        return self.problem

    def look(self, paths: object, programs: object) -> tuple[Found, ...]:
        raise EnvironmentFault("The model library's index cannot be read.")

    def missing(self) -> tuple[ModelFile, ...]:
        return ()

    def adopt(self, found: Found, *, progress: object, cancelled: object) -> ModelFile:
        raise AssertionError("not asked for")

    def take_out(self, name: str) -> Removed:
        raise AssertionError("not asked for")

    def owns(self, model: ModelFile) -> bool:
        return False


@pytest.fixture
def reading() -> Iterator[Reading]:
    made = Reading()
    yield made
    made.go.set()


@pytest.fixture
def verifier(qtbot: QtBot, reading: Reading, tasks: Tasks) -> Iterator[ModelVerifier]:
    parent = QWidget()
    qtbot.addWidget(parent)
    made = ModelVerifier(Adoption(reading), tasks, parent)
    yield made
    made.close()
    tasks.close()


def make_card(qtbot: QtBot, theme: Theme, model: ModelFile, missing: bool = False) -> ModelCard:
    card = ModelCard(model, False, None, theme, missing=missing)
    qtbot.addWidget(card)
    card.show()
    return card


def press(card: ModelCard, name: str) -> None:
    action = card.findChild(QAction, name)
    assert isinstance(action, QAction)
    action.trigger()


def test_a_look_that_fails_is_told_once(qtbot: QtBot, theme: Theme, tasks: Tasks) -> None:
    view = AdoptionView(Adoption(Reading()), theme, tasks)
    qtbot.addWidget(view)
    view.show()
    view.refresh()
    qtbot.waitUntil(lambda: "cannot be read" in words(view))


def test_a_row_tells_licence_and_origin(qtbot: QtBot, theme: Theme) -> None:
    model = replace(SMALL, program="LM Studio", other_paths=("/elsewhere.gguf",))
    shown = words(make_card(qtbot, theme, model))
    assert "Apache 2.0, commercial use allowed" in shown
    assert "From Qwen/Qwen2.5-1.5B-Instruct-GGUF, lies in LM Studio" in shown
    assert "one more copy here" in shown
    assert "Licence unknown · Added from this computer" in words(make_card(qtbot, theme, LARGE))


def test_a_missing_model_says_what_to_do_and_offers_nothing_else(
    qtbot: QtBot, theme: Theme
) -> None:
    card = make_card(qtbot, theme, replace(LARGE, note="It is gone. Put it back."), missing=True)
    assert "Missing" in words(card)
    assert "Put it back." in words(card)
    assert card.findChild(QPushButton, f"use_{LARGE.name}") is None
    assert card.findChild(QAction, f"verify_{LARGE.name}") is None


def test_the_card_is_asked_for(qtbot: QtBot, theme: Theme) -> None:
    card = ModelCard(STARTER, True, (STARTER, CPU), theme)
    qtbot.addWidget(card)
    with qtbot.waitSignal(card.card_requested) as told:
        press(card, f"card_{STARTER.name}")
    assert told.args == [STARTER]


@pytest.mark.parametrize(
    ("problem", "words_"),
    [("", "every byte is as it was added"), ("The disk may be failing.", "disk may be failing")],
)
def test_a_check_tells_how_far_it_is_and_what_it_found(
    qtbot: QtBot,
    theme: Theme,
    verifier: ModelVerifier,
    reading: Reading,
    problem: str,
    words_: str,
) -> None:
    card = make_card(qtbot, theme, SMALL)
    verifier.watch(card)
    reading.problem = problem
    press(card, f"verify_{SMALL.name}")
    qtbot.waitUntil(lambda: "50 %" in card.said)
    reading.go.set()
    qtbot.waitUntil(lambda: words_ in card.said)


def test_a_check_can_be_stopped(qtbot: QtBot, theme: Theme, verifier: ModelVerifier) -> None:
    card = make_card(qtbot, theme, SMALL)
    verifier.watch(card)
    press(card, f"verify_{SMALL.name}")
    qtbot.waitUntil(lambda: "50 %" in card.said)
    qtbot.mouseClick(button(card, f"stop_{SMALL.name}"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "Stopped" in card.said)


def test_a_row_made_anew_goes_on_with_its_check(
    qtbot: QtBot, theme: Theme, verifier: ModelVerifier, reading: Reading
) -> None:
    verifier.watch(make_card(qtbot, theme, SMALL))
    verifier.verify(SMALL)
    again = make_card(qtbot, theme, SMALL)
    verifier.watch(again)
    reading.go.set()
    qtbot.waitUntil(lambda: "every byte" in again.said)
    third = make_card(qtbot, theme, SMALL)
    verifier.watch(third)
    assert "every byte" in third.said
