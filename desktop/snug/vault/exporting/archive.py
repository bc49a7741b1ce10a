"""Encrypted archives in the age format: a stock `age` opens them.

The text inside is Snug's JSON. It is encrypted in memory; nothing readable touches the disk.
Source: https://age-encryption.org/v1
"""

from __future__ import annotations

from collections.abc import Sequence

import pyrage  # type: ignore[import-untyped]  # it ships no types
from pyrage import passphrase as by_passphrase
from pyrage import x25519

from snug.domain.errors import UserError, WrongKeyError


def seal(content: bytes, passphrase: str = "", recipients: Sequence[str] = ()) -> bytes:
    """An age file of `content`, for a passphrase (scrypt) or for recipients (X25519).

    Raises:
        UserError: neither or both are given, or a recipient is none.
    """
    if bool(passphrase) is bool(recipients):
        raise UserError("Give either a passphrase or recipients (age1…) for the archive.")
    if passphrase:
        return bytes(by_passphrase.encrypt(content, passphrase))
    try:
        keys = [x25519.Recipient.from_str(recipient.strip()) for recipient in recipients]
    except pyrage.RecipientError as error:
        raise UserError("This is no recipient of age. One begins with age1.") from error
    return bytes(pyrage.encrypt(content, keys))


def unseal(sealed: bytes, passphrase: str = "", identity_text: str = "") -> bytes:
    """The content of an age file.

    Args:
        identity_text: an identity file of age: lines of AGE-SECRET-KEY-1…, and # comments.

    Raises:
        UserError: neither or both are given, or the identities are none.
        WrongKeyError: this does not open it, or the file is damaged.
    """
    if bool(passphrase) is bool(identity_text):
        raise UserError("Give either the passphrase or the identity file of the archive.")
    try:
        if passphrase:
            return bytes(by_passphrase.decrypt(sealed, passphrase))
        rows = (row.strip() for row in identity_text.splitlines())
        identities = [x25519.Identity.from_str(row) for row in rows if row and row[0] != "#"]
        return bytes(pyrage.decrypt(sealed, identities))
    except pyrage.IdentityError as error:
        raise UserError("This is no identity file of age.") from error
    except pyrage.DecryptError as error:
        raise WrongKeyError(
            "The archive does not open with this passphrase or identity, or it is damaged."
        ) from error
