"""Names, fits and categories of what lies on the Hub."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snug.domain.errors import UserError
from snug.domain.hub import Category, Fit, Query, category_of, fit_of, parse_reference
from snug.domain.remote_names import is_model, is_projector, quantization_of, shard_of, shown


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("Qwen3-4B-Q4_K_M.gguf", "Q4_K_M"),
        ("model-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        ("model.IQ2_XXS.gguf", "IQ2_XXS"),
        ("BF16/model-BF16-00001-of-00003.gguf", "BF16"),
        ("Q8_0/model-00001-of-00003.gguf", "Q8_0"),
        ("model-fp16.gguf", "F16"),
        ("gpt-oss-20b-mxfp4.gguf", "MXFP4"),
        ("Q4_0-to-Q8_0.gguf", "Q8_0"),
        ("model-TQ1_0.gguf", "TQ1_0"),
        ("model.gguf", ""),
        ("SeQ4_K_MX.gguf", ""),
    ],
)
def test_the_last_label_of_the_name_counts_else_of_the_path(path: str, label: str) -> None:
    assert quantization_of(path) == label


def test_what_is_a_model_among_gguf_files() -> None:
    assert is_model("a/Model-Q4_0.gguf")
    for other in (
        "mmproj-model-f16.gguf",
        "model.mmproj-Q8_0.gguf",
        "mtp-model.gguf",
        "model-imatrix.gguf",
        "imatrix.gguf",
        "style-LoRA.gguf",
        "ggml-vocab-x.gguf",
        "model.safetensors",
    ):
        assert not is_model(other), other
    assert is_projector("x/mmproj-F16.gguf")
    assert not is_projector("mmproj.json")


def test_shards_have_sound_numbers() -> None:
    shard = shard_of("a/m-Q8_0-00002-of-00003.gguf")
    assert shard is not None
    assert (shard.stem, shard.number, shard.count) == ("a/m-Q8_0", 2, 3)
    for odd in ("m-00004-of-00003.gguf", "m-00000-of-00003.gguf", "m-00001-of-99999.gguf"):
        assert shard_of(odd) is None


@given(st.text(max_size=400))
def test_whatever_is_shown_is_one_clean_line(text: str) -> None:
    line = shown(text)
    assert len(line) <= 120
    assert "\n" not in line
    assert not any(c in line for c in "\u202e\u2066\u200b\x00\x1b\u2028")


def test_references() -> None:
    assert parse_reference("a/b:Q4_K_M").quantization == "Q4_K_M"
    assert parse_reference(" a/b ").repository == "a/b"
    assert parse_reference("https://huggingface.co/a/b").repository == "a/b"
    for wrong in (
        "",
        "a",
        "a/b/c",
        "a/..",
        "../b",
        "a/b:c d",
        "a/b x",
        "-a/b",
        "https://x/a",
        "a/b:",
    ):
        with pytest.raises(UserError, match="OWNER/REPO"):
            parse_reference(wrong)


def test_fit_by_what_is_free() -> None:
    gigabyte = 10**9
    assert fit_of(4 * gigabyte, 8 * gigabyte) is Fit.FITS
    assert fit_of(6 * gigabyte, 7 * gigabyte + 10**8) is Fit.TIGHT
    assert fit_of(8 * gigabyte, 8 * gigabyte) is Fit.NO
    assert fit_of(8 * gigabyte, None) is Fit.UNKNOWN
    assert fit_of(0, gigabyte) is Fit.UNKNOWN


@pytest.mark.parametrize(
    ("task", "tags", "name", "category"),
    [
        ("text-generation", [], "a/b", Category.TEXT),
        ("text-generation", ["code"], "a/b", Category.CODE),
        ("", ["conversational"], "Qwen/Qwen3-Coder-30B-GGUF", Category.CODE),
        ("image-text-to-text", ["code"], "a/b", Category.VISION_LANGUAGE),
        ("automatic-speech-recognition", [], "a/whisper", Category.SPEECH),
        ("text-to-image", [], "a/flux", Category.IMAGE),
        ("text-to-video", [], "a/wan", Category.VIDEO),
        ("", ["sentence-similarity"], "a/bge", Category.EMBEDDING),
        ("", [], "a/encoder", Category.OTHER),
        ("new-task", ["conversational"], "a/b", Category.TEXT),
    ],
)
def test_categories(task: str, tags: list[str], name: str, category: Category) -> None:
    assert category_of(task, tags, name) is category


def test_a_query_has_bounds() -> None:
    for limit in (0, -1, 101):
        with pytest.raises(UserError):
            Query(limit=limit)
