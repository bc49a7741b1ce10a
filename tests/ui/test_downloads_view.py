"""The list of downloads, over the real queue and a real server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QWidget
from pytestqt.qtbot import QtBot
from tests.hub.hub_server import Handler, HubServer, serving
from tests.hub.misbehaviour import BODY, OTHER, RESOLVE, first_half
from tests.hub.rooms import FILE, NAME, Repo, sha
from tests.services.test_downloads import Bench

from snug.domain.download import Download, DownloadProgress, DownloadState, DownloadWaiting
from snug.ui.look.theme import Theme
from snug.ui.models.download_words import Standing, pace_line, problem_line, size_line, time_left
from snug.ui.models.downloads_view import DownloadsView

SHORT = sha(BODY)[:12]


@pytest.fixture
def server() -> Iterator[HubServer]:
    with serving() as made:
        made.repos[NAME] = Repo(files={FILE: BODY}, tags=["gguf"])
        yield made


@pytest.fixture
def bench(server: HubServer, tmp_path: Path) -> Iterator[Bench]:
    (tmp_path / "models").mkdir()
    made = Bench(server, tmp_path / "models")
    yield made
    made.downloads.close()


@pytest.fixture
def view(qtbot: QtBot, bench: Bench, theme: Theme) -> DownloadsView:
    opened: list[str] = []
    made = DownloadsView(
        bench.downloads,  # type: ignore[arg-type]  # typed as what tests.services builds
        theme,
        lambda url: opened.append(url.toString()) is None,
    )
    made.opened = opened  # type: ignore[attr-defined]
    qtbot.addWidget(made, before_close_func=lambda w: w.commit_removals())
    made.resize(760, 600)
    made.show()
    made.refresh()
    return made


def button(view: QWidget, name: str) -> QAbstractButton:
    found = view.findChild(QAbstractButton, f"{name}_{SHORT}")
    assert isinstance(found, QAbstractButton)
    return found


def shown(view: QWidget, name: str) -> bool:
    found = view.findChild(QWidget, name)
    return found is not None and found.isVisible()


def words(view: DownloadsView) -> str:
    row = view.findChild(QWidget, f"download_{SHORT}")
    return "" if row is None else row.accessibleDescription()


def stall(server: HubServer) -> None:
    def half(handler: Handler) -> None:
        if handler.first_byte():
            handler.send_file(BODY, etag='"v1"')
        else:
            first_half(handler)
            server.over.wait(20)

    server.answers[RESOLVE] = half


def test_an_empty_list_offers_the_one_next_step(qtbot: QtBot, view: DownloadsView) -> None:
    assert shown(view, "noDownloads")
    assert not shown(view, "clearDownloads")
    with qtbot.waitSignal(view.find_requested):
        qtbot.mouseClick(
            view.findChild(QAbstractButton, "findModelButton"), Qt.MouseButton.LeftButton
        )


def test_a_download_appears_moves_and_ends_in_the_library(
    qtbot: QtBot, view: DownloadsView, bench: Bench
) -> None:
    with qtbot.waitSignal(view.finished, timeout=10_000) as finished:
        bench.choose()
    assert finished.args is not None
    assert finished.args[0].path.endswith(f"{sha(BODY)}.gguf")
    qtbot.waitUntil(lambda: "in your library" in words(view))
    assert not shown(view, f"bar_{SHORT}")
    assert not shown(view, "noDownloads")
    qtbot.mouseClick(view.findChild(QAbstractButton, "clearDownloads"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: shown(view, "noDownloads"))


def test_pause_and_go_on_with_the_keyboard(
    qtbot: QtBot, view: DownloadsView, bench: Bench, server: HubServer
) -> None:
    stall(server)
    bench.choose()
    qtbot.waitUntil(lambda: "1.5 MB of 3.0 MB" in words(view))
    toggle = button(view, "toggle")
    assert toggle.accessibleName().startswith("Pause")
    toggle.setFocus()
    qtbot.keyClick(toggle, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: "Paused" in words(view))
    assert toggle.accessibleName().startswith("Go on")
    with qtbot.waitSignal(view.finished, timeout=10_000):
        qtbot.keyClick(toggle, Qt.Key.Key_Space)


def test_cancel_can_be_undone_and_the_download_goes_on(
    qtbot: QtBot, view: DownloadsView, bench: Bench, server: HubServer
) -> None:
    stall(server)
    bench.choose()
    qtbot.waitUntil(lambda: "1.5 MB of 3.0 MB" in words(view))
    qtbot.mouseClick(button(view, "cancel"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bench.downloads.all()[0].state is DownloadState.PAUSED)
    qtbot.waitUntil(lambda: words(view) == "")
    undo = view.findChild(QAbstractButton, "downloadUndoButton")
    with qtbot.waitSignal(view.finished, timeout=10_000):
        qtbot.mouseClick(undo, Qt.MouseButton.LeftButton)


def test_a_cancel_that_is_not_undone_deletes_what_came(
    qtbot: QtBot, view: DownloadsView, bench: Bench, server: HubServer, tmp_path: Path
) -> None:
    stall(server)
    bench.choose()
    qtbot.waitUntil(lambda: "1.5 MB of 3.0 MB" in words(view))
    qtbot.mouseClick(button(view, "cancel"), Qt.MouseButton.LeftButton)
    view.commit_removals()
    qtbot.waitUntil(lambda: bench.downloads.all() == ())
    assert not list(tmp_path.rglob("*.part"))
    qtbot.waitUntil(lambda: shown(view, "noDownloads"))


def test_a_gated_one_leads_to_its_page_and_takes_a_token(
    qtbot: QtBot, view: DownloadsView, bench: Bench, server: HubServer
) -> None:
    server.repos[NAME].gated = "manual"
    bench.choose()
    qtbot.waitUntil(lambda: shown(view, f"page_{SHORT}"))
    assert "makers want to know" in words(view)
    qtbot.mouseClick(button(view, "page"), Qt.MouseButton.LeftButton)
    assert view.opened == [f"{server.url}/{NAME}"]  # type: ignore[attr-defined]
    field = view.findChild(QLineEdit, f"token_{SHORT}")
    assert isinstance(field, QLineEdit)
    assert field.echoMode() is QLineEdit.EchoMode.Password
    qtbot.keyClicks(field, "hf_mine")
    with qtbot.waitSignal(view.finished, timeout=10_000):
        qtbot.keyClick(field, Qt.Key.Key_Return)
    assert field.text() == ""
    qtbot.waitUntil(lambda: not field.isVisible())


def test_a_bad_token_is_told_and_nothing_is_kept(
    qtbot: QtBot, view: DownloadsView, bench: Bench, server: HubServer
) -> None:
    server.repos[NAME].gated = "manual"
    bench.choose()
    qtbot.waitUntil(lambda: shown(view, f"page_{SHORT}"))
    field = view.findChild(QLineEdit, f"token_{SHORT}")
    qtbot.keyClicks(field, "two words")
    qtbot.mouseClick(button(view, "keepToken"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "hf_" in view.problem.text)
    assert not bench.network.has_token


def test_a_download_that_falls_silent_shows_no_speed(
    qtbot: QtBot, view: DownloadsView, bench: Bench, server: HubServer
) -> None:
    stall(server)
    bench.choose()
    qtbot.waitUntil(lambda: "1.5 MB of 3.0 MB. Waits for data" in words(view))


def test_going_offline_shows_in_the_row(
    qtbot: QtBot, view: DownloadsView, bench: Bench, server: HubServer
) -> None:
    stall(server)
    bench.choose()
    qtbot.waitUntil(lambda: "1.5 MB of 3.0 MB" in words(view))
    bench.network.set_offline(True)
    qtbot.waitUntil(lambda: "Paused while offline" in words(view))
    assert "goes on by itself" in words(view)
    with qtbot.waitSignal(view.finished, timeout=10_000):
        bench.network.set_offline(False)


def test_a_finished_one_is_compared_with_the_hub_when_asked(
    qtbot: QtBot, view: DownloadsView, bench: Bench, server: HubServer
) -> None:
    with qtbot.waitSignal(view.finished, timeout=10_000):
        bench.choose()
    qtbot.waitUntil(lambda: shown(view, f"check_{SHORT}"))
    qtbot.mouseClick(button(view, "check"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "still offers this very file" in words(view))
    server.repos[NAME].publish("b" * 40, {FILE: OTHER})
    qtbot.mouseClick(button(view, "check"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "replaced upstream" in words(view))


def test_every_control_has_a_name_for_reading_aloud(
    qtbot: QtBot, view: DownloadsView, bench: Bench, server: HubServer
) -> None:
    server.repos[NAME].gated = "manual"
    bench.choose()
    qtbot.waitUntil(lambda: shown(view, f"page_{SHORT}"))
    controls = [*view.findChildren(QAbstractButton), *view.findChildren(QLineEdit)]
    assert len(controls) >= 7
    for control in controls:
        if control.objectName() != "qt_toolbuttonplaceholder":
            assert control.objectName()
            assert control.accessibleName(), control.objectName()


def standing(state: DownloadState, **changes: object) -> Standing:
    download = Download("a" * 64, "m/x", "b" * 40, "Q4_0", "m/x Q4_0", (), state=state)
    made = Standing(download, 500_000)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_the_words_say_what_happens_next() -> None:
    waiting = DownloadWaiting("a", "The connection broke.", 3.2)
    running = standing(DownloadState.RUNNING, waiting=waiting)
    assert pace_line(running) == "Waits for the network"
    assert problem_line(running).endswith("the next attempt comes in 4 s.")
    assert problem_line(replace(running, offline=True)).startswith("Snug is offline.")
    assert pace_line(standing(DownloadState.QUEUED)) == "Waits its turn"
    assert size_line(standing(DownloadState.QUEUED, done_bytes=0)) == "0 bytes"


def test_the_time_left_changes_in_steps_that_can_be_read() -> None:
    assert [time_left(s) for s in (None, 0.2, 59.9, 61, 119, 120, 3600, 9000)] == [
        "",
        "less than a minute left",
        "less than a minute left",
        "2 min left",
        "2 min left",
        "2 min left",
        "1 h 0 min left",
        "2 h 30 min left",
    ]


def test_speed_and_time_are_shown_together() -> None:
    progress = DownloadProgress("a", 1, 2, 23_400_000.0, 130.0)
    moving = standing(DownloadState.RUNNING, progress=progress)
    assert pace_line(moving) == "23.4 MB/s · 3 min left"
