"""Options of `snug chat` that say how its model is loaded, for this one call."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from snug.domain.errors import UserError
from snug.domain.model import KvType
from snug.services.engine_settings import Host, checked_threads
from snug.services.models import ModelService

MAX_LAYERS = 1024


def add_load_options(parser: argparse.ArgumentParser) -> None:
    """Add them, in a group. Each is None (or False) where it was not given."""
    group = parser.add_argument_group("loading the model")
    group.add_argument(
        "--kv-type",
        choices=[kind.value for kind in KvType],
        help="how what was read is kept; q8_0 halves its memory",
    )
    group.add_argument("--threads", type=int, metavar="N", help="threads that compute")
    group.add_argument(
        "--gpu-layers", type=int, metavar="N", help="layers on the graphics card; 0 for none"
    )
    group.add_argument(
        "--isolated", action="store_true", help="in a process of its own, shut off from all else"
    )


def use_load_options(models: ModelService, options: argparse.Namespace) -> None:
    """Apply what was given until this process ends. Raises: UserError for a bad number."""
    chosen: dict[str, Any] = {}
    if options.kv_type is not None:
        chosen["kv_type"] = KvType(options.kv_type)
    if options.threads is not None:
        chosen["threads"] = checked_threads(options.threads)
    if options.gpu_layers is not None:
        if not 0 <= options.gpu_layers <= MAX_LAYERS:
            raise UserError(
                f"{options.gpu_layers} layers cannot work; choose 0 to {MAX_LAYERS}, or leave "
                "--gpu-layers out to place as many as fit."
            )
        chosen["gpu_layers"] = options.gpu_layers
    if chosen:
        models.use_load_options(lambda load: replace(load, **chosen))
    if options.isolated:
        models.settings.use_host(Host.ISOLATED)
