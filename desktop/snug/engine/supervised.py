"""Work on its way to a host, as the supervisor holds it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from snug.domain.model import LoadOptions, ModelFile
from snug.domain.prompt import GenerationRequest
from snug.engine.isolated_work import EventSink
from snug.engine.verdicts import adapter_key


class Handle(Protocol):
    """Stops work."""

    def cancel(self) -> None:
        """Stop the work."""


class Work:
    """An answer or a load on its way to a host; the handle that cancels it."""

    def __init__(
        self,
        model: ModelFile,
        options: LoadOptions,
        request: GenerationRequest | None,
        sink: EventSink,
        on_cancel: Callable[[Work], None],
    ) -> None:
        self.model, self.options, self.request, self.sink = model, options, request, sink
        self.companions = companions_of(model, options, request)
        self.cancelled = False
        self._on_cancel = on_cancel
        self._inner: Handle | None = None
        self._lock = threading.Lock()

    def attach(self, inner: Handle) -> None:
        """It is with a host now."""
        with self._lock:
            self._inner = inner
            cancelled = self.cancelled
        if cancelled:
            inner.cancel()

    def cancel(self) -> None:
        """Stop it wherever it is."""
        with self._lock:
            self.cancelled = True
            inner = self._inner
        if inner is not None:
            inner.cancel()
        else:
            self._on_cancel(self)


def companions_of(
    model: ModelFile, options: LoadOptions, request: GenerationRequest | None
) -> tuple[str, ...]:
    """What the verdicts on a draft and adapters are kept by."""
    draft = (options.draft.sha256,) if options.draft is not None else ()
    adapters = request.adapters if request is not None else ()
    return (*draft, *(adapter_key(model, adapter) for adapter in adapters if adapter.scale))
