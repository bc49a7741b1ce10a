"""What the services need of the rooms below, as Protocols: rooms never import one another.

`app.py` passes the real objects in. Threads are part of each contract.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from snug.domain.conversation import (
    Conversation,
    ConversationSettings,
    ConversationSummary,
    EarlierSummary,
    Message,
    Part,
)
from snug.domain.embedding import Embeddings, Ranking
from snug.domain.errors import SnugError
from snug.domain.events import Event
from snug.domain.fit import Fit
from snug.domain.model import Adapter, Device, LoadOptions, ModelFile, Placement
from snug.domain.organising import EVERYTHING, ListFilter
from snug.domain.prompt import ContextPlan, GenerationRequest
from snug.domain.search import FIRST_PAGE, SearchHit

EventSink = Callable[[Event], None]
PlanSink = Callable[["ContextPlan | SnugError"], None]


class Cancellable(Protocol):
    """A handle on work that runs elsewhere."""

    def cancel(self) -> None:
        """Ask it to stop; returns at once; harmless when it is over."""


class Engine(Protocol):
    """llama.cpp on its own thread. Every method may be called from any thread and returns at once.

    Sinks are called on the engine's thread, must not raise, and may block to slow it down.
    """

    def generate(self, request: GenerationRequest, sink: EventSink) -> Cancellable:
        """Queue an answer; the sink gets its events and, last, one `Finished` or `Failed`."""

    def preload(self, model: ModelFile, options: LoadOptions, sink: EventSink) -> Cancellable:
        """Load a model ahead of its first use: `Loading`*, then `Started` or `Failed`."""

    def plan(self, request: GenerationRequest, sink: PlanSink) -> None:
        """Count what a request would take; answered between two tokens of a running answer.

        The sink stays silent while the request's model is not loaded: there is nothing to count
        with.
        """

    def fit(self, model: ModelFile, options: LoadOptions) -> Fit:
        """How the model would be loaded into what is free now; waits for the engine.

        What the loaded model holds counts as free: it is unloaded before another one is loaded.

        Raises: ModelFileError, UserError (options that cannot work together).
        """

    def devices(self) -> tuple[Device, ...]:
        """What can compute here; waits for the native library (up to a second at first)."""

    def problems(self) -> tuple[str, ...]:
        """What went wrong while bringing up the devices, in sentences."""

    def versions(self) -> dict[str, str]:
        """Versions of the native library and the CPU variant in use, by name."""

    def embed(self, model: ModelFile, options: LoadOptions, texts: Sequence[str]) -> Embeddings:
        """Texts as vectors; waits for the engine. Raises: SnugError."""

    def rerank(
        self, model: ModelFile, options: LoadOptions, query: str, documents: Sequence[str]
    ) -> Ranking:
        """How well each document answers a question; waits for the engine. Raises: SnugError."""

    def forget(self, conversation_id: str) -> None:
        """Keep nothing of a conversation in memory that was deleted."""

    def release(self) -> None:
        """Give the model's memory back unless it is at work; the next request loads it again."""

    def placement(self) -> tuple[ModelFile, Placement] | None:
        """The loaded model and where it lies; None while nothing is loaded."""

    def close(self, timeout_s: float = 10.0) -> None:
        """Stop the running answer, free the model, join the thread."""


class Writer(Protocol):
    """The vault's one writing thread."""

    def submit(self, job: Callable[[], None], delay_s: float = 0.0) -> None:
        """Run `job` on the writer's thread, in order, after `delay_s` seconds at the earliest.

        An error the job raises must be handled by the job itself.
        """


class ConversationStore(Protocol):
    """Conversations on disk.

    Reads run on the calling thread; writes run on the writer's thread and wait for it, unless they
    are called there.

    Raises (all methods): `VaultDamagedError`, `DiskFullError`, `EnvironmentFault`;
    `NotFoundError` where an id is unknown.
    """

    @property
    def writer(self) -> Writer:
        """The thread that all writes run on."""

    def summaries(
        self, limit: int = 200, offset: int = 0, where: ListFilter = EVERYTHING
    ) -> tuple[ConversationSummary, ...]:
        """A page of the list, most recently changed first where the filter says nothing else."""

    def conversation(self, conversation_id: str) -> Conversation:
        """The whole tree; what the journal holds of an unfinished answer is already in it."""

    def search(self, text: str, limit: int = FIRST_PAGE) -> tuple[SearchHit, ...]:
        """Messages that hold every word of `text` (the last one as a prefix), best first."""

    def create(self, conversation: Conversation) -> None:
        """Store a new, empty conversation."""

    def add_message(self, message: Message, *, durable: bool) -> None:
        """Append a message and make it the active leaf.

        Args:
            durable: True syncs to the platter before it returns (a person's words).
        """

    def append_journal(self, message_id: str, parts: Sequence[Part]) -> None:
        """Add freshly decoded text to an unfinished answer: cheap, survives kill -9."""

    def finish_message(self, message: Message) -> None:
        """Replace an unfinished answer and its journal by the finished message, in one step."""

    def set_leaf(self, conversation_id: str, leaf_id: str | None) -> None:
        """Make another branch the active one."""

    def set_pinned(self, conversation_id: str, message_id: str, pinned: bool) -> None:
        """Pin a message, or let it go; does not change `updated_ms`."""

    def add_summary(self, conversation_id: str, summary: EarlierSummary) -> None:
        """Keep a summary of the beginning of a conversation; does not change `updated_ms`."""

    def set_title(self, conversation_id: str, title: str) -> None:
        """Rename."""

    def set_settings(self, conversation_id: str, settings: ConversationSettings) -> None:
        """Keep the conversation's model, system prompt and sampling."""

    def set_draft(self, conversation_id: str, draft: str) -> None:
        """Keep what stands unsent in the composer; does not change `updated_ms`."""

    def remove_branch(self, conversation_id: str, message_id: str, leaf_id: str | None) -> None:
        """Remove a message and all that answers it, and show the branch that ends in `leaf_id`."""

    def add_back(
        self, conversation_id: str, messages: Sequence[Message], leaf_id: str | None
    ) -> None:
        """Store messages again under their old ids, and show the branch that ends in `leaf_id`."""

    def delete(self, conversation_id: str) -> None:
        """Remove a conversation and everything of it, also from the search index."""

    def delete_many(self, conversation_ids: Sequence[str]) -> None:
        """Remove conversations like `delete`, some at a time."""

    def setting(self, name: str) -> str | None:
        """A value of the application's own (window geometry, last model …); None where unset."""

    def set_setting(self, name: str, value: str) -> None:
        """Keep a value of the application's own."""


class ModelLibrary(Protocol):
    """Models on this disk. Every method runs on the calling thread and may read files."""

    def models(self) -> tuple[ModelFile, ...]:
        """All known models whose file is there, the starter last."""

    def resolve(self, reference: str) -> ModelFile:
        """A library name, a path to a .gguf, `owner/repo:QUANT`, or `starter`.

        Raises:
            NotFoundError: nothing of that name; the text lists what there is.
            ModelFileError: the file is missing, cut short, or no GGUF.
        """

    def import_file(self, path: Path) -> ModelFile:
        """Check a file and add it to the library where it lies, without copying."""

    def remove(self, name: str) -> ModelFile:
        """Forget a model; a file that Snug itself put on the disk is deleted with it."""

    def adapter(self, path: Path, model: ModelFile, scale: float = 1.0) -> Adapter:
        """A LoRA adapter file, checked against the model that it is to change.

        Raises:
            ModelFileError: it is damaged, no LoRA adapter, or made for another model.
            UserError: the scale is out of range.
        """

    def check(self, path: Path) -> tuple[str, ...]:
        """Everything that is wrong with a GGUF file, in sentences; empty when it is sound."""

    def warnings(self, path: Path) -> tuple[str, ...]:
        """What is suspicious about a GGUF file's chat templates; it may still be used."""
