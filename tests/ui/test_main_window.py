from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QShortcut
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot
from tests.ui.fake_chat_page import FakeChatPage
from tests.ui.fakes import LARGE, SMALL, STARTER, Rooms, put_conversation

from snug.domain.conversation import Role, now_ms
from snug.domain.events import Paused, Resumed
from snug.services.bundle import Services
from snug.ui.look.banner import Level
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import DARK, SIZES
from snug.ui.main_window import MainWindow
from snug.ui.models.library_page import LibraryPage
from snug.ui.places import Place
from snug.ui.settings.settings_page import SettingsPage


def make(qtbot: QtBot, services: Services, theme: Theme) -> MainWindow:
    window = MainWindow(services, theme, FakeChatPage)
    qtbot.addWidget(window, before_close_func=lambda w: w.close())
    window.resize(1280, 800)
    window.show()
    return window


@pytest.fixture
def window(qtbot: QtBot, rooms: Rooms, services: Services, theme: Theme) -> Iterator[MainWindow]:
    put_conversation(rooms.store, "Cats", now_ms(), (Role.USER, "A name for a grey cat"))
    put_conversation(rooms.store, "Boats", now_ms() - 1, (Role.USER, "Which knot?"))
    made = make(qtbot, services, theme)
    yield made
    made.close()


def page(window: MainWindow) -> FakeChatPage:
    assert isinstance(window.chat_page, FakeChatPage)
    return window.chat_page


def button(window: MainWindow, name: str) -> QAbstractButton:
    found = window.findChild(QAbstractButton, name)
    assert isinstance(found, QAbstractButton), name
    return found


def press(window: MainWindow, keys: str) -> None:
    shortcut = window.findChild(QShortcut, f"shortcut_{keys}")
    assert isinstance(shortcut, QShortcut), keys
    shortcut.activated.emit()


def title(window: MainWindow) -> QLineEdit:
    found = window.findChild(QLineEdit, "conversationTitle")
    assert isinstance(found, QLineEdit)
    return found


# -- the first minute ---------------------------------------------------------------------------


def test_it_opens_on_a_new_chat_ready_to_write(window: MainWindow) -> None:
    assert window.place is Place.CHATS
    assert page(window).asked == ["new"]
    composer = page(window).findChild(QLineEdit, "composer")
    assert composer is not None
    assert window.focusWidget() is composer


def test_the_note_about_the_key_shows_on_the_first_run_only(
    qtbot: QtBot, rooms: Rooms, theme: Theme, tmp_path: Path
) -> None:
    first = make(qtbot, rooms.services(tmp_path, created=True), theme)
    assert first.banner.text == "The key is in your desktop's keyring."
    first.banner.findChild(QPushButton, "bannerAction").click()
    assert first.banner.text == ""
    first.close()
    assert make(qtbot, rooms.services(tmp_path), theme).banner.text == ""


def test_the_model_is_loaded_after_the_window_shows(
    qtbot: QtBot, rooms: Rooms, window: MainWindow
) -> None:
    assert rooms.engine.preloads == []
    window.start()
    qtbot.waitUntil(lambda: window.sidebar.model_state.state == "Ready · on the processor")
    assert rooms.engine.preloads == [STARTER.name]


def test_loading_shows_how_far_it_is(qtbot: QtBot, rooms: Rooms, window: MainWindow) -> None:
    seen: list[str] = []
    window.sidebar.model_state.state_changed.connect(seen.append)
    window.start()
    qtbot.waitUntil(lambda: "Loading 43 %" in seen)


def test_a_model_that_does_not_load_is_told_with_a_way_on(
    qtbot: QtBot, rooms: Rooms, window: MainWindow
) -> None:
    rooms.engine.preload_fails = "Needs 9.1 GB, 7.4 GB free."
    window.start()
    qtbot.waitUntil(lambda: window.banner.text == "Needs 9.1 GB, 7.4 GB free.")
    assert window.banner.level is Level.DANGER
    assert button(window, "bannerAction").text() == "Choose another model"
    assert window.sidebar.model_state.state == "Could not be loaded"


def test_without_any_model_the_next_step_is_offered(
    qtbot: QtBot, rooms: Rooms, services: Services, theme: Theme
) -> None:
    rooms.library.kept.clear()
    window = make(qtbot, services, theme)
    window.start()
    assert "no model on this machine" in window.banner.text
    assert window.sidebar.model_state.state == "Add one in Models"


# -- conversations ------------------------------------------------------------------------------


def test_opening_a_conversation_shows_its_title(window: MainWindow) -> None:
    window.open_conversation("c-cats")
    assert page(window).asked[-1] == "open c-cats"
    assert title(window).text() == "Cats"


def test_the_title_above_the_page_renames(qtbot: QtBot, rooms: Rooms, window: MainWindow) -> None:
    window.open_conversation("c-cats")
    title(window).selectAll()
    qtbot.keyClicks(title(window), "Kittens")
    qtbot.keyClick(title(window), Qt.Key.Key_Return)
    assert rooms.store.kept["c-cats"].title == "Kittens"
    qtbot.waitUntil(lambda: window.list.title_of("c-cats") == "Kittens")


def test_esc_in_the_title_takes_the_edit_back(
    qtbot: QtBot, rooms: Rooms, window: MainWindow
) -> None:
    window.open_conversation("c-cats")
    qtbot.keyClicks(title(window), "xyz")
    qtbot.keyClick(title(window), Qt.Key.Key_Escape)
    assert title(window).text() == "Cats"
    assert rooms.store.kept["c-cats"].title == "Cats"


def test_deleting_the_open_conversation_opens_a_new_chat_and_undo_returns(
    window: MainWindow,
) -> None:
    window.open_conversation("c-cats")
    window.list.remove("c-cats")
    assert page(window).asked[-2:] == ["stop", "new"]
    button(window, "conversationUndoButton").click()
    assert page(window).asked[-1] == "open c-cats"


def test_a_conversation_that_grew_moves_to_the_top(
    qtbot: QtBot, rooms: Rooms, window: MainWindow
) -> None:
    put_conversation(rooms.store, "Fresh", now_ms() + 5, (Role.USER, "x"))
    page(window).conversation_changed.emit("c-fresh")
    qtbot.waitUntil(lambda: window.list.title_of("c-fresh") == "Fresh")


def test_search_as_you_type_and_esc_returns(qtbot: QtBot, window: MainWindow) -> None:
    press(window, "Ctrl+Shift+F")
    field = window.sidebar.search_field
    assert window.focusWidget() is field
    qtbot.keyClicks(field, "knot")
    qtbot.waitUntil(lambda: window.list.title_of("c-cats") == "")
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == ""
    assert window.list.title_of("c-cats") == "Cats"


# -- models -------------------------------------------------------------------------------------


def test_picking_a_model_hands_it_to_the_page_and_loads_it(
    qtbot: QtBot, rooms: Rooms, services: Services, window: MainWindow
) -> None:
    press(window, "Ctrl+M")
    button(window, f"pick_{SMALL.name}").click()
    assert page(window).models == [SMALL]
    assert services.models.default() == SMALL
    qtbot.waitUntil(lambda: rooms.engine.preloads == [SMALL.name])
    assert button(window, "modelPicker").text() == SMALL.name


def test_the_picker_is_driven_by_arrows_and_esc(qtbot: QtBot, window: MainWindow) -> None:
    press(window, "Ctrl+M")
    popup = window.findChild(QWidget, "modelPopup")
    assert isinstance(popup, QWidget)
    assert window.focusWidget() is button(window, f"pick_{STARTER.name}")
    qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Up)
    assert window.focusWidget() is button(window, f"pick_{LARGE.name}")
    qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Escape)
    assert not popup.isVisible()
    assert page(window).models == []


def test_the_starter_is_named_what_it_is_for(window: MainWindow) -> None:
    press(window, "Ctrl+M")
    row = button(window, f"pick_{STARTER.name}")
    assert "not for answers" in row.accessibleDescription()


def models_page(window: MainWindow) -> LibraryPage:
    window.go_to(Place.MODELS)
    found = window.findChild(LibraryPage, "libraryPage")
    assert isinstance(found, LibraryPage)
    return found


def test_a_dropped_file_joins_the_library(
    qtbot: QtBot, rooms: Rooms, window: MainWindow, tmp_path: Path
) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path / "new.gguf"))])
    drop = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    shown = models_page(window)
    with qtbot.waitSignal(shown.library_changed):
        shown.dropEvent(drop)
    assert window.findChild(QWidget, "model_new") is not None


def test_a_broken_file_is_told_in_one_sentence(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    shown = models_page(window)
    shown.add_files([tmp_path / "broken.gguf"])
    qtbot.waitUntil(lambda: "broken.gguf is not a GGUF file" in shown.problem.text)
    assert button(window, "addModelButton").isEnabled()


def test_a_removed_model_can_be_brought_back(rooms: Rooms, window: MainWindow) -> None:
    shown = models_page(window)
    shown.remove(LARGE)
    assert LARGE in rooms.library.kept
    button(window, "modelUndoButton").click()
    shown.commit_removals()
    assert LARGE in rooms.library.kept
    shown.remove(LARGE)
    shown.commit_removals()
    assert LARGE not in rooms.library.kept


# -- banners ------------------------------------------------------------------------------------


def test_a_pause_is_shown_and_goes_when_the_answer_goes_on(window: MainWindow) -> None:
    page(window).run_event.emit(Paused("The disk is full."))
    assert (window.banner.text, window.banner.level) == ("The disk is full.", Level.WARN)
    page(window).run_event.emit(Resumed())
    assert window.banner.text == ""


def test_going_on_does_not_close_another_message(window: MainWindow) -> None:
    page(window).error_occurred.emit("Something else.")
    page(window).run_event.emit(Resumed())
    assert window.banner.text == "Something else."


# -- layout, keys, memory -----------------------------------------------------------------------


def test_below_900_px_the_bar_folds_into_an_overlay(window: MainWindow) -> None:
    assert window.shell.bar_visible
    window.resize(SIZES.fold_below - 1, 700)
    assert not window.shell.bar_visible
    assert button(window, "unfoldButton").isVisible()
    press(window, "Ctrl+B")
    assert window.shell.bar_visible
    chat_left = page(window).mapTo(window, QPoint(0, 0)).x()
    assert chat_left == 0
    window.open_conversation("c-cats")
    assert not window.shell.bar_visible
    window.resize(1280, 700)
    assert window.shell.bar_visible


def test_a_bar_that_was_hidden_stays_hidden(qtbot: QtBot, services: Services, theme: Theme) -> None:
    window = make(qtbot, services, theme)
    press(window, "Ctrl+B")
    window.close()
    assert not make(qtbot, services, theme).shell.bar_visible


def test_geometry_is_kept(qtbot: QtBot, services: Services, theme: Theme) -> None:
    window = make(qtbot, services, theme)
    window.resize(710, 540)
    window.close()
    assert make_unsized(qtbot, services, theme).size().toTuple() == (710, 540)


def make_unsized(qtbot: QtBot, services: Services, theme: Theme) -> MainWindow:
    window = MainWindow(services, theme, FakeChatPage)
    qtbot.addWidget(window, before_close_func=lambda w: w.close())
    window.show()
    return window


@pytest.mark.parametrize(
    ("keys", "place"),
    [("Ctrl+2", Place.MODELS), ("Ctrl+3", Place.SETTINGS), ("Ctrl+,", Place.SETTINGS)],
)
def test_keys_lead_to_the_places(window: MainWindow, keys: str, place: Place) -> None:
    press(window, keys)
    assert window.place is place
    press(window, "Ctrl+1")
    assert window.place is Place.CHATS


def test_real_keys_reach_the_shortcuts(qtbot: QtBot, window: MainWindow) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert window.place is Place.MODELS
    qtbot.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert window.place is Place.CHATS


def test_esc_stops_the_answer(window: MainWindow) -> None:
    press(window, "Esc")
    assert page(window).asked[-1] == "stop"


def test_settings_change_at_once_and_are_kept(
    services: Services, theme: Theme, window: MainWindow
) -> None:
    press(window, "Ctrl+,")
    button(window, "schemeChoice_dark").click()
    assert theme.palette is DARK
    assert services.preferences.get("window.scheme") == "dark"
    settings = window.findChild(SettingsPage)
    assert settings is not None
    texts = [label.text() for label in settings.findChildren(QLabel)]
    assert str(services.profile.data_dir) in texts
    assert services.profile.key_note in texts


def test_the_context_length_reaches_the_models(services: Services, window: MainWindow) -> None:
    press(window, "Ctrl+,")
    menu = button(window, "contextLengthChoice")
    assert isinstance(menu, QPushButton)
    action = next(a for a in menu.menu().actions() if a.objectName() == "contextLengthChoice_4096")
    action.trigger()
    assert services.models.load_options(SMALL).context_length == 4096


def test_closing_keeps_the_draft_first(window: MainWindow) -> None:
    window.close()
    assert page(window).asked[-1] == "shutdown"


def test_every_control_has_a_name_and_words(window: MainWindow) -> None:
    for keys in ("Ctrl+2", "Ctrl+3", "Ctrl+1", "Ctrl+M", "F1"):
        press(window, keys)
    controls = [
        widget
        for widget in window.findChildren(QWidget)
        if widget.focusPolicy() is not Qt.FocusPolicy.NoFocus or isinstance(widget, QAbstractButton)
    ]
    assert len(controls) > 30
    for widget in controls:
        owner = f"{type(widget).__name__} {widget.objectName()} in {widget.parentWidget()}"
        assert widget.objectName(), owner
        assert widget.accessibleName(), owner
    names = {widget.objectName() for widget in controls}
    assert names >= {"newChatButton", "searchField", "conversationList", "modelPicker", "composer"}
