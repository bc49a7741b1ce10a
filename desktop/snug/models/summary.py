"""From a header to the few facts that the library keeps and a person sees."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import replace
from pathlib import PurePath
from typing import Final

from snug.domain.model import ModelFile
from snug.domain.remote_names import clean_text
from snug.domain.sampling import Sampling
from snug.models.gguf import GgufHeader
from snug.models.inspection import Inspection
from snug.models.names import clean_name, quantization_label, title
from snug.models.tables import FILE_TYPE_GUESSED, FILE_TYPES

_LICENCE_LENGTH: Final = 80
# Converters that find no name take their folder's, which in a download cache is a commit.
_COMMIT: Final = re.compile(r"[0-9a-fA-F]{32,64}")


def summarize(found: Inspection, *, source: str = "import", name: str = "") -> ModelFile:
    """The library's view of a sound file.

    Args:
        found: an inspection that read the header.
        source: "import", "starter" or a repository "owner/name".
        name: what it is called where the file does not say; "" takes the file's name.

    Returns:
        The model with a proposed name and without sha256, which takes reading all of the file.
        `size_bytes` is of all shards together.
    """
    header = found.header
    if header is None:
        raise ValueError("the file has no header to summarize")
    path = found.files[0].path
    file_name = PurePath(path).name
    quantization = quantization_of(header, file_name)
    return ModelFile(
        name=propose_name(header, name or file_name, quantization),
        path=path,
        size_bytes=sum(file.size_bytes for file in found.files),
        sha256="",
        architecture=clean_text(header.architecture)[:64],
        quantization=quantization,
        context_length=header.integer(header.key("context_length")) or 0,
        licence=licence_of(header),
        source=source,
        parameter_count=found.parameter_count,
        layers=header.integer(header.key("block_count")) or 0,
        chat_template=header.text("tokenizer.chat_template") or "",
        sampling=sampling_of(header),
        tool_template=header.text("tokenizer.chat_template.tool_use") or "",
    )


def read_again(model: ModelFile, found: Inspection) -> ModelFile:
    """The same content's facts as this Snug reads them; name, hash and origin stay."""
    fresh = summarize(found, source=model.source)
    return replace(
        fresh,
        name=model.name,
        sha256=model.sha256,
        licence=fresh.licence or model.licence,
        note=model.note,
        commit=model.commit,
        projector=model.projector,
        program=model.program,
    )


def quantization_of(header: GgufHeader, file_name: str) -> str:
    """The quantization's label: what the metadata says, else the file name, else the tensors.

    A "UD-" label of the file name comes first, because the metadata has no number for those.
    """
    named = quantization_label(file_name)
    stated = header.integer("general.file_type")
    if named.startswith("UD-"):
        return named
    if stated is not None and not stated & FILE_TYPE_GUESSED and stated in FILE_TYPES:
        return FILE_TYPES[stated]
    return named or _commonest_type(header)


def _commonest_type(header: GgufHeader) -> str:
    weights: Counter[str] = Counter()
    for tensor in header.tensors:
        weights[tensor.type.label] += tensor.elements
    return weights.most_common(1)[0][0] if weights else ""


def propose_name(header: GgufHeader, file_name: str, quantization: str) -> str:
    """A name for the library: the metadata's, else the file's, with the quantization."""
    base = header.text("general.basename")
    keys: tuple[str, ...] = ("general.size_label", "general.finetune", "general.version")
    if base and clean_text(base):
        parts = [base]
    else:
        stated = header.text("general.name") or ""
        parts = ["" if _COMMIT.fullmatch(stated) else stated]
        keys = keys[:1]
    for key in keys:
        part = clean_text(header.text(key) or "")
        if part and part.casefold() not in "-".join(parts).casefold():
            parts.append(part)
    name = "-".join(parts) if clean_text(parts[0]) else title(file_name)
    if quantization and quantization.casefold() not in name.casefold():
        # Cut first, so that a long name cannot push the quantization out.
        name = f"{clean_name(name, 80)} {quantization}"
    return clean_name(name)


def licence_of(header: GgufHeader) -> str:
    """The licence's identifier; its name where the identifier is only "other"; "" where unknown."""
    licence = clean_text(header.text("general.license") or "")
    if licence.casefold() in ("", "other", "unknown"):
        licence = clean_text(header.text("general.license.name") or "")
    return licence[:_LICENCE_LENGTH]


def sampling_of(header: GgufHeader) -> Sampling | None:
    """The sampling values that the makers put into the file; values out of range are left out.

    Source: the general.sampling.* keys of llama.cpp's llama-arch.cpp, typed as in its common.cpp.
    """
    standard = Sampling()
    real, integer = header.real, header.integer
    temperature = _within(real("general.sampling.temp"), 0.0, 2.0)
    top_k = _within(integer("general.sampling.top_k"), -1, 1_000_000)
    top_p = _within(real("general.sampling.top_p"), 0.0, 1.0)
    min_p = _within(real("general.sampling.min_p"), 0.0, 1.0)
    penalty = _within(real("general.sampling.penalty_repeat"), 0.5, 2.0)
    last_n = _within(integer("general.sampling.penalty_last_n"), 0, 65_536)
    if (temperature, top_k, top_p, min_p, penalty, last_n) == (None,) * 6:
        return None
    return Sampling(
        temperature=_or(temperature, standard.temperature),
        top_k=max(0, int(_or(top_k, standard.top_k))),
        top_p=_or(top_p, standard.top_p),
        min_p=_or(min_p, standard.min_p),
        repeat_penalty=_or(penalty, standard.repeat_penalty),
        repeat_last_n=int(_or(last_n, standard.repeat_last_n)),
    )


def _within(value: float | None, low: float, high: float) -> float | None:
    """The value, rounded to what its 32 bits were meant to say; None out of range."""
    if value is None or not math.isfinite(value) or not low <= value <= high:
        return None
    return round(value, 6)


def _or(value: float | None, standard: float) -> float:
    return standard if value is None else value
