"""Trends in plain words: names, shares, changes, days."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QDate, QDateTime, QLocale

from snug.domain.families import OTHER
from snug.domain.hub import Category, Repository
from snug.domain.licence import LicenceClass
from snug.domain.trends import MIN_DAYS, Dimension, Direction, Series, family
from snug.ui.look.words import count_words, licence_words

_NAMES = 3  # in one sentence


def _tr(text: str, *values: str) -> str:
    told = QCoreApplication.translate("TrendsWords", text)
    return told.format(*values) if values else told


def name_words(by: Dimension, name: str) -> str:
    """A category, family or licence class as a person reads it."""
    if by is Dimension.FAMILY:
        return _tr("Other families") if name == OTHER else name
    return {
        Category.TEXT.value: _tr("Text"),
        Category.CODE.value: _tr("Code"),
        Category.VISION_LANGUAGE.value: _tr("Text and pictures"),
        Category.SPEECH.value: _tr("Speech"),
        Category.IMAGE.value: _tr("Pictures"),
        Category.VIDEO.value: _tr("Video"),
        Category.EMBEDDING.value: _tr("Search vectors"),
        Category.OTHER.value: _tr("Other"),
        LicenceClass.COMMERCIAL.value: _tr("Commercial use"),
        LicenceClass.RESTRICTED.value: _tr("With conditions"),
        LicenceClass.RESEARCH.value: _tr("Research only"),
        LicenceClass.UNKNOWN.value: _tr("Licence unclear"),
    }.get(name, name)


def share_words(share: float) -> str:
    """A share from 0 to 1 in whole percent."""
    return _tr("{}%", count_words(round(100 * share)))


def shape_of(direction: Direction) -> str:
    """The shape that says it without colour; "" where nothing can be said."""
    return {
        Direction.RISING: "▲",
        Direction.FALLING: "▼",
        Direction.STEADY: "–",
        Direction.UNKNOWN: "",
    }[direction]


def change_words(series: Series) -> str:
    """Shape, word and number: "▲ rising by 12 points"; "" where there are too few looks."""
    points = round(100 * abs(series.change))
    if series.direction is Direction.UNKNOWN:
        return ""
    if series.direction is Direction.STEADY:
        return f"{shape_of(series.direction)} {_tr('steady')}"
    if series.direction is Direction.RISING:
        said = _tr("rising by {} points", count_words(points))
    else:
        said = _tr("falling by {} points", count_words(points))
    return f"{shape_of(series.direction)} {said}"


def day_words(day: str, *, year: bool = False) -> str:
    """YYYY-MM-DD as the person's desktop writes a day."""
    date = datetime.date.fromisoformat(day)
    form = "d MMM yyyy" if year else "d MMM"
    return QLocale().toString(QDate(date.year, date.month, date.day), form)


def moment_words(time_ms: int) -> str:
    """When a look was: day and time, here."""
    return QLocale().toString(
        QDateTime.fromMSecsSinceEpoch(time_ms), QLocale.FormatType.ShortFormat
    )


def summary_words(by: Dimension, series: Sequence[Series]) -> str:
    """What the period shows, and from how many looks."""
    days = series[0].days if series else 0
    if days < MIN_DAYS:
        seen = _tr("a look on one day") if days == 1 else _tr("looks on {} days", count_words(days))
        return _tr(
            "From {}. With looks on {} days or more, this page tells what rises and falls.",
            seen,
            count_words(MIN_DAYS),
        )
    said = [_tr("From looks on {} days.", count_words(days))]
    for direction, words in (
        (Direction.RISING, _tr("Rising: {}.")),
        (Direction.FALLING, _tr("Falling: {}.")),
    ):
        moved = [one for one in series if one.direction is direction and one.name != OTHER]
        moved.sort(key=lambda one: -abs(one.change))
        names = [name_words(by, one.name) for one in moved[:_NAMES]]
        if names:
            said.append(words.format(_tr(", ").join(names)))
    if len(said) == 1:
        said.append(_tr("Nothing moved much."))
    return " ".join(said)


def facts_words(one: Repository) -> str:
    """What a model is, in one line."""
    licence = name_words(Dimension.LICENCE, one.licence.licence_class.value)
    name = one.licence.name or (licence_words(one.licence.id) if one.licence.id else "")
    facts = (
        name_words(Dimension.CATEGORY, one.category.value),
        "" if family(one) == OTHER else family(one),
        f"{licence} ({name})" if name else licence,
        _tr("{} downloads", count_words(one.downloads)),
        _tr("must be accepted on its page") if one.gated else "",
    )
    return " · ".join(fact for fact in facts if fact)
