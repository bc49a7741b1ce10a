"""A README's words on training data, as plain text. Markdown and HTML are taken off, not obeyed."""

from __future__ import annotations

import re
from typing import Final

from snug.domain.model_card import Quote

MAX_QUOTES: Final = 4
MAX_QUOTE: Final = 1_200  # characters
_MAX_LINES: Final = 20_000
_HEADING: Final = re.compile(r" {0,3}(#{1,6})[ \t]+(\S.*)")
_ABOUT_TRAINING: Final = re.compile(
    r"\b(?:(?:pre|post|instruction)?[- ]?train(?:ed|ing)|fine[- ]?tun(?:e|ed|ing)"
    r"|sft|distill?ation)\b"
    r"|\b(?:data ?sets?|data|corpus|corpora)\b"
    r"(?: (?:mix(?:ture)?|sources?|used|details|overview))?$",
    re.IGNORECASE,
)
_NOT_TRAINING: Final = re.compile(
    r"\b(?:how to|run|inference|evaluation|benchmarks?|usage|prompt|example|code|guide"
    r"|support(?:ed)?|provided files?|cite|citation|hardware|infrastructure|notebook|yourself)\b",
    re.IGNORECASE,
)
_FENCE: Final = re.compile(r" {0,3}(?:```|~~~)")
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]{0,2000}>")
_IMAGE: Final = re.compile(r"!\[([^\[\]]{0,300})\]\([^()]{0,2300}\)")
_LINK: Final = re.compile(r"\[([^\[\]]{1,300})\]\([^()]{0,2300}\)")
_MARKS: Final = re.compile(r"\*\*|__|`")


def training_quotes(body: str, source: str) -> tuple[Quote, ...]:
    """The sections whose title speaks of training, fine-tuning or data, in their own words.

    Args:
        body: the README below its front matter.
        source: the repository, to be named with each quote.
    """
    found: list[Quote] = []
    for title, lines in _sections(_without_comments(body)):
        if len(found) == MAX_QUOTES:
            break
        heading = plain(title)[:120]
        if _ABOUT_TRAINING.search(heading) is None or _NOT_TRAINING.search(heading) is not None:
            continue
        text = plain("\n".join(lines))
        if text:
            short = text[:MAX_QUOTE].rstrip()
            found.append(Quote(source, heading, short, cut=len(text) > len(short)))
    return tuple(found)


def plain(markdown: str) -> str:
    """Text without links' addresses, images, tags and emphasis; at most one empty line in a row."""
    text = _IMAGE.sub(r"\1", markdown[: 40 * MAX_QUOTE])
    text = _MARKS.sub("", _TAG.sub("", _LINK.sub(r"\1", text)))
    lines = [line.rstrip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip().rstrip("#").strip()


def _without_comments(text: str) -> str:
    """By hand: a pattern would try each of many beginnings to the end."""
    kept: list[str] = []
    at = 0
    while (start := text.find("<!--", at)) >= 0:
        kept.append(text[at:start])
        end = text.find("-->", start)
        if end < 0:
            return "".join(kept)
        at = end + 3
    return "".join((*kept, text[at:]))


def _sections(body: str) -> list[tuple[str, list[str]]]:
    """Title and lines of each section, deeper sections being sections of their own."""
    found: list[tuple[str, list[str]]] = [("", [])]
    fenced = False
    for line in body.split("\n")[:_MAX_LINES]:
        if _FENCE.match(line):
            fenced = not fenced
            continue
        heading = None if fenced else _HEADING.fullmatch(line)
        if heading is None:
            if not fenced:
                found[-1][1].append(line)
        else:
            found.append((heading.group(2), []))
    return found[1:]
