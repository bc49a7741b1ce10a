"""Which licence a text is, by its title. Not a lawyer: an unknown text stays unknown."""

from __future__ import annotations

import re
from typing import Final

from snug.domain.licence import strictest_of

_TITLE_LENGTH: Final = 1200
# The identifiers are the Hub's.
_TITLES: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), identifier)
    for pattern, identifier in (
        (r"apache license\s+version 2\.0", "apache-2.0"),
        (r"\bmit license\b|permission is hereby granted, free of charge", "mit"),
        (r"llama 3\.3 community license", "llama3.3"),
        (r"llama 3\.2 community license", "llama3.2"),
        (r"llama 3\.1 community license", "llama3.1"),
        (r"llama 4 community license", "llama4"),
        (r"meta llama 3 community license", "llama3"),
        (r"llama 2 community license", "llama2"),
        (r"gemma terms of use", "gemma"),
        (r"qwen research license", "qwen-research"),
        (r"tongyi qianwen license", "tongyi-qianwen"),
        (r"attribution-noncommercial 4\.0|cc[- ]by[- ]nc[- ]4\.0", "cc-by-nc-4.0"),
        (r"attribution-sharealike 4\.0", "cc-by-sa-4.0"),
        (r"attribution 4\.0 international", "cc-by-4.0"),
        (r"mistral ai (?:non-production|research) licen[cs]e", "mrl"),
        (r"bigcode openrail-m", "bigcode-openrail-m"),
        (r"gnu general public license\s+version 3", "gpl-3.0"),
    )
)


def licence_in(text: str) -> str:
    """The Hub's identifier of the licence that a text is; "" where its title is none known.

    Where its beginning names several, such as a part's under a licence of its own, the strictest.
    """
    title = " ".join(text[: 4 * _TITLE_LENGTH].split())[:_TITLE_LENGTH]
    return strictest_of([identifier for sign, identifier in _TITLES if sign.search(title)])
