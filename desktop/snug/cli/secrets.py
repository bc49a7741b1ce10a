"""What opens the vault in the terminal: a file, a key file, or a question where somebody sits."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from snug.cli.output import say
from snug.domain.errors import UserError, VaultLockedError, WrongKeyError
from snug.domain.passphrase import MIN_LENGTH
from snug.domain.unlocking import Secret

T = TypeVar("T")

VARIABLE = "SNUG_PASSPHRASE_FILE"
ASKED_TIMES = 3
_MAX_BYTES = 4096


def given_secret(key_file: Path | None) -> Secret:
    """What was given beforehand: `--key-file`, else the file that SNUG_PASSPHRASE_FILE names.

    Raises:
        UserError: the passphrase file cannot be read or is empty.
    """
    if key_file is not None:
        return Secret(key_file=key_file)
    name = os.environ.get(VARIABLE, "")
    return Secret(passphrase_in(Path(name))) if name else Secret()


def passphrase_in(path: Path) -> str:
    """The passphrase that a file holds; a line break at its end does not count.

    Raises:
        UserError: it cannot be read, is empty, longer than 4,096 bytes, or has several lines.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UserError(f"The passphrase file {path} cannot be read: {reason}.") from error
    try:
        # Editors on Windows put a mark before the text, which nobody could type.
        text = content.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise UserError(
            f"The passphrase file {path} is no text in UTF-8. Save it as such."
        ) from error
    if not text:
        raise UserError(f"The passphrase file {path} is empty.")
    if len(content) > _MAX_BYTES:
        raise UserError(f"The passphrase file {path} is longer than {_MAX_BYTES:,} bytes.")
    if len(text.splitlines()) > 1:
        raise UserError(
            f"The passphrase file {path} has several lines. A passphrase is one line, so that it "
            "can be typed too."
        )
    return text


def new_passphrase(path: Path | None) -> str | None:
    """What the file holds, else what is typed; None where nobody types, or types nothing.

    Raises:
        UserError: the file cannot be used, or what was typed differs.
    """
    if path is not None:
        return passphrase_in(path)
    if not sys.stdin.isatty():
        return None
    first = ask(f"New passphrase (at least {MIN_LENGTH} characters): ")
    if first and ask("The same again: ") != first:
        raise UserError("The two passphrases differ. Nothing was changed.")
    return first or None


def agreed(question: str) -> bool:
    """Whether somebody is there and says yes."""
    if not sys.stdin.isatty():
        return False
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def with_secret(work: Callable[[Secret], T], key_file: Path | None = None) -> T:
    """Do what needs the vault's key, asking for it where that is needed and somebody is there.

    Raises:
        VaultLockedError, WrongKeyError: nobody is there to ask, or three answers were wrong; what
            was given in a file is not asked for again.
    """
    secret = given_secret(key_file)
    from_file = secret != Secret()
    for attempt in range(ASKED_TIMES):
        try:
            return work(secret)
        except (VaultLockedError, WrongKeyError) as error:
            wrong = isinstance(error, WrongKeyError)
            last = attempt == ASKED_TIMES - 1
            if (from_file and wrong) or last or not sys.stdin.isatty():
                raise
            if wrong:
                say(error.message)
            secret, from_file = Secret(ask("Passphrase or recovery code: ")), False
    raise AssertionError("unreachable")


def ask(question: str) -> str:
    """What is typed without being shown."""
    return getpass.getpass(question, stream=sys.stderr)
