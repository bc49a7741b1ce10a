"""How the next token is drawn: every value of llama.cpp's samplers, checked where it is made.

Types are strict: a `True`, a "7" or a NaN from a file or a request is a mistake, not a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from snug.domain.errors import UserError
from snug.domain.grammar import check_grammar

MAX_SEED = 2**32 - 2  # 2**32 - 1 is llama.cpp's "random" marker (LLAMA_DEFAULT_SEED)
MAX_BIASES = 1000
MAX_BREAKERS = 32
MAX_BREAKER_BYTES = 40  # llama.cpp cuts off the rest
_TOKEN_ID = re.compile(r"#([0-9]{1,9})", re.ASCII)

_REALS = {
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "min_p": (0.0, 1.0),
    "repeat_penalty": (0.5, 2.0),
    "typical_p": (0.0, 1.0),
    "top_n_sigma": (0.0, 100.0),
    "xtc_probability": (0.0, 1.0),
    "xtc_threshold": (0.0, 1.0),
    "dry_multiplier": (0.0, 10.0),
    "dry_base": (1.0, 10.0),
    "dynatemp_range": (0.0, 2.0),
    "dynatemp_exponent": (0.1, 10.0),
    "mirostat_tau": (0.0, 20.0),
    "mirostat_eta": (0.0, 1.0),
    "adaptive_target": (0.0, 1.0),
    "adaptive_decay": (0.0, 0.99),
    "frequency_penalty": (-2.0, 2.0),
    "presence_penalty": (-2.0, 2.0),
}
_WHOLE = {
    "top_k": (0, 1_000_000),
    "repeat_last_n": (0, 65_536),
    "seed": (0, MAX_SEED),
    "max_tokens": (1, 1_000_000),
    "min_keep": (1, 1000),
    "dry_allowed_length": (1, 1000),
    "dry_last_n": (0, 65_536),
    "mirostat": (0, 2),
}
_OPTIONAL = frozenset({"seed", "max_tokens", "adaptive_target"})


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling values for one answer. Every default switches its sampler off or is llama.cpp's.

    Applied in llama.cpp's order: biases, penalties, DRY, top-n-sigma, top-k, typical, top-p, min-p,
    XTC, temperature, then the draw. With mirostat only biases and temperature come before it.

    Attributes:
        temperature: 0 is greedy, with biases, penalties and DRY only; at most 2.
        top_k: keep the k most likely tokens; 0 keeps all.
        top_p: nucleus share in [0, 1]; 1 keeps all.
        min_p: drop tokens less likely than this share of the best one; in [0, 1].
        repeat_penalty: divides the logits of tokens that came lately; 1 is none; in [0.5, 2].
        repeat_last_n: how many tokens the three penalties look back on.
        seed: None draws a new one for each answer.
        max_tokens: most tokens of an answer; None is limited by the context alone.
        typical_p: keep the tokens whose surprise is nearest the usual, up to this share; 1 keeps
            all.
        top_n_sigma: keep logits within so many standard deviations of the best; 0 keeps all.
        xtc_probability: how often all but the least likely of the tokens above `xtc_threshold` are
            taken away; 0 is never.
        xtc_threshold: a probability; above 0.5 it does nothing.
        dry_multiplier: penalty on a token that would continue a repetition; 0 is none. It grows by
            `dry_base` with each token that the repetition is longer than `dry_allowed_length`.
        dry_last_n: how many tokens DRY looks back on.
        dry_breakers: texts that a repetition does not reach across; at most 40 bytes each.
        dynatemp_range: the temperature moves by so much up and down with the entropy; 0 is fixed.
        dynatemp_exponent: how the entropy maps to the temperature.
        mirostat: 0 is off; 1 or 2 hold the surprise at `mirostat_tau` bits, learning by
            `mirostat_eta`.
        adaptive_target: draw tokens near this probability (adaptive-p); None is off.
        adaptive_decay: how slowly adaptive-p forgets.
        frequency_penalty: taken off a token's logit for each time it came lately.
        presence_penalty: taken off once where it came at all.
        logit_bias: (token, bias) pairs; a token is "#" and its number, or a text that is exactly
            one token of the model. Biases in [-100, 100]; -100 rules it out.
        ignore_eos: the model cannot end its turn; the answer runs to its limit.
        min_keep: tokens that the filters leave at least.
        grammar: what the answer must follow, in llama.cpp's notation (GBNF); "" for free text.
    """

    temperature: float = 0.7
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    repeat_last_n: int = 64
    seed: int | None = None
    max_tokens: int | None = None
    typical_p: float = 1.0
    top_n_sigma: float = 0.0
    xtc_probability: float = 0.0
    xtc_threshold: float = 0.1
    dry_multiplier: float = 0.0
    dry_base: float = 1.75
    dry_allowed_length: int = 2
    dry_last_n: int = 64
    dry_breakers: tuple[str, ...] = ("\n", ":", '"', "*")
    dynatemp_range: float = 0.0
    dynatemp_exponent: float = 1.0
    mirostat: int = 0
    mirostat_tau: float = 5.0
    mirostat_eta: float = 0.1
    adaptive_target: float | None = None
    adaptive_decay: float = 0.9
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    logit_bias: tuple[tuple[str, float], ...] = ()
    ignore_eos: bool = False
    min_keep: int = 1
    grammar: str = ""

    @property
    def repeatable(self) -> bool:
        """The same question gets the same answer: nothing is left to chance, or by a seed."""
        return self.temperature == 0.0 or self.seed is not None

    def __post_init__(self) -> None:
        for kinds, ranges in (((int, float), _REALS), ((int,), _WHOLE)):
            for name, (low, high) in ranges.items():
                value = getattr(self, name)
                if value is not None or name not in _OPTIONAL:
                    _check_number(name, value, kinds, low, high)
        if type(self.ignore_eos) is not bool:
            raise UserError(f"ignore_eos must be true or false; {_shown(self.ignore_eos)} is not.")
        _check_breakers(self.dry_breakers)
        _check_biases(self.logit_bias)
        if type(self.grammar) is not str:
            raise UserError(f"grammar must be a text; {_shown(self.grammar)} is not.")
        if self.grammar:
            check_grammar(self.grammar)


def token_id(name: str) -> int | None:
    """The number that a name such as "#42" in a logit bias gives; None where it is a text."""
    match = _TOKEN_ID.fullmatch(name)
    return int(match.group(1)) if match else None


def _check_number(
    name: str, value: object, kinds: tuple[type, ...], low: float, high: float
) -> None:
    kind = "a number" if float in kinds else "a whole number"
    # A bool is an int, and a subclass may compare as it likes: neither is taken.
    if type(value) not in kinds:
        # Where another number stands, the range tells more than the kind does.
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise UserError(f"{name} must be {kind}; {_shown(value)} is not.")
        raise UserError(
            f"{name} must be between {low:g} and {high:g}, and {kind}; {_shown(value)} is not."
        )
    if not low <= value <= high:  # type: ignore[operator]  # also for NaN
        raise UserError(f"{name} must be between {low:g} and {high:g}; {_shown(value)} is not.")


def _check_breakers(breakers: object) -> None:
    if type(breakers) is not tuple or len(breakers) > MAX_BREAKERS:
        raise UserError(f"dry_breakers must be at most {MAX_BREAKERS} texts.")
    for text in breakers:
        good = type(text) is str and len(text) > 0 and "\0" not in text
        if not good or len(text.encode(errors="replace")) > MAX_BREAKER_BYTES:
            raise UserError(
                f"Each of dry_breakers must be a text of 1 to {MAX_BREAKER_BYTES} bytes; "
                f"{_shown(text)} is not."
            )


def _check_biases(biases: object) -> None:
    if type(biases) is not tuple or len(biases) > MAX_BIASES:
        raise UserError(f"logit_bias must be at most {MAX_BIASES} pairs of a token and a number.")
    for pair in biases:
        if type(pair) is not tuple or len(pair) != 2 or type(pair[0]) is not str or not pair[0]:
            raise UserError(
                f"Each of logit_bias must be a token and a number; {_shown(pair)} is not."
            )
        _check_number(f"The bias of {_shown(pair[0])}", pair[1], (int, float), -100.0, 100.0)


def _shown(value: object) -> str:
    """A value in an error; short, whatever it is."""
    try:
        text = str(value) if isinstance(value, int | float) else repr(value)
    except ValueError:  # Python refuses to write out an int of more than 4,300 digits
        return "a number of thousands of digits"
    return text[:20]
