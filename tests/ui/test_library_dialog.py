"""Prompts and personas in the window: kept, used by a slash, filled in, and leading a chat."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QListWidget, QMenu
from pytestqt.qtbot import QtBot
from tests.ui.chat import MODEL, USER, make_page
from tests.ui.fakes import Rooms, put_conversation

from snug.domain.conversation import ConversationSettings
from snug.domain.sampling import Sampling
from snug.services.bundle import Services
from snug.services.prompts import PromptLibrary
from snug.ui.chat.chat_page import ChatPage
from snug.ui.chat.library_dialog import LibraryDialog
from snug.ui.look.theme import Theme
from snug.ui.palette import Palette

BRIEF = ConversationSettings("no such model", "Be brief.", Sampling(temperature=0.1))


@pytest.fixture
def page(qtbot: QtBot, rooms: Rooms, services: Services, theme: Theme) -> Iterator[ChatPage]:
    made = make_page(qtbot, services, theme)
    yield made
    made.shutdown()


def library(services: Services) -> PromptLibrary:
    return PromptLibrary(services.preferences)


def dialog(page: ChatPage) -> LibraryDialog:
    page.prompts.show_library()
    return page.window().findChildren(LibraryDialog)[-1]


def press(shown: LibraryDialog, name: str) -> None:
    from PySide6.QtWidgets import QAbstractButton

    button = shown.findChild(QAbstractButton, name)
    assert button is not None
    button.click()


def rows(shown: LibraryDialog) -> list[str]:
    listed: QListWidget = shown.list
    return [listed.item(n).text() for n in range(listed.count())]


def test_a_prompt_is_written_kept_and_deleted_and_brought_back(
    services: Services, page: ChatPage
) -> None:
    shown = dialog(page)
    shown.name.setText("Summary")
    shown.text.setPlainText("Summarise this:")
    press(shown, "keepOne")
    assert rows(shown) == ["Summary  ·  Prompt"]
    press(shown, "deleteOne")
    assert library(services).prompts() == ()
    press(shown, "libraryUndoButton")
    assert [one.text for one in library(services).prompts()] == ["Summarise this:"]
    shown.close()


def test_closing_keeps_what_was_written(services: Services, page: ChatPage) -> None:
    shown = dialog(page)
    shown.text.setPlainText("Explain it as to a child: {{what}}")
    press(shown, "closeLibrary")
    assert [one.name for one in library(services).prompts()] == [
        "Explain it as to a child: {{what}}"
    ]


def test_what_cannot_be_kept_is_told_in_the_dialog(page: ChatPage) -> None:
    shown = dialog(page)
    press(shown, "keepOne")
    problem = shown.findChild(QLabel, "libraryProblem")
    assert problem is not None
    assert problem.text() == "A prompt needs a text."
    shown.close()


@pytest.mark.qt_log_ignore("raise", "grabbing the keyboard", extend=True)
def test_a_slash_offers_prompts_and_the_chosen_one_has_its_first_field_selected(
    qtbot: QtBot, services: Services, page: ChatPage
) -> None:
    library(services).save_prompt("Letter", "Write to {{name}} in a {{tone:kind|formal}} way")
    qtbot.keyClicks(page.composer.field, "/")
    palette = page.window().findChild(Palette)
    assert isinstance(palette, Palette)
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    field = page.composer.field
    assert field.textCursor().selectedText() == "{{name}}"
    qtbot.keyClicks(field, "Ada")
    qtbot.keyClick(field, Qt.Key.Key_Tab)
    assert field.textCursor().selectedText() == "{{tone:kind|formal}}"
    menu = field.findChild(QMenu, "fieldChoices")
    assert menu is not None
    menu.actions()[1].trigger()
    assert page.composer.text == "Write to Ada in a formal way"


def test_a_slash_can_be_written_too(qtbot: QtBot, services: Services, page: ChatPage) -> None:
    library(services).save_prompt("Letter", "Write")
    qtbot.keyClicks(page.composer.field, "/")
    palette = page.window().findChild(Palette)
    assert isinstance(palette, Palette)
    qtbot.keyClicks(palette.field, "slash")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert page.composer.text == "/"


def test_a_persona_leads_the_open_chat_and_is_undone(
    rooms: Rooms, services: Services, page: ChatPage
) -> None:
    chat = put_conversation(rooms.store, "Fruit", 1, (USER, "quince?"), (MODEL, "yes"))
    page.open_conversation(chat.id)
    persona = library(services).save_persona("Short", BRIEF)
    page.prompts.use(persona)
    kept = rooms.store.kept[chat.id].settings
    assert (kept.system_prompt, kept.sampling) == ("Be brief.", BRIEF.sampling)
    assert kept.model != "no such model"  # it is not here: the present one goes on
    page.undo()
    assert rooms.store.kept[chat.id].settings.system_prompt == ""


def test_a_persona_is_made_of_the_open_chat(services: Services, page: ChatPage) -> None:
    page.settings.apply(BRIEF)
    shown = dialog(page)
    press(shown, "newPersona")
    assert shown.text.toPlainText() == "Be brief."
    shown.name.setText("Short")
    press(shown, "keepOne")
    (persona,) = library(services).personas()
    assert persona.settings.sampling == BRIEF.sampling
    shown.close()


def test_all_of_them_go_into_a_file_and_come_back(
    tmp_path: Path, services: Services, page: ChatPage
) -> None:
    made = library(services)
    prompt = made.save_prompt("Letter", "Write")
    made.save_persona("Short", BRIEF)
    shown = dialog(page)
    shown.save_to(tmp_path / "all.json")
    made.remove(prompt)
    shown.take_in(tmp_path / "all.json")
    assert rows(shown) == ["Letter  ·  Prompt", "Short  ·  Persona"]
    shown.take_in(tmp_path / "missing.json")
    problem = shown.findChild(QLabel, "libraryProblem")
    assert problem is not None
    assert "cannot be read" in problem.text()
    shown.close()


def test_a_name_that_is_taken_is_told_before_the_dialog_closes(
    services: Services, page: ChatPage
) -> None:
    library(services).save_prompt("A", "x")
    shown = dialog(page)
    shown.name.setText("A")
    shown.text.setPlainText("another")
    shown.reject()
    assert shown.isVisible()
    shown.reject()
    assert not shown.isVisible()


def test_a_persona_without_instructions_is_kept_at_closing(
    services: Services, page: ChatPage
) -> None:
    shown = dialog(page)
    press(shown, "newPersona")
    shown.name.setText("Cool")
    press(shown, "closeLibrary")
    assert [one.name for one in library(services).personas()] == ["Cool"]
