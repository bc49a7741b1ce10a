"""Whether a model's vocabulary is one that llama.cpp survives.

Source: `llama_vocab::impl::load` in llama.cpp's llama-vocab.cpp. It ends the process where two
tokens are the same text, and later where a begin token is asked for that does not exist.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Final

from snug.models.damage import GET_AGAIN, Damage, Problem, quoted
from snug.models.files import GgufFile
from snug.models.gguf import GgufHeader
from snug.models.metadata_checks import MAX_VOCABULARY
from snug.models.tables import ValueType

_TYPES: Final = "tokenizer.ggml.token_type"
_BYTE_TYPE: Final = 6
TOKENS: Final = "tokenizer.ggml.tokens"
_MODEL: Final = "tokenizer.ggml.model"
_MERGES: Final = "tokenizer.ggml.merges"
_NEED_MERGES: Final = frozenset({"gpt2", "hybriddna", "whitespace", "gemma4"})
_PART: Final = 2**18

# The begin and end token each kind of tokenizer has by itself, and whether it puts them.
_DEFAULT_TOKENS: Final = {
    "llama": (1, 2),
    "bert": (101, None),
    "gpt2": (11, 11),
    "t5": (None, 1),
    "plamo2": (1, 2),
}
# llama.cpp puts its begin token whatever the file says.
_ALWAYS_BEGIN: Final = "gemma4"
_DEFAULT_BEGIN: Final = frozenset({"llama", "bert"})
_DEFAULT_END: Final = frozenset({"t5"})


def check_vocabulary(file: GgufFile) -> Iterator[Problem]:
    """All problems of a language model's vocabulary.

    Raises:
        GgufError: the file ends within its vocabulary.
    """
    header = file.header
    model = header.text(_MODEL)
    if model is None or model in ("none", "no_vocab"):
        yield Problem(
            Damage.VOCABULARY, f'The file has no vocabulary ("{_MODEL}" is missing). {GET_AGAIN}'
        )
        return
    tokens = header.metadata.get(TOKENS)
    if tokens is None or tokens.element is not ValueType.STRING:
        yield Problem(Damage.VOCABULARY, f"The file has no list of tokens. {GET_AGAIN}")
        return
    if not 0 < tokens.count <= MAX_VOCABULARY:
        yield Problem(
            Damage.VOCABULARY,
            f"The vocabulary has {tokens.count:,} tokens; "
            f"1 to {MAX_VOCABULARY:,} are possible. {GET_AGAIN}",
        )
        return
    yield from _check_companions(header, model, tokens.count)
    yield from _check_special_tokens(header, model, tokens.count)
    yield from _check_distinct(file, tokens.count)
    yield from _check_bytes(file, model)


def _check_companions(header: GgufHeader, model: str, count: int) -> Iterator[Problem]:
    """The arrays that stand beside the tokens: one score and one type for each, and the merges."""
    for key, elements in (
        ("tokenizer.ggml.scores", (ValueType.FLOAT32, ValueType.INT32)),
        (_TYPES, (ValueType.INT32,)),
    ):
        value = header.metadata.get(key)
        if value is not None and (value.element not in elements or value.count < count):
            yield Problem(
                Damage.VOCABULARY,
                f"{quoted(key)} must hold a number for each of the {count:,} tokens. {GET_AGAIN}",
            )
    merges = header.metadata.get(_MERGES)
    needed = model in _NEED_MERGES and header.text("tokenizer.ggml.pre") != "kimi-k2"
    if needed and (merges is None or merges.element is not ValueType.STRING):
        yield Problem(
            Damage.VOCABULARY, f"The file lacks its tokenizer's merges ({_MERGES}). {GET_AGAIN}"
        )


def _check_special_tokens(header: GgufHeader, model: str, count: int) -> Iterator[Problem]:
    """A token that is put at the begin or end of every prompt must exist."""
    begin, end = _DEFAULT_TOKENS.get(model, (None, None))
    for name, default, by_default in (
        ("bos", begin, model in _DEFAULT_BEGIN),
        ("eos", end, model in _DEFAULT_END),
    ):
        wanted = header.flag(f"tokenizer.ggml.add_{name}_token")
        always = name == "bos" and model == _ALWAYS_BEGIN
        if not (always or (by_default if wanted is None else wanted)):
            continue
        token = header.integer(f"tokenizer.ggml.{name}_token_id")
        if token is None or token >= count:  # llama.cpp then takes the tokenizer's own.
            token = default
        if token is None or not 0 <= token < count:
            yield Problem(
                Damage.VOCABULARY,
                f"Every prompt is to have the {name.upper()} token, but the vocabulary of "
                f"{count:,} tokens has none. {GET_AGAIN}",
            )


def _check_distinct(file: GgufFile, count: int) -> Iterator[Problem]:
    """No two tokens are the same as llama.cpp sees them: up to a NUL, and empty ones numbered.

    Compares hashes, a part of them at a time, so that 2 million tokens stay below 50 MB.
    """
    hashes = array("q", map(hash, _as_seen(file.strings(TOKENS))))
    parts = 1 + len(hashes) // _PART
    distinct = sum(len({h for h in hashes if h % parts == part}) for part in range(parts))
    twice = len(hashes) - distinct
    if twice:
        yield Problem(
            Damage.VOCABULARY_TWICE,
            f"{twice:,} of the vocabulary's {count:,} tokens stand there more than once. "
            f"{GET_AGAIN}",
        )


def _as_seen(tokens: Iterator[bytes]) -> Iterator[bytes]:
    for number, token in enumerate(tokens):
        yield token.partition(b"\0")[0] or b"[EMPTY_%d]" % number


def _check_bytes(file: GgufFile, model: str) -> Iterator[Problem]:
    """Text that no token covers is put together from bytes; llama.cpp takes them for granted."""
    if model == "bert" and _BYTE_TYPE in file.integers(_TYPES):
        yield Problem(
            Damage.VOCABULARY,
            f"The vocabulary holds tokens for bytes, which a {quoted(model)} tokenizer has not. "
            f"{GET_AGAIN}",
        )
    if model != "llama":
        return
    named = {b"<0x%02X>" % byte: byte for byte in range(256)}
    raw = {bytes([byte]): byte for byte in range(1, 256)}
    both = named | raw
    found = {both[token] for token in set(both).intersection(_as_seen(file.strings(TOKENS)))}
    if len(found) < 256:
        yield Problem(
            Damage.VOCABULARY,
            f"The vocabulary lacks tokens for {256 - len(found)} of the 256 bytes, and llama.cpp "
            "would end at the first text that needs one. Choose another file of this model.",
        )
