"""Asks before an address from an answer is opened, and shows where it really leads."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from snug.ui.look.parts import claims_escape, flat, label, push_button, soft_shadow
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.text.links import Link, Refusal, check_link
from snug.ui.text.safe_text import shown_code

MAX_SHOWN = 300
OpenUrl = Callable[[QUrl], bool]


class LinkPrompt(QFrame):
    """A small card beside the link. It goes with Esc, Cancel, or a click elsewhere."""

    def __init__(
        self,
        address: str,
        theme: Theme,
        parent: QWidget,
        open_url: OpenUrl = QDesktopServices.openUrl,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("linkPrompt")
        self.setProperty("kind", "linkprompt")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setGraphicsEffect(soft_shadow(theme, self))
        self.setFixedWidth(SIZES.popup)
        self._page = parent
        self._address = address
        self._open_url = open_url
        self._link = check_link(address)
        column = flat(QVBoxLayout(self), SIZES.gap_4, SIZES.gap_2)
        row = flat(QHBoxLayout(), spacing=SIZES.gap_2)
        cancel = push_button("cancelLink", self.tr("Cancel"), "quiet", self.leave)
        copy = push_button("copyLink", self.tr("Copy the address"), "quiet", self._on_copy)
        row.addWidget(copy)
        row.addStretch(1)
        row.addWidget(cancel)
        self._first = cancel
        if isinstance(self._link, Link):
            self._tell_link(column, self._link)
            opens = push_button("openLink", self.tr("Open"), "primary", self._on_open)
            row.addWidget(opens)
            self._first = opens
        else:
            self._tell_refusal(column, self._link)
        column.addLayout(row)

    def ask(self, place: QPoint) -> None:
        """Show it at a place on the screen, within the page."""
        page = self._page
        self.adjustSize()
        at = page.mapFromGlobal(place)
        x = min(max(SIZES.gap_2, at.x()), page.width() - self.width() - SIZES.gap_2)
        y = min(max(SIZES.gap_2, at.y() + SIZES.gap), page.height() - self.height() - SIZES.gap_2)
        self.move(x, y)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._on_app_focus_changed)
        self.show()
        self.raise_()
        self._first.setFocus(Qt.FocusReason.PopupFocusReason)

    def _tell_link(self, column: QVBoxLayout, link: Link) -> None:
        question = (
            self.tr("Write to this address in your mail program?")
            if link.is_mail
            else self.tr("Open this page in your browser?")
        )
        column.addWidget(label(question, "body", wrap=True))
        host = label(link.host, "strong", wrap=True)
        host.setObjectName("linkHost")
        column.addWidget(host)
        column.addWidget(self._address_label(link.url))
        self.setAccessibleName(f"{question} {link.host}")

    def _tell_refusal(self, column: QVBoxLayout, refusal: Refusal) -> None:
        words = {
            Refusal.SCHEME: self.tr("Snug opens only web pages and mail addresses."),
            Refusal.USER: self.tr(
                "This address hides where it leads behind a name, so Snug does not open it."
            ),
            Refusal.MALFORMED: self.tr("This address is not well formed, so it is not opened."),
        }[refusal]
        column.addWidget(label(words, "body", wrap=True))
        column.addWidget(self._address_label(self._address))
        self.setAccessibleName(words)

    def _address_label(self, address: str) -> QWidget:
        shown = shown_code(address)
        if len(shown) > MAX_SHOWN:
            shown = shown[: MAX_SHOWN - 1] + "…"
        # Zero-width spaces let a long address break; it is only shown, never opened.
        broken = "\u200b".join(shown[i : i + 24] for i in range(0, len(shown), 24))
        made = label(broken, "small", "soft", wrap=True)
        made.setObjectName("linkAddress")
        return made

    def _on_open(self) -> None:
        if isinstance(self._link, Link):
            self._open_url(QUrl(self._link.url, QUrl.ParsingMode.StrictMode))
        self.leave()

    def _on_copy(self) -> None:
        link = self._link
        QGuiApplication.clipboard().setText(link.url if isinstance(link, Link) else self._address)
        self.leave()

    def _on_app_focus_changed(self, before: QWidget | None, now: QWidget | None) -> None:
        if now is not None and now is not self and not self.isAncestorOf(now):
            self.leave()

    def leave(self) -> None:
        """Go away, with nothing opened."""
        self.hide()
        self.deleteLater()

    def event(self, event: QEvent) -> bool:
        """Esc is for the card while the cursor is in it."""
        return claims_escape(event) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc leaves."""
        if event.key() == Qt.Key.Key_Escape:
            self.leave()
        else:
            super().keyPressEvent(event)


def close_prompts(page: QWidget) -> None:
    """Take away what is asked on a page."""
    for prompt in page.findChildren(LinkPrompt):
        prompt.leave()
