"""A download in plain words: how far it is, how fast, how long yet, and why it waits."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale

from snug.domain.download import Download, DownloadProgress, DownloadState, DownloadWaiting
from snug.ui.look.words import size_words

_MINUTE_S = 60
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Standing:
    """All that a row shows of a download.

    Attributes:
        done_bytes: what is on this disk.
        page: address of the repository's page where conditions must be accepted; "" otherwise.
        upstream: what the Hub said when it was asked whether the file was replaced there.
    """

    download: Download
    done_bytes: int
    progress: DownloadProgress | None = None
    waiting: DownloadWaiting | None = None
    offline: bool = False
    page: str = ""
    upstream: str = ""

    @property
    def is_running(self) -> bool:
        """Bytes come, or are asked for."""
        return self.download.state is DownloadState.RUNNING and not self.offline

    @property
    def share(self) -> float:
        """From 0 to 1."""
        total = self.download.total_bytes
        return min(1.0, self.done_bytes / total) if total else 0.0


def tr(text: str, *values: str) -> str:
    """A translated sentence, its {} filled with `values` in order."""
    return QCoreApplication.translate("Downloads", text).format(*values)


def size_line(standing: Standing) -> str:
    """How much of how much."""
    download = standing.download
    total = size_words(download.total_bytes)
    if download.state is DownloadState.DONE:
        return tr("{} · verified and in your library", total)
    if not standing.done_bytes:
        return total
    return tr("{} of {}", size_words(standing.done_bytes), total)


def pace_line(standing: Standing) -> str:
    """How fast and how long yet; or in a word where it stands."""
    state = standing.download.state
    if state is DownloadState.DONE:
        return _day_words(standing.download.finished_ms)
    if standing.is_running:
        if standing.waiting is not None:
            return tr("Waits for the network")
        if standing.progress is None or not standing.progress.bytes_per_second:
            return tr("Waits for data")
        speed = tr("{} MB/s", _one_digit(standing.progress.bytes_per_second / 1e6))
        left = time_left(standing.progress.remaining_s)
        return f"{speed} · {left}" if left else speed
    if state is DownloadState.PAUSED:
        return tr("Paused")
    if state is DownloadState.FAILED:
        return tr("Stopped")
    return tr("Paused while offline") if standing.offline else tr("Waits its turn")


def problem_line(standing: Standing) -> str:
    """What is wrong and what happens next; "" where nothing is."""
    download = standing.download
    if download.state is DownloadState.DONE:
        return standing.upstream
    if standing.offline and download.state in (DownloadState.QUEUED, DownloadState.RUNNING):
        return tr("Snug is offline. This goes on by itself when you turn offline off in Settings.")
    if standing.is_running and standing.waiting is not None:
        reason = standing.waiting.reason
        delay = math.ceil(standing.waiting.delay_s)
        return tr("{} What came is kept; the next attempt comes in {} s.", reason, str(delay))
    if standing.page:
        return tr(
            "Its makers want to know who takes this model. Open its page, sign in and accept the "
            "conditions; then give Snug a token with read access."
        )
    if download.state is DownloadState.QUEUED and download.problem:
        return tr("{} What came is kept; Snug tries again every minute.", download.problem)
    return download.problem


def time_left(seconds: float | None) -> str:
    """In steps that a person reads, so that the words do not change all the time."""
    if seconds is None:
        return ""
    if seconds < _MINUTE_S:
        return tr("less than a minute left")
    if seconds < _HOUR_S:
        return tr("{} min left", str(math.ceil(seconds / _MINUTE_S)))
    hours, rest = divmod(seconds, _HOUR_S)
    return tr("{} h {} min left", str(int(hours)), str(int(rest // _MINUTE_S)))


def _one_digit(number: float) -> str:
    return QLocale().toString(number, "f", 1)


def _day_words(ms: int) -> str:
    moment = QDateTime.fromMSecsSinceEpoch(ms)
    if moment.date().toPython() == datetime.date.today():  # noqa: DTZ011  the person's own day
        return tr("Today, {}", QLocale().toString(moment.time(), QLocale.FormatType.ShortFormat))
    return QLocale().toString(moment.date(), QLocale.FormatType.LongFormat)
