"""The stages that a token's bytes pass on their way to events."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from snug.domain.tools import ToolFunction
from snug.engine.output.dialect import Dialect
from snug.engine.output.splitter import OutputEvent, Splitter, new_call_id
from snug.engine.output.text import StopMatcher, Utf8Stream


class OutputStream:
    """One answer's bytes as events. Engine thread only.

    Args:
        thinking, may_think, goes_on, tools, make_id: see `Splitter`.
        stops: texts that end the answer; they are not part of it.
    """

    def __init__(
        self,
        dialect: Dialect,
        *,
        thinking: str = "",
        may_think: bool = True,
        goes_on: bool = False,
        stops: Sequence[str] = (),
        tools: Sequence[ToolFunction] = (),
        make_id: Callable[[], str] = new_call_id,
    ) -> None:
        self._utf8 = Utf8Stream()
        self._stop = StopMatcher(stops)
        self._split = Splitter(
            dialect, thinking, may_open=may_think, goes_on=goes_on, tools=tools, make_id=make_id
        )

    @property
    def hit(self) -> bool:
        """A stop text has come."""
        return self._stop.hit

    def feed(self, piece: bytes) -> list[OutputEvent]:
        """Events of one token."""
        return self._split.feed(self._stop.feed(self._utf8.feed(piece)))

    def flush(self) -> list[OutputEvent]:
        """Events of what was held back."""
        rest = self._stop.feed(self._utf8.flush()) + self._stop.flush()
        return [*self._split.feed(rest), *self._split.flush()]
