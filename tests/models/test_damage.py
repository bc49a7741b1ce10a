"""Threats 1, 3, 4, 5, 7: crafted files get a name and a sentence, soon and in little memory."""

from __future__ import annotations

import math
import os
import struct
from pathlib import Path

import pytest
from tests.models.damage_cases import CASES, Case
from tests.models.gguf_maker import ARRAY, F32, TEXT, U32, sound, text
from tests.models.measure import MIB, best_seconds, rss_growth

from snug.domain.errors import ModelFileError
from snug.models.damage import Damage
from snug.models.files import GgufFile
from snug.models.inspection import inspect, problems

MAX_S = 0.050
MAX_RSS = 64 * MIB


def test_the_model_that_all_cases_damage_is_sound(tmp_path: Path) -> None:
    assert problems(sound().write(tmp_path / "tiny.gguf")) == ()


def test_there_are_at_least_60_kinds_of_damage() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 60


def test_every_name_of_damage_is_tried_somewhere() -> None:
    elsewhere = {
        Damage.MISSING,
        Damage.NOT_A_FILE,
        Damage.UNREADABLE,
        Damage.CHANGED,
        Damage.HEADER_TOO_LARGE,
        Damage.SHARD_MISSING,
    }
    assert {case.damage for case in CASES} | elsewhere == set(Damage)


@pytest.mark.alone
@pytest.mark.parametrize("case", CASES, ids=str)
def test_damage_is_named_within_50_ms(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(case.make())
    found = inspect(path).problems
    assert [problem.damage for problem in found][:1] == [case.damage], found
    assert case.says in found[0].text
    assert found[0].text.endswith(".")
    assert found[0].text.isprintable()
    assert best_seconds(lambda: inspect(path)) < MAX_S


@pytest.mark.alone
def test_all_damaged_files_together_stay_below_64_mib(tmp_path: Path) -> None:
    paths = []
    for number, case in enumerate(CASES):
        paths.append(tmp_path / f"{number}.gguf")
        paths[-1].write_bytes(case.make())
    assert rss_growth(lambda: [inspect(path) for path in paths]) < MAX_RSS


def test_unreadable_headers_raise_a_model_file_error(tmp_path: Path) -> None:
    path = sound().change(version=9).write(tmp_path / "model.gguf")
    with pytest.raises(ModelFileError, match="version 9"):
        GgufFile(path)


@pytest.mark.parametrize("offset", range(50))
def test_a_truncated_file_is_told_as_cut_short(offset: int, tmp_path: Path) -> None:
    data = sound().build()
    # From the first byte to the one before the last that a tensor needs.
    size = 1 + offset * (len(data) - 2) // 49
    path = tmp_path / "model.gguf"
    path.write_bytes(data[:size])
    found = inspect(path).problems
    assert len(found) == 1
    assert found[0].damage in {Damage.HEADER_CUT, Damage.DATA_CUT, Damage.NOT_GGUF}
    if size >= 4:
        assert f"{size:,} bytes" in found[0].text
        assert "get it again" in found[0].text


def _sparse(path: Path, header: bytes, size: int) -> Path:
    path.write_bytes(header)
    os.truncate(path, size)
    return path


@pytest.mark.alone
@pytest.mark.parametrize(
    ("name", "raw", "kind", "damage"),
    [
        ("1 GiB string", struct.pack("<Q", 2**30), TEXT, Damage.STRING_TOO_LONG),
        ("10^9 numbers", struct.pack("<IQ", U32, 10**9), ARRAY, Damage.ARRAY_TOO_LONG),
        ("10^9 strings", struct.pack("<IQ", TEXT, 10**9), ARRAY, Damage.ARRAY_TOO_LONG),
        ("4 M empty strings", struct.pack("<IQ", TEXT, 4 * 2**20), ARRAY, Damage.KEY_NAME),
        ("4 M numbers", struct.pack("<IQ", 12, 4 * 2**20), ARRAY, Damage.KEY_NAME),
    ],
)
def test_huge_metadata_in_a_sparse_file_costs_neither_memory_nor_time(
    name: str, raw: bytes, kind: int, damage: Damage, tmp_path: Path
) -> None:
    made = sound().set_raw("x.huge", kind, raw).change(key_count=64)
    header = made.header()
    cut = header.index(b"x.huge") + len(b"x.huge") + 4 + len(raw)
    path = _sparse(tmp_path / "model.gguf", header[:cut], 2**31)
    assert inspect(path).problems[0].damage is damage
    assert rss_growth(lambda: inspect(path)) < MAX_RSS
    assert best_seconds(lambda: inspect(path)) < 1.0


@pytest.mark.alone
def test_a_header_beyond_256_mib_is_refused(tmp_path: Path) -> None:
    # 17 strings of just under 16 MiB each: every one is allowed, all together are not.
    length = 16 * 2**20 - 64
    path = tmp_path / "model.gguf"
    with path.open("wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, 0, 17))
        for number in range(17):
            file.write(text(f"k{number}") + struct.pack("<IQ", TEXT, length))
            file.seek(length, os.SEEK_CUR)
        file.truncate(2**30)
    assert inspect(path).problems[0].damage is Damage.HEADER_TOO_LARGE
    assert rss_growth(lambda: inspect(path)) < MAX_RSS
    assert best_seconds(lambda: inspect(path)) < MAX_S


def test_many_long_strings_and_arrays_are_not_kept(tmp_path: Path) -> None:
    made = sound()
    for number in range(40):
        made.set(f"x.text{number}", TEXT, "\U0001f600" * 100_000)
        made.set_array(f"x.numbers{number}", F32, [1.0] * 1024)
    path = made.write(tmp_path / "model.gguf")
    assert problems(path) == ()
    assert rss_growth(lambda: inspect(path)) < MAX_RSS


def test_keys_without_end_are_refused(tmp_path: Path) -> None:
    made = sound()
    for number in range(200):
        made.set_raw(f"{number:05d}" + "k" * 60_000, 0, b"\1")
    path = made.write(tmp_path / "model.gguf")
    assert inspect(path).problems[0].damage is Damage.HEADER_TOO_LARGE
    assert rss_growth(lambda: inspect(path)) < MAX_RSS


@pytest.mark.parametrize("alignment", [32, 64, 4096, 65_536])
def test_powers_of_two_up_to_65536_are_alignments(alignment: int, tmp_path: Path) -> None:
    made = sound().set("general.alignment", U32, alignment).change(alignment=alignment)
    assert problems(made.write(tmp_path / "model.gguf")) == ()


@pytest.mark.parametrize("alignment", [1, 2, 4, 8, 16])
def test_weights_that_cannot_be_mapped_are_refused(alignment: int, tmp_path: Path) -> None:
    made = sound().set("general.alignment", U32, alignment).change(alignment=alignment)
    # Makes the header's length a multiple of the alignment and of nothing more.
    pad = next(n for n in range(1, 64) if (len(made.header()) + 21 + n) % 32 == alignment)
    made.set("pad.pad", TEXT, "x" * (pad + 21 - len(text("pad.pad")) - 12))
    header = len(made.header())
    found = inspect(made.write(tmp_path / "model.gguf")).problems
    assert (header % 32 == 0) == (found == ())
    if found:
        assert found[0].damage is Damage.TENSOR_MISALIGNED


def test_a_problem_never_hides_the_others(tmp_path: Path) -> None:
    made = sound().set("llama.block_count", U32, 0)
    made.set("llama.attention.layer_norm_rms_epsilon", F32, math.nan)
    kinds = {problem.damage for problem in inspect(made.write(tmp_path / "m.gguf")).problems}
    assert kinds == {Damage.KEY_RANGE, Damage.NOT_FINITE}


def test_at_most_20_problems_are_told(tmp_path: Path) -> None:
    made = sound()
    for number in range(100):
        made.set(f"llama.x{number}", F32, math.nan)
    assert len(problems(made.write(tmp_path / "model.gguf"))) == 20
