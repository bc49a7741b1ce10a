"""The trends page over the real vault, with a Hub that is a hand-written page of models."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QColor, QImage
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from snug.domain.conversation import now_ms
from snug.domain.errors import EnvironmentFault
from snug.domain.hub import Category, Repository
from snug.domain.licence import classify
from snug.domain.trends import Page, Scope
from snug.services.trends import Trends
from snug.ui.bridge import Bridge
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import DARK, LIGHT, Scheme
from snug.ui.models.trends_chart import _apart
from snug.ui.models.trends_view import TrendsView
from snug.ui.tasks import Tasks
from snug.vault.vault import Vault

DAY_MS = 86_400_000
KINDS = {"text": Category.TEXT, "video": Category.VIDEO, "speech": Category.SPEECH}


def models(**counts: int) -> tuple[Repository, ...]:
    return tuple(
        Repository(f"{name}/m{n}", KINDS[name], classify("mit"), trending_score=100 - n)
        for name, count in counts.items()
        for n in range(count)
    )


@dataclass
class FakeHub:
    """Answers every page with the same models, when it is let."""

    found: tuple[Repository, ...] = ()
    problem: str = ""
    asked: int = 0
    let: threading.Event = field(default_factory=threading.Event)

    def page(
        self, *, gguf: bool, task: str, limit: int, stop: threading.Event | None
    ) -> tuple[Repository, ...]:
        self.asked += 1
        while not self.let.wait(0.01):
            if stop is not None and stop.is_set():
                raise EnvironmentFault("Stopped.")
        if self.problem:
            raise EnvironmentFault(self.problem)
        return self.found


class Desk:
    """A page on a vault in memory."""

    def __init__(self, theme: Theme) -> None:
        self.hub = FakeHub()
        self.hub.let.set()
        self.vault = Vault.temporary()
        self.offline = False
        self.bridge = Bridge()
        self.tasks = Tasks(self.bridge)
        self.trends = Trends(
            self.vault.catalogue,
            self.vault.conversations,
            lambda: self.hub,
            lambda: self.offline,
        )
        self.view = TrendsView(self.trends, theme, self.tasks)
        self.view.resize(900, 900)

    def keep(self, days_ago: int, **counts: int) -> None:
        page = Page(Scope.FIELD, models(**counts))
        time_ms = now_ms() - days_ago * DAY_MS
        self.vault.catalogue.keep_look(time_ms, [page], whole=True)

    def keep_a_trend(self) -> None:
        for days_ago, videos in ((3, 1), (2, 5), (1, 9), (0, 9)):
            self.keep(days_ago, text=20 - videos, video=videos, speech=5)

    def close(self) -> None:
        self.hub.let.set()
        assert self.tasks.close()
        self.bridge.close()
        self.vault.close()

    def text(self, name: str) -> str:
        found = self.view.findChild(QLabel, name)
        assert isinstance(found, QLabel)
        return found.text()

    def button(self, name: str) -> QPushButton:
        found = self.view.findChild(QPushButton, name)
        assert isinstance(found, QPushButton)
        return found


@pytest.fixture
def desk(qtbot: QtBot, theme: Theme) -> Iterator[Desk]:
    made = Desk(theme)
    qtbot.addWidget(made.view)
    yield made
    made.close()


@pytest.fixture
def shown(qtbot: QtBot, desk: Desk) -> Desk:
    """A page with looks on four days, read."""
    desk.keep_a_trend()
    desk.view.show()
    desk.view.refresh()
    qtbot.waitUntil(lambda: bool(desk.view.table.rowCount()))
    return desk


def until(qtbot: QtBot, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=5000)


def test_without_a_look_the_page_says_what_it_is_for_and_offers_one_button(
    qtbot: QtBot, desk: Desk
) -> None:
    desk.view.show()
    desk.view.refresh()
    until(qtbot, lambda: desk.button("trendsFirstLook").isVisible())
    shown = [b for b in desk.view.findChildren(QPushButton) if b.isVisible()]
    assert [b.text() for b in shown] == ["Look now"]
    assert desk.hub.asked == 0  # the first look is the person's own


def test_the_first_look_fills_the_page(qtbot: QtBot, desk: Desk) -> None:
    desk.hub.found = models(text=9, video=6)
    desk.view.show()
    desk.view.refresh()
    until(qtbot, lambda: desk.button("trendsFirstLook").isVisible())
    qtbot.mouseClick(desk.button("trendsFirstLook"), Qt.MouseButton.LeftButton)
    until(qtbot, lambda: desk.view.table.rowCount() == 2)
    assert desk.view.table.texts()[0][:3] == ["Text", "60%", "9"]
    assert "one day" in desk.text("trendsSummary")
    assert "Last look" in desk.text("trendsState")
    assert not desk.button("trendsFirstLook").isVisible()


def test_what_rises_and_falls_is_told_by_shape_word_and_number(shown: Desk) -> None:
    rows = {row[0]: row[3] for row in shown.view.table.texts()}
    assert rows == {
        "Text": "▼ falling by 32 points",
        "Video": "▲ rising by 32 points",
        "Speech": "– steady",
    }
    said = shown.text("trendsSummary")
    assert said == "From looks on 4 days. Rising: Video. Falling: Text."
    assert shown.view.chart.accessibleDescription() == said


def test_every_day_stands_in_a_table_with_the_charts_numbers(qtbot: QtBot, shown: Desk) -> None:
    qtbot.mouseClick(shown.button("trendsEvery"), Qt.MouseButton.LeftButton)
    table = shown.view.days_table
    assert table.isVisible()
    rows = table.texts()
    assert [row[1:] for row in rows] == [
        ["44%", "36%", "20%"],
        ["44%", "36%", "20%"],
        ["60%", "20%", "20%"],
        ["76%", "4%", "20%"],
    ]
    heads = [table.horizontalHeaderItem(column) for column in range(table.columnCount())]
    assert [head.text() for head in heads if head] == ["Day", "Text", "Video", "Speech"]
    qtbot.mouseClick(shown.button("trendsEvery"), Qt.MouseButton.LeftButton)
    assert not table.isVisible()


def test_families_and_licences_are_counted_on_request(qtbot: QtBot, shown: Desk) -> None:
    qtbot.mouseClick(shown.button("trendsBy_licence"), Qt.MouseButton.LeftButton)
    until(qtbot, lambda: shown.view.table.texts()[0][0] == "Commercial use")
    qtbot.mouseClick(shown.button("trendsBy_family"), Qt.MouseButton.LeftButton)
    until(qtbot, lambda: shown.view.table.texts()[0][0] == "Other families")


def test_a_period_without_a_look_says_so(qtbot: QtBot, desk: Desk) -> None:
    desk.offline = True
    desk.keep(60, text=3)
    desk.view.show()
    desk.view.refresh()
    until(qtbot, lambda: "no look in these days" in desk.text("trendsSummary"))
    assert not desk.view.chart.isVisible()
    qtbot.mouseClick(desk.button("trendsPeriod_90"), Qt.MouseButton.LeftButton)
    until(qtbot, desk.view.chart.isVisible)


def test_the_keyboard_chooses_a_day_and_a_row_brings_its_line_out(
    qtbot: QtBot, shown: Desk
) -> None:
    chart = shown.view.chart
    chart.setFocus()
    qtbot.keyClick(chart, Qt.Key.Key_Left)
    qtbot.keyClick(chart, Qt.Key.Key_Left)
    days = [point.day for point in shown.trends.series("category")[0].points]
    assert chart.chosen_day == days[1]
    assert "Video 20%" in chart.accessibleDescription()
    qtbot.keyClick(chart, Qt.Key.Key_Home)
    assert chart.chosen_day == days[0]
    qtbot.keyClick(chart, Qt.Key.Key_Escape)
    assert chart.chosen_day == ""
    before = chart.grab().toImage()
    shown.view.table.setFocus()
    shown.view.table.selectRow(2)
    assert chart.grab().toImage() != before


def colors(image: QImage) -> set[str]:
    return {
        QColor(image.pixel(x, y)).name()
        for x in range(image.width())
        for y in range(image.height())
    }


def test_the_chart_is_drawn_in_the_themes_colours_and_follows_it(shown: Desk, theme: Theme) -> None:
    drawn = colors(shown.view.chart.grab().toImage())
    assert {LIGHT.accent, LIGHT.warn, LIGHT.line_strong} <= drawn
    theme.set_scheme(Scheme.DARK)
    drawn = colors(shown.view.chart.grab().toImage())
    assert {DARK.accent, DARK.warn} <= drawn
    assert LIGHT.accent not in drawn


def test_from_right_to_left_time_runs_from_the_right(qtbot: QtBot, shown: Desk) -> None:
    chart = shown.view.chart
    days = [point.day for point in shown.trends.series("category")[0].points]
    middle, side = chart.height() // 2, 60
    qtbot.mouseMove(chart, QPoint(side, middle))
    until(qtbot, lambda: chart.chosen_day == days[0])
    shown.view.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    qtbot.mouseMove(chart, QPoint(chart.width() - side, middle))
    until(qtbot, lambda: chart.chosen_day == days[0])
    chart.setFocus()
    qtbot.keyClick(chart, Qt.Key.Key_Left)
    assert chart.chosen_day == days[1]


def test_names_at_the_ends_of_lines_never_overlap_nor_leave_the_chart() -> None:
    places = _apart({"a": 50.0, "b": 50.5, "c": 51.0, "d": 99.0, "e": 100.0}, 10.0, 0.0, 100.0)
    found = sorted(places.values())
    assert all(low + 10 <= high + 1e-9 for low, high in itertools.pairwise(found))
    assert found[0] >= 0.0
    assert found[-1] <= 100.0
    assert list(places) == ["a", "b", "c", "d", "e"]


def test_offline_shows_the_kept_look_with_its_date_and_asks_nothing(
    qtbot: QtBot, desk: Desk
) -> None:
    desk.offline = True
    desk.keep(2, text=9, video=1)
    desk.view.show()
    desk.view.refresh()
    until(qtbot, lambda: desk.text("trendsState").startswith("Offline: this is the look of"))
    assert not desk.button("trendsLook").isVisible()
    assert desk.hub.asked == 0


def test_offline_without_a_look_says_what_to_do(qtbot: QtBot, desk: Desk) -> None:
    desk.offline = True
    desk.view.show()
    desk.view.refresh()
    until(qtbot, lambda: "Go online" in desk.text("trendsState"))
    assert not desk.button("trendsFirstLook").isVisible()


def test_a_look_that_is_due_is_made_when_the_page_is_opened(qtbot: QtBot, desk: Desk) -> None:
    desk.keep(1, text=9, video=1)
    desk.hub.found = models(text=5, video=5)
    desk.view.show()
    desk.view.refresh()
    until(qtbot, lambda: "looks on 2 days" in desk.text("trendsSummary"))
    asked = desk.hub.asked
    desk.view.refresh()
    assert desk.tasks.close()
    assert desk.hub.asked == asked


def test_a_second_press_says_that_the_hub_was_not_asked_again(qtbot: QtBot, shown: Desk) -> None:
    qtbot.mouseClick(shown.button("trendsLook"), Qt.MouseButton.LeftButton)
    until(qtbot, lambda: "not asked again" in shown.view.problem.text)
    assert shown.hub.asked == 0


def test_a_hub_that_cannot_be_asked_leaves_what_was_kept(qtbot: QtBot, desk: Desk) -> None:
    desk.hub.problem = "The Hub has a fault of its own (HTTP 500). Try again later."
    desk.keep(1, text=9, video=1)
    desk.view.show()
    desk.view.refresh()
    until(qtbot, lambda: desk.hub.problem in desk.view.problem.text)
    assert "was kept" in desk.view.problem.text
    assert desk.view.table.isVisible()


def test_a_look_can_be_stopped_with_the_same_button(qtbot: QtBot, desk: Desk) -> None:
    desk.hub.let.clear()
    desk.view.show()
    desk.view.refresh()
    until(qtbot, lambda: desk.button("trendsFirstLook").isVisible())
    button = desk.button("trendsFirstLook")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert button.text() == "Stop looking"
    until(qtbot, lambda: desk.hub.asked == 1)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: button.text() == "Look now")
    assert desk.view.problem.text == ""


def test_a_window_that_closes_does_not_wait_for_the_hub(qtbot: QtBot, desk: Desk) -> None:
    desk.hub.let.clear()
    desk.view.show()
    desk.view.look()
    until(qtbot, lambda: desk.hub.asked == 1)
    desk.view.close()
    assert desk.tasks.close(2.0)


def row_words(view: TrendsView) -> list[str]:
    found = view.findChild(QWidget, "trendingList")
    assert found is not None
    return [b.text() for b in found.findChildren(QPushButton) if b.property("kind") == "link"]


def test_the_list_tells_what_snug_runs_and_opens_a_model(qtbot: QtBot, desk: Desk) -> None:
    base = Repository("q/base", Category.TEXT, classify("gemma"), gated=True, trending_score=9)
    made = Repository(
        "q/made",
        Category.TEXT,
        classify("gemma"),
        architecture="llama",
        base_models=("q/base",),
        trending_score=8,
    )
    clip = Repository("v/clip", Category.VIDEO, classify("mit"), trending_score=7)
    alone = Repository("q/alone", Category.TEXT, classify("mit"), trending_score=6)
    page = Page(Scope.FIELD, (base, made, clip, alone))
    desk.vault.catalogue.keep_look(now_ms(), [page], whole=True)
    desk.view.show()
    desk.view.refresh()
    until(qtbot, lambda: "q/made" in row_words(desk.view))
    words = [label.text() for label in desk.view.findChildren(QLabel) if label.isVisible()]
    assert "Runs in Snug" in words
    assert "Not for Snug" in words
    assert "No GGUF seen" in words
    name = desk.button("trending_q/base").accessibleName()
    assert (
        name
        == "q/base: Text · With conditions (Gemma) · 0 downloads · must be accepted on its page"
    )
    with qtbot.waitSignal(desk.view.opened, timeout=5000) as opened:
        qtbot.mouseClick(desk.button("trendingWay_q/base"), Qt.MouseButton.LeftButton)
    assert opened.args == [desk.trends.model("q/made"), ""]


def test_the_list_shows_some_at_a_time_and_one_category_on_request(
    qtbot: QtBot, desk: Desk
) -> None:
    desk.keep(0, text=20, video=3)
    desk.view.show()
    desk.view.refresh()
    until(qtbot, lambda: desk.view.table.rowCount() == 2)
    assert len(row_words(desk.view)) == 15 + 1
    qtbot.mouseClick(desk.button("trendingMore"), Qt.MouseButton.LeftButton)
    assert not desk.button("trendingMore").isVisible()
    menu = desk.button("trendingCategory").menu()
    next(a for a in menu.actions() if a.text() == "Video").trigger()

    def names() -> list[str]:
        found = [b for b in desk.view.findChildren(QPushButton) if "trending_" in b.objectName()]
        return [b.text() for b in found if b.isVisible()]

    until(qtbot, lambda: names() == ["video/m0", "video/m1", "video/m2"])


def test_every_control_has_a_name_for_a_screen_reader(shown: Desk) -> None:
    for widget in shown.view.findChildren(QWidget):
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible():
            assert widget.objectName(), widget
            assert widget.accessibleName(), widget.objectName()
    interface = QAccessible.queryAccessibleInterface(shown.view.table)
    assert interface.role() == QAccessible.Role.Table


def test_the_pointer_shows_the_day_it_is_at(qtbot: QtBot, shown: Desk) -> None:
    chart = shown.view.chart
    qtbot.mouseMove(chart, QPoint(chart.width() // 4, chart.height() // 2))
    until(qtbot, lambda: chart.chosen_day != "")
    qtbot.mouseMove(chart, QPoint(1, 1))
    until(qtbot, lambda: chart.chosen_day == "")
