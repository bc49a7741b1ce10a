"""Taking conversations out of the vault: as files to read or to go on with, or as an archive."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from snug.domain.conversation import Conversation, ConversationSummary
from snug.domain.errors import NotFoundError, UserError
from snug.domain.exporting import ExportFormat, ExportOptions, ExportReport, chosen, file_stem
from snug.domain.importing import ImportCount, ImportedConversation
from snug.domain.organising import EVERYTHING, Folder, ListFilter, Shelf

ALL = 10_000_000
_AT_ONCE = 100  # conversations in one transaction of an import
MakePdf = Callable[[str, str], bytes]  # title and inert HTML to a document


class ExportStore(Protocol):
    """Where conversations are read and archives go to. Any thread. Raises: as the vault does."""

    def summaries(
        self, limit: int = 200, offset: int = 0, where: ListFilter = EVERYTHING
    ) -> tuple[ConversationSummary, ...]:
        """A page of the list."""

    def conversation(self, conversation_id: str) -> Conversation:
        """The whole tree."""

    def import_trees(self, trees: Sequence[ImportedConversation]) -> ImportCount:
        """Store what is not there."""


class FolderNames(Protocol):
    """Where the names of folders are."""

    def folders(self) -> tuple[Folder, ...]:
        """All folders."""


class Exporting:
    """Exports and archives. Every method may take long: call it off the window's thread."""

    def __init__(
        self, store: ExportStore, folders: FolderNames, make_pdf: MakePdf | None = None
    ) -> None:
        self._store = store
        self._folders = folders
        self._make_pdf = make_pdf

    def ids(self, where: ListFilter = EVERYTHING) -> tuple[str, ...]:
        """What an export of a whole list would take, oldest change first."""
        return tuple(s.id for s in reversed(self._store.summaries(ALL, 0, where)))

    def export(
        self,
        ids: Sequence[str],
        options: ExportOptions,
        target: Path | BinaryIO,
        replace: bool = False,
    ) -> ExportReport:
        """Write conversations to a file, or to a stream that is open for bytes.

        Raises:
            NotFoundError: an id is unknown; nothing is written.
            UserError: nothing to write, a file is in the way, or several go into one that is no
                zip.
            DiskFullError, EnvironmentFault: nothing is left behind.
        """
        from snug.vault.exporting.target import write_target  # late: start-up counts

        if not ids:
            raise UserError("There are no conversations to export.")
        packed = len(ids) > 1 and not options.format.one_file
        if packed and not (isinstance(target, Path) and target.suffix.lower() == ".zip"):
            raise UserError(
                f"{len(ids)} conversations as {options.format.value} go into one zip: "
                "choose a file name that ends in .zip."
            )
        count = _Count()
        trees = count.over(chosen(tree, options) for tree in self._trees(ids))

        def fill(file: BinaryIO) -> None:
            if packed:
                self._pack(trees, options, file)
            else:
                for piece in self._pieces(trees, options, count):
                    file.write(piece)

        if isinstance(target, Path):
            write_target(target, fill, replace)
        else:
            fill(target)
        return ExportReport(options.format, count.conversations, count.messages, count.skipped)

    def archive(
        self,
        path: Path,
        passphrase: str = "",
        recipients: Sequence[str] = (),
        replace: bool = False,
    ) -> ExportReport:
        """Everything outside the trash as an encrypted file in the age format.

        Raises:
            UserError: neither or both kinds of key, a bad recipient, or a file in the way.
            DiskFullError, EnvironmentFault: nothing is left behind.
        """
        from snug.vault.exporting.archive import seal  # late: start-up counts
        from snug.vault.exporting.snug_json import document
        from snug.vault.exporting.target import write_target

        count = _Count()
        content = b"".join(document(count.over(self._trees(self.ids()))))
        sealed = seal(content, passphrase, recipients)

        def fill(file: BinaryIO) -> None:
            file.write(sealed)

        write_target(path, fill, replace)
        return ExportReport(ExportFormat.JSON, count.conversations, count.messages)

    def unarchive(
        self, path: Path, passphrase: str = "", identity_text: str = ""
    ) -> tuple[ImportCount, tuple[str, ...]]:
        """Read an archive into the vault; what is there stays. Returns: counts and problems.

        Raises:
            UserError: no such file, or no archive of Snug in it.
            WrongKeyError: it does not open with this.
        """
        from snug.vault.exporting.archive import unseal  # late: start-up counts
        from snug.vault.exporting.snug_json import read_document
        from snug.vault.file_kinds import what_to_do_with

        try:
            sealed = path.read_bytes()
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}.") from error
        hint = what_to_do_with(path)
        if hint and "unarchive" not in hint:
            raise UserError(f"{path} is no encrypted archive. {hint}")
        trees, problems = read_document(unseal(sealed, passphrase, identity_text))
        total = ImportCount()
        for start in range(0, len(trees), _AT_ONCE):
            done = self._store.import_trees(trees[start : start + _AT_ONCE])
            total = ImportCount(
                total.conversations + done.conversations,
                total.messages + done.messages,
                total.skipped + done.skipped,
            )
        return total, tuple(problems)

    def _trees(self, ids: Sequence[str]) -> Iterator[ImportedConversation]:
        """Conversations with their place in order, one at a time. Raises: NotFoundError."""
        names = {folder.id: folder.name for folder in self._folders.folders()}
        rows = {s.id: s for s in self._store.summaries(ALL)}
        rows |= {s.id: s for s in self._store.summaries(ALL, 0, ListFilter(Shelf.TRASH))}
        for unknown in (i for i in ids if i not in rows):
            raise NotFoundError(f"There is no conversation {unknown}.")
        for conversation_id in ids:
            row = rows[conversation_id]
            yield ImportedConversation(
                self._store.conversation(conversation_id),
                folder=names.get(row.folder_id or "", ""),
                tags=row.tags,
                pinned=row.pinned,
                archived=row.archived,
            )

    def _pieces(
        self, trees: Iterable[ImportedConversation], options: ExportOptions, count: _Count
    ) -> Iterator[bytes]:
        from snug.vault.exporting.jsonl import lines  # late: start-up counts
        from snug.vault.exporting.snug_json import document

        if options.format is ExportFormat.JSON:
            yield from document(trees)
        elif options.format is ExportFormat.JSONL:
            for tree in trees:
                told = list(lines(tree.conversation, options)) or [(b"", 0)]
                count.skipped += sum(not line for line, _ in told)
                yield from (line for line, _ in told)
        else:
            for tree in trees:
                yield self._page(tree, options)

    def _page(self, tree: ImportedConversation, options: ExportOptions) -> bytes:
        from snug.vault.exporting.html_page import html_body, html_page  # late: start-up counts
        from snug.vault.exporting.readable import markdown, plain, title_of

        if options.format is ExportFormat.PDF:
            if self._make_pdf is None:
                raise UserError("This Snug cannot make PDF files. Choose html and print it.")
            return self._make_pdf(title_of(tree), html_body(tree, options))
        make = {ExportFormat.MARKDOWN: markdown, ExportFormat.TEXT: plain}
        page = make.get(options.format, html_page)(tree, options)
        return page.encode("utf-8", "replace")

    def _pack(
        self, trees: Iterable[ImportedConversation], options: ExportOptions, file: BinaryIO
    ) -> None:
        taken: set[str] = set()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as pack:
            for tree in trees:
                stem = name = file_stem(tree.conversation.title)
                number = 1
                while name.casefold() in taken:
                    number += 1
                    name = f"{stem} ({number})"
                taken.add(name.casefold())
                pack.writestr(name + options.format.suffix, self._page(tree, options))


class _Count:
    """What has passed by."""

    def __init__(self) -> None:
        self.conversations = self.messages = self.skipped = 0

    def over(self, trees: Iterable[ImportedConversation]) -> Iterator[ImportedConversation]:
        for tree in trees:
            self.conversations += 1
            self.messages += len(tree.conversation.messages)
            yield tree
