from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from snug.domain.errors import DiskFullError, UserError
from snug.vault.exporting.target import write_target


def full(file: BinaryIO) -> None:
    file.write(b"half")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_told_with_its_figure_and_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(b"old")
    with pytest.raises(DiskFullError, match="bytes are left"):
        write_target(file, full, replace=True)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.json", b"old")]


def test_a_file_that_comes_in_the_meantime_is_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "a.json"

    def overtaken(_: BinaryIO) -> None:
        file.write_bytes(b"another's")

    with pytest.raises(UserError, match="already"):
        write_target(file, overtaken)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.json", b"another's")]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    with pytest.raises(UserError):
        write_target(link, full)
    assert not target.exists()
