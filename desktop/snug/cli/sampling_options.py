"""Options of `snug chat` that say how tokens are drawn, from a table."""

from __future__ import annotations

import argparse
from argparse import Namespace
from pathlib import Path
from typing import Any

from snug.cli.usage import a_path
from snug.domain.errors import UserError

# (option, field of Sampling, type, what it does)
_NUMBERS = (
    ("--top-k", "top_k", int, "keep the N likeliest tokens; 0 keeps all"),
    ("--top-p", "top_p", float, "keep the likeliest up to this share; 1 keeps all"),
    ("--min-p", "min_p", float, "drop what is less likely than this share of the best"),
    ("--typical", "typical_p", float, "keep the most usual up to this share; 1 keeps all"),
    ("--top-n-sigma", "top_n_sigma", float, "keep logits this near the best; 0 keeps all"),
    ("--xtc-probability", "xtc_probability", float, "how often the top choices go; 0 is never"),
    ("--xtc-threshold", "xtc_threshold", float, "how likely a top choice is; over 0.5 is off"),
    ("--min-keep", "min_keep", int, "tokens the filters leave at least"),
    ("--dynatemp-range", "dynatemp_range", float, "temperature moves so much; 0 is fixed"),
    ("--dynatemp-exponent", "dynatemp_exponent", float, "how it follows the entropy"),
    ("--mirostat", "mirostat", int, "0 is off; 1 or 2 hold the surprise steady"),
    ("--mirostat-tau", "mirostat_tau", float, "surprise to hold, in bits"),
    ("--mirostat-eta", "mirostat_eta", float, "how fast it learns"),
    ("--adaptive-target", "adaptive_target", float, "draw tokens near this probability"),
    ("--adaptive-decay", "adaptive_decay", float, "how slowly that forgets, up to 0.99"),
)
_REPETITION = (
    ("--repeat-penalty", "repeat_penalty", float, "divides logits of what came; 1 is none"),
    ("--frequency-penalty", "frequency_penalty", float, "taken off for each time it came"),
    ("--presence-penalty", "presence_penalty", float, "taken off once where it came"),
    ("--repeat-last-n", "repeat_last_n", int, "tokens these look back on"),
    ("--dry-multiplier", "dry_multiplier", float, "against repeated sequences; 0 is off"),
    ("--dry-base", "dry_base", float, "growth of that penalty per token"),
    ("--dry-allowed-length", "dry_allowed_length", int, "sequences this long may repeat"),
    ("--dry-last-n", "dry_last_n", int, "tokens DRY looks back on"),
)
_TABLES = (("drawing tokens", _NUMBERS), ("repetition", _REPETITION))


def add_sampling_options(parser: argparse.ArgumentParser) -> None:
    """Add them, in groups. Each is None where it was not given."""
    for title, table in _TABLES:
        group = parser.add_argument_group(title)
        for option, field, kind, text in table:
            group.add_argument(option, dest=field, type=kind, metavar="N", help=text)
        if table is _REPETITION:
            group.add_argument(
                "--dry-breaker",
                dest="dry_breakers",
                action="append",
                metavar="TEXT",
                help="a repetition does not reach across it; give one or more",
            )
    group = parser.add_argument_group("what may come")
    group.add_argument("--grammar", type=a_path, metavar="FILE", help="GBNF grammar of the answer")
    group.add_argument(
        "--logit-bias",
        action="append",
        metavar="TOKEN=N",
        help="add N (-100 to 100) to a token's logit; TOKEN is its text or #number; -100 bans it",
    )
    group.add_argument(
        "--ignore-eos", action="store_true", default=None, help="answer until the limit"
    )


def chosen_sampling(options: Namespace) -> dict[str, Any]:
    """The fields of `Sampling` that were given, by name.

    Raises:
        UserError: the grammar's file cannot be read, or a bias has no number.
    """
    names = ["temperature", "seed", "max_tokens", "ignore_eos"]
    names += [field for _, table in _TABLES for _, field, _, _ in table]
    chosen = {name: value for name in names if (value := getattr(options, name)) is not None}
    if options.dry_breakers is not None:
        chosen["dry_breakers"] = tuple(options.dry_breakers)
    if options.logit_bias is not None:
        chosen["logit_bias"] = tuple(map(_bias, options.logit_bias))
    if options.grammar is not None:
        chosen["grammar"] = read_text(options.grammar, "grammar")
    return chosen


def read_text(path: Path, what: str) -> str:
    """The text of a file that the person named. Raises: UserError."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"The {what} {path} cannot be read: {error}.") from error


def _bias(text: str) -> tuple[str, float]:
    token, found, number = text.rpartition("=")
    try:
        if found and token:
            return token, float(number)
    except ValueError:
        pass
    raise UserError(
        f'"{text[:40]}" is no bias; write TOKEN=N, for example --logit-bias "#42=-100".'
    )
