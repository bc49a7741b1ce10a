"""Signs that a chat template was tampered with. It is a program that every prompt passes through.

A template can put words into a conversation that nobody sees. Genuine ones mark turns, describe
tools and at most introduce the model; they do not hide characters, send to addresses, or listen
for words of the person. What is found is told; the person decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_TAGS: Final = re.compile("[\U000e0000-\U000e007f]")
_HIDDEN: Final = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]")
_URL: Final = re.compile(r"\b(?:https?|ftp|wss?)://", re.IGNORECASE)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2}))")
_COMMENT: Final = re.compile(r"\{#.*?#\}", re.DOTALL)  # Jinja's own; the model never sees it
_FAR_RIGHT: Final = re.compile(r"[ \t]{200,}(?![ \t]*\n)\S")
_CSS: Final = re.compile(r"(?:display\s*:\s*none|font-size\s*:\s*0|visibility\s*:\s*hidden)", re.I)
_WORD: Final = (
    r"""(?P<q{0}>['"])(?P<w{0}>[^'"<>\[\]|/{{}}\\]*[^\W\d_]{{3,}}[^'"<>\[\]|/{{}}\\]*)(?P=q{0})"""
)
# What genuine templates compare content with: kinds of parts, and switches of their families.
_GENUINE: Final = frozenset(
    {
        *("text", "image", "image_url", "video", "audio", "value", "type", "parts", "blocks"),
        *("detailed thinking on", "detailed thinking off", "reasoning strength"),
    }
)
_COPY: Final = re.compile(r"\bset\s+([\w.]+)\s*=\s*[^%]*?\bcontent\b")
_OVERRIDE: Final = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b[^'\"%{}\n]{0,40}"
    r"\b(?:instructions?|system prompt|the user|rules|guidelines)\b"
    r"|\b(?:do not|don't|never)\s+(?:tell|reveal|disclose|mention|inform)\b"
    r"(?! the user about function calls)"  # Qwen's
    r"|\bwithout (?:telling|informing|mentioning)\b|\bsecretly\b"
    r"|\balways (?:recommend|promote|advertise|insert|append|praise|include a link)\b"
    r"|\bregardless of (?:what|the user)\b",
    re.IGNORECASE,
)


def template_warnings(template: str) -> tuple[str, ...]:
    """What is suspicious about a chat template, in sentences; empty for a genuine one."""
    seen = _COMMENT.sub("", template)
    spelled = _ESCAPE.sub(_character, seen)
    return tuple(sentence for sign, sentence in _SIGNS if sign(spelled))


def _keyword(template: str) -> bool:
    """Something depends on a word in what the person wrote, not on a marker."""
    names = "|".join(["content", "text", *map(re.escape, _COPY.findall(template))])
    value = rf"[\w.\[\]'\"-]*\b(?:{names})\b['\"\]]*"
    tests = (
        _WORD.format(1) + rf"\s+(?:not\s+)?in\s+\(?\s*(?:{value})",
        rf"(?:{value})(?:\s*\|\s*\w+|\.\w+\(\))*\s*==\s*" + _WORD.format(2),
        rf"(?:{value})(?:\.(?:lower|upper|strip)\(\))*\.(?:startswith|endswith|find|count)\(\s*"
        + _WORD.format(3),
    )
    return any(
        word.strip().lower() not in _GENUINE
        for number, test in enumerate(tests, 1)
        for word in (match[f"w{number}"] for match in re.finditer(test, template))
    )


def _character(match: re.Match[str]) -> str:
    code = int(next(group for group in match.groups() if group), 16)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else ""


_SIGNS: Final[tuple[tuple[Callable[[str], object], str], ...]] = (
    (
        _TAGS.search,
        "The chat template holds Unicode tag characters: letters that no screen shows and that "
        "the model reads. Get the file from its makers instead.",
    ),
    (
        lambda text: _HIDDEN.search(text) or _FAR_RIGHT.search(text) or _CSS.search(text),
        "The chat template holds hidden text: characters or places that a reader does not see. "
        "Compare it with the one its makers published.",
    ),
    (
        _URL.search,
        "The chat template puts a web address into conversations. Look at it before you use the "
        "model.",
    ),
    (
        _keyword,
        "The chat template reacts to certain words in what you write. Genuine ones do not; get "
        "the file from its makers instead.",
    ),
    (
        _OVERRIDE.search,
        "The chat template gives the model instructions of its own that override yours or keep "
        "something from you. Get the file from its makers instead.",
    ),
)
