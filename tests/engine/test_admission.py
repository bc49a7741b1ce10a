"""Trials before first use, and where a model runs after them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.engine.asking import CONTEXT, GREEDY, talk
from tests.engine.tiny_models import make_lora
from tests.listener import Listener
from tests.models.mutations import write_all

from snug.domain.errors import RemedyKind, UserError
from snug.domain.events import Failed, Finished, Loading, StopReason
from snug.domain.model import Adapter, Experience, LoadOptions, ModelFile
from snug.domain.prompt import GenerationRequest
from snug.engine.admission import Admission, risky_variant
from snug.engine.crashes import CrashLimits
from snug.engine.host import EngineHost
from snug.engine.isolated import IsolatedEngine
from snug.engine.isolated_running import ChildPlan
from snug.engine.supervisor import Supervisor, proven_variant
from snug.engine.verdicts import (
    Standing,
    Verdict,
    Verdicts,
    adapter_key,
    machine_mark,
    settings_mark,
)

_ALL_SEEDS = pytest.param(range(300), marks=[pytest.mark.soak, pytest.mark.timeout(3000)])


class Pages(dict[str, str]):
    """A notebook in memory."""

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
        return super().get(name, default)

    def set(self, name: str, value: str) -> None:
        self[name] = value


@pytest.fixture
def pages() -> Pages:
    return Pages()


@pytest.fixture
def verdicts(pages: Pages) -> Verdicts:
    return Verdicts(pages, "machine")


def _stranger(starter: ModelFile) -> ModelFile:
    """The starter's file under a sha256 that nobody trusts."""
    return replace(starter, sha256="5" * 64, name="stranger")


def _aborting() -> ChildPlan:
    script = str(Path(__file__).with_name("misbehaving_child.py"))
    return ChildPlan((sys.executable, "-I", script, "SIGABRT"))


def _no_risk() -> str:
    return ""


class TestAdmission:
    """One trial."""

    def test_a_good_model_is_admitted_and_remembered(
        self, verdicts: Verdicts, pages: Pages, starter: ModelFile
    ) -> None:
        loads: list[object] = []
        model = _stranger(starter)
        admission = Admission(verdicts, ChildPlan(), _no_risk)
        admission.admit(model, CONTEXT)  # the file's pages are in memory from here on
        began = time.monotonic()
        verdict = admission.admit(model, CONTEXT, loads.append)
        print("s of a trial:", round(time.monotonic() - began, 2))
        assert verdict == Verdict(Standing.ADMITTED, "stranger")
        assert any(isinstance(event, Loading) for event in loads)
        assert Verdicts(pages, "machine").of(model.sha256) == verdict
        assert Verdicts(pages, "another").of(model.sha256) is None

    def test_a_model_that_crashes_with_every_setting_is_put_in_quarantine(
        self, verdicts: Verdicts, starter: ModelFile
    ) -> None:
        admission = Admission(verdicts, _aborting(), _no_risk)
        verdict = admission.admit(starter, CONTEXT)
        assert verdict is not None
        assert verdict.standing is Standing.ISOLATED
        assert "crashed in its trial with every setting" in verdict.reason
        assert "signal 6" in verdict.quarantined[settings_mark(CONTEXT)]

    def test_the_risky_variant_is_tried_first_and_a_crash_of_it_is_remembered(
        self, verdicts: Verdicts, starter: ModelFile
    ) -> None:
        crashing = Admission(verdicts, _aborting(), lambda: "sapphirerapids")
        crashing.admit(starter, CONTEXT)
        assert verdicts.variant_works("sapphirerapids") is False
        assert proven_variant(verdicts, "sapphirerapids") == ""
        again = crashing._settings(CONTEXT)
        assert all(not setting.variant for setting in again)

    def test_the_risky_variant_serves_once_it_is_proved(
        self, verdicts: Verdicts, starter: ModelFile
    ) -> None:
        script = str(Path(__file__).with_name("misbehaving_child.py"))
        good = ChildPlan((sys.executable, "-I", script, "good"))
        verdict = Admission(verdicts, good, lambda: "sapphirerapids").admit(starter, CONTEXT)
        assert verdict is not None
        assert verdict.risky_ok
        assert proven_variant(verdicts, "sapphirerapids") == "sapphirerapids"
        verdicts.keep_variant("sapphirerapids", works=False)
        verdicts.keep_variant("sapphirerapids", works=True)
        assert proven_variant(verdicts, "sapphirerapids") == ""

    def test_a_file_that_cannot_be_loaded_is_no_crash(
        self, verdicts: Verdicts, starter: ModelFile, tmp_path: Path
    ) -> None:
        broken = tmp_path / "broken.gguf"
        broken.write_bytes(b"GGUF" + b"\xff" * 200)
        model = replace(starter, path=str(broken), sha256="6" * 64)
        verdict = Admission(verdicts, ChildPlan(), _no_risk).admit(model, CONTEXT)
        assert verdict is not None
        assert "could not be loaded" in verdict.reason
        assert verdicts.of(model.sha256) is None  # it may be mended

    @pytest.mark.parametrize("seeds", [range(8), _ALL_SEEDS], ids=["a few", "all"])
    def test_malformed_files_end_in_words_and_never_in_this_process(
        self, verdicts: Verdicts, starter: ModelFile, tmp_path: Path, seeds: range
    ) -> None:
        admission = Admission(verdicts, ChildPlan(), _no_risk)
        ends: dict[str, int] = {}
        for seed, path in zip(seeds, write_all(tmp_path, seeds), strict=True):
            model = replace(
                starter, path=str(path), sha256=f"{seed:064x}", sampling=None, name=path.name
            )
            verdict = admission.admit(model, LoadOptions())
            assert verdict is not None
            assert verdict.standing is Standing.ADMITTED or verdict.reason
            kind = "quarantine" if verdict.quarantined else verdict.standing.value
            ends[kind] = ends.get(kind, 0) + 1
        print("malformed files:", ends)


def test_the_mark_of_this_machine_does_not_change() -> None:
    assert machine_mark() == machine_mark()
    assert risky_variant() in ("", "sapphirerapids")


def test_a_damaged_notebook_is_an_empty_one(pages: Pages) -> None:
    pages["engine.verdicts.machine"] = "{not json"
    assert Verdicts(pages, "machine").quarantined() == ()
    pages["engine.verdicts.machine"] = '{"models": {"a": {"standing": "nowhere"}}}'
    assert Verdicts(pages, "machine").of("a") is None


Build = Callable[..., Supervisor]


@pytest.fixture
def build(verdicts: Verdicts) -> Iterator[Build]:
    built: list[Supervisor] = []

    def make(trial: ChildPlan | None = None, isolated: ChildPlan | None = None,
             always: bool = False) -> Supervisor:  # fmt: skip
        engine = IsolatedEngine(
            isolated,
            crash_limits=CrashLimits(waits_s=(0.0,)),
            on_crash=lambda *crash: built[-1].note_isolated_crash(*crash),
        )
        admission = Admission(verdicts, trial or ChildPlan(), _no_risk)
        built.append(Supervisor(EngineHost(), engine, verdicts, admission, lambda: always))
        return built[-1]

    yield make
    for supervisor in built:
        supervisor.close()


def _ask(engine: Supervisor, model: ModelFile, load: LoadOptions = CONTEXT) -> Listener:
    listener = Listener()
    engine.generate(GenerationRequest(model, talk("What is 2+2?"), GREEDY, load), listener)
    listener.wait_for_end()
    return listener


class TestSupervisor:
    """Where models run."""

    def test_the_starter_runs_here_without_a_trial(
        self, build: Build, verdicts: Verdicts, pages: Pages, starter: ModelFile
    ) -> None:
        engine = build(trial=_aborting(), isolated=_aborting())
        assert "4" in _ask(engine, starter).text
        # It is known beforehand: a window that is killed amid its first answer accuses nobody.
        assert verdicts.of(starter.sha256) is None
        assert not pages.get("engine.in_flight")
        assert engine.placement() is not None

    def test_a_stranger_is_tried_and_then_runs_here(
        self, build: Build, verdicts: Verdicts, starter: ModelFile
    ) -> None:
        engine, model = build(isolated=_aborting()), _stranger(starter)
        assert "4" in _ask(engine, model).text
        kept = verdicts.of(model.sha256)
        assert kept is not None
        assert (kept.standing, kept.proved) == (Standing.ADMITTED, True)

    def test_a_stop_during_the_trial_ends_the_answer_and_leaves_no_verdict(
        self, build: Build, verdicts: Verdicts, starter: ModelFile
    ) -> None:
        engine, model, listener = build(), _stranger(starter), Listener()
        request = GenerationRequest(model, talk("Hi"), GREEDY, CONTEXT)
        job = engine.generate(request, listener)
        listener.wait_for(Loading)
        job.cancel()
        end = listener.wait_for_end()
        assert isinstance(end, Finished)
        assert end.stop_reason is StopReason.STOPPED
        assert verdicts.of(model.sha256) is None

    def test_the_persons_choice_shuts_every_model_in(
        self, build: Build, starter: ModelFile
    ) -> None:
        engine = build(trial=_aborting(), always=True)
        assert "4" in _ask(engine, starter).text
        assert engine._direct.placement() is None
        assert engine._isolated.placement() is not None
        with pytest.raises(UserError, match="Where models run"):
            engine.embed(starter, CONTEXT, ["a"])

    def test_a_model_that_took_the_application_down_runs_shut_in(
        self, build: Build, verdicts: Verdicts, starter: ModelFile
    ) -> None:
        verdicts.mark_in_flight(starter.sha256)  # and then the process died
        engine = build()
        kept = verdicts.of(starter.sha256)
        assert kept is not None
        assert kept.standing is Standing.ISOLATED
        assert verdicts.in_flight() == ""
        assert "4" in _ask(engine, starter).text
        assert engine._direct.placement() is None

    def test_three_crashes_end_in_quarantine_and_a_release_ends_that(
        self, build: Build, verdicts: Verdicts, starter: ModelFile
    ) -> None:
        engine = build(isolated=_aborting())
        engine.note_crash(starter.sha256, "It crashed.")
        failures = [_ask(engine, starter).failure for _ in range(5)]
        assert engine._isolated.starts == 3  # type: ignore[attr-defined]
        assert "release it from quarantine" in failures[4]
        assert "signal 6" in failures[4]
        (entry,) = engine.quarantined()
        assert (entry.sha256, entry.name) == (starter.sha256, starter.name)
        engine.forgive(starter.sha256)
        assert engine.quarantined() == ()
        assert "4" in _ask(engine, starter).text

    def test_other_settings_get_a_chance_of_their_own(
        self, build: Build, verdicts: Verdicts, starter: ModelFile
    ) -> None:
        bad = {settings_mark(CONTEXT): "It crashed."}
        verdicts.keep(starter.sha256, Verdict(Standing.ISOLATED, quarantined=bad))
        engine = build()
        refusal = _ask(engine, starter).events[-1]
        assert isinstance(refusal, Failed)
        assert refusal.remedies[0].kind is RemedyKind.RELEASE_QUARANTINE
        assert "4" in _ask(engine, starter, LoadOptions(context_length=1024)).text

    def test_what_loads_taught_ends_no_quarantine(
        self, build: Build, verdicts: Verdicts, starter: ModelFile
    ) -> None:
        bad = {settings_mark(CONTEXT): "It crashed."}
        verdicts.keep(starter.sha256, Verdict(Standing.ISOLATED, quarantined=bad))
        wiser = replace(CONTEXT, experience=Experience(1.2, 2, 2))
        assert "in quarantine" in _ask(build(), starter, wiser).failure

    def test_a_crash_counts_though_the_settings_were_made_plainer(
        self, build: Build, verdicts: Verdicts, starter: ModelFile
    ) -> None:
        plain = Verdict(Standing.ISOLATED, extra_buffers=False, gpu=False)
        verdicts.keep(starter.sha256, plain)
        engine = build()
        engine.note_isolated_crash(starter, plain.adapt(CONTEXT), "It crashed.", True)
        assert "in quarantine" in _ask(engine, starter).failure

    def test_a_defect_in_a_trial_is_told_and_the_next_model_gets_its_trial(
        self, build: Build, starter: ModelFile, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        engine, model = build(), _stranger(starter)

        def fail(*_arguments: object) -> None:
            raise RuntimeError("a defect")

        monkeypatch.setattr(engine._admission, "admit", fail)
        assert "Snug made a mistake" in _ask(engine, model).failure
        monkeypatch.undo()
        assert "4" in _ask(engine, model).text

    def test_closing_tells_everybody_who_waits_for_a_trial(
        self, build: Build, verdicts: Verdicts, starter: ModelFile
    ) -> None:
        engine = build()
        listeners = [Listener() for _ in range(3)]
        for number, listener in enumerate(listeners):
            model = replace(starter, sha256=f"{number:064x}")
            engine.generate(GenerationRequest(model, talk("Hi"), GREEDY, CONTEXT), listener)
        listeners[0].wait_for(Loading)
        engine.close()
        for listener in listeners:
            assert listener.wait_for_end()
        assert [verdicts.of(f"{number:064x}") for number in range(3)] == [None] * 3

    def test_a_draft_and_an_adapter_get_a_trial_of_their_own(
        self, build: Build, verdicts: Verdicts, starter: ModelFile, tmp_path: Path
    ) -> None:
        draft = _stranger(starter)
        path = make_lora(tmp_path / "a.gguf", 576)
        adapter = Adapter(str(path), "7" * 64)
        engine, listener = build(), Listener()
        load = replace(CONTEXT, context_length=512, draft=draft)
        request = GenerationRequest(starter, talk("Hi"), GREEDY, load, adapters=(adapter,))
        engine.generate(request, listener)
        assert isinstance(listener.wait_for_end(), Finished)
        for key in (draft.sha256, adapter_key(starter, adapter)):
            verdict = verdicts.of(key)
            assert verdict is not None
            assert verdict.standing is Standing.ADMITTED
        assert engine._direct.placement() is not None
        engine.forgive(starter.sha256)
        assert verdicts.of(adapter_key(starter, adapter)) is None

    @pytest.mark.parametrize("which", ["draft", "adapter"])
    def test_what_is_loaded_with_a_crashed_draft_or_adapter_runs_shut_in(
        self, build: Build, verdicts: Verdicts, starter: ModelFile, which: str, tmp_path: Path
    ) -> None:
        draft, load = _stranger(starter), replace(CONTEXT, context_length=512)
        adapter = Adapter(str(make_lora(tmp_path / "a.gguf", 576)), "7" * 64)
        engine, listener = build(trial=_aborting()), Listener()
        request = GenerationRequest(starter, talk("What is 2+2?"), GREEDY, load)
        if which == "draft":
            request = replace(request, load=replace(load, draft=draft))
        else:
            request = replace(request, adapters=(adapter,))
        engine.generate(request, listener)
        assert isinstance(listener.wait_for_end(), Finished)
        assert engine._direct.placement() is None
        assert engine._isolated.placement() is not None

    def test_a_plan_and_a_fit_of_an_unknown_model_do_not_load_it_here(
        self, build: Build, starter: ModelFile
    ) -> None:
        engine, model = build(), _stranger(starter)
        assert engine.fit(model, CONTEXT).fits
        engine.plan(GenerationRequest(model, talk("Hi"), GREEDY, CONTEXT), pytest.fail)
        assert engine._direct.placement() is None
