"""Models that other programs keep on this computer, as values.

They are used where they lie: nothing is copied, moved or written into another program's folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from snug.domain.model import ModelFile


class Program(StrEnum):
    """Whose folder a file lies in."""

    LM_STUDIO = "lm-studio"
    HUGGING_FACE = "hugging-face"
    OLLAMA = "ollama"
    JAN = "jan"
    GPT4ALL = "gpt4all"
    FOLDER = "folder"

    @property
    def label(self) -> str:
        """Its name as people write it. A proper name, the same in every language."""
        return _LABELS[self]


_LABELS = {
    Program.LM_STUDIO: "LM Studio",
    Program.HUGGING_FACE: "Hugging Face cache",
    Program.OLLAMA: "Ollama",
    Program.JAN: "Jan",
    Program.GPT4ALL: "GPT4All",
    Program.FOLDER: "Folder",
}


@dataclass(frozen=True, slots=True)
class Found:
    """A model that another program keeps, as far as a look at its first bytes tells.

    Attributes:
        path: the (first) file.
        name: for a person; the file's own name for itself, else the program's.
        size_bytes: of all its files together.
        already: the library has it.
        problem: why it cannot be taken, in a sentence; "" where it can.
        source: the repository "owner/name" that the program says it came from; "" where unknown.
        commit: the revision there; "" where unknown.
        licence: identifier that its header or the program's licence text states; "" for none.
        expected: sha256 that the program claims for the file. A claim: it is compared with the
            content when the model is taken.
        files: how many it is split into.
        projector: the file with which the model sees pictures; None without one.
    """

    program: Program
    path: Path
    name: str
    size_bytes: int
    quantization: str = ""
    already: bool = False
    problem: str = ""
    source: str = ""
    commit: str = ""
    licence: str = ""
    expected: str = ""
    files: int = 1
    projector: Path | None = None


@dataclass(frozen=True, slots=True)
class Adopted:
    """What became of one file that was to be taken.

    Attributes:
        model: the library's entry; None where it was not taken.
        problem: why not, in a sentence.
    """

    path: Path
    model: ModelFile | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Removed:
    """What became of a model that was removed.

    Attributes:
        deleted: files of Snug's own that went with it; all others stay where they are.
        freed_bytes: what they took.
    """

    model: ModelFile
    deleted: int = 0
    freed_bytes: int = 0
