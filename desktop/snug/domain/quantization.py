"""What a quantization costs in quality, in plain words."""

from __future__ import annotations

from snug.domain.offer import Quality

_WORDS = {
    Quality.NEAR_LOSSLESS: "almost as the original",
    Quality.HIGH: "very close to the original",
    Quality.GOOD: "good; small losses",
    Quality.REDUCED: "noticeably weaker",
    Quality.POOR: "much weaker",
    Quality.UNKNOWN: "not known",
}


def words(quality: Quality) -> str:
    """For a person."""
    return _WORDS[quality]
