"""What .venv was made from, written last, so that what is unfinished is never taken for done.

`make` compares the stamps' times with the files they were made from and starts no Python at all
where nothing changed; the digest inside settles it where only times differ, as after a checkout.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from snug_setup.layout import LOCKS, PACKAGING, ROOT


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a finished set-up was made from.

    digest: of the files in `inputs`; root: the checkout, whose absolute path a virtual environment
    holds; llama: the cache key of the installed wheel of llama-cpp-python.
    """

    digest: str
    root: str
    llama: str


def inputs() -> list[Path]:
    """The files that decide what set-up does; the Makefile lists the same."""
    scripts = [*PACKAGING.glob("*.py"), *(PACKAGING / "snug_setup").glob("*.py")]
    lists = [*LOCKS.glob("*.txt"), *PACKAGING.glob("*.txt"), *PACKAGING.glob("vulkan/*.h")]
    return sorted([ROOT / "pyproject.toml", *scripts, *lists])


def digest(files: Iterable[Path]) -> str:
    """A digest over the names and the contents of files."""
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.name}\0".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def read(path: Path) -> Stamp | None:
    """The stamp in a file; None where there is none or it is not one."""
    try:
        return Stamp(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write(path: Path, stamp: Stamp) -> None:
    """Writes a stamp in one step."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(
        json.dumps(asdict(stamp), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    temporary.replace(path)


@contextlib.contextmanager
def changing(venv: Path, stamps: Iterable[Path]) -> Iterator[None]:
    """Marks a virtual environment as being changed; the mark stays where that is cut short."""
    mark = busy_mark(venv)
    mark.touch()
    for stamp in stamps:
        stamp.unlink(missing_ok=True)
    yield
    mark.unlink()


def busy_mark(venv: Path) -> Path:
    """The file that is there while a virtual environment is being changed."""
    return venv / ".snug-changing"
