from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from snug.ui.look.theme import Theme
from snug.ui.text.link_prompt import LinkPrompt
from snug.ui.text.links import Link, Refusal, check_link

ALLOWED = {
    "https://example.com": "example.com",
    "http://example.com/a?b=c#d": "example.com",
    "HTTPS://EXAMPLE.COM/Path": "example.com",
    "https://example.com:8443/x": "example.com:8443",
    "http://127.0.0.1:8080/": "127.0.0.1:8080",
    "http://[::1]:80/": "[::1]:80",
    "https://sub.domain.example.co.uk/": "sub.domain.example.co.uk",
    "https://münchen.example/": "xn--mnchen-3ya.example",
    "https://\u0430\u0440\u0440\u04cf\u0435.com/": "xn--80ak6aa92e.com",
    "https://xn--80ak6aa92e.com/": "xn--80ak6aa92e.com",
    "https://example.com/ünïcödé": "example.com",
    "https://example.com/%0d%0aHeader:x": "example.com",
    "https://paypal.com.evil.example/login": "paypal.com.evil.example",
    "mailto:ada@example.com": "ada@example.com",
    "mailto:ada@example.com?subject=Hello&body=World": "ada@example.com",
}
REFUSED = (
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "java\tscript:alert(1)",
    " javascript:alert(1)",
    "\x01javascript:alert(1)",
    "vbscript:msgbox(1)",
    "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD4=",
    "file:///etc/passwd",
    "file://host/share",
    "FILE:///etc/passwd",
    "smb://host/share",
    "\\\\host\\share",
    "//host/path",
    "///etc/passwd",
    "/etc/passwd",
    "../../etc/passwd",
    "ftp://example.com/",
    "sftp://example.com/",
    "ssh://example.com/",
    "telnet://example.com/",
    "tel:+123",
    "about:blank",
    "chrome://settings",
    "ms-settings:privacy",
    "ms-msdt:/id",
    "search-ms:query=x",
    "shell:startup",
    "steam://run/1",
    "vscode://file/etc/passwd",
    "intent://x#Intent;end",
    "blob:https://example.com/1",
    "view-source:https://example.com",
    "jar:http://example.com!/",
    "-opt",
    "--help",
    "-https://example.com",
    "example.com",
    "www.example.com",
    "https:example.com",
    "https:/example.com",
    "https:///example.com",
    "https://",
    "https://?q",
    "http://user@example.com/",
    "https://paypal.com@evil.example/",
    "https://paypal.com:443@evil.example/",
    "https://user:secret@example.com/",
    "https://%70aypal.com%40evil.example/",
    "https://example.com\\@evil.example/",
    "https://exa mple.com/",
    "https://example.com/a b",
    "https://example.com/\u202egpj.exe",
    "https://exam\u200bple.com/",
    "https://example.com\x00.evil.example/",
    "https://example.com:99999/",
    "https://-opt/",
    "https://" + "a" * 3_000 + ".com/",
    "mailto:",
    "mailto:not an address",
    "mailto:ada@example.com?attach=/etc/passwd",
    "mailto:ada@example.com?bcc=eve@example.com",
    "mailto:-opt@example.com",
    "",
)


@pytest.mark.parametrize(("address", "host"), ALLOWED.items())
def test_web_pages_and_mail_show_their_whole_host(address: str, host: str) -> None:
    link = check_link(address)
    assert isinstance(link, Link)
    assert link.host == host
    assert link.url.isascii()


@pytest.mark.parametrize("address", REFUSED)
def test_everything_else_is_refused(address: str) -> None:
    assert isinstance(check_link(address), Refusal)


@pytest.fixture
def opened() -> list[str]:
    return []


def ask(qtbot: QtBot, theme: Theme, address: str, opened: list[str]) -> tuple[QWidget, LinkPrompt]:
    page = QWidget()
    qtbot.addWidget(page)
    page.resize(800, 600)
    page.show()

    def note(url: QUrl) -> bool:
        opened.append(url.toString())
        return True

    prompt = LinkPrompt(address, theme, page, note)
    prompt.ask(page.mapToGlobal(QPoint(790, 590)))
    return page, prompt


def press(prompt: LinkPrompt, name: str) -> None:
    button = prompt.findChild(QPushButton, name)
    assert isinstance(button, QPushButton)
    button.click()


def test_an_address_is_opened_only_after_it_was_confirmed(
    qtbot: QtBot, theme: Theme, opened: list[str]
) -> None:
    _, prompt = ask(qtbot, theme, "https://docs.example.com/a?b=1", opened)
    host = prompt.findChild(QLabel, "linkHost")
    assert isinstance(host, QLabel)
    assert host.text() == "docs.example.com"
    assert opened == []
    press(prompt, "openLink")
    assert opened == ["https://docs.example.com/a?b=1"]
    assert prompt.isHidden()


def test_the_card_stays_within_the_page(qtbot: QtBot, theme: Theme, opened: list[str]) -> None:
    page, prompt = ask(qtbot, theme, "https://docs.example.com/", opened)
    assert page.rect().contains(prompt.geometry())


@pytest.mark.parametrize("address", REFUSED)
def test_a_refused_address_cannot_be_opened(
    qtbot: QtBot, theme: Theme, opened: list[str], address: str
) -> None:
    _, prompt = ask(qtbot, theme, address, opened)
    assert prompt.findChild(QPushButton, "openLink") is None
    assert opened == []


def test_esc_and_cancel_open_nothing(qtbot: QtBot, theme: Theme, opened: list[str]) -> None:
    _, prompt = ask(qtbot, theme, "https://example.com", opened)
    qtbot.keyClick(prompt, Qt.Key.Key_Escape)
    assert prompt.isHidden()
    _, second = ask(qtbot, theme, "https://example.com", opened)
    press(second, "cancelLink")
    assert second.isHidden()
    assert opened == []


def test_an_address_can_be_copied(qtbot: QtBot, theme: Theme, opened: list[str]) -> None:
    _, prompt = ask(qtbot, theme, "https://example.com/x", opened)
    press(prompt, "copyLink")
    assert QGuiApplication.clipboard().text() == "https://example.com/x"
    assert opened == []


def test_hidden_characters_of_an_address_are_shown(
    qtbot: QtBot, theme: Theme, opened: list[str]
) -> None:
    _, prompt = ask(qtbot, theme, "https://example.com/\u202egpj.exe", opened)
    shown = prompt.findChild(QLabel, "linkAddress")
    assert isinstance(shown, QLabel)
    assert "U+202E" in shown.text().replace("\u200b", "")
