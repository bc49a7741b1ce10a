"""Quality by label: never better than what was measured."""

from __future__ import annotations

import pytest

from snug.domain.offer import Quality
from snug.domain.quantization import bits_of, quality_of, rank_of, words

LARGE = 8_000_000_000


@pytest.mark.parametrize(
    ("label", "quality"),
    [
        ("Q8_0", Quality.NEAR_LOSSLESS),
        ("BF16", Quality.NEAR_LOSSLESS),
        ("UD-Q8_K_XL", Quality.NEAR_LOSSLESS),
        ("Q6_K", Quality.HIGH),
        ("q5_k_m", Quality.HIGH),
        ("Q4_K_M", Quality.GOOD),
        ("UD-Q4_K_XL", Quality.GOOD),
        ("IQ4_XS", Quality.GOOD),
        ("Q4_0_4_8", Quality.GOOD),
        ("Q3_K_L", Quality.REDUCED),
        ("IQ3_M", Quality.REDUCED),
        ("MXFP4_MOE", Quality.REDUCED),
        ("IQ3_XXS", Quality.POOR),
        ("Q2_K_L", Quality.POOR),
        ("UD-IQ1_S", Quality.POOR),
        ("TQ1_0", Quality.UNKNOWN),
        ("", Quality.UNKNOWN),
        ("Q9_Z", Quality.UNKNOWN),
    ],
)
def test_a_label_means_what_was_measured(label: str, quality: Quality) -> None:
    assert quality_of(label, LARGE) is quality


def test_a_small_model_loses_more_below_five_bits() -> None:
    assert quality_of("Q4_K_M", 500_000_000) is Quality.REDUCED
    assert quality_of("Q3_K_M", 500_000_000) is Quality.POOR
    assert quality_of("Q2_K", 500_000_000) is Quality.POOR
    assert quality_of("Q5_K_M", 500_000_000) is Quality.HIGH
    assert quality_of("Q4_K_M", 0) is Quality.GOOD


def test_formats_a_model_was_trained_in_lose_nothing() -> None:
    assert quality_of("MXFP4", LARGE, "gpt-oss") is Quality.NEAR_LOSSLESS
    assert quality_of("TQ2_0", LARGE, "bitnet") is Quality.NEAR_LOSSLESS


def test_labels_are_ranked_and_what_doubles_the_size_for_nothing_comes_later() -> None:
    labels = ["Q8_0", "F16", "Q6_K", "Q5_K_M", "Q4_K_M", "IQ4_XS", "Q3_K_M", "Q2_K", "odd"]
    ranks = [rank_of(label) for label in labels]
    assert ranks == sorted(set(ranks))
    assert rank_of("UD-Q4_K_XL") == rank_of("Q4_K_M")
    assert rank_of("Q2_K_L") == rank_of("Q2_K")


def test_bits_and_words() -> None:
    assert [bits_of(one) for one in ("UD-Q4_K_XL", "IQ3_M", "MXFP4", "BF16", "TQ1_0", "x")] == [
        4,
        3,
        4,
        16,
        1,
        0,
    ]
    assert words(Quality.NEAR_LOSSLESS) == "almost as the original"
    assert len({words(one) for one in Quality}) == len(Quality)
