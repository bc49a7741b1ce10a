"""`snug conversations move|tag|archive|trash|…` and `snug folders`: order in the terminal."""

from __future__ import annotations

from argparse import Namespace

from snug.cli.output import print_json, print_table, say
from snug.cli.session import Session
from snug.cli.usage import WrongUsageError
from snug.domain.errors import NotFoundError, UserError
from snug.domain.organising import Folder, ListFilter, Shelf
from snug.services.bundle import Services
from snug.services.organiser import Organiser

_ALL = 1_000_000


def chosen_filter(services: Services, options: Namespace) -> ListFilter:
    """What the options of `conversations list` ask for."""
    folder = options.folder
    shelf = Shelf.TRASH if options.trash else Shelf.ARCHIVE if options.archived else Shelf.ALL
    folder_id = None if folder is None else _folder(_organiser(services), folder).id
    return ListFilter(shelf, folder_id, options.tag or "")


def filter_of(services: Services, folder: str | None, tag: str | None) -> ListFilter:
    """Everything outside the trash in a folder (its name or id) and with a tag, where given."""
    folder_id = None if folder is None else _folder(_organiser(services), folder).id
    return ListFilter(folder_id=folder_id, tag=tag or "")


def move(session: Session) -> int:
    """Into a folder, or with --out outside all."""
    options = session.options
    if (options.folder is None) is not options.out:
        raise WrongUsageError("Name the folder to move to, or give --out.")
    with session.open() as services:
        organiser = _organiser(services)
        folder = None if options.out else _folder(organiser, options.folder)
        organiser.move([options.target], folder.id if folder else None)
    return _done(session, {"id": options.target, "folder": folder.name if folder else None})


def tag(session: Session) -> int:
    """Give it a tag."""
    with session.open() as services:
        _organiser(services).tag([session.options.target], session.options.tag)
    return _done(session, {"id": session.options.target, "tagged": session.options.tag})


def untag(session: Session) -> int:
    """Take a tag from it."""
    target, name = session.options.target, session.options.tag
    with session.open() as services:
        where = ListFilter(Shelf.ALL, tag=name)
        services.conversations.conversation(target)
        if all(one.id != target for one in services.conversations.summaries(_ALL, where=where)):
            raise UserError(f"This conversation has no tag {name}.")
        _organiser(services).untag([target], name)
    return _done(session, {"id": session.options.target, "untagged": session.options.tag})


def archive(session: Session) -> int:
    """Out of sight, not lost."""
    return _set_archived(session, True)


def unarchive(session: Session) -> int:
    """Back among the others."""
    return _set_archived(session, False)


def trash(session: Session) -> int:
    """Into the trash."""
    target = session.options.target
    with session.open() as services:
        days = _organiser(services).trash([target])
    return _done(session, {"id": target, "trashed": days > 0, "kept_days": days}, _kept(days))


def restore(session: Session) -> int:
    """Out of the trash."""
    with session.open() as services:
        services.conversations.conversation(session.options.target)
        if session.options.target not in _organiser(services).in_trash():
            raise UserError("This conversation is not in the trash.")
        _organiser(services).restore([session.options.target])
    return _done(session, {"id": session.options.target, "restored": True})


def delete(session: Session) -> int:
    """Into the trash, or with --for-good away at once."""
    target, days = session.options.target, 0
    with session.open() as services:
        services.conversations.conversation(target)
        if session.options.for_good:
            _organiser(services).delete([target])
        else:
            days = _organiser(services).trash([target])
    document = {"deleted": target, "for_good": days == 0, "kept_days": days}
    return _done(session, document, _kept(days))


def empty_trash(session: Session) -> int:
    """Remove for good all that lies in the trash."""
    with session.open() as services:
        count = _organiser(services).empty_trash()
    return _done(session, {"deleted": count}, f"Deleted for good: {count}.")


def keep_trash(session: Session) -> int:
    """Show or set for how many days the trash keeps."""
    with session.open() as services:
        organiser = _organiser(services)
        if session.options.days is not None:
            organiser.set_keep_days(session.options.days)
        days = organiser.keep_days()
    text = f"The trash keeps what is thrown away for {days} days."
    if not days:
        text = "There is no trash: what is thrown away is deleted for good at once."
    return _done(session, {"kept_days": days}, text)


def list_tags(session: Session) -> int:
    """All tags, and how many conversations have each."""
    with session.open() as services:
        tags = _organiser(services).tags()
    if session.options.json:
        print_json([{"name": tag.name, "conversations": tag.count} for tag in tags])
        return 0
    if not tags:
        say("No tags yet. `snug conversations tag ID TAG` gives one.")
    print_table(("CHATS", "TAG"), [(str(tag.count), tag.name) for tag in tags])
    return 0


# -- folders --------------------------------------------------------------------------------------


def list_folders(session: Session) -> int:
    """All folders and their rules."""
    with session.open() as services:
        folders = _organiser(services).folders()
    if session.options.json:
        print_json([_document(folder) for folder in folders])
        return 0
    if not folders:
        say("No folders yet. `snug folders create NAME` makes one.")
    rows = [(f.id, str(f.count), _rule(f.retention_days), f.name) for f in folders]
    print_table(("ID", "CHATS", "RULE", "NAME"), rows)
    return 0


def create_folder(session: Session) -> int:
    """A new folder."""
    with session.open() as services:
        folder = _organiser(services).create_folder(session.options.target)
    return _done(session, _document(folder), f"Made the folder {folder.name}.")


def rename_folder(session: Session) -> int:
    """Another name."""
    with session.open() as services:
        folder = _folder(_organiser(services), session.options.target)
        _organiser(services).rename_folder(folder.id, session.options.name)
    return _done(session, {"id": folder.id, "name": session.options.name})


def delete_folder(session: Session) -> int:
    """The folder goes; its conversations stay."""
    with session.open() as services:
        folder = _folder(_organiser(services), session.options.target)
        _organiser(services).delete_folder(folder.id)
    text = f"Deleted the folder. Conversations that fell out of it: {folder.count}."
    return _done(session, {"deleted": folder.id, "conversations": folder.count}, text)


def keep_in_folder(session: Session) -> int:
    """The folder's rule; 0 keeps everything."""
    days = session.options.days or None
    with session.open() as services:
        organiser = _organiser(services)
        folder = _folder(organiser, session.options.target)
        organiser.set_retention(folder.id, days)
        due = organiser.count_due(folder.id, days) if days else 0
    text = "Everything in this folder is kept."
    if days:
        text = (
            f"What is not touched for {days} days goes to the trash, archived or not; pinned "
            f"conversations stay. That is {due} of them as things stand."
        )
    return _done(session, {"id": folder.id, "retention_days": days, "due_now": due}, text)


# -- shared ---------------------------------------------------------------------------------------


def _set_archived(session: Session, archived: bool) -> int:
    with session.open() as services:
        _organiser(services).archive([session.options.target], archived)
    return _done(session, {"id": session.options.target, "archived": archived})


def _organiser(services: Services) -> Organiser:
    if services.organiser is None:
        raise UserError("There is nothing to put in order here.")
    return services.organiser


def _folder(organiser: Organiser, wanted: str) -> Folder:
    """By its id, or by its name."""
    name = " ".join(wanted.split()).casefold()
    for folder in organiser.folders():
        if folder.id == wanted or folder.name.casefold() == name:
            return folder
    raise NotFoundError(f"There is no folder {wanted}.")


def _document(folder: Folder) -> dict[str, object]:
    return {
        "id": folder.id,
        "name": folder.name,
        "retention_days": folder.retention_days,
        "conversations": folder.count,
    }


def _rule(days: int | None) -> str:
    return "keep" if days is None else f"{days} days"


def _kept(days: int) -> str:
    if not days:
        return "Deleted for good."
    return (
        f"In the trash, where it is kept for {days} days. `snug conversations restore` undoes it."
    )


def _done(session: Session, document: dict[str, object], text: str = "Done.") -> int:
    if session.options.json:
        print_json(document)
    else:
        print(text)
    return 0
