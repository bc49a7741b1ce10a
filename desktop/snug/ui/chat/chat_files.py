"""Chats that leave the window as files and come in from files."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from snug.services.bundle import Services
from snug.ui.chats.conversation_list import ConversationList
from snug.ui.chats.export_dialog import ExportDesk
from snug.ui.chats.import_dialog import ImportDesk
from snug.ui.look.banner import Banner
from snug.ui.place_pages import PlacePages
from snug.ui.tasks import Tasks


class ChatFiles:
    """Exporting and importing, from wherever it is asked for."""

    def __init__(
        self,
        services: Services,
        tasks: Tasks,
        banner: Banner,
        chats: ConversationList,
        pages: PlacePages,
        window: QWidget,
    ) -> None:
        self.exports = ExportDesk(services.exporting, tasks, banner, window)
        self.imports = ImportDesk(services.importing, tasks, chats.refresh, window)
        chats.export_requested.connect(self.exports.ask_one)
        chats.file_dropped.connect(self.imports.read_named)
        pages.export_requested.connect(self.exports.ask_all)
        pages.import_requested.connect(self.imports.ask)
