"""The bench's part that measures downloads, with a small file."""

from __future__ import annotations

from pathlib import Path

import pytest

from snug.bench import download


def test_both_clients_get_the_whole_file_and_a_ratio_comes_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "SIZE_BYTES", 8 * 1024 * 1024)
    monkeypatch.setattr(download, "ROUNDS", 1)
    figures = download.run_download(tmp_path / "bench")
    assert set(figures) == {"download_ratio", "download_mb_per_s", "download_bare_mb_per_s"}
    assert all(isinstance(value, int | float) and value > 0 for value in figures.values())
    assert not list(tmp_path.rglob("*.gguf"))
