"""The network ledger in the window."""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QLineEdit,
    QTableView,
    QWidget,
)
from pytestqt.qtbot import QtBot
from tests.services.test_network import Keyring, Store

from snug.domain.ledger import LedgerEntry, Outcome
from snug.services.ledger import VaultLedger
from snug.services.network import Network
from snug.ui.look.theme import Theme
from snug.ui.network.ledger_view import LedgerView

NOON_MS = int(datetime.datetime(2026, 11, 3, 12, tzinfo=datetime.UTC).timestamp() * 1000)
DAY_MS = 86_400_000


@dataclass
class Made:
    view: LedgerView
    ledger: VaultLedger

    def cells(self) -> list[tuple[str, ...]]:
        model = self.view.findChild(QTableView, "ledgerTable").model()
        return [
            tuple(str(model.index(r, c).data() or "") for c in range(model.columnCount()))
            for r in range(model.rowCount())
        ]


@pytest.fixture
def made(qtbot: QtBot, theme: Theme) -> Made:
    store = Store()
    view = LedgerView(Network(store, Keyring()), theme)
    qtbot.addWidget(view)
    view.resize(760, 600)
    view.show()
    return Made(view, VaultLedger(store))


def fill(ledger: VaultLedger) -> None:
    for number, (host, reason, received, outcome) in enumerate(
        [
            ("huggingface.co", "look for trending models", 80_000, Outcome.DONE),
            ("cdn.hf.co", "download m/x", 2_000_000, Outcome.FAILED),
            ("huggingface.co", "search for models", 0, Outcome.REFUSED),
        ]
    ):
        time_ms = NOON_MS + number * DAY_MS // 2
        ledger.record(LedgerEntry(f"{number}", time_ms, host, reason, 300, received, outcome))


def test_an_empty_ledger_says_so_and_shows_no_table(made: Made) -> None:
    made.view.refresh()
    summary = made.view.findChild(QLabel, "ledgerSummary")
    assert summary.text().startswith("Nothing was ever sent.")
    for name in ("ledgerTable", "ledgerFilter", "exportLedger"):
        assert not made.view.findChild(QWidget, name).isVisible()


def test_requests_stand_newest_first_under_their_days(made: Made) -> None:
    fill(made.ledger)
    made.view.refresh()
    cells = made.cells()
    headings = [row[0] for row in cells if not any(row[1:])]
    assert len(headings) == 2
    assert all("2026" in heading for heading in headings)
    requests = [row for row in cells if any(row[1:])]
    assert [row[2] for row in requests] == [
        "search for models",
        "download m/x",
        "look for trending models",
    ]
    assert [row[5] for row in requests] == ["Refused", "Failed", "Done"]
    assert requests[1][4] == "2.0 MB"


def test_totals_by_host_leave_out_what_was_refused(made: Made) -> None:
    fill(made.ledger)
    made.view.refresh()
    texts = [label.text() for label in made.view.findChildren(QLabel)]
    assert any(text.startswith("1 requests · 300 bytes sent · 80.0 kB") for text in texts)


def test_the_filter_and_a_host_narrow_the_table(qtbot: QtBot, made: Made) -> None:
    fill(made.ledger)
    made.view.refresh()
    field = made.view.findChild(QLineEdit, "ledgerFilter")
    qtbot.keyClicks(field, "DOWNLOAD")
    assert [row[1] for row in made.cells() if row[1]] == ["cdn.hf.co"]
    field.setText("no such word")
    assert made.cells() == []
    host = made.view.findChild(QAbstractButton, "host_huggingface.co")
    qtbot.mouseClick(host, Qt.MouseButton.LeftButton)
    assert {row[1] for row in made.cells() if row[1]} == {"huggingface.co"}


def test_the_export_holds_everything_whatever_the_filter_shows(made: Made, tmp_path: Path) -> None:
    fill(made.ledger)
    made.view.refresh()
    made.view.findChild(QLineEdit, "ledgerFilter").setText("download")
    target = tmp_path / "ledger.csv"
    made.view.export_to(target)
    lines = target.read_bytes().decode().split("\r\n")
    assert len(lines) == 5
    assert str(target) in made.view.problem.text


@pytest.mark.skipif(os.name == "nt", reason="paths of this kind")
def test_an_export_that_cannot_be_written_is_told(made: Made, tmp_path: Path) -> None:
    fill(made.ledger)
    made.view.refresh()
    made.view.export_to(tmp_path / "missing" / "ledger.csv")
    assert "cannot be written" in made.view.problem.text


@pytest.mark.alone
def test_two_thousand_requests_are_shown_within_150_ms(made: Made) -> None:
    import time

    for number in range(2000):
        made.ledger.record(
            LedgerEntry(f"{number:05}", NOON_MS + number * 60_000, "huggingface.co", "look")
        )
    made.view.refresh()
    began = time.thread_time()
    made.view.refresh()
    elapsed = time.thread_time() - began
    print(f"2,000 requests: {elapsed * 1000:.0f} ms")
    assert elapsed < 0.15


@pytest.mark.parametrize("width", [590, 760, 1200])
def test_the_result_is_in_sight_without_scrolling_sideways(made: Made, width: int) -> None:
    fill(made.ledger)
    made.view.resize(width, 300)
    made.view.refresh()
    QApplication.processEvents()
    table = made.view.findChild(QTableView, "ledgerTable")
    assert table.horizontalScrollBar().maximum() == 0
