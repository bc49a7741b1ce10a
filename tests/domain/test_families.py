from __future__ import annotations

import pytest

from snug.domain.families import FAMILIES, NAMES, OTHER, family_of


@pytest.mark.parametrize(
    ("name", "architecture", "bases", "family"),
    [
        ("Qwen/Qwen3-8B", "qwen3", (), "Qwen"),
        ("unsloth/Qwen3-Coder-GGUF", "", (), "Qwen"),
        ("x/QwenLong-L1", "", (), "Qwen"),
        ("x/my-model", "qwen2moe", (), "Qwen"),
        ("meta-llama/Llama-3.2-1B", "llama", (), "Llama"),
        ("NousResearch/Hermes-3", "llama", (), "Llama"),
        ("google/gemma-3-4b-it", "", (), "Gemma"),
        ("google/embeddinggemma-300m", "", (), "Gemma"),
        ("mistralai/Devstral-Small", "llama", (), "Mistral"),
        ("TheBloke/Midnight-Miqu-70B", "llama", (), "Mistral"),
        ("microsoft/Phi-4-mini", "phi3", (), "Phi"),
        ("deepseek-ai/DeepSeek-V3", "deepseek2", (), "DeepSeek"),
        ("deepseek-ai/anything", "", (), "DeepSeek"),
        ("x/SmolLM2-135M", "llama", (), "SmolLM"),
        ("01-ai/Yi-34B", "llama", (), "Yi"),
        ("openai/gpt-oss-20b", "gpt-oss", (), "GPT-OSS"),
        ("openai/whisper-large-v3", "", (), "Whisper"),
        ("black-forest-labs/FLUX.1-dev", "", (), "FLUX"),
        ("Wan-AI/Wan2.2-T2V", "", (), "Wan"),
        ("x/wanderer", "", (), OTHER),
        ("x/philosophy", "", (), OTHER),
        ("x/a-name", "", (), OTHER),
        ("no-owner", "", (), OTHER),
        ("", "", (), OTHER),
    ],
)
def test_the_family_of_a_known_name(
    name: str, architecture: str, bases: tuple[str, ...], family: str
) -> None:
    assert family_of(name, architecture, bases) == family


def test_an_architecture_of_one_family_counts_more_than_the_name() -> None:
    assert family_of("x/Llama-killer", "gemma3") == "Gemma"


def test_the_base_model_counts_more_than_the_name() -> None:
    assert family_of("x/Qwen-like", "", ("mistralai/Mistral-7B",)) == "Mistral"
    assert family_of("x/Foo", "llama", ("mistralai/Mistral-7B",)) == "Mistral"


def test_the_architecture_of_many_families_decides_last() -> None:
    assert family_of("x/Foo", "llama") == "Llama"
    assert family_of("x/SmolLM-Foo", "llama") == "SmolLM"


def test_a_distillation_counts_for_what_it_is_built_of() -> None:
    assert family_of("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B") == "Qwen"
    assert family_of("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "llama") == "Llama"


def test_every_family_of_the_table_stands_there_once() -> None:
    assert len(set(NAMES)) == len(NAMES)
    words = [word for family in FAMILIES for word in family.words]
    assert sorted(set(words)) == sorted(words)
