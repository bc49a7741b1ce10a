"""Sizes, places and counts in plain words."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLocale

from snug.domain.licence import LicenceClass, classify, common_name
from snug.domain.model import ModelFile, Placement


def tr(text: str, *values: str) -> str:
    """A translated sentence, its {} filled with `values` in order."""
    return QCoreApplication.translate("Words", text).format(*values)


def size_words(size_bytes: int) -> str:
    """A file's size as the person's desktop writes it: "98.4 MB"."""
    return QLocale().formattedDataSize(size_bytes, 1, QLocale.DataSizeFormat.DataSizeSIFormat)


def count_words(number: int) -> str:
    """A whole number with the separators of the person's language."""
    return QLocale().toString(number)


def licence_words(licence: str) -> str:
    """A licence as people know it, or that it is unknown."""
    if not licence:
        return tr("Licence unknown")
    return common_name(licence)


def licence_use_words(licence: str) -> str:
    """A licence's name and what it allows: "Apache 2.0, commercial use allowed"."""
    if not licence:
        return licence_words(licence)
    use = {
        LicenceClass.COMMERCIAL: tr("commercial use allowed"),
        LicenceClass.RESTRICTED: tr("use with conditions"),
        LicenceClass.RESEARCH: tr("research only"),
        LicenceClass.UNKNOWN: tr("unclear what it allows"),
    }[classify(licence).licence_class]
    return f"{licence_words(licence)}, {use}"


def source_words(model: ModelFile) -> str:
    """Where a model came from, and which program keeps it."""
    if model.source == "starter":
        return tr("Came with Snug")
    if model.source == "import":
        return tr("Lies in {}", model.program) if model.program else tr("Added from this computer")
    if model.program:
        return tr("From {}, lies in {}", model.source, model.program)
    return tr("From {}", model.source)


def origin_facts(model: ModelFile) -> str:
    """Licence with what it allows, and source, in one line."""
    copies = len(model.other_paths)
    also = tr("{} more copies here", count_words(copies)) if copies > 1 else ""
    also = tr("one more copy here") if copies == 1 else also
    facts = (licence_use_words(model.licence), source_words(model), also)
    return " · ".join(fact for fact in facts if fact)


def file_facts(model: ModelFile) -> str:
    """Size, quantization and context length, in one line."""
    facts = (
        size_words(model.size_bytes),
        model.quantization,
        tr("context {}", count_words(model.context_length)) if model.context_length else "",
    )
    return " · ".join(fact for fact in facts if fact)


def model_facts(model: ModelFile) -> str:
    """Size, quantization, context length, licence and source, in one line."""
    facts = (
        size_words(model.size_bytes),
        model.quantization,
        tr("context {}", count_words(model.context_length)) if model.context_length else "",
        licence_words(model.licence),
        source_words(model),
    )
    return " · ".join(fact for fact in facts if fact)


def placement_words(placement: Placement) -> str:
    """Where the layers of a loaded model are."""
    if placement.layers_on_gpu <= 0:
        return tr("on the processor")
    if placement.layers_on_gpu >= placement.layers:
        return tr("on the graphics card")
    return tr(
        "{} of {} layers on the graphics card",
        str(placement.layers_on_gpu),
        str(placement.layers),
    )
