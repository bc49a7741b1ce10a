"""Offers: what fits which machine, how fast, and the one that is recommended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from snug.domain.footprint import KvLayer, Shape
from snug.domain.hub import Category, Fit, RemoteFile, Repository, Variant
from snug.domain.licence import classify
from snug.domain.model import Device, DeviceKind
from snug.domain.offer import Offer, Quality
from snug.domain.remote_names import quantization_of
from snug.domain.speed import Measurement, Where
from snug.models.supported import is_supported
from snug.services.judging import Judge, same_model

GB = 10**9
# Llama 3.1 8B: 32 layers, 8 heads of 128 for keys and values.
LLAMA_8B = Shape("llama", (KvLayer(1024, 1024),) * 32, 4096, 4096, 14336, 128256, 0, 131072)
SIZES = {
    "Q2_K": 3.2,
    "Q3_K_M": 4.0,
    "Q4_K_S": 4.7,
    "Q4_K_M": 4.9,
    "Q5_K_M": 5.7,
    "Q6_K": 6.6,
    "Q8_0": 8.5,
    "F16": 16.1,
}


def variant(name: str, size: float) -> Variant:
    return Variant(quantization_of(name), (RemoteFile(name, int(size * GB)),))


def repository(**more: Any) -> Repository:
    made = Repository(
        "m/Llama-8B-GGUF",
        Category.TEXT,
        classify("mit"),
        "a" * 40,
        context_length=131072,
        architecture="llama",
        parameter_count=8_030_000_000,
        variants=tuple(variant(f"Llama-8B-{q}.gguf", size) for q, size in SIZES.items()),
    )
    return replace(made, **more)


def machine(cpu: float, gpu: float = 0.0, total: float = 0.0) -> tuple[Device, ...]:
    found = [Device("CPU", "a processor", DeviceKind.CPU, int(cpu * GB), int((total or cpu) * GB))]
    if gpu:
        found.insert(0, Device("GPU0", "a card", DeviceKind.GPU, int(gpu * GB), int(gpu * GB)))
    return tuple(found)


def judged(
    devices: tuple[Device, ...],
    *speeds: Measurement,
    one: Repository | None = None,
    exact: bool = True,
) -> dict[str, Offer]:
    found = one or repository()
    judge = Judge(lambda: devices, lambda: speeds, is_supported)
    shapes = {same_model(found.variants[0]): LLAMA_8B} if exact else {}
    offers = judge.offers(found, shapes)
    assert sum(offer.recommended for offer in offers) <= 1
    assert [o.variant.size_bytes for o in offers] == sorted(o.variant.size_bytes for o in offers)
    return {offer.variant.quantization: offer for offer in offers}


def chosen(offers: dict[str, Offer]) -> str:
    return next((name for name, offer in offers.items() if offer.recommended), "")


@pytest.mark.parametrize(
    ("cpu", "gpu", "expected"),
    [
        (64, 0, "Q8_0"),  # F16 would fit and give nothing for twice the memory
        (16, 0, "Q8_0"),
        (11, 0, "Q6_K"),
        (9, 0, "Q5_K_M"),
        (7.5, 0, "Q4_K_M"),
        (6.3, 0, "Q3_K_M"),  # below 4 bits only where nothing else fits
        (5, 0, "Q2_K"),
        (3, 0, ""),
        (4, 24, "Q8_0"),
    ],
)
def test_the_best_that_fits_comfortably_is_recommended(
    cpu: float, gpu: float, expected: str
) -> None:
    assert chosen(judged(machine(cpu, gpu))) == expected


def test_green_amber_and_red_with_the_context_that_fits() -> None:
    offers = judged(machine(8, total=32))
    q4, q6, f16 = offers["Q4_K_M"], offers["Q6_K"], offers["F16"]
    assert (q4.fit, q6.fit, f16.fit) == (Fit.FITS, Fit.NO, Fit.NO)
    assert q4.context_length == 8192
    assert q4.exact
    # 8,192 tokens of 32 layers with 2 × 1,024 numbers of 2 bytes are 1.07 GB.
    assert 4.9 + 1.07 < q4.needed_bytes / GB < 4.9 + 1.07 + 0.5
    assert q4.reason == (
        f"Fits with a context of 8,192 tokens: it takes {q4.needed_bytes / GB:.1f} GB of 6.8 GB."
    )
    assert "with other programs closed" in q6.reason
    tight = judged(machine(6.4))["Q4_K_M"]
    assert tight.fit is Fit.TIGHT
    assert 512 <= tight.context_length < 4096
    assert "at most" in judged(machine(8))["F16"].reason


def test_a_context_is_no_longer_than_trained_and_on_a_processor_than_32768() -> None:
    assert judged(machine(64))["Q4_K_M"].context_length == 32768
    assert judged(machine(64, 48))["Q4_K_M"].context_length == 131072
    short = judged(machine(64), one=repository(context_length=2048), exact=False)["Q4_K_M"]
    assert (short.context_length, short.fit) == (2048, Fit.FITS)
    assert chosen(judged(machine(64), one=repository(context_length=2048), exact=False)) == "Q8_0"


def test_memory_of_card_and_machine_count_together_but_a_card_alone_is_quick() -> None:
    on_card = judged(machine(32, 12))["Q8_0"]
    assert "on the graphics card" in on_card.reason
    both = judged(machine(12, 12))["F16"]
    assert both.fit is Fit.FITS
    assert "on the graphics card" not in both.reason


def test_speed_comes_from_this_machines_measurements() -> None:
    slow = Measurement(10.0, 5 * GB, Where.CPU, "Other 8B")
    offers = judged(machine(64), slow)
    assert offers["Q4_K_M"].tokens_per_second == pytest.approx(10 * 5 / 4.9, abs=0.01)
    assert offers["Q4_K_M"].speed_source == "Other 8B"
    assert judged(machine(64))["Q4_K_M"].tokens_per_second is None
    assert judged(machine(64, 24), slow)["Q4_K_M"].tokens_per_second is None


def test_a_model_too_slow_to_read_along_is_not_recommended_while_a_faster_one_fits() -> None:
    slow = Measurement(4.4, 5 * GB, Where.CPU, "Other 8B")
    assert chosen(judged(machine(64), slow)) == "Q4_K_M"
    slower = Measurement(1.0, 5 * GB, Where.CPU, "Other 8B")
    # Nothing is quick enough: the smallest of at least 4 bits.
    assert chosen(judged(machine(64), slower)) == "Q4_K_S"
    assert chosen(judged(machine(6.3), slower)) == "Q3_K_M"
    tiny = Measurement(20.0, GB // 10, Where.CPU, "Tiny")
    offers = judged(machine(64), tiny)
    assert not offers["Q8_0"].speed_reliable
    assert chosen(offers) == "Q8_0"


def test_a_mixture_is_as_fast_as_its_active_part() -> None:
    measured = Measurement(10.0, 5 * GB, Where.CPU, "Dense")
    one = repository(variants=(variant("Mix-Q4_K_M.gguf", 18.0),), parameter_count=30 * 10**9)
    mixture = replace(LLAMA_8B, active_share=0.2)
    judge = Judge(lambda: machine(64), lambda: (measured,), is_supported)
    (offer,) = judge.offers(one, {same_model(one.variants[0]): mixture})
    assert offer.tokens_per_second == pytest.approx(10 * 5 / (18 * 0.2), abs=0.01)


def test_without_a_header_it_is_an_estimate_on_the_safe_side() -> None:
    known, guessed = judged(machine(64))["Q4_K_M"], judged(machine(64), exact=False)["Q4_K_M"]
    assert known.exact
    assert not guessed.exact
    assert known.needed_bytes <= guessed.needed_bytes < 2 * known.needed_bytes
    assert "about" in guessed.reason


def test_one_header_counts_for_all_quantizations_of_that_model_only() -> None:
    variants = (
        variant("Llama-8B-Q4_K_M.gguf", 4.9),
        variant("Llama-8B.IQ4_XS.gguf", 4.5),
        variant("sub/Llama-8B-UD-Q6_K_XL-00001-of-00002.gguf", 7.0),
        variant("Llama-1B-Q8_0.gguf", 1.3),
    )
    names = [same_model(one) for one in variants]
    assert names == ["llama-8b", "llama-8b", "llama-8b", "llama-1b"]
    offers = judged(machine(64), one=repository(variants=variants))
    assert [offer.exact for offer in offers.values()] == [False, True, True, True]


def test_an_architecture_that_this_build_does_not_know_is_red_with_the_reason() -> None:
    one = repository(architecture="\u202emystery")
    offers = judged(machine(64), one=one, exact=False)
    assert {offer.fit for offer in offers.values()} == {Fit.NO}
    assert chosen(offers) == ""
    offer = offers["Q4_K_M"]
    assert not offer.supported
    assert (offer.context_length, offer.tokens_per_second) == (0, None)
    assert "(mystery)" in offer.reason


def test_what_is_not_known_is_said_to_be_so() -> None:
    unknown = judged(machine(64), one=repository(variants=(variant("x-Q4_0.gguf", 0),)))["Q4_0"]
    assert (unknown.fit, unknown.needed_bytes, unknown.recommended) == (Fit.UNKNOWN, 0, False)
    nowhere = judged(())["Q4_K_M"]
    assert (nowhere.fit, nowhere.quality) == (Fit.UNKNOWN, Quality.GOOD)


def test_a_shared_memory_is_not_counted_twice() -> None:
    shared = Device("iGPU", "graphics", DeviceKind.INTEGRATED, 60 * GB, 60 * GB)
    assert judged((*machine(8), shared))["F16"].fit is Fit.NO


def test_absurd_figures_of_the_hub_break_nothing() -> None:
    for count in (1, 2**53):
        one = repository(
            parameter_count=count,
            context_length=count,
            variants=(variant("x-Q4_0.gguf", 1), variant("y.gguf", 2**53 / GB)),
        )
        offers = judged(machine(64), one=one, exact=False)
        assert offers["Q4_0"].fit is Fit.FITS
        assert offers[""].fit is Fit.NO
