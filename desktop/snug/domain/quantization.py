"""How much a quantization costs in quality, judged by its label. Never better than measured.

Source: measurements that llama.cpp's own project published, as loss of perplexity against f16:
the score chart of Llama 2 70B (examples/perplexity/README.md): Q6_K 0.16 %, Q5_K_M 0.40 %, Q5_K_S
0.50 %, Q4_K_M 1.20 %, Q5_0 1.26 %, Q4_K_S 1.57 %, Q4_1 2.37 %, Q4_0 3.61 %, Q3_K_L 3.80 %, Q3_K_M
4.72 %, Q3_K_S 7.89 %, Q2_K 8.82 %; the quantize tool's list for LLaMA 7B (perplexity 5.9): Q8_0
0.01 %, Q6_K below 0.1 %, Q5_K_M 0.2 %, Q4_K_M 0.9 %, Q4_K_S 1.7 %, Q3_K_L 3 %, Q3_K_M 4 %, Q3_K_S
9 %, Q2_K 11 %, Q2_K_S over 100 %. And, for what is smaller, the table in the repository of
BSC-LT's salamandra-2b-instruct (ln of the ratio; imatrix): Q8_0 0.0002, Q6_K 0.001, Q5_K_M 0.006,
Q5_K_S 0.007, Q4_K_M 0.031, Q4_K_S 0.035, IQ4_XS 0.037, IQ4_NL 0.037, Q3_K_L 0.07, IQ3_M 0.087,
Q3_K_M 0.09, IQ2_M 0.34, IQ2_S 0.50.

The words are those of the worst figure: up to 0.1 % near lossless, up to 1 % high, up to 4 %
good, up to 10 % reduced, beyond that poor. IQ3_S lost 3 to 4 % of 7- and 13-billion models
(llama.cpp's pull request 5829), less than Q3_K_S of the same size (5676); it counts as that,
because of smaller models no figure was found. At 3 and 4 bits the 2-billion model lost about
twice what the 70-billion one did; of still smaller ones no figures were found, so below 1.5
billion parameters all under 5 bits counts one step less. gpt-oss was trained in MXFP4, which
makes it no loss there; of other models it and NVFP4 are 4-bit formats without published figures
and count one step below Q4_0. Ternary labels (TQ1_0, TQ2_0) are exact for models trained with
ternary weights (BitNet) and useless for others; only the architecture tells which. "UD-" labels
keep more bits for the layers that matter; their makers' figures are not independent, so they
count as the plain label.
"""

from __future__ import annotations

import re
from typing import Final

from snug.domain.offer import Quality

_SMALL_MODEL: Final = 1_500_000_000
_STEPS: Final = (
    Quality.NEAR_LOSSLESS,
    Quality.HIGH,
    Quality.GOOD,
    Quality.REDUCED,
    Quality.POOR,
)
_WORDS: Final = {
    Quality.NEAR_LOSSLESS: "almost as the original",
    Quality.HIGH: "very close to the original",
    Quality.GOOD: "good, with small losses",
    Quality.REDUCED: "noticeably weaker",
    Quality.POOR: "much weaker",
    Quality.UNKNOWN: "not known",
}
# From the best to the worst; Q8_0 before what takes twice its memory for nothing.
_BY_LABEL: Final = {
    label: quality
    for quality, labels in (
        (Quality.NEAR_LOSSLESS, "Q8_0 Q8_K Q8_1 BF16 F16 F32"),
        (Quality.HIGH, "Q6_K Q5_K_M Q5_K Q5_K_S"),
        (Quality.GOOD, "Q5_1 Q5_0 Q4_K_M Q4_K Q4_K_S IQ4_NL IQ4_XS Q4_1 Q4_0"),
        (Quality.REDUCED, "NVFP4 MXFP4 MXFP4_MOE Q3_K_L IQ3_M Q3_K_M Q3_K IQ3_S Q3_K_S"),
        (
            Quality.POOR,
            "Q3_K_XS IQ3_XS IQ3_XXS Q2_K IQ2_M Q2_K_S Q2_K_XS IQ2_S IQ2_XS Q2_0 IQ2_XXS IQ1_M "
            "IQ1_S Q1_0",
        ),
    )
    for label in labels.split()
}
_RANKS: Final = {label: rank for rank, label in enumerate(_BY_LABEL)}
_BITS: Final = re.compile(r"^(?:I|T)?Q([1-8])_|^(?:MX|NV)FP(4)|^B?F(16|32)$")
_VARIANT: Final = re.compile(r"(_XL|_L|_XXL)$")
_REPACKED: Final = re.compile(r"_[48]_[48]$")
_NATIVE_MXFP4: Final = "gpt-oss"
_TERNARY_ARCHITECTURES: Final = frozenset({"bitnet"})


def words(quality: Quality) -> str:
    """For a person."""
    return _WORDS[quality]


def quality_of(label: str, parameter_count: int = 0, architecture: str = "") -> Quality:
    """What a label such as `Q4_K_M`, `UD-IQ2_XXS` or `MXFP4` promises.

    Args:
        parameter_count: of the whole model; 0 where unknown, which counts as not small.
        architecture: as the file names it; tells of formats that a model was trained in.
    """
    plain = _plain(label)
    if plain.startswith("MXFP4") and architecture == _NATIVE_MXFP4:
        return Quality.NEAR_LOSSLESS
    if plain.startswith("TQ"):
        known = architecture in _TERNARY_ARCHITECTURES
        return Quality.NEAR_LOSSLESS if known else Quality.UNKNOWN
    found = _BY_LABEL.get(_known(plain), Quality.UNKNOWN)
    if found is Quality.UNKNOWN or not 0 < parameter_count < _SMALL_MODEL or bits_of(label) >= 5:
        return found
    return _STEPS[min(_STEPS.index(found) + 1, len(_STEPS) - 1)]


def rank_of(label: str, architecture: str = "") -> int:
    """Place among all labels, 0 for the best; what is not known comes last."""
    plain = _plain(label)
    if quality_of(label, 0, architecture) is Quality.NEAR_LOSSLESS:
        return _RANKS.get(plain if plain in ("BF16", "F16", "F32") else "Q8_0", 0)
    return _RANKS.get(_known(plain), len(_RANKS))


def bits_of(label: str) -> int:
    """Bits of most weights, by the label; 0 where it does not tell."""
    match = _BITS.match(_plain(label))
    return int(next(group for group in match.groups() if group)) if match else 0


def _known(plain: str) -> str:
    """`Q4_K_XL` and `Q4_K_L` (larger outer tensors) count as `Q4_K_M`; `Q2_K_L` as `Q2_K`."""
    if plain in _BY_LABEL:
        return plain
    stem = _VARIANT.sub("", plain)
    return f"{stem}_M" if f"{stem}_M" in _BY_LABEL else stem


def _plain(label: str) -> str:
    upper = label.strip().upper().removeprefix("UD-")
    return _REPACKED.sub("", upper)
