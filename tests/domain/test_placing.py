"""The choice of context, layers, KV cache and experts, on a model of round numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from snug.domain.fit import DeviceBytes, Fit, Projection, Setting, remedy_text, with_given_back
from snug.domain.model import Device, DeviceKind, KvType
from snug.domain.placing import Wish, choose_fit

GB = 10**9
LAYERS = 33
DENSE = Wish(layers=LAYERS, trained=131072)
MIXTURE = replace(DENSE, expert_layers=32)


def project(setting: Setting) -> Projection:
    """4 GB of weights, 3 of them experts; 128 KB of f16 cache per token, on the card by layer."""
    share = setting.gpu_layers / LAYERS
    spared = 3 * GB * setting.experts_on_cpu / 32
    cache = setting.context_length * 131072 * (0.5 if setting.kv_type is KvType.Q8_0 else 1.0)
    on_card = max(0.0, 4 * GB * share - spared)
    card = DeviceBytes("G", DeviceKind.GPU, int(on_card), int(cache * share), 0)
    rest = int(4 * GB - on_card)
    main = DeviceBytes("CPU", DeviceKind.CPU, rest, int(cache * (1 - share)), 0)
    parts = (main, card) if setting.gpu_layers else (main,)
    return Projection(
        setting.context_length,
        setting.gpu_layers,
        LAYERS,
        parts,
        setting.kv_type,
        setting.experts_on_cpu,
    )


def machine(main: float, card: float = 0.0) -> tuple[Device, ...]:
    """Devices with so many GB to give, margins added."""
    cpu = Device("CPU", "", DeviceKind.CPU, int(main * GB / 0.85) + 1, 64 * GB)
    gpu = Device("G", "", DeviceKind.GPU, int(card * GB) + 256 * 2**20, 64 * GB)
    return (cpu, gpu) if card else (cpu,)


def chosen(wish: Wish, devices: tuple[Device, ...]) -> Fit:
    found = choose_fit(project, devices, wish)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("main", "length", "kv_type"),
    [
        (100, 32768, KvType.F16),  # the processor's longest
        (12, 16384, KvType.F16),  # 32,768 would fit, but costs more than a quarter of it
        (6, 8192, KvType.F16),
        (4.6, 4096, KvType.F16),
        (4.3, 4096, KvType.Q8_0),  # before a shorter one
        (4.15, 2048, KvType.Q8_0),
    ],
)
def test_without_a_card_the_longest_cheap_context(
    main: float, length: int, kv_type: KvType
) -> None:
    fit = chosen(DENSE, machine(main))
    assert fit.fits
    assert (fit.projection.context_length, fit.projection.kv_type) == (length, kv_type)


@pytest.mark.parametrize(
    ("card", "length", "layers", "kv_type"),
    [
        (80, 131072, 33, KvType.F16),
        (24, 32768, 33, KvType.F16),
        (5.1, 8192, 33, KvType.F16),  # whole with 8,192 before parted with more
        (4.6, 8192, 33, KvType.Q8_0),
        (2.6, 8192, 16, KvType.F16),  # then as many layers as fit
    ],
)
def test_a_card_holds_the_whole_model_before_a_longer_context(
    card: float, length: int, layers: int, kv_type: KvType
) -> None:
    found = chosen(DENSE, machine(64, card)).projection
    assert (found.context_length, found.gpu_layers, found.kv_type) == (length, layers, kv_type)


def test_experts_leave_the_card_before_layers_do() -> None:
    found = chosen(MIXTURE, machine(64, 3.0)).projection
    assert (found.gpu_layers, found.context_length) == (33, 8192)
    assert found.experts_on_cpu == 23  # the fewest that let the rest fit
    assert chosen(DENSE, machine(64, 3.0)).projection.gpu_layers < 33


def test_a_context_is_never_longer_than_the_model_was_trained_for() -> None:
    found = chosen(replace(DENSE, trained=6000), machine(100)).projection
    assert found.context_length == 6000


def test_a_fixed_context_is_kept_or_refused_with_what_would_fit() -> None:
    fit = chosen(replace(DENSE, context_length=32768), machine(6.3))
    assert not fit.fits
    assert fit.projection.context_length == 32768
    assert [found.context_length for found in fit.remedies] == [16384, 32768]
    assert remedy_text(fit, chosen_length=True) == (
        "It fits with a context of 16384 tokens or with a KV cache of type q8_0"
    )


def test_a_model_that_never_fits_has_no_remedy_but_another_model() -> None:
    fit = chosen(DENSE, machine(2))
    assert not fit.fits
    assert fit.needed_bytes > 4 * GB > fit.free_bytes
    assert remedy_text(fit, chosen_length=False) == "Choose a smaller model or quantization"


def test_the_cache_stays_f16_where_flash_attention_is_off() -> None:
    found = chosen(replace(DENSE, may_quantize_cache=False), machine(4.3)).projection
    assert (found.kv_type, found.context_length) == (KvType.F16, 2048)


def test_what_llama_cannot_lay_out_is_passed_over() -> None:
    def only_short(setting: Setting) -> Projection | None:
        return project(setting) if setting.context_length <= 4096 else None

    found = choose_fit(only_short, machine(100), DENSE)
    assert found is not None
    assert found.projection.context_length == 4096
    assert choose_fit(lambda _setting: None, machine(100), DENSE) is None


def test_a_loaded_model_counts_as_free_up_to_the_whole_device() -> None:
    cpu, gpu = with_given_back(machine(4, 2), {"CPU": 3 * GB, "G": 100 * GB})
    assert cpu.free_bytes == machine(4)[0].free_bytes + 3 * GB
    assert gpu.free_bytes == gpu.total_bytes


@pytest.mark.parametrize(
    ("measured", "used"), [(1.03, 1.0), (0.96, 1.0), (1.1, 1.1), (3.0, 1.25), (0.1, 0.9)]
)
def test_a_measured_load_corrects_within_bounds(measured: float, used: float) -> None:
    plain = project(Setting(4096))
    assert plain.corrected(measured).weights == int(plain.weights * used)
