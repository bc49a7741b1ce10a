"""Which family a model belongs to: Qwen, Llama, Gemma …, from its architecture, bases and name.

A table and three looks, the surest first: an architecture that only one family has, then the models
it states it was made from, then its own name. "llama" is the architecture of many families, so it
decides last. What no row knows is `OTHER`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class Family:
    """A row of the table.

    Attributes:
        architectures: beginnings of llama.cpp's names that no other family has.
        words: beginnings of words in repository names, lower case.
        owners: organisations that publish this family alone.
    """

    name: str
    architectures: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()


def _row(name: str, architectures: str, words: str, owners: str = "") -> Family:
    return Family(name, *(tuple(text.split()) for text in (architectures, words, owners)))


# Earlier rows win where a name holds words of two families: a distillation is named after what it
# was taught by and what it is built of, and counts for the latter where the architecture tells.
FAMILIES: Final[tuple[Family, ...]] = (
    _row("DeepSeek", "deepseek", "deepseek janus", "deepseek-ai"),
    _row("GPT-OSS", "gpt-oss", "gpt-oss gpt_oss gptoss", "openai"),
    _row("Whisper", "whisper", "whisper distil-whisper"),
    _row("Qwen", "qwen rwkv6qwen", "qwen qwq qvq", "qwen"),
    _row("Gemma", "gemma", "gemma embeddinggemma medgemma t5gemma paligemma shieldgemma"),
    _row(
        "Mistral",
        "mistral pixtral",
        "mistral mixtral ministral codestral devstral magistral pixtral voxtral mathstral "
        "miqu zephyr",
        "mistralai",
    ),
    _row("Phi", "phi", "phi", ""),
    _row("GLM", "glm chatglm", "glm chatglm cogvlm codegeex", "zai-org thudm"),
    _row("Granite", "granite", "granite", "ibm-granite"),
    _row("SmolLM", "smollm", "smollm smolvlm", "huggingfacetb"),
    _row("Nemotron", "nemotron", "nemotron openreasoning minitron llama-nemotron"),
    _row("Command", "command cohere", "command-r command-a c4ai aya", "coherelabs cohereforai"),
    _row("Kimi", "kimi", "kimi moonlight", "moonshotai"),
    _row("MiniMax", "minimax", "minimax", "minimaxai"),
    _row("OLMo", "olmo", "olmo tulu molmo", "allenai"),
    _row("EXAONE", "exaone", "exaone", "lgai-exaone"),
    _row("LFM", "lfm", "lfm", "liquidai"),
    _row("ERNIE", "ernie", "ernie paddleocr", "baidu paddlepaddle"),
    _row("Hunyuan", "hunyuan", "hunyuan hy3d hy-mt", "tencent-hunyuan"),
    _row("Falcon", "falcon", "falcon", "tiiuae"),
    _row("InternLM", "internlm internvl", "internlm internvl intern-s", "internlm opengvlab"),
    _row("MiniCPM", "minicpm", "minicpm voxcpm", "openbmb"),
    _row("Yi", "", "yi dolphin-yi", "01-ai"),
    _row("Seed", "seed", "seed-oss seed-x seedvr seed-coder", "bytedance-seed"),
    _row("StableLM", "stablelm", "stablelm stable-code"),
    _row("StarCoder", "starcoder", "starcoder", "bigcode"),
    _row("RWKV", "rwkv arwkv", "rwkv"),
    _row("Mamba", "mamba", "mamba"),
    _row("Jamba", "jamba", "jamba", "ai21labs"),
    _row("LLaVA", "", "llava"),
    _row("FLUX", "flux", "flux", "black-forest-labs"),
    _row(
        "Stable Diffusion",
        "sd1 sd3 sdxl",
        "stable-diffusion sdxl sd3 sd-turbo sd15 sd1 pony illustrious noobai animagine",
        "stabilityai",
    ),
    _row("Z-Image", "", "z-image z_image"),
    _row("Wan", "wan", "wan wan2", "wan-ai"),
    _row("LTX", "ltxv ltx", "ltx", "lightricks"),
    _row("Chroma", "", "chroma"),
    _row("Parakeet", "", "parakeet canary"),
    _row("Kokoro", "", "kokoro"),
    _row("Chatterbox", "", "chatterbox", "resembleai"),
    _row("VibeVoice", "", "vibevoice"),
    _row("BGE", "", "bge", "baai"),
    _row("E5", "", "e5 multilingual-e5"),
    _row("Jina", "jina", "jina", "jinaai"),
    _row("Nomic", "nomic", "nomic", "nomic-ai"),
    _row("BERT", "bert modern-bert neo-bert eurobert", "bert roberta all-minilm mpnet"),
    _row("T5", "t5", "t5 flan-t5"),
    _row(
        "Llama",
        "llama4 mllama",
        "llama tinyllama codellama meta-llama hermes dolphin vicuna alpaca openllama",
        "meta-llama",
    ),
)
NAMES: Final = (*(family.name for family in FAMILIES), OTHER)

_WORD_START: Final = r"(?<![a-z])"
_WORD_END: Final = r"(?![a-z])"  # of short words: "phi4" counts, "philosophy" does not
_SHORT: Final = 3


def _pattern(words: Iterable[str]) -> re.Pattern[str] | None:
    found = "|".join(
        re.escape(word) + (_WORD_END if len(word) <= _SHORT else "")
        for word in sorted(words, key=len, reverse=True)
    )
    return re.compile(f"{_WORD_START}(?:{found})") if found else None


@functools.cache
def _by_word() -> tuple[tuple[str, re.Pattern[str] | None], ...]:
    """Made at the first question: thirty patterns cost a window's start 3 ms."""
    return tuple((family.name, _pattern(family.words)) for family in FAMILIES)


_BY_OWNER: Final = {owner: family.name for family in FAMILIES for owner in family.owners}
# The longest beginning first, so that "llama4" is looked at before what begins alike.
_BY_ARCHITECTURE: Final = tuple(
    sorted(
        ((start, family.name) for family in FAMILIES for start in family.architectures),
        key=lambda row: -len(row[0]),
    )
)


def family_of(name: str, architecture: str = "", base_models: Iterable[str] = ()) -> str:
    """The family of a repository; `OTHER` where nothing tells.

    Args:
        name: "owner/name".
        architecture: as a GGUF states it; "" where unknown.
        base_models: "owner/name" of what it was made from.
    """
    stated = architecture.strip().lower()
    for start, family in _BY_ARCHITECTURE:
        if stated.startswith(start):
            return family
    for known in (*base_models, name):
        found = _named(known)
        if found:
            return found
    return "Llama" if stated == "llama" else OTHER


def _named(identifier: str) -> str:
    """The family that a repository's name tells, else its owner; "" where neither does."""
    owner, _, name = identifier.lower().rpartition("/")
    places = [
        (match.start(), order, family)
        for order, (family, pattern) in enumerate(_by_word())
        if pattern is not None and (match := pattern.search(name)) is not None
    ]
    if places:
        # "DeepSeek-R1-Distill-Qwen": what follows "distill" is what it is built of.
        after = name.find("distill-")
        built_of = [place for place in places if 0 <= after < place[0]]
        return min(built_of or places)[2]
    return _BY_OWNER.get(owner, "")
