"""Models on the Hub, as values: what a person looks at before anything is downloaded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from snug.domain.errors import NotFoundError, UserError
from snug.domain.licence import Licence, LicenceClass
from snug.domain.remote_names import file_name, quantization_of, shown

# What a model needs beside its weights: the KV cache of 8,192 tokens and the compute buffers.
_EXTRA_SHARE: Final = 0.10
_EXTRA_BYTES: Final = 400_000_000
_COMFORT: Final = 0.85  # of what is free; the rest is for everything else that runs

_REFERENCE: Final = re.compile(
    r"(?:https://[^/\s]+/)?"
    r"([A-Za-z0-9][A-Za-z0-9._-]{0,95})/([A-Za-z0-9._-]{1,96})(?::([A-Za-z0-9._-]{1,64}))?/?"
)


class Category(StrEnum):
    """What a model is for."""

    TEXT = "text"
    CODE = "code"
    VISION_LANGUAGE = "vision-language"
    SPEECH = "speech"
    IMAGE = "image"
    VIDEO = "video"
    EMBEDDING = "embedding"
    OTHER = "other"


class Fit(StrEnum):
    """Whether a file runs on this machine."""

    FITS = "fits"
    TIGHT = "tight"
    NO = "no"
    UNKNOWN = "unknown"


class Order(StrEnum):
    """How a listing is sorted."""

    TRENDING = "trending_score"
    DOWNLOADS = "downloads"
    NEWEST = "last_modified"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file in a repository.

    Attributes:
        path: as the Hub names it; hostile until proven otherwise, for requests only.
        sha256: of its content; "" where the Hub does not tell.
    """

    path: str
    size_bytes: int
    sha256: str = ""

    @property
    def name(self) -> str:
        """For a person."""
        return shown(file_name(self.path))


@dataclass(frozen=True, slots=True)
class Variant:
    """One quantization of a model: a file, or all files of a split one in order."""

    quantization: str
    files: tuple[RemoteFile, ...]

    @property
    def name(self) -> str:
        """For a person: the (first) file's name."""
        return self.files[0].name

    @property
    def size_bytes(self) -> int:
        """Of all files."""
        return sum(file.size_bytes for file in self.files)

    @property
    def sha256(self) -> str:
        """Of the (first) file."""
        return self.files[0].sha256


@dataclass(frozen=True, slots=True)
class Repository:
    """A model repository.

    Attributes:
        id: "owner/name".
        commit: what `variants` were read from; "" in a listing.
        context_length: in tokens; 0 where the Hub does not tell.
        base_models: what it was made from, as it states itself.
        variants: by size; empty in a listing.
        projectors: files that let the model see.
        modified_ms: UTC milliseconds since the epoch; 0 where unknown.
    """

    id: str
    category: Category
    licence: Licence
    commit: str = ""
    gated: bool = False
    downloads: int = 0
    likes: int = 0
    trending_score: int = 0
    context_length: int = 0
    architecture: str = ""
    parameter_count: int = 0
    base_models: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    projectors: tuple[RemoteFile, ...] = ()
    modified_ms: int = 0

    def variant(self, quantization: str) -> Variant:
        """The files of a quantization, upper or lower case; with "", the only one.

        Raises:
            NotFoundError: there is none of that name; the text lists what there is.
        """
        wanted = quantization.upper()
        found = [v for v in self.variants if v.quantization.upper() == wanted]
        if not wanted and len(self.variants) == 1:
            found = list(self.variants)
        if found:
            return found[0]
        if not self.variants:
            raise NotFoundError(f"{self.id} holds no GGUF model that Snug could run.")
        there = ", ".join(dict.fromkeys(v.quantization or v.name for v in self.variants))
        what = f"has no {shown(quantization, 64)}" if wanted else "has several quantizations"
        raise NotFoundError(f"{self.id} {what}. There is: {there}.")


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for.

    Attributes:
        text: part of a name; "" for all.
        limit: how many repositories, 1 to 100.
        min_size_bytes, max_size_bytes: leave out quantizations that are smaller or larger; 0 for no
            bound.
        gated: only those that ask for something before they may be downloaded, or only the others;
            None for both.
        min_context: of the context that a model was trained for, in tokens; one that does not tell
            it is left out. 0 for any.
        architecture: as the file names it, such as "llama"; "" for any.
        supported_only: leaves out architectures that this build does not know.
        fits_only: leaves out what has no quantization that fits this machine now.
    """

    text: str = ""
    category: Category | None = None
    licence_class: LicenceClass | None = None
    order: Order = Order.TRENDING
    limit: int = 20
    max_size_bytes: int = 0
    gated: bool | None = None
    min_context: int = 0
    architecture: str = ""
    supported_only: bool = False
    min_size_bytes: int = 0
    fits_only: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= 100:
            raise UserError(f"The limit is 1 to 100 repositories; {self.limit} is not.")
        if self.max_size_bytes and self.min_size_bytes > self.max_size_bytes:
            raise UserError("The smallest size is above the largest. Change one of them.")

    @property
    def filters(self) -> bool:
        """Whether it leaves anything out beside what does not hold the text."""
        return self != Query(self.text, order=self.order, limit=self.limit)

    def matches(self, one: Repository) -> bool:
        """Whether a repository fits by what it says of itself; its files are not looked at."""
        return (
            self.category in (None, one.category)
            and self.licence_class in (None, one.licence.licence_class)
            and self.gated in (None, one.gated)
            and (not self.min_context or one.context_length >= self.min_context)
            and self.architecture.casefold() in ("", one.architecture.casefold())
        )

    def sized(self, one: Repository) -> Repository | None:
        """With the quantizations of the wanted sizes; None where none is left."""
        if not self.min_size_bytes and not self.max_size_bytes:
            return one
        most = self.max_size_bytes or float("inf")
        variants = tuple(v for v in one.variants if self.min_size_bytes <= v.size_bytes <= most)
        return replace(one, variants=variants) if variants else None


@dataclass(frozen=True, slots=True)
class Reference:
    """What `owner/repo:QUANT` means; `quantization` is "" where it was left out."""

    repository: str
    quantization: str = ""


def parse_reference(text: str) -> Reference:
    """`owner/repo`, `owner/repo:QUANT`, or the address of a repository's page.

    Raises:
        UserError: it is none of these.
    """
    match = _REFERENCE.fullmatch(text.strip())
    if match is None or ".." in text or match.group(2).strip(".") == "":
        raise UserError(
            f'"{shown(text, 80)}" is no model on the Hub. Write OWNER/REPO or OWNER/REPO:QUANT, '
            "for example: bartowski/Qwen_Qwen3-4B-GGUF:Q4_K_M"
        )
    return Reference(f"{match.group(1)}/{match.group(2)}", match.group(3) or "")


def fit_of(size_bytes: int, available_bytes: int | None) -> Fit:
    """Whether weights of this size run in the memory that is free, with room for a conversation.

    Args:
        available_bytes: of all processors together; None where it is not known.
    """
    if available_bytes is None or size_bytes <= 0:
        return Fit.UNKNOWN
    needed = size_bytes * (1 + _EXTRA_SHARE) + _EXTRA_BYTES
    if needed <= available_bytes * _COMFORT:
        return Fit.FITS
    return Fit.TIGHT if needed <= available_bytes else Fit.NO


_BY_TASK: Final = {
    "text-generation": Category.TEXT,
    "text2text-generation": Category.TEXT,
    "translation": Category.TEXT,
    "summarization": Category.TEXT,
    "question-answering": Category.TEXT,
    "image-text-to-text": Category.VISION_LANGUAGE,
    "visual-question-answering": Category.VISION_LANGUAGE,
    "image-to-text": Category.VISION_LANGUAGE,
    "video-text-to-text": Category.VISION_LANGUAGE,
    "any-to-any": Category.VISION_LANGUAGE,
    "automatic-speech-recognition": Category.SPEECH,
    "text-to-speech": Category.SPEECH,
    "text-to-audio": Category.SPEECH,
    "audio-to-audio": Category.SPEECH,
    "audio-text-to-text": Category.SPEECH,
    "text-to-image": Category.IMAGE,
    "image-to-image": Category.IMAGE,
    "unconditional-image-generation": Category.IMAGE,
    "text-to-video": Category.VIDEO,
    "image-to-video": Category.VIDEO,
    "video-to-video": Category.VIDEO,
    "feature-extraction": Category.EMBEDDING,
    "sentence-similarity": Category.EMBEDDING,
    "text-ranking": Category.EMBEDDING,
}
_CODE_NAME: Final = re.compile(r"(?:^|[-_./ ])(?:star)?cod(?:er?|estral)")


def category_of(task: str, tags: Sequence[str], name: str) -> Category:
    """What a model is for, from the Hub's task, else its tags; code by tag or name."""
    found = _BY_TASK.get(task)
    if found is None:
        found = next((_BY_TASK[tag] for tag in tags if tag in _BY_TASK), None)
    if found in (None, Category.TEXT) and (
        "code" in tags or _CODE_NAME.search(name.lower()) is not None
    ):
        return Category.CODE
    if found is None:
        return Category.TEXT if "conversational" in tags else Category.OTHER
    return found


def projector_for(variant: Variant, projectors: Sequence[RemoteFile]) -> RemoteFile | None:
    """The projector that goes with a model's file: the same folder first, then a fine precision."""
    ranks = ("F16", "BF16", "Q8_0", "F32")
    folder = _folder(variant.files[0].path)

    def rank(file: RemoteFile) -> tuple[bool, int, str]:
        label = quantization_of(file.path)
        return (
            _folder(file.path) != folder,
            ranks.index(label) if label in ranks else len(ranks),
            file.path,
        )

    return min(projectors, key=rank, default=None)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
