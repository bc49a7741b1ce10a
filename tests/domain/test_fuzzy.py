from __future__ import annotations

import pytest

from snug.domain.fuzzy import plain, score


def best(wanted: str, *texts: str) -> str:
    found = [(hit[0], text) for text in texts if (hit := score(plain(wanted), plain(text)))]
    return max(found)[1] if found else ""


@pytest.mark.parametrize(
    ("wanted", "texts", "meant"),
    [
        ("nc", ("Open the bench", "New chat"), "New chat"),
        ("tempchat", ("New temporary chat", "Attempt a chatter"), "New temporary chat"),
        ("ANG", ("Ångström", "Long anger"), "Ångström"),
        ("chat", ("c-h-a-t", "Search all chats"), "Search all chats"),
        ("xyz", ("New chat",), ""),
    ],
)
def test_what_is_meant_comes_first(wanted: str, texts: tuple[str, ...], meant: str) -> None:
    assert best(wanted, *texts) == meant


def test_the_letters_that_were_meant_are_told() -> None:
    assert score("nc", "new chat") == (18, (0, 4))


def test_nothing_typed_fits_everything() -> None:
    assert score("", "new chat") == (0, ())
