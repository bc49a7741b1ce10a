"""`snug keys` and the part of `snug vault` that has to do with keys."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from snug.cli.output import print_json, print_table, say
from snug.cli.secrets import agreed, new_passphrase
from snug.cli.session import Session
from snug.cli.usage import WrongUsageError
from snug.domain.errors import NotFoundError, UserError
from snug.domain.unlocking import KeySlot
from snug.services.bundle import Services
from snug.services.keys import FORGOTTEN, KeyService


def init(session: Session) -> int:
    """Make the vault, with a passphrase where one is given."""
    options = session.options
    passphrase = new_passphrase(options.passphrase_file)
    if passphrase is not None:
        say(FORGOTTEN)
    with session.create(passphrase) as services:
        keys = _keys(services)
        if passphrase is not None:
            keys.set_passphrase(passphrase, options.strong)
        code = keys.recovery_code() if options.recovery else None
        _print_made(session, services, code)
    return 0


def passphrase(session: Session) -> int:
    """Set the passphrase, or change it."""
    options = session.options
    with session.open() as services:
        keys = _keys(services)
        say(FORGOTTEN)
        chosen = new_passphrase(options.new_file)
        if not chosen:
            raise WrongUsageError(
                "Nobody is here to type a passphrase. Write it into a file and name it: --new-file"
            )
        keys.set_passphrase(chosen, options.strong)
        if options.only:
            keys.ask_always()
        if keys.silent():
            say(
                "This device still opens the chats without a question. To be asked at every start: "
                "snug vault passphrase --only"
            )
        if not keys.has("recovery"):
            say("A recovery code opens the chats if it is forgotten: snug keys add recovery")
        _print_slots(session, keys.slots())
    return 0


def status(session: Session) -> int:
    """Where the vault is, what opens it, how large it is; needs no key."""
    _make_where_there_is_none(session)
    care = session.care
    slots, silent, size = care.slots(), care.silent(), care.size_bytes()
    if session.options.json:
        print_json(
            {
                "folder": str(care.folder),
                "size_bytes": size,
                "opens_silently": silent,
                "keys": _documents(slots),
            }
        )
        return 0
    print(f"{care.folder}, {size:,} bytes")
    print(
        "It opens on this device without a question."
        if silent
        else "It asks for a key at every start."
    )
    _print_table(slots)
    return 0


def lock(session: Session) -> int:
    """Lock the window that is open on this data."""
    told = session.lock_window()
    if session.options.json:
        print_json({"locked": told})
    else:
        print("The window is locked." if told else "No window is open here.")
    return 0


def list_keys(session: Session) -> int:
    """Every way to open the vault; needs no key."""
    _make_where_there_is_none(session)
    _print_slots(session, session.care.slots())
    return 0


def _make_where_there_is_none(session: Session) -> None:
    """As every command does; where there is one, nothing of it is opened."""
    try:
        session.care.slots()
    except NotFoundError:
        with session.open():
            pass


def add(session: Session) -> int:
    """Add a way to open the vault."""
    options = session.options
    with session.open() as services:
        keys = _keys(services)
        code = None
        match options.kind:
            case "recovery":
                code = _another_code(keys, options.replace)
            case "file":
                if options.path is None:
                    raise WrongUsageError("Name the file to write: snug keys add file PATH")
                keys.write_key_file(options.path)
                if options.path.resolve().is_relative_to(services.profile.data_dir.resolve()):
                    say(
                        "This file lies beside the chats that it opens: whoever has the folder has "
                        "both. Move it elsewhere."
                    )
            case "keyring":
                keys.add_keyring()
            case _:
                keys.open_silently()
        if code is None:
            _print_slots(session, keys.slots())
        elif options.json:
            print_json({"recovery_code": code, "keys": _documents(keys.slots())})
        else:
            _print_code(code)
    return 0


def _another_code(keys: KeyService, replace: bool) -> str:
    question = (
        "There is a recovery code. A new one takes its place; the old one then opens nothing."
    )
    if keys.has("recovery") and not (replace or agreed(f"{question} Make a new one?")):
        raise UserError(f"{question} Nothing was changed; --replace makes one.")
    return keys.recovery_code()


def remove(session: Session) -> int:
    """Remove a way to open the vault."""
    with session.open() as services:
        keys = _keys(services)
        keys.remove(session.options.target)
        _print_slots(session, keys.slots())
    return 0


def _keys(services: Services) -> KeyService:
    if services.keys is None:
        raise UserError("This vault is kept in memory alone and has no key.")
    return services.keys


def _print_made(session: Session, services: Services, code: str | None) -> None:
    keys = _keys(services)
    if session.options.json:
        document: dict[str, object] = {
            "folder": str(services.profile.data_dir / "vault"),
            "keys": _documents(keys.slots()),
        }
        if code is not None:
            document["recovery_code"] = code
        print_json(document)
        return
    print(f"The vault is made. {services.profile.key_note}")
    if code is not None:
        _print_code(code)


def _print_code(code: str) -> None:
    say("Write this down and keep it apart from this computer. It is not shown again.")
    print(code)


def _print_slots(session: Session, slots: Sequence[KeySlot]) -> None:
    if session.options.json:
        print_json(_documents(slots))
    else:
        _print_table(slots)


def _print_table(slots: Sequence[KeySlot]) -> None:
    print_table(
        ("ID", "KIND", "SINCE", "MEANING"),
        [(slot.id, slot.kind, _day(slot.created_ms), slot.note) for slot in slots],
    )


def _documents(slots: Sequence[KeySlot]) -> list[dict[str, object]]:
    return [
        {"id": slot.id, "kind": slot.kind, "created_at": _day(slot.created_ms), "note": slot.note}
        for slot in slots
    ]


def _day(ms: int) -> str:
    return datetime.datetime.fromtimestamp(ms / 1000, tz=datetime.UTC).date().isoformat()
