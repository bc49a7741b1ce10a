"""The KV state of a conversation that outlives its process, and who keeps it."""

from __future__ import annotations

from typing import Protocol


class StateKeeper(Protocol):
    """Keeps KV states, encrypted, within a limit of its own. Called on the engine's thread.

    A state that cannot be kept or found is no failure: the prompt is read again.
    """

    def save(
        self, conversation: str, fingerprint: str, data: bytes | bytearray | memoryview
    ) -> None:
        """Keep the state of a conversation in place of its earlier one.

        Args:
            fingerprint: of the model file, llama.cpp's build and how the cache is laid out; a state
                serves only where it is the same.
        """

    def load(self, conversation: str, fingerprint: str) -> bytes | bytearray | None:
        """The state kept under this conversation; None where there is none that serves."""

    def drop(self, conversation: str) -> None:
        """Forget the state of a conversation, so that it cannot be recovered."""
