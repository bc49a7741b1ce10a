"""One name for a set of adapters: KV entries computed with one set say nothing with another."""

from __future__ import annotations

from collections.abc import Sequence

from snug.domain.model import Adapter


def adapters_key(adapters: Sequence[Adapter]) -> str:
    """A text that is the same for the same adapters at the same weights; "" for none."""
    used = sorted((a.sha256 or a.path, a.scale) for a in adapters if a.scale)
    return "".join(f"+{name}@{scale:g}" for name, scale in used)
