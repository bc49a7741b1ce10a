"""Threat 31: no name, wherever it comes from, can mislead a reader or leave a folder."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.models.gguf_maker import TEXT, sound

from snug.domain.remote_names import clean_text
from snug.models.library import Library
from snug.models.names import (
    clean_name,
    quantization_label,
    shard_name,
    title,
    unique_name,
)

HOSTILE: tuple[str, ...] = (
    *("../" * depth + "etc/passwd" for depth in range(1, 6)),
    *("..\\" * depth + "windows" for depth in range(1, 4)),
    *("/etc/passwd", "//host/share", "\\\\host\\share", "C:\\x", "C:x", "file:///etc/passwd"),
    *("con", "CON", "con.txt", "nul", "NUL.gguf", "aux", "prn", "com1", "lpt9.x"),
    *(f"name{chr(code)}name" for code in range(0x20)),
    *(f"name{chr(code)}name" for code in (0x7F, 0x80, 0x85, 0x9B, 0xA0, 0xAD)),
    *(f"evil{chr(code)}fugg.exe" for code in range(0x200B, 0x2010)),
    *(f"evil{chr(code)}fugg.exe" for code in range(0x2028, 0x202F)),
    *(f"evil{chr(code)}fugg.exe" for code in range(0x2060, 0x206A)),
    *("\ufeffx", "\ufff9x", "\U000e0041\U000e0042x", "\ud800x", "\ue000x", "\uffff"),
    *("", " ", ".", "..", "...", "-", "--help", "-rf", "  x  ", "x.", ".x", " .- "),
    *("x" * 300, "ü" * 300, "三" * 300, "\U0001f600" * 300, "e\u0301" * 300, "x" * 100_000),
    *("a|b", "a<b>", 'a"b', "a*b?", "a:b", "\x1b[2J\x1b]0;title\x07", "a\r\nb", "a\tb"),
    *("starter", "STARTER", "$(id)", "`id`", "; rm -rf ~", "%s%n", "{0}", "<script>"),
)


def _assert_harmless(name: str) -> None:
    assert name
    assert name == name.strip()
    assert len(name) <= 100
    assert len(name.encode()) <= 200
    assert not set(name) & set('/\\:*?"<>|\0')
    assert name not in {".", ".."}
    assert not name.startswith(("-", "."))
    for character in name:
        assert character == " " or unicodedata.category(character)[0] not in "CZ", repr(character)


def test_there_are_at_least_100_hostile_names() -> None:
    assert len(set(HOSTILE)) >= 100


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_becomes_harmless(name: str, tmp_path: Path) -> None:
    _assert_harmless(clean_name(name))
    _assert_harmless(title(name))
    assert (tmp_path / clean_name(name)).resolve().parent == tmp_path.resolve()


@given(st.text())
def test_any_text_becomes_a_harmless_name(name: str) -> None:
    _assert_harmless(clean_name(name))
    assert clean_name(clean_name(name)) == clean_name(name)


def test_hostile_names_in_metadata_stay_out_of_the_library(tmp_path: Path) -> None:
    library = Library(tmp_path / "models", lambda: None)
    for number, name in enumerate(HOSTILE[:100]):
        made = sound().set("general.name", TEXT, name.encode("utf-8", "replace"))
        made.set("x.number", 0, number)
        _assert_harmless(library.import_file(made.write(tmp_path / f"{number}.gguf")).name)
    assert len(library.models()) == 100
    folder = {path.name for path in (tmp_path / "models").iterdir()}
    assert folder == {"library.json", "library.copy.json", "library.lock"}


@pytest.mark.parametrize("name", ["Qwen3 8B Q4_K_M", "gemma-3n_E4B.v1", "模型 7B", "Phi-4 (2)"])
def test_an_ordinary_name_stays(name: str) -> None:
    assert clean_name(name) == name


def test_text_is_one_line() -> None:
    assert clean_text(" a\n\tb\u2028c\u202ed ") == "a b cd"


def test_a_taken_name_gets_a_number() -> None:
    assert unique_name("Tiny", []) == "Tiny"
    assert unique_name("Tiny", ["TINY"]) == "Tiny (2)"
    assert unique_name("Tiny", ["tiny", "Tiny (2)"]) == "Tiny (3)"


@pytest.mark.parametrize(
    ("file_name", "label"),
    [
        ("SmolLM2-135M-Instruct.Q4_1.gguf", "Q4_1"),
        ("Qwen3-8B-Q4_K_M.gguf", "Q4_K_M"),
        ("qwen2.5-7b-instruct-q5_k_s.gguf", "Q5_K_S"),
        ("Qwen3-30B-A3B-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        ("model-IQ2_XXS.gguf", "IQ2_XXS"),
        ("model.IQ4_NL.gguf", "IQ4_NL"),
        ("gpt-oss-20b-MXFP4.gguf", "MXFP4"),
        ("Llama-3-BF16-00001-of-00002.gguf", "BF16"),
        ("model-fp16.gguf", "F16"),
        ("Q8_0-tuned-Q4_0.gguf", "Q4_0"),
        ("model-TQ1_0.gguf", "TQ1_0"),
        ("model-Q6_K.gguf", "Q6_K"),
        ("plain.gguf", ""),
        ("SEQ4_0X.gguf", ""),
    ],
)
def test_the_last_quantization_of_a_file_name_counts(file_name: str, label: str) -> None:
    assert quantization_label(file_name) == label


@pytest.mark.parametrize(
    ("file_name", "says"),
    [
        ("Qwen3-8B-Q4_K_M.gguf", "Qwen3-8B"),
        ("SmolLM2-135M-Instruct.Q4_1.gguf", "SmolLM2-135M-Instruct"),
        ("Big-Q8_0-00001-of-00003.gguf", "Big"),
        ("Q4_0.gguf", "Q4_0"),
        ("model.GGUF", "model"),
    ],
)
def test_a_file_names_title_is_without_quantization_and_number(file_name: str, says: str) -> None:
    assert title(file_name) == says


def test_shard_names_follow_the_convention() -> None:
    name = shard_name("big-00001-of-00003.gguf")
    assert name is not None
    assert (name.prefix, name.number, name.count) == ("big", 1, 3)
    assert name.sibling(2) == "big-00002-of-00003.gguf"
    assert shard_name("big-1-of-3.gguf") is None
    assert shard_name("big-00001-of-00003.bin") is None
