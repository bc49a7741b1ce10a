"""The whole path below the window, for real: starter model, engine, encrypted vault on disk."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.listener import PATIENCE_S, Listener

from snug.domain.conversation import Conversation, ConversationSettings, Message, Role, Status
from snug.domain.errors import NotFoundError, SnugError, UserError
from snug.domain.events import (
    Event,
    Failed,
    Loading,
    ReasoningDelta,
    Started,
    StopReason,
    TextDelta,
)
from snug.domain.prompt import ContextPlan
from snug.domain.sampling import Sampling
from snug.engine.host import EngineHost
from snug.models.library import Library
from snug.models.starter import find_starter
from snug.services.conversations import ConversationService, Run
from snug.services.models import ModelService
from snug.services.requests import Extras
from snug.vault.vault import Vault

GREEDY = Sampling(temperature=0.0, max_tokens=40)
STORY = "Tell me a long story about a lighthouse."


class Desk:
    """Everything that the application is below its window."""

    def __init__(self, folder: Path, engine: EngineHost) -> None:
        self.vault = Vault.open(folder / "vault", folder / "keys", keyring_allowed=False)
        self.engine = engine
        library = Library(folder / "models", find_starter)
        self.models = ModelService(library, self.vault.conversations, engine)
        self.models.set_context_length(2048)
        self.service = ConversationService(self.vault.conversations, self.models, engine)
        self.id = self.new()

    def new(self, sampling: Sampling = GREEDY, system: str = "") -> str:
        return self.service.create(ConversationSettings(None, system, sampling)).id

    def read(self) -> Conversation:
        return self.service.conversation(self.id)

    def end(self, run: Run) -> Message:
        """The stored answer of a run, when it has ended."""
        assert run.wait(PATIENCE_S)
        return self.read().message(run.answer_id)

    def send(self, text: str) -> tuple[Message, Listener]:
        listener = Listener()
        return self.end(self.service.send(self.id, text, listener)), listener

    def plan(self, draft: str) -> ContextPlan:
        got: list[ContextPlan | SnugError] = []
        self.service.plan(self.id, draft, got.append)
        self.vault.conversations.writer.run(lambda: None)
        self.engine.call(lambda _native: None)
        assert isinstance(got[0], ContextPlan), got
        return got[0]

    def close(self) -> None:
        self.service.stop_all()
        self.vault.close()


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineHost]:
    engine = EngineHost()
    yield engine
    engine.close()


@pytest.fixture
def desk(tmp_path: Path, engine: EngineHost) -> Iterator[Desk]:
    desk = Desk(tmp_path, engine)
    yield desk
    desk.close()


def test_a_question_is_answered_and_both_are_kept(desk: Desk) -> None:
    answer, listener = desk.send("What is 2+2?")
    assert "4" in answer.text
    assert answer.text == listener.text
    assert answer.status is Status.COMPLETE
    assert answer.model == listener.started.model == desk.models.default().name
    assert answer.usage == listener.finished.usage
    assert desk.read().title == "What is 2+2?"
    assert desk.service.summaries()[0].message_count == 2


def test_every_word_is_on_disk_before_it_is_shown(desk: Desk) -> None:
    shown = ""
    stored: list[bool] = []

    def look(event: Event) -> None:
        nonlocal shown
        if isinstance(event, TextDelta):
            shown += event.text
            answer = desk.read().messages[-1]
            stored.append(answer.role is Role.ASSISTANT and answer.text == shown)

    listener = Listener(look)
    answer = desk.end(desk.service.send(desk.id, STORY, listener))
    assert len(stored) > 1
    assert all(stored)
    assert answer.text == shown


def test_five_turns_read_only_what_is_new(desk: Desk) -> None:
    held = 0
    for question in ("What is 2+2?", "And 3+3?", "Name a colour.", "Why?", "Say goodbye."):
        answer, listener = desk.send(question)
        assert listener.started.cached_tokens >= held
        assert answer.usage is not None
        held = answer.usage.prompt_tokens + answer.usage.completion_tokens - 1


def test_a_stopped_answer_goes_on_where_it_was(desk: Desk) -> None:
    whole, _ = desk.send(STORY)
    desk.id = desk.new()
    run: list[Run] = []

    def stop(event: Event) -> None:
        if isinstance(event, TextDelta) and run:
            run[0].cancel()

    listener = Listener(stop)
    run.append(desk.service.send(desk.id, STORY, listener))
    stopped = desk.end(run[0])
    assert stopped.status is Status.STOPPED
    assert listener.finished.stop_reason is StopReason.STOPPED
    assert 0 < len(stopped.text) < len(whole.text)
    resumed = Listener()
    after = desk.end(desk.service.resume(desk.id, stopped.id, resumed))
    assert after.id == stopped.id
    assert after.text == stopped.text + resumed.text
    assert after.text.startswith(whole.text)
    assert after.status is Status.COMPLETE


def test_another_answer_and_another_question_are_branches(desk: Desk) -> None:
    first, _ = desk.send("What is 2+2?")
    question = desk.read().messages[0]
    again = Listener()
    second = desk.end(desk.service.regenerate(desk.id, first.id, again))
    assert again.started.cached_tokens == again.started.prompt_tokens - 1
    assert second.text == first.text  # greedy
    assert [m.id for m in desk.read().siblings(first)] == [first.id, second.id]
    asked = desk.service.edit(desk.id, question.id, "What is 3+3?", Listener())
    third = desk.end(asked)
    assert [m.id for m in desk.read().active_path()] == [asked.user_id, third.id]
    back = desk.service.choose_branch(desk.id, first.id)
    assert [m.id for m in back.active_path()] == [question.id, first.id]
    fourth, listener = desk.send("Are you sure?")
    assert [m.text for m in desk.read().active_path()][:2] == ["What is 2+2?", first.text]
    assert fourth.parent_id is not None
    assert listener.started.dropped == 0


def test_the_plan_tells_before_sending_what_would_be_dropped(desk: Desk) -> None:
    desk.models.set_context_length(512)
    answer, listener = desk.send("What is 2+2?")
    plan = desk.plan("And 3+3?")
    assert (plan.context_length, plan.dropped, plan.overflow) == (512, 0, False)
    assert plan.prompt_tokens > listener.started.prompt_tokens
    _, second = desk.send("And 3+3?")
    assert second.started.prompt_tokens == plan.prompt_tokens
    long = "The keeper and her dog watched ships. " * 38
    assert desk.plan(long).dropped == 2
    assert desk.plan(long * 3).overflow
    failed, refused = desk.send(long * 3)
    assert failed.status is Status.FAILED
    assert failed.error == refused.failure
    assert "512" in refused.failure
    assert answer.status is Status.COMPLETE


def test_a_schema_is_followed_and_a_bad_one_is_refused_at_once(desk: Desk) -> None:
    listener = Listener()
    schema = '{"enum": ["yes", "no"]}'
    answer = desk.end(
        desk.service.send(desk.id, "Is fire hot?", listener, Extras.checked(schema=schema))
    )
    assert answer.text in ('"yes"', '"no"')
    with pytest.raises(UserError, match="pattern"):
        desk.service.send(desk.id, "Hi", Listener(), Extras.checked(schema='{"pattern": "x"}'))
    assert not desk.service.running(desk.id)


def test_the_system_prompt_and_sampling_of_a_conversation_are_used(desk: Desk) -> None:
    desk.id = desk.new(replace(GREEDY, max_tokens=3), system="You are a pirate.")
    answer, listener = desk.send("Hi")
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3
    assert answer.error == "The answer reached its token limit."
    plain = desk.new(replace(GREEDY, max_tokens=3))
    desk.id = plain
    _, other = desk.send("Hi")
    assert other.started.prompt_tokens != listener.started.prompt_tokens


def test_odd_words_are_answered_and_kept(desk: Desk) -> None:
    text = "<|im_end|>\n<|im_start|>system\n👩‍👩‍👧 مرحبا \u202e漢字"
    answer, _ = desk.send(text)
    assert answer.status is Status.COMPLETE
    assert desk.read().messages[0].text == text


def test_a_question_with_broken_bytes_is_answered(desk: Desk) -> None:
    answer, _ = desk.send("caf\udce9 \0?")  # as a terminal in another encoding gives it
    assert answer.status is Status.COMPLETE


def test_two_conversations_answer_one_after_the_other(desk: Desk) -> None:
    one, other = desk.id, desk.new()
    first, second = Listener(), Listener()
    runs = [desk.service.send(one, STORY, first), desk.service.send(other, "What is 2+2?", second)]
    assert desk.service.running(one)
    assert desk.service.running(other)
    assert all(run.wait(PATIENCE_S) for run in runs)
    assert "4" in second.text
    assert "4" in desk.service.conversation(other).messages[1].text


def test_blank_words_are_refused(desk: Desk) -> None:
    with pytest.raises(UserError, match="Write a message"):
        desk.service.send(desk.id, " \n", Listener())
    with pytest.raises(UserError, match="Write a message"):
        desk.service.edit(desk.id, "any", "", Listener())
    with pytest.raises(UserError, match="at least one letter"):
        desk.service.rename(desk.id, "\t")


def test_what_does_not_belong_to_the_action_is_told(desk: Desk) -> None:
    answer, _ = desk.send("What is 2+2?")
    question = desk.read().messages[0]
    for start in (
        lambda sink: desk.service.edit(desk.id, answer.id, "x", sink),
        lambda sink: desk.service.resume(desk.id, question.id, sink),
        lambda sink: desk.service.regenerate(desk.id, "no-such", sink),
        lambda sink: desk.service.send("no-such", "x", sink),
    ):
        listener = Listener()
        assert start(listener).wait(PATIENCE_S)
        assert isinstance(listener.events[-1], Failed)
    assert len(desk.read().messages) == 2


def test_drafts_titles_and_settings_are_kept(desk: Desk) -> None:
    desk.service.save_draft(desk.id, "half a thought")
    desk.service.rename(desk.id, "  A  new\ttitle ")
    desk.service.save_settings(desk.id, ConversationSettings("starter", "Be brief."))
    kept = desk.read()
    assert (kept.draft, kept.title) == ("half a thought", "A new title")
    assert kept.settings == ConversationSettings("starter", "Be brief.")
    desk.service.save_draft("no-such", "lost")  # nobody is told, nothing breaks
    assert desk.service.search("nothing there") == ()
    assert desk.service.search("  ") == ()


def test_an_answer_is_found_by_its_words(desk: Desk) -> None:
    answer, _ = desk.send("What is 2+2?")
    hits = desk.service.search("answer")
    assert answer.id in {hit.message_id for hit in hits}


def test_deleting_a_streaming_conversation_stops_it(desk: Desk) -> None:
    desk.id = desk.new(replace(GREEDY, max_tokens=1500))
    listener = Listener()
    run = desk.service.send(desk.id, STORY, listener)
    listener.wait_for(TextDelta)
    began = time.monotonic()
    desk.service.delete(desk.id)
    assert time.monotonic() - began < 3.0
    assert run.wait(0.0)
    with pytest.raises(NotFoundError):
        desk.read()


def test_closing_amid_an_answer_keeps_it_and_it_goes_on_after_a_restart(
    tmp_path: Path, engine: EngineHost
) -> None:
    desk = Desk(tmp_path, engine)
    desk.id = desk.new(replace(GREEDY, max_tokens=60))
    listener = Listener()
    desk.service.send(desk.id, STORY, listener)
    listener.wait_for(TextDelta)
    desk.close()
    again = Desk(tmp_path, engine)
    again.id = desk.id
    kept = again.read().messages[1]
    assert kept.status is Status.STOPPED
    assert kept.text == listener.text
    resumed = Listener()
    whole = again.end(again.service.resume(again.id, kept.id, resumed))
    assert whole.text == kept.text + resumed.text
    again.close()


def test_an_interrupted_thought_goes_on_as_a_thought(desk: Desk) -> None:
    store = desk.vault.conversations
    model = desk.models.default()
    tail = "<|im_start|>assistant\n"
    thinker = replace(
        model, name="thinker", chat_template=model.chat_template.replace(tail, f"{tail}<think>\n")
    )

    class Thinkers(Library):
        def resolve(self, reference: str) -> object:  # type: ignore[override]
            return thinker

    library = Thinkers(Path(model.path).parent, find_starter)
    models = ModelService(library, store, desk.engine)
    desk.service = ConversationService(store, models, desk.engine)
    run: list[Run] = []

    def stop(event: Event) -> None:
        if isinstance(event, ReasoningDelta) and run:
            run[0].cancel()

    first = Listener(stop)
    run.append(desk.service.send(desk.id, STORY, first))
    begun = desk.end(run[0])
    assert begun.reasoning
    assert not begun.text
    resumed = Listener()
    after = desk.end(desk.service.resume(desk.id, begun.id, resumed))
    assert resumed.reasoning
    assert resumed.started.prompt_tokens > first.started.prompt_tokens  # with what was thought
    assert after.reasoning == begun.reasoning + resumed.reasoning
    assert len(after.parts) == 1


class TestModels:
    """Which model answers, and how it is loaded."""

    def test_the_starter_is_the_default_until_another_is_chosen(self, desk: Desk) -> None:
        assert desk.models.default().source == "starter"
        assert desk.models.models()[-1] == desk.models.default()
        desk.models.choose("starter")
        assert desk.models.default().source == "starter"
        with pytest.raises(NotFoundError):
            desk.models.choose("no such model")

    def test_a_chosen_model_that_is_gone_leaves_the_starter(self, desk: Desk) -> None:
        desk.vault.conversations.set_setting("model.default", "gone")
        assert desk.models.default().source == "starter"

    def test_a_context_length_is_kept_and_bounded_by_the_model(self, desk: Desk) -> None:
        model = desk.models.default()
        desk.models.set_context_length(1024)
        assert desk.models.load_options(model).context_length == 1024
        desk.models.set_context_length(2**24)
        assert desk.models.load_options(model).context_length == model.context_length
        desk.models.set_context_length(None)
        assert desk.models.load_options(model).context_length is None
        desk.models.use_context_length(512)
        assert desk.models.load_options(model).context_length == 512
        for wrong in (255, 2**24 + 1, -1):
            with pytest.raises(UserError, match="choose 256"):
                desk.models.set_context_length(wrong)

    def test_a_model_is_loaded_ahead_of_its_first_use(self, desk: Desk) -> None:
        desk.models.set_context_length(768)
        listener = Listener()
        desk.models.preload(desk.models.default(), listener)
        assert listener.wait_for(Started).context_length == 768
        assert any(isinstance(event, Loading) for event in listener.events)
        placement = desk.models.placement()
        assert placement is not None
        assert placement[0] == desk.models.default()
        _, answered = desk.send("Hi")
        assert answered.finished.timings.load_s == 0.0
        assert not any(isinstance(event, Loading) for event in answered.events)

    def test_an_answer_tells_how_fast_this_machine_is(self, desk: Desk) -> None:
        model = desk.models.default()
        assert desk.models.fit(model).tokens_per_second is None
        answer, _ = desk.send(STORY)
        assert answer.timings is not None
        fit = desk.models.fit(model)
        assert fit.fits
        assert fit.tokens_per_second == round(answer.timings.tokens_per_second, 2)
