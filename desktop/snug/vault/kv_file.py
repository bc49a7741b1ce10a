"""A KV state as an encrypted file: written and read in chunks, complete and in order or not at all.

The construction is STREAM: ChaCha20-Poly1305 for each chunk under a key that serves this one file,
the nonce being the chunk's number and whether it is the last. A chunk that was changed, moved, cut
off or taken from another file does not open. ChaCha20, because it is as quick as the disk on
processors without AES instructions too.

Source: Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance, section 7.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

CHUNK_BYTES = 1 << 20
TAG_BYTES = 16


def write_state(file: BinaryIO, key: bytes, data: memoryview) -> None:
    """Write `data` encrypted; its bytes are not copied but a chunk at a time.

    Args:
        key: 32 bytes that were never used before.
        data: one dimension of single bytes.

    Raises:
        OSError: the disk refused.
    """
    cipher = ChaCha20Poly1305(key)
    room = memoryview(bytearray(CHUNK_BYTES + TAG_BYTES))
    for start, end, nonce in _chunks(len(data)):
        sealed = room[: end - start + TAG_BYTES]
        cipher.encrypt_into(nonce, data[start:end], None, sealed)
        file.write(sealed)


def read_state(path: Path, key: bytes, size_bytes: int) -> bytearray | None:
    """The state in a file, decrypted into one buffer; None where it is not what was written.

    Args:
        size_bytes: of the state, as it was when written.

    Raises:
        OSError: the file is missing or the disk refused.
        MemoryError: there is no room for the state.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size != sealed_bytes(size_bytes):
            return None
        cipher = ChaCha20Poly1305(key)
        data = bytearray(size_bytes)
        target = memoryview(data)
        room = memoryview(bytearray(CHUNK_BYTES + TAG_BYTES))
        for start, end, nonce in _chunks(size_bytes):
            sealed = room[: end - start + TAG_BYTES]
            if not _fill(file, sealed):
                return None
            try:
                cipher.decrypt_into(nonce, sealed, None, target[start:end])
            except InvalidTag:
                return None
    return data


def sealed_bytes(size_bytes: int) -> int:
    """Length of the file that holds a state of this size."""
    return size_bytes + TAG_BYTES * max(1, -(-size_bytes // CHUNK_BYTES))


def _chunks(size_bytes: int) -> Iterator[tuple[int, int, bytes]]:
    """Start, end and nonce of each chunk; a state of no bytes has one, so that it has an end."""
    count = max(1, -(-size_bytes // CHUNK_BYTES))
    for index in range(count):
        start = index * CHUNK_BYTES
        nonce = index.to_bytes(8, "little") + int(index == count - 1).to_bytes(4, "little")
        yield start, min(start + CHUNK_BYTES, size_bytes), nonce


def _fill(file: BinaryIO, room: memoryview) -> bool:
    """Read until `room` is full; False where the file ends before."""
    done = 0
    while done < len(room):
        got = file.readinto(room[done:])  # type: ignore[attr-defined]
        if not got:
            return False
        done += got
    return True
