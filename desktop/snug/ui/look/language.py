"""The language of the window: what is chosen, else the system's, else English.

A catalogue is one JSON object for a language, `resources/translations/<code>.json`: the English
sentence, and what is said instead. A list holds the forms of a sentence that counts ("%n"), as many
as the language has. A sentence that is missing is said in English.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QObject, Qt, QTranslator
from PySide6.QtWidgets import QApplication

ENGLISH: Final = "en"
NAMES: Final = {
    ENGLISH: "English",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "ar": "العربية",
    "zh": "中文",
}
FORMS: Final = {ENGLISH: 2, "de": 2, "fr": 2, "es": 2, "ar": 6, "zh": 1}
_LOCALES: Final = {"zh": "zh_CN"}
Texts = Mapping[str, str | list[str]]


def _arabic(n: int) -> int:
    if n <= 2:
        return n
    last = n % 100
    return 3 if 3 <= last <= 10 else 4 if 11 <= last <= 99 else 5


# Which of the forms a number takes. Source: CLDR, Language Plural Rules.
_FORM: Final[Mapping[str, Callable[[int], int]]] = {
    ENGLISH: lambda n: int(n != 1),
    "de": lambda n: int(n != 1),
    "fr": lambda n: int(n > 1),
    "es": lambda n: int(n != 1),
    "ar": _arabic,
    "zh": lambda n: 0,
}


class Catalogue(QTranslator):
    """The sentences of one language."""

    def __init__(self, code: str, texts: Texts, parent: QObject) -> None:
        super().__init__(parent)
        self._texts = texts
        self._form = _FORM[code]

    def isEmpty(self) -> bool:  # noqa: N802  Qt's name
        """Whether it is worth asking."""
        return not self._texts

    def translate(
        self,
        context: str,
        sourceText: str,  # noqa: N803  Qt's name
        disambiguation: str | None = None,
        n: int = -1,
    ) -> str:
        """What is said instead of an English sentence."""
        found = self._texts.get(sourceText, sourceText)
        if isinstance(found, list):
            return found[self._form(max(n, 0))]
        return found


def read_catalogue(resources: Path, code: str) -> Texts:
    """The sentences of a language; none where its file is missing or damaged."""
    try:
        path = resources / "translations" / f"{code}.json"
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def speak(app: QApplication, resources: Path, chosen: str = "") -> str:
    """Let the window speak a language from now on; widgets that exist keep theirs.

    Args:
        chosen: a code of `NAMES`; "" for the system's language.

    Returns:
        The code.
    """
    system = QLocale.system()
    code = chosen if chosen in NAMES else system.name().partition("_")[0]
    code = code if code in NAMES else ENGLISH
    for old in app.findChildren(QTranslator, "language"):
        app.removeTranslator(old)
        old.deleteLater()
    same = system.name().partition("_")[0] == code
    QLocale.setDefault(system if same else QLocale(_LOCALES.get(code, code)))
    own = QTranslator(app)
    own.setObjectName("language")
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    if code != ENGLISH and own.load(f"qtbase_{_LOCALES.get(code, code)}", folder):
        app.installTranslator(own)
    catalogue = Catalogue(code, read_catalogue(resources, code), app)
    catalogue.setObjectName("language")
    app.installTranslator(catalogue)
    rtl = QLocale(code).textDirection() is Qt.LayoutDirection.RightToLeft
    app.setLayoutDirection(
        Qt.LayoutDirection.RightToLeft if rtl else Qt.LayoutDirection.LeftToRight
    )
    return code


def counted(context: str, text: str, n: int) -> str:
    """A sentence with "%n" in it, in the form that the number takes."""
    return QCoreApplication.translate(context, text, None, n)
