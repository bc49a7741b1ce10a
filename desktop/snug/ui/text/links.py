"""Which addresses in an answer may be opened, and what the person is shown of them.

The same parser judges and opens (QUrl), so that the two cannot disagree about the host.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QUrl, QUrlQuery

MAX_LENGTH = 2_000
_BAD = re.compile(r"[\x00-\x20\x7f-\x9f\\\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?\.?|\[[0-9a-f:.]+\]")
_MAIL = re.compile(r"[A-Za-z0-9.!#$%&*+/=?^_{|}~'-]+@[A-Za-z0-9.-]+")
_MAIL_FIELDS = frozenset({"subject", "body", "cc"})


class Refusal(StrEnum):
    """Why an address is not opened."""

    SCHEME = "scheme"
    USER = "user"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Link:
    """An address that may be opened after the person said so.

    Attributes:
        url: fully encoded, only ASCII; this very text is opened.
        host: in full; foreign letters as punycode, so that look-alikes do not. For mail, the
            address.
        is_mail: it opens the mail program.
    """

    url: str
    host: str
    is_mail: bool = False


def check_link(address: str) -> Link | Refusal:
    """Judge an address found in an answer. Pure; never opens anything."""
    text = address.strip(" ")
    if not text or len(text) > MAX_LENGTH or _BAD.search(text):
        return Refusal.MALFORMED
    scheme, colon, rest = text.partition(":")
    if not colon or scheme.lower() not in ("http", "https", "mailto"):
        return Refusal.SCHEME
    if scheme.lower() == "mailto":
        return _check_mail(text)
    if not rest.startswith("//") or rest.startswith("///"):
        return Refusal.MALFORMED
    return _check_web(text)


def _check_web(text: str) -> Link | Refusal:
    url = QUrl(text, QUrl.ParsingMode.StrictMode)
    if not url.isValid() or url.scheme() not in ("http", "https"):
        return Refusal.MALFORMED
    if url.userInfo() or "@" in url.authority():
        return Refusal.USER
    host = url.host(QUrl.ComponentFormattingOption.FullyEncoded).lower()
    shown = f"[{host}]" if ":" in host else host
    if not host or not _HOST.fullmatch(shown):
        return Refusal.MALFORMED
    if url.port() != -1:
        shown = f"{shown}:{url.port()}"
    return Link(_encoded(url), shown)


def _check_mail(text: str) -> Link | Refusal:
    url = QUrl(text, QUrl.ParsingMode.StrictMode)
    address = url.path(QUrl.ComponentFormattingOption.FullyDecoded)
    if not url.isValid() or not _MAIL.fullmatch(address) or address.startswith("-"):
        return Refusal.MALFORMED
    fields = {name.lower() for name, _ in QUrlQuery(url).queryItems()}
    if fields - _MAIL_FIELDS:  # `attach=` makes some mail programs send a file
        return Refusal.MALFORMED
    return Link(_encoded(url), address, is_mail=True)


def _encoded(url: QUrl) -> str:
    return bytes(url.toEncoded(QUrl.ComponentFormattingOption.FullyEncoded).data()).decode("ascii")
