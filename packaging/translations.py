"""Looks through the window's sources for sentences, and says what the catalogues lack.

python packaging/translations.py          # what is missing, or not said any more
python packaging/translations.py --list   # every sentence, as a JSON list
"""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

from snug.domain.offer import Quality
from snug.domain.quantization import words as quality_words

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "desktop" / "snug" / "ui"
CATALOGUES = ROOT / "resources" / "translations"
LANGUAGES = ("de", "fr", "es", "ar", "zh")
_DIRECT = ("tr", "_tr")  # the sentence is the first argument
_WITH_CONTEXT = ("translate", "counted")  # it is the second


def sentences() -> list[str]:
    """Every sentence of the window, in the order of files and lines, each once."""
    found: dict[str, None] = {}
    for path in sorted(SOURCES.rglob("*.py")):
        calls = [n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Call)]
        for call in sorted(calls, key=lambda one: (one.lineno, one.col_offset)):
            text = _sentence(call)
            if text:
                found[text] = None
    found.update(dict.fromkeys(map(quality_words, Quality)))  # the window translates them too
    return list(found)


def _sentence(call: ast.Call) -> str:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    place = 0 if name in _DIRECT else 1 if name in _WITH_CONTEXT else -1
    if place < 0 or len(call.args) <= place:
        return ""
    given = call.args[place]
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        return given.value
    return ""


def catalogue(code: str) -> dict[str, object]:
    """What a language has."""
    path = CATALOGUES / f"{code}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def main() -> int:
    """Report. Returns: 1 where something is missing."""
    wanted = sentences()
    if "--list" in sys.argv:
        print(json.dumps(wanted, ensure_ascii=False, indent=0))
        return 0
    lacking = 0
    for code in LANGUAGES:
        there = catalogue(code)
        missing = [text for text in wanted if text not in there]
        stale = [text for text in there if text not in wanted]
        lacking += len(missing)
        print(f"{code}: {len(missing)} missing, {len(stale)} not said any more")
        for text in missing:
            print(f"  missing: {text!r}")
        for text in stale:
            print(f"  stale:   {text!r}")
    return int(lacking > 0)


if __name__ == "__main__":
    sys.exit(main())
