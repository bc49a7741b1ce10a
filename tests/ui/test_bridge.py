from __future__ import annotations

import threading

import pytest
import shiboken6
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from snug.ui.bridge import Bridge
from snug.ui.frame_probe import FrameProbe, quantile


def from_threads(*jobs: threading.Thread) -> None:
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(10)


def test_values_arrive_in_order_on_the_window_s_thread(qtbot: QtBot, qapp: QApplication) -> None:
    bridge = Bridge()
    owner = QObject()
    got: list[int] = []
    threads: set[int] = set()

    def receive(value: int) -> None:
        got.append(value)
        threads.add(threading.get_ident())

    sink = bridge.sink(receive, owner)
    from_threads(threading.Thread(target=lambda: [sink(n) for n in range(2_500)]))
    qtbot.waitUntil(lambda: len(got) == 2_500)
    assert got == list(range(2_500))
    assert threads == {threading.get_ident()}


def test_many_values_wake_the_window_a_few_times(qtbot: QtBot, qapp: QApplication) -> None:
    bridge = Bridge()
    owner = QObject()
    got: list[int] = []
    sink = bridge.sink(got.append, owner)
    from_threads(threading.Thread(target=lambda: [sink(n) for n in range(20_000)]))
    qtbot.waitUntil(lambda: len(got) == 20_000)
    assert bridge.wake_ups < 100


def test_values_of_several_threads_keep_the_order_of_each(qtbot: QtBot, qapp: QApplication) -> None:
    bridge = Bridge()
    owner = QObject()
    got: list[tuple[str, int]] = []
    sink = bridge.sink(got.append, owner)
    from_threads(
        *(
            threading.Thread(target=lambda name=name: [sink((name, n)) for n in range(500)])
            for name in "abc"
        )
    )
    qtbot.waitUntil(lambda: len(got) == 1_500)
    for name in "abc":
        assert [n for who, n in got if who == name] == list(range(500))


def test_nothing_is_delivered_once_the_receiver_is_gone(qtbot: QtBot, qapp: QApplication) -> None:
    bridge = Bridge()
    owner, other = QObject(), QObject()
    got: list[str] = []
    doomed = bridge.sink(got.append, owner)
    doomed("too late")
    doomed("much too late")
    shiboken6.delete(owner)
    bridge.sink(got.append, other)("alive")
    qtbot.waitUntil(lambda: bool(got))
    assert got == ["alive"]


def test_a_closed_sink_swallows_what_already_waits(qtbot: QtBot, qapp: QApplication) -> None:
    bridge = Bridge()
    owner = QObject()
    got: list[str] = []
    closed = bridge.sink(got.append, owner)
    closed("unwanted")
    closed.close()
    bridge.sink(got.append, owner)("wanted")
    qtbot.waitUntil(lambda: bool(got))
    assert got == ["wanted"]


def test_a_closed_bridge_takes_nothing_more(qtbot: QtBot, qapp: QApplication) -> None:
    bridge, other = Bridge(), Bridge()
    owner = QObject()
    got: list[str] = []
    late = bridge.sink(got.append, owner)
    bridge.close()
    late("late")
    other.sink(got.append, owner)("on time")
    qtbot.waitUntil(lambda: bool(got))
    assert got == ["on time"]


def test_a_receiver_that_raises_does_not_hold_up_the_others(
    qtbot: QtBot, qapp: QApplication
) -> None:
    bridge = Bridge()
    owner = QObject()
    got: list[str] = []

    def broken(_: str) -> None:
        raise ValueError("a defect")

    with qtbot.captureExceptions() as caught:
        bridge.sink(broken, owner)("x")
        bridge.sink(got.append, owner)("y")
        qtbot.waitUntil(lambda: got == ["y"])
    assert [str(entry[1]) for entry in caught] == ["a defect"]


def test_slow_receivers_share_the_loop(qtbot: QtBot, qapp: QApplication) -> None:
    """What does not fit the budget of one turn waits for the next."""
    bridge = Bridge()
    owner = QObject()
    got: list[int] = []
    pause = threading.Event()

    def slow(value: int) -> None:
        pause.wait(0.005)
        got.append(value)

    sink = bridge.sink(slow, owner)
    for number in range(10):
        sink(number)
    qtbot.waitUntil(lambda: len(got) == 10)
    assert bridge.wake_ups >= 3


def test_the_probe_sees_who_holds_the_loop(qtbot: QtBot, qapp: QApplication) -> None:
    bridge = Bridge()
    owner = QObject()
    probe = FrameProbe(owner)
    pause = threading.Event()
    probe.start()
    bridge.sink(lambda _: pause.wait(0.06), owner)(None)
    bridge.sink(lambda _: None, owner)(None)
    qtbot.waitUntil(lambda: max(probe.gaps, default=0.0) >= 50)
    assert max(probe.stop()) >= 50
    assert not probe.running


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1.0), (0.5, 3.0), (0.99, 4.0)])
def test_quantile(share: float, expected: float) -> None:
    assert quantile([4.0, 1.0, 3.0, 2.0], share) == expected


def test_quantile_of_nothing() -> None:
    assert quantile([], 0.5) == 0.0
