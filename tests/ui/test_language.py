"""The window's languages: complete, with the same places to fill in, mirrored where due."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from PySide6.QtCore import QCoreApplication, QLocale, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from tests.ui.fake_chat_page import FakeChatPage
from tests.ui.fakes import RESOURCES

from snug.services.bundle import Services
from snug.ui.look.language import ENGLISH, FORMS, NAMES, counted, read_catalogue, speak
from snug.ui.look.theme import Theme
from snug.ui.main_window import MainWindow

_PLACES = re.compile(r"\{\}|%n|\{\{.*?\}\}")
COMPLETE = [code for code in NAMES if code != ENGLISH]


@pytest.fixture(scope="module")
def extraction() -> ModuleType:
    path = Path(__file__).parents[2] / "packaging" / "translations.py"
    spec = importlib.util.spec_from_file_location("translations", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def app(qapp: QApplication) -> Iterator[QApplication]:
    before = QLocale()
    yield qapp
    speak(qapp, RESOURCES, ENGLISH)
    QLocale.setDefault(before)
    qapp.setLayoutDirection(Qt.LayoutDirection.LeftToRight)


@pytest.mark.parametrize("code", COMPLETE)
def test_every_sentence_of_the_window_is_there_and_none_that_is_not_said(
    code: str, extraction: ModuleType
) -> None:
    there = read_catalogue(RESOURCES, code)
    wanted = set(extraction.sentences())
    assert sorted(wanted - set(there)) == []
    assert sorted(set(there) - wanted) == []


@pytest.mark.parametrize("code", NAMES)
def test_what_is_filled_in_has_its_place_in_every_language(code: str) -> None:
    for source, said in read_catalogue(RESOURCES, code).items():
        forms = said if isinstance(said, list) else [said]
        assert len(forms) == (FORMS[code] if "%n" in source else 1), source
        for form in forms:
            assert form.strip() or not source.strip(), source
            places = [p for p in _PLACES.findall(form) if p != "%n"]
            assert sorted(places) == sorted(p for p in _PLACES.findall(source) if p != "%n"), source


@pytest.mark.parametrize(
    ("code", "number", "said"),
    [
        ("en", 1, "1 message was deleted"),
        ("en", 3, "3 messages were deleted"),
        ("de", 1, "1 Nachricht wurde gelöscht"),
        ("de", 2, "2 Nachrichten wurden gelöscht"),
        ("zh", 5, "已删除 5 条消息"),
    ],
)
def test_what_counts_takes_the_form_of_its_number(
    app: QApplication, code: str, number: int, said: str
) -> None:
    speak(app, RESOURCES, code)
    assert counted("Branching", "%n message(s) were deleted", number) == said


def test_arabic_has_six_forms(app: QApplication) -> None:
    speak(app, RESOURCES, "ar")
    said = {counted("Branching", "%n message(s) were deleted", n) for n in (0, 1, 2, 3, 11, 100)}
    assert len(said) == 6


@pytest.mark.parametrize("code", COMPLETE)
def test_the_window_speaks_the_language_and_is_mirrored_where_it_is_written_so(
    qtbot: QtBot, app: QApplication, services: Services, theme: Theme, code: str
) -> None:
    speak(app, RESOURCES, code)
    window = MainWindow(services, theme, FakeChatPage)
    qtbot.addWidget(window)
    window.show()
    texts = read_catalogue(RESOURCES, code)
    assert window.header.title.text() == texts["New chat"]
    sidebar, page = window.sidebar.geometry(), window.shell.width() / 2
    assert (sidebar.center().x() > page) is (code == "ar")
    window.close()


def test_a_missing_or_damaged_catalogue_leaves_english(app: QApplication, tmp_path: Path) -> None:
    (tmp_path / "translations").mkdir()
    (tmp_path / "translations" / "de.json").write_text("{")
    assert speak(app, tmp_path, "de") == "de"
    assert QCoreApplication.translate("MainWindow", "New chat") == "New chat"


def test_an_unknown_choice_takes_the_systems_language(app: QApplication) -> None:
    assert speak(app, RESOURCES, "tlh") in NAMES
