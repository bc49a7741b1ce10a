from __future__ import annotations

import pytest

from snug.domain.passphrase import Strength, strength


@pytest.mark.parametrize(
    ("passphrase", "wanted"),
    [
        ("", Strength.WEAK),
        ("password123", Strength.WEAK),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", Strength.WEAK),
        ("12345678901234", Strength.WEAK),
        ("two words", Strength.WEAK),
        ("four plain words here", Strength.FAIR),
        ("tulip harbour cement waltz violet", Strength.GOOD),
        ("tulip harbour cement waltz violet anvil kettle", Strength.STRONG),
        ("g7#Kq!z2Vw9$Lp", Strength.STRONG),
    ],
)
def test_the_strength_of_a_passphrase_is_told_cautiously(passphrase: str, wanted: Strength) -> None:
    assert strength(passphrase) is wanted
