"""Ask before an address from a conversation is opened: it comes from a model or a document."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QPoint, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from snug.ui.links import Link, check_link


def ask_about_link(address: str, where: QPoint, parent: QWidget) -> None:
    """A small menu at the link: its whole host, open, copy. Only a chosen "open" opens anything."""
    link = check_link(address)
    menu = QMenu(parent)
    menu.setObjectName("linkMenu")
    if isinstance(link, Link):
        host = menu.addAction(_tr("Leads to {}").format(link.host))
        host.setEnabled(False)
        menu.addAction(_tr("Open in the browser"), lambda: QDesktopServices.openUrl(QUrl(link.url)))
    else:
        refused = menu.addAction(_tr("Snug does not open this kind of link"))
        refused.setEnabled(False)
    menu.addAction(_tr("Copy the address"), lambda: QGuiApplication.clipboard().setText(address))
    menu.aboutToHide.connect(menu.deleteLater)
    menu.popup(where)


def _tr(text: str) -> str:
    return QCoreApplication.translate("LinkMenu", text)
