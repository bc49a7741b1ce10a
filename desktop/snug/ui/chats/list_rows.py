"""What the conversation list shows: which rows, in which order, for the place one looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from PySide6.QtCore import QCoreApplication, QDate, QLocale

from snug.domain.conversation import ConversationSummary
from snug.domain.organising import Folder, ListFilter, Shelf
from snug.services.conversations import ConversationService
from snug.services.organiser import Organiser
from snug.services.temporary import TemporaryChats
from snug.ui.chats.conversation_groups import Age, Group, group_by_day
from snug.ui.chats.conversation_model import Row, RowKind

_IN_FOLDER = 200  # conversations shown under an open folder
_OPEN_AT_MOST = 6  # folders that are listed without being asked for


@dataclass(slots=True)
class ListPlace:
    """Where one looks, and what is unfolded there.

    Attributes:
        open_folders: ids of folders whose conversations are shown.
        folders_shown: None until the person has chosen.
    """

    shelf: Shelf = Shelf.CHATS
    tag: str = ""
    open_folders: set[str] = field(default_factory=set)
    folders_shown: bool | None = None

    @property
    def is_all(self) -> bool:
        """Whether this is the list one starts with."""
        return self.shelf is Shelf.CHATS and not self.tag


class ListRows:
    """Reads the services and makes rows. The window's thread. Raises: SnugError."""

    def __init__(
        self,
        conversations: ConversationService,
        organiser: Organiser | None,
        temporary: TemporaryChats | None,
        now: Callable[[], datetime],
    ) -> None:
        self._conversations = conversations
        self._organiser = organiser
        self._temporary = temporary
        self._now = now
        self.place = ListPlace()

    def read(self, limit: int, hidden: set[str]) -> tuple[list[Row], bool]:
        """The rows, and whether there are more conversations than `limit`."""
        rows: list[Row] = []
        where = ListFilter(self.place.shelf, tag=self.place.tag)
        if self.place.is_all:
            rows += self._temporary_rows(hidden)
            if self._organiser is not None:
                rows += self._pinned_rows(hidden) + self._folder_rows(hidden)
                where = ListFilter(Shelf.CHATS, folder_id="", pinned=False)
        summaries = self._conversations.summaries(limit, where=where)
        shown = _visible(summaries, hidden)
        if self.place.shelf is Shelf.TRASH:
            rows += [_row(summary) for summary in shown]
        else:
            now = self._now()
            for group in group_by_day(shown, now.date(), now.tzinfo):
                rows.append(Row(RowKind.HEADING, _heading(group)))
                rows.extend(_row(summary) for summary in group.conversations)
        return rows, len(summaries) == limit

    def empty_words(self) -> str:
        """What stands where there is nothing."""
        if self.place.tag:
            return _tr("No chat has this tag.")
        if self.place.shelf is Shelf.ARCHIVE:
            return _tr("Chats you archive are kept here, out of the way.")
        if self.place.shelf is Shelf.TRASH:
            return _tr("The trash is empty. Chats you delete wait here before they are gone.")
        return _tr("Your chats will be listed here.")

    def _temporary_rows(self, hidden: set[str]) -> list[Row]:
        found = () if self._temporary is None else self._temporary.summaries()
        shown = _visible(found, hidden)
        if not shown:
            return []
        heading = Row(RowKind.HEADING, _tr("Temporary chats"))
        return [heading, *(_row(summary, temporary=True) for summary in shown)]

    def _pinned_rows(self, hidden: set[str]) -> list[Row]:
        where = ListFilter(Shelf.CHATS, pinned=True)
        shown = _visible(self._conversations.summaries(_IN_FOLDER, where=where), hidden)
        if not shown:
            return []
        return [Row(RowKind.HEADING, _tr("Pinned")), *(_row(summary) for summary in shown)]

    def _folder_rows(self, hidden: set[str]) -> list[Row]:
        folders = () if self._organiser is None else self._organiser.folders()
        if not folders:
            return []
        chosen = self.place.folders_shown
        shown = len(folders) <= _OPEN_AT_MOST if chosen is None else chosen
        heading = Row(RowKind.FOLDERS, _tr("Folders"), note=str(len(folders)), unfolded=shown)
        rows = [heading]
        for folder in folders if shown else ():
            rows += self._rows_of(folder, hidden)
        return rows

    def _rows_of(self, folder: Folder, hidden: set[str]) -> list[Row]:
        unfolded = folder.id in self.place.open_folders
        note = str(folder.count) if folder.count else ""
        rows = [Row(RowKind.FOLDER, folder.name, folder_id=folder.id, note=note, unfolded=unfolded)]
        if unfolded:
            where = ListFilter(Shelf.CHATS, folder_id=folder.id, pinned_first=True)
            found = self._conversations.summaries(_IN_FOLDER, where=where)
            rows += [_row(summary, indented=True) for summary in _visible(found, hidden)]
        return rows


def _visible(
    summaries: Iterable[ConversationSummary], hidden: set[str]
) -> list[ConversationSummary]:
    return [one for one in summaries if one.id not in hidden and one.message_count]


def _row(summary: ConversationSummary, *, indented: bool = False, temporary: bool = False) -> Row:
    return Row(
        RowKind.CONVERSATION,
        summary.title or _tr("New chat"),
        summary.id,
        folder_id=summary.folder_id or "",
        note=", ".join(summary.tags),
        indented=indented,
        pinned=summary.pinned,
        temporary=temporary,
    )


def _heading(group: Group) -> str:
    words = {
        Age.TODAY: _tr("Today"),
        Age.YESTERDAY: _tr("Yesterday"),
        Age.WEEK: _tr("Last 7 days"),
    }
    if group.age in words:
        return words[group.age]
    month = QLocale().standaloneMonthName(group.month)
    here = group.year == QDate.currentDate().year()
    return month if here else f"{month} {group.year}"


def _tr(text: str) -> str:
    return QCoreApplication.translate("ConversationList", text)
