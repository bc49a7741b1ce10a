"""GGUF fields as bytes. By hand, since the gguf package is only there for tests.

Source: the GGUF specification, version 3.
"""

from __future__ import annotations

import struct
from typing import Final

U32: Final = 4
I32: Final = 5
F32: Final = 6
TEXT: Final = 8
ARRAY: Final = 9


def text(content: str) -> bytes:
    """A length and its bytes."""
    raw = content.encode()
    return struct.pack("<Q", len(raw)) + raw


def entry(key: str, kind: int, content: bytes) -> bytes:
    """A metadata key with its value."""
    return text(key) + struct.pack("<I", kind) + content


def array(key: str, element: int, content: bytes, count: int) -> bytes:
    """A metadata key with `count` elements."""
    return entry(key, ARRAY, struct.pack("<IQ", element, count) + content)
