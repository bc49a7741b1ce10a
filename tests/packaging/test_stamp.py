"""The stamp of a finished set-up: what is unfinished is never taken for done."""

from __future__ import annotations

from pathlib import Path

import pytest

from snug_setup import stamp

STAMP = stamp.Stamp(digest="d", root="/somewhere/über", llama="k")


def test_a_stamp_is_read_as_it_was_written(tmp_path: Path) -> None:
    stamp.write(tmp_path / "stamp", STAMP)
    assert stamp.read(tmp_path / "stamp") == STAMP
    assert [path.name for path in tmp_path.iterdir()] == ["stamp"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"digest": "d"}', '{"digest": "d", "no": 1}'])
def test_what_is_no_stamp_is_read_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "stamp").write_text(text)
    assert stamp.read(tmp_path / "stamp") is None


def test_a_missing_stamp_is_read_as_none(tmp_path: Path) -> None:
    assert stamp.read(tmp_path / "stamp") is None


def test_digest_changes_with_content_and_name(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("a")
    other.write_text("a")
    first = stamp.digest([one])
    assert stamp.digest([one]) == first
    assert stamp.digest([other]) != first
    one.write_text("b")
    assert stamp.digest([one]) != first


def test_inputs_hold_locks_scripts_lists_and_the_project() -> None:
    names = {path.name for path in stamp.inputs()}
    assert {"pyproject.toml", "runtime.txt", "setup_env.py", "venv.py"} <= names
    assert {"apt-packages.txt", "layer_settings.h"} <= names


def test_a_change_takes_the_stamps_away_first(tmp_path: Path) -> None:
    stamp.write(tmp_path / "stamp", STAMP)
    with stamp.changing(tmp_path, [tmp_path / "stamp"]):
        assert not (tmp_path / "stamp").exists()
        assert stamp.busy_mark(tmp_path).exists()
    assert not stamp.busy_mark(tmp_path).exists()


def test_a_change_that_was_cut_short_stays_marked(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), stamp.changing(tmp_path, []):
        raise KeyboardInterrupt
    assert stamp.busy_mark(tmp_path).exists()
