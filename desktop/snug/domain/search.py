"""What a search through the conversations finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One message that matches.

    Attributes:
        snippet: a stretch of the text around the match, on one line, the matched words between
            U+E000 and U+E001 (private use, so that no markup is needed).
        of_title: the title matches, not the message.
    """

    conversation_id: str
    message_id: str
    title: str
    snippet: str
    of_title: bool = False


FIRST_PAGE = 50  # hits that are shown at first
MATCH_START = "\ue000"
MATCH_END = "\ue001"


def plain_snippet(hit: SearchHit) -> str:
    """The snippet without its marks."""
    return hit.snippet.replace(MATCH_START, "").replace(MATCH_END, "")
