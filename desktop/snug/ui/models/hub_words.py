"""What the Hub tells about models, in plain words and short figures."""

from __future__ import annotations

import time
from collections.abc import Iterable

from PySide6.QtCore import QCoreApplication, QDate, QDateTime, QLocale

from snug.domain.hub import Category, Fit, Order, Repository
from snug.domain.licence import Licence, LicenceClass
from snug.ui.look.words import licence_words, size_words

_DAY_MS = 86_400_000
_RECENT_DAYS = 30


def _tr(text: str, *values: str) -> str:
    return QCoreApplication.translate("HubWords", text).format(*values)


def category_words(category: Category) -> str:
    """What a model is for."""
    return {
        Category.TEXT: _tr("Text"),
        Category.CODE: _tr("Code"),
        Category.VISION_LANGUAGE: _tr("Text and pictures"),
        Category.SPEECH: _tr("Speech"),
        Category.IMAGE: _tr("Pictures"),
        Category.VIDEO: _tr("Video"),
        Category.EMBEDDING: _tr("Search vectors"),
        Category.OTHER: _tr("Other"),
    }[category]


def class_words(kind: LicenceClass) -> str:
    """What a licence allows, in two words for a list."""
    return {
        LicenceClass.COMMERCIAL: _tr("Commercial use"),
        LicenceClass.RESTRICTED: _tr("With conditions"),
        LicenceClass.RESEARCH: _tr("Research only"),
        LicenceClass.UNKNOWN: _tr("Licence unclear"),
    }[kind]


def class_answer(kind: LicenceClass) -> str:
    """The answer to "May I use it?"."""
    return {
        LicenceClass.COMMERCIAL: _tr("Yes, also for work"),
        LicenceClass.RESTRICTED: _tr("Yes, with conditions"),
        LicenceClass.RESEARCH: _tr("For research only, not for work"),
        LicenceClass.UNKNOWN: _tr("Not certain: ask the makers first"),
    }[kind]


def licence_name(licence: Licence) -> str:
    """The licence's name as people know it."""
    return licence.name or licence_words(licence.id)


def fit_words(fit: Fit) -> str:
    """Whether it runs here, in a list."""
    return {
        Fit.FITS: _tr("Fits"),
        Fit.TIGHT: _tr("Tight"),
        Fit.NO: _tr("Too large"),
        Fit.UNKNOWN: _tr("Not known"),
    }[fit]


def order_words(order: Order) -> str:
    """How a listing is sorted."""
    return {
        Order.TRENDING: _tr("Trending"),
        Order.DOWNLOADS: _tr("Most downloads"),
        Order.NEWEST: _tr("Newest"),
    }.get(order, order.value)


def short_count(number: int) -> str:
    """1234567 as 1.2M; small numbers in full."""
    for size, letter in ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k")):
        if number >= size:
            value = number / size
            return f"{QLocale().toString(value, 'f', 0 if value >= 100 else 1)}{letter}"
    return str(number)


def context_words(tokens: int) -> str:
    """A context length as people say it: 32k; "" where it is not known."""
    if tokens <= 0:
        return ""
    if tokens < 1024:
        return str(tokens)
    return f"{tokens // 1024 if tokens % 1024 == 0 else round(tokens / 1000)}k"


def parameter_words(count: int) -> str:
    """How many weights: 4.0B."""
    return short_count(count) if count > 0 else ""


def size_range(repository: Repository) -> str:
    """From the smallest to the largest quantization, else the number of weights."""
    sizes = [variant.size_bytes for variant in repository.variants if variant.size_bytes > 0]
    if sizes:
        small, large = min(sizes), max(sizes)
        if small == large:
            return size_words(small)
        return _tr("{} to {}", size_words(small), size_words(large))
    weights = parameter_words(repository.parameter_count)
    return _tr("{} weights", weights) if weights else ""


def age_words(modified_ms: int, now_ms: int | None = None) -> str:
    """When something changed: days for a month, then the date; "" where unknown."""
    if modified_ms <= 0:
        return ""
    now = round(time.time() * 1000) if now_ms is None else now_ms
    days = (now - modified_ms) // _DAY_MS
    if days < 1:
        return _tr("today")
    if days < 2:
        return _tr("yesterday")
    if days <= _RECENT_DAYS:
        return _tr("{} days ago", str(days))
    moment = QDateTime.fromMSecsSinceEpoch(modified_ms).date()
    return QLocale().toString(moment, QLocale.FormatType.ShortFormat)


def moment_words(time_ms: int) -> str:
    """The time of day, and before it the date where that is not today."""
    moment = QDateTime.fromMSecsSinceEpoch(time_ms)
    short = QLocale.FormatType.ShortFormat
    if moment.date() == QDate.currentDate():
        return QLocale().toString(moment.time(), short)
    return QLocale().toString(moment, short)


def minutes_words(minutes: int) -> str:
    """About how long."""
    if minutes < 100:
        return _tr("{} min", str(minutes))
    return _tr("{} h", QLocale().toString(minutes / 60, "f", 1))


def name_and_maker(repository_id: str) -> tuple[str, str]:
    """The two halves of `owner/name`."""
    maker, _, name = repository_id.partition("/")
    return (name, maker) if name else (maker, "")


def joined(parts: Iterable[str]) -> str:
    """Facts in one line; empty ones are left out."""
    return " · ".join(part for part in parts if part)


def facts_line(repository: Repository) -> str:
    """Everything a list tells of a repository besides name, licence and fit."""
    context = context_words(repository.context_length)
    return joined(
        (
            category_words(repository.category),
            size_range(repository),
            _tr("{} context", context) if context else "",
            _tr("↓ {}", short_count(repository.downloads)) if repository.downloads else "",
            _tr("♥ {}", short_count(repository.likes)) if repository.likes else "",
            _tr("needs a login") if repository.gated else "",
            age_words(repository.modified_ms),
        )
    )


def spoken_row(repository: Repository, fit: Fit) -> str:
    """A row for a screen reader."""
    name, maker = name_and_maker(repository.id)
    context = context_words(repository.context_length)
    return ", ".join(
        part
        for part in (
            name,
            _tr("by {}", maker) if maker else "",
            class_words(repository.licence.licence_class),
            fit_words(fit) if fit is not Fit.UNKNOWN else "",
            category_words(repository.category),
            size_range(repository),
            _tr("{} tokens of context", context) if context else "",
            _tr("{} downloads", short_count(repository.downloads)),
            _tr("needs a login on the Hub") if repository.gated else "",
        )
        if part
    )
