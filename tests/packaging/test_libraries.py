"""llama.cpp's libraries as they lie in .venv."""

from __future__ import annotations

from pathlib import Path

import pytest

from snug_setup.errors import SetupError
from snug_setup.llama_wheel import leave_out_sme
from snug_setup.venv import link_copies, llama_library_folder


def test_copies_become_links(tmp_path: Path) -> None:
    for name in ("libggml.so", "libggml.so.0", "libggml.so.0.25.3"):
        (tmp_path / name).write_bytes(b"one library")
    (tmp_path / "libggml-cpu-haswell.so").write_bytes(b"a plug-in")
    link_copies(tmp_path)
    link_copies(tmp_path)
    assert (tmp_path / "libggml.so").readlink() == Path("libggml.so.0.25.3")
    assert (tmp_path / "libggml.so.0").readlink() == Path("libggml.so.0.25.3")
    assert not (tmp_path / "libggml.so.0.25.3").is_symlink()
    assert not (tmp_path / "libggml-cpu-haswell.so").is_symlink()


def test_a_file_of_other_content_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "libggml.so").write_bytes(b"another")
    (tmp_path / "libggml.so.0.25.3").write_bytes(b"one library")
    link_copies(tmp_path)
    assert (tmp_path / "libggml.so").read_bytes() == b"another"


def test_installed_library_is_one_file_under_all_its_names() -> None:
    folder = llama_library_folder()
    for stem in ("libggml", "libggml-base", "libllama"):
        assert (folder / f"{stem}.so").samefile(folder / f"{stem}.so.0")


def test_every_processor_finds_a_variant() -> None:
    variants = {path.name for path in llama_library_folder().glob("libggml-cpu-*.so")}
    oldest = {"libggml-cpu-x64.so", "libggml-cpu-armv8.0_1.so"}
    assert len(variants & oldest) == 1
    assert len(variants) >= 6


def test_the_arm_variants_with_sme_are_left_out(tmp_path: Path) -> None:
    cmake_file = tmp_path / "CMakeLists.txt"
    add = "ggml_add_cpu_backend_variant"
    cmake_file.write_text(
        f"{add}(armv8.6_2 SVE2)\n{add}(armv9.2_1 SME)\n{add}(armv9.2_2 SVE2 SME)\n"
        f"{add}(android_armv9.2_1 SME)\n"
    )
    leave_out_sme(cmake_file)
    assert cmake_file.read_text().splitlines() == [
        f"{add}(armv8.6_2 SVE2)",
        f"{add}(android_armv9.2_1 SME)",
    ]


def test_another_list_of_variants_is_noticed(tmp_path: Path) -> None:
    cmake_file = tmp_path / "CMakeLists.txt"
    cmake_file.write_text("ggml_add_cpu_backend_variant(armv9.2_1 SME)\n")
    with pytest.raises(SetupError, match="not as expected"):
        leave_out_sme(cmake_file)
