"""What llama.cpp takes for granted of some architectures, and ends the process over.

Source: the assertions in llama.cpp's src/models and llm_arch_is_recurrent, read off the sources of
llama-cpp-python 0.3.36. To be read off again with each new release; an architecture that is
missing here is still tried in a child of its own before its first use.
"""

from __future__ import annotations

from typing import Final


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Without attention: they state 0 heads.
RECURRENT: Final = frozenset({"mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"})

# "1 expert" of these means "no experts".
ONE_EXPERT_IS_NONE: Final = frozenset({"hunyuan_vl", "hunyuan-dense"})

# Not to be had without experts.
NEED_EXPERTS: Final = frozenset(
    {"bailingmoe2", "glm4moe", "grovemoe", "lfm2moe", "llada-moe", "smallthinker"}
)

# State-space layers exist only at twice the width of the model.
DOUBLE_INNER_SIZE: Final = frozenset({"granitehybrid", "jamba"})

# The rotary embedding is in sections (time, height, width).
SECTIONED: Final = _names("qwen2vl paddleocr qwen3vl qwen3vlmoe qwen35 qwen35moe qwen4exp qwen3tts")

# The rotary embedding turns the whole head.
FULL_ROPE: Final = _names(
    "apertus arcee arctic baichuan chameleon codeshell cogvlm cohere2moe dbrx deci deepseek dots1 "
    "dream ernie4_5 ernie4_5-moe exaone exaone-moe exaone4 falcon granite granite_swa "
    "graniteswitch grok grovemoe hunyuan-moe hunyuan_vl hy_v3 internlm2 jais2 llada llada-moe "
    "llama llama4 maincoder mellum mistral3 olmo olmo2 olmoe orion paddleocr pangu-embedded plamo "
    "pockettts qwen2 qwen2moe qwen2vl qwen3 qwen3moe qwen3vl qwen3vlmoe rnd1 seed_oss "
    "smallthinker smollm3 starcoder2 talkie xverse"
)

# A key is as long as a value.
EQUAL_HEADS: Final = FULL_ROPE | _names(
    "afmoe bailingmoe2 bert bitnet bloom chatglm cohere2 command-r eurobert glm4 glm4moe gpt2 "
    "gptneox granitehybrid jais laguna maple minimax-01 minimax-m2 minimax-m3 modern-bert mpt "
    "muse-glimmer nanbeige nemotron nemotron_h nemotron_h_moe neo-bert openelm phi2 phi3 qwen "
    "qwen35 qwen35moe qwen3next qwen4exp refact spark2_5 stablelm starcoder t5"
)
