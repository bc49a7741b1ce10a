"""Builds the engine that the application uses: two hosts, trials, and what is known of models."""

from __future__ import annotations

from collections.abc import Callable

from snug.domain.kv_state import StateKeeper
from snug.domain.model import LoadOptions, ModelFile
from snug.engine.admission import Admission, risky_variant
from snug.engine.host import EngineHost
from snug.engine.isolated import IsolatedEngine
from snug.engine.isolated_running import ChildPlan
from snug.engine.native import Native, gpu_plugins, library_folder
from snug.engine.supervisor import Supervisor, proven_variant
from snug.engine.verdicts import Notebook, Verdicts, machine_mark


def build_engine(
    notebook: Notebook,
    always_isolated: Callable[[], bool],
    keeper: StateKeeper | None = None,
) -> Supervisor:
    """The engine; nothing of llama.cpp is loaded yet, and no child started.

    Args:
        notebook: keeps what is learned of models; in the vault.
        always_isolated: whether the person wants every model shut in.
        keeper: keeps KV states.
    """
    verdicts = Verdicts(notebook, machine_mark())

    def variant() -> str:
        return proven_variant(verdicts, risky_variant())

    def on_crash(model: ModelFile, options: LoadOptions, sentence: str, too_many: bool) -> None:
        supervisor.note_isolated_crash(model, options, sentence, too_many)

    plan = ChildPlan(variant=variant, gpu=bool(gpu_plugins(library_folder())))
    supervisor = Supervisor(
        EngineHost(lambda: Native(variant=variant()), keeper),
        IsolatedEngine(plan, keeper=keeper, on_crash=on_crash),
        verdicts,
        Admission(verdicts, plan),
        always_isolated,
    )
    return supervisor
