"""What part a GGUF file plays: not each of them is a model to talk to."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from snug.models.damage import Damage, Problem
from snug.models.gguf import GgufHeader


class FileRole(StrEnum):
    """The part a file plays."""

    CHAT = "chat"
    PROJECTOR = "projector"
    ADAPTER = "adapter"
    VOCABULARY = "vocabulary"
    IMPORTANCE_MATRIX = "importance-matrix"
    EMBEDDING = "embedding"
    SPEECH = "speech"
    DRAFT = "draft"


_BY_TYPE: Final = {
    "adapter": FileRole.ADAPTER,
    "mmproj": FileRole.PROJECTOR,
    "imatrix": FileRole.IMPORTANCE_MATRIX,
}
_BY_ARCHITECTURE: Final = {
    "clip": FileRole.PROJECTOR,
    "controlvector": FileRole.ADAPTER,
    "wavtokenizer-dec": FileRole.SPEECH,
    "qwen3tts": FileRole.SPEECH,
    "pockettts": FileRole.SPEECH,
    "eagle3": FileRole.DRAFT,
    "dflash": FileRole.DRAFT,
    "gemma4-assistant": FileRole.DRAFT,
} | dict.fromkeys(
    (
        "bert",
        "modern-bert",
        "nomic-bert",
        "nomic-bert-moe",
        "neo-bert",
        "jina-bert-v2",
        "jina-bert-v3",
        "eurobert",
        "t5encoder",
        "gemma-embedding",
        "llama-embed",
    ),
    FileRole.EMBEDDING,
)
_REFUSALS: Final = {
    FileRole.PROJECTOR: Problem(
        Damage.PROJECTOR,
        "This is the part of a model that looks at pictures (mmproj), not one to talk to. "
        "Choose the model's main file.",
    ),
    FileRole.ADAPTER: Problem(
        Damage.ADAPTER,
        "This is an adapter (LoRA or control vector), which changes a model but is none. "
        "Choose the file of the model it was made for.",
    ),
    FileRole.VOCABULARY: Problem(
        Damage.VOCABULARY_ONLY,
        "The file holds a vocabulary but no weights, so it cannot answer. "
        "Choose the model's main file.",
    ),
    FileRole.IMPORTANCE_MATRIX: Problem(
        Damage.IMPORTANCE_MATRIX,
        "This is an importance matrix, which quantizing programs read, not a model. "
        "Choose the model's main file.",
    ),
    FileRole.EMBEDDING: Problem(
        Damage.EMBEDDING,
        "This model turns text into numbers for search (embeddings); it does not write answers. "
        "Choose a chat model.",
    ),
    FileRole.SPEECH: Problem(
        Damage.SPEECH, "This model makes speech; it does not write answers. Choose a chat model."
    ),
    FileRole.DRAFT: Problem(
        Damage.DRAFT,
        "This is a draft model, which only speeds up another one. Choose the model's main file.",
    ),
}


def role_of(header: GgufHeader) -> FileRole:
    """The part that a file plays, by what it says of itself."""
    in_shards = (header.integer("split.count") or 1) > 1
    stated = _BY_TYPE.get(header.text("general.type") or "")
    if stated is not None:
        return stated
    if "adapter.type" in header.metadata:
        return FileRole.ADAPTER
    if not header.tensors and not in_shards:
        return FileRole.VOCABULARY
    return _BY_ARCHITECTURE.get(header.architecture, FileRole.CHAT)


def refusal(role: FileRole) -> Problem | None:
    """Why a file of this part is no chat model; None where it is one."""
    return _REFUSALS.get(role)
