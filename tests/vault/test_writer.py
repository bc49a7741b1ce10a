from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

from snug.domain.errors import EnvironmentFault, NotFoundError
from snug.vault.writer import THREAD_NAME, Writer


@pytest.fixture
def writer() -> Iterator[Writer]:
    writer = Writer()
    yield writer
    assert writer.close()


def test_jobs_run_in_order_on_one_named_thread(writer: Writer) -> None:
    ran: list[tuple[int, str]] = []

    def note(number: int) -> None:
        ran.append((number, threading.current_thread().name))

    for number in range(100):
        writer.submit(partial(note, number))
    writer.run(lambda: None)
    assert ran == [(n, THREAD_NAME) for n in range(100)]


def test_run_brings_back_the_value(writer: Writer) -> None:
    assert writer.run(lambda: 6 * 7) == 42


def test_run_raises_at_the_caller(writer: Writer) -> None:
    def fail() -> None:
        raise NotFoundError("nothing here")

    with pytest.raises(NotFoundError, match="nothing here"):
        writer.run(fail)


def test_run_on_the_writers_thread_is_direct(writer: Writer) -> None:
    assert writer.run(lambda: writer.run(lambda: writer.is_current()))


def test_a_delayed_job_lets_later_ones_pass(writer: Writer) -> None:
    order: list[str] = []
    done = threading.Event()
    writer.submit(lambda: (order.append("delayed"), done.set()), 0.05)  # type: ignore[func-returns-value,arg-type]
    writer.submit(lambda: order.append("at once"))
    assert done.wait(5)
    assert order == ["at once", "delayed"]


def test_a_delayed_job_does_not_come_early(writer: Writer) -> None:
    done = threading.Event()
    start = time.monotonic()
    writer.submit(done.set, 0.1)
    assert done.wait(5)
    assert time.monotonic() - start >= 0.1


def test_close_runs_delayed_jobs_at_once_in_the_order_of_their_time() -> None:
    writer = Writer()
    order: list[str] = []
    writer.submit(lambda: order.append("in two hours"), 7200)
    writer.submit(lambda: order.append("in one hour"), 3600)
    start = time.monotonic()
    assert writer.close()
    assert order == ["in one hour", "in two hours"]
    assert time.monotonic() - start < 1


def test_close_waits_no_longer_than_it_was_told() -> None:
    writer = Writer()
    release = threading.Event()
    writer.submit(lambda: (release.wait(), None)[1])
    start = time.monotonic()
    assert not writer.close(0.1)
    assert time.monotonic() - start < 2
    release.set()
    assert writer.close(5)


def test_a_job_that_tries_again_for_ever_does_not_hold_up_close() -> None:
    writer = Writer()
    tries: list[float] = []

    def again() -> None:
        tries.append(time.monotonic())
        writer.submit(again, 0.05)

    writer.submit(again, 60)
    start = time.monotonic()
    assert writer.close(0.3)
    assert time.monotonic() - start < 2
    assert 1 <= len(tries) <= 10


def test_what_a_job_submits_while_closing_still_runs() -> None:
    writer = Writer()
    ran = threading.Event()
    writer.submit(lambda: writer.submit(ran.set), 60)
    assert writer.close()
    assert ran.is_set()


def test_a_closed_writer_takes_nothing_and_closes_again() -> None:
    writer = Writer()
    assert writer.close()
    assert writer.close()
    with pytest.raises(EnvironmentFault, match="closed"):
        writer.submit(lambda: None)
    with pytest.raises(EnvironmentFault, match="closed"):
        writer.run(lambda: None)


def test_a_job_with_a_defect_is_reported_and_the_thread_lives_on(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)

    def fail() -> None:
        raise ZeroDivisionError

    writer.submit(fail)
    assert writer.run(lambda: "alive") == "alive"
    assert [args.exc_type for args in reported] == [ZeroDivisionError]


def test_jobs_from_many_threads_all_run(writer: Writer) -> None:
    ran: list[int] = []

    def submit_200() -> None:
        for _ in range(200):
            writer.submit(lambda: ran.append(1))

    threads = [threading.Thread(target=submit_200) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.run(lambda: None)
    assert len(ran) == 800
