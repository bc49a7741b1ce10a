"""Several people, or sides of one, on one device: each with a vault and keys of their own."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

from snug.domain.errors import UserError

FIRST: Final = "first"  # the profile that was there before there were several
MAX_NAME: Final = 40  # characters


@dataclass(frozen=True, slots=True)
class ProfileEntry:
    """A profile as a list shows it.

    Attributes:
        id: 32 random hexadecimal digits, or "first"; also the name of its folder.
        name: what the person calls it. It can be read without any key.
    """

    id: str
    name: str


def profile_name(text: str) -> str:
    """A name as it is kept: one line, no outer blanks.

    Raises:
        UserError: it is empty, longer than 40 characters, or holds what cannot be seen.
    """
    name = unicodedata.normalize("NFC", " ".join(text.split()))
    if not name:
        raise UserError("The name of the profile is empty.")
    if len(name) > MAX_NAME:
        raise UserError(f"The name of the profile is longer than {MAX_NAME} characters.")
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn") for c in name):
        raise UserError("The name of the profile holds characters that cannot be seen.")
    return name
