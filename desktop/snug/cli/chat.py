"""`snug chat`: one question, or a conversation in the terminal."""

from __future__ import annotations

import contextlib
import queue
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from snug.cli.load_options import use_load_options
from snug.cli.output import ProgressLine, print_json, printable, say
from snug.cli.sampling_options import chosen_sampling, read_text
from snug.cli.session import Session
from snug.domain.conversation import ConversationSettings
from snug.domain.errors import SnugError, UserError
from snug.domain.events import (
    Event,
    Failed,
    Finished,
    Loading,
    Paused,
    Prefill,
    ReasoningDelta,
    Resumed,
    Started,
    TextDelta,
    TokenLogprob,
    ToolCall,
)
from snug.domain.model import Adapter, ModelFile
from snug.domain.sampling import Sampling
from snug.domain.tools import openai_call
from snug.services.bundle import Services
from snug.services.conversations import Run
from snug.services.requests import Extras

INTERRUPTED = 130
_HELP = "Commands: /new starts afresh, /again answers again, /quit ends. Ctrl+C stops an answer."


@dataclass(slots=True)
class _Answer:
    """What has come of one answer."""

    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    started: Started | None = None
    finished: Finished | None = None
    failed: Failed | None = None


def run(session: Session) -> int:
    """Ask once with `--prompt`, else talk until the end of input."""
    options = session.options
    if options.prompt == "-":
        options.prompt = sys.stdin.read()
    if options.prompt is not None and not options.prompt.strip():
        raise UserError("The prompt is empty. Write a message after --prompt.")
    # Checked before anything is loaded.
    asked = Extras.checked(
        _read(options.schema, "schema"),
        options.logprobs,
        _read(options.tools, "tools"),
        options.begin or "",
    )
    opener = session.open_temporary if options.no_save else session.open
    with opener() as services:
        model = services.models.resolve(options.model) if options.model else None
        conversation_id = _conversation(services, options, model)
        if options.context_length is not None:
            services.models.use_context_length(options.context_length)
        use_load_options(services.models, options)
        if options.prompt is not None:
            return _ask_once(services, conversation_id, session, asked)
        return _talk(services, conversation_id, model, asked)


def _conversation(services: Services, options: Namespace, model: ModelFile | None) -> str:
    """The conversation to continue or a new one, with the options of this call kept in it."""
    if options.conversation:
        conversation = services.conversations.conversation(options.conversation)
        settings = _settings(services, options, model, conversation.settings)
        if settings != conversation.settings:
            services.conversations.save_settings(conversation.id, settings)
        return conversation.id
    settings = _settings(services, options, model, ConversationSettings())
    return services.conversations.create(settings).id


def _settings(
    services: Services, options: Namespace, model: ModelFile | None, old: ConversationSettings
) -> ConversationSettings:
    settings = old
    if model is not None:
        # A file that is not in the library is remembered by its path.
        named = options.model if options.model == "starter" else model.name
        known = model.sha256 != ""
        settings = replace(settings, model=named if known else model.path)
    if options.system is not None:
        settings = replace(settings, system_prompt=options.system)
    chosen = chosen_sampling(options)
    if chosen:
        base = old.sampling or (model.sampling if model is not None else None) or Sampling()
        settings = replace(settings, sampling=replace(base, **chosen))
    if options.adapter:
        target = model or services.models.for_conversation(settings)
        adapters = tuple(_adapter(services, text, target) for text in options.adapter)
        settings = replace(settings, adapters=adapters)
    return settings


def _adapter(services: Services, text: str, model: ModelFile) -> Adapter:
    """The adapter that FILE[:SCALE] names. Raises: UserError."""
    path, found, tail = text.rpartition(":")
    with contextlib.suppress(ValueError):
        if found and path:
            return services.models.adapter(Path(path), model, float(tail))
    return services.models.adapter(Path(text), model)


def _ask_once(services: Services, conversation_id: str, session: Session, asked: Extras) -> int:
    options = session.options
    answer = _Answer()
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    run = _send(services, conversation_id, options.prompt, events.put, asked)
    code = _follow(run, events, answer, quiet=options.json)
    if options.json:
        document = _document(answer, conversation_id if not options.no_save else None)
        if options.logprobs is not None:
            document["logprobs"] = [_logprob(each) for each in answer.logprobs]
        print_json(document)
    if answer.failed is not None:
        say(answer.failed.message)
        return 1
    return code


def _send(
    services: Services,
    conversation_id: str,
    text: str,
    sink: Callable[[Event], None],
    asked: Extras,
) -> Run:
    return services.conversations.send(
        conversation_id,
        text,
        sink,
        asked,
    )


def _follow(run: Run, events: queue.SimpleQueue[Event], answer: _Answer, *, quiet: bool) -> int:
    """Show the answer as it comes. Ctrl+C stops it, in order. Returns: exit code."""
    line = ProgressLine()
    code = 0
    while answer.finished is None and answer.failed is None:
        try:
            # A limit, so that Ctrl+C is seen on every platform.
            event = events.get(timeout=0.5)
        except queue.Empty:
            continue
        except KeyboardInterrupt:
            run.cancel()
            code = INTERRUPTED
            continue
        _take(event, answer, line, quiet=quiet)
    line.clear()
    if answer.text and not quiet:
        print(flush=True)
    run.wait(5.0)
    return code


def _take(event: Event, answer: _Answer, line: ProgressLine, *, quiet: bool) -> None:
    match event:
        case Loading(model, fraction):
            line.show(f"Loading {model} {fraction:.0%}")
        case Prefill(done, total):
            line.show(f"Reading {done / max(total, 1):.0%}")
        case Started():
            answer.started = event
            if event.dropped:
                say(f"The {event.dropped} oldest messages no longer fit and were left out.")
        case TextDelta(text):
            answer.text.append(text)
            answer.logprobs.extend(event.logprobs)
            if not quiet:
                line.clear()
                print(printable(text), end="", flush=True)
        case ReasoningDelta(text):
            answer.reasoning.append(text)
            line.show("Thinking …")
        case ToolCall():
            _take_call(event, answer, line, quiet=quiet)
        case Paused() | Resumed():
            say(event.reason if isinstance(event, Paused) else "It goes on.")
        case Finished():
            answer.finished = event
        case Failed():
            answer.failed = event


def _take_call(call: ToolCall, answer: _Answer, line: ProgressLine, *, quiet: bool) -> None:
    answer.calls.append(call)
    if not quiet:
        line.clear()
        say(f"The model asks for {call.name} with {call.arguments}. Snug does not run it.")


def _document(answer: _Answer, conversation_id: str | None) -> dict[str, object]:
    started, finished = answer.started, answer.finished
    usage = finished.usage if finished else None
    timings = finished.timings if finished else None
    placement = started.placement if started else None
    document: dict[str, object] = {
        "text": "".join(answer.text),
        "reasoning": "".join(answer.reasoning),
        "tool_calls": [openai_call(call) for call in answer.calls],
        "model": started.model if started else "",
        "conversation_id": conversation_id,
        "stop_reason": finished.stop_reason if finished else "error",
        "usage": usage or {"prompt_tokens": 0, "cached_tokens": 0, "completion_tokens": 0},
        "timings": timings or {"load_s": 0.0, "first_token_s": 0.0, "tokens_per_second": 0.0},
        "placement": placement or {"device": "", "layers_on_gpu": 0, "layers": 0},
    }
    if answer.failed is not None:
        document["error"] = answer.failed.message
    return document


def _logprob(told: TokenLogprob) -> dict[str, object]:
    """A token as JSON; bytes that are no whole character become U+FFFD."""
    top = [{"token": s.decode(errors="replace"), "logprob": value} for s, value in told.top]
    token = told.spelling.decode(errors="replace")
    return {"token": token, "logprob": told.logprob, "top": top}


def _read(path: Path | None, what: str) -> str:
    """A file that an option names; "" where it names none."""
    return "" if path is None else read_text(path, what)


def _talk(services: Services, conversation_id: str, model: ModelFile | None, asked: Extras) -> int:
    """A conversation, a line at a time."""
    current = model or services.models.for_conversation(
        services.conversations.conversation(conversation_id).settings
    )
    interactive = sys.stdin.isatty()
    if interactive:
        say(f"Talking to {current.name}. {current.note}".rstrip())
        say(_HELP)
    for text in _lines(interactive):
        if text == "/quit":
            break
        if text == "/new":
            settings = services.conversations.conversation(conversation_id).settings
            conversation_id = services.conversations.create(settings).id
            say("A new conversation.")
            continue
        if text == "/help":
            say(_HELP)
            continue
        answer = _Answer()
        events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        try:
            if text == "/again":
                leaf = services.conversations.conversation(conversation_id).leaf_id
                if leaf is None:
                    raise UserError("There is nothing to answer again yet.")
                run = services.conversations.regenerate(
                    conversation_id,
                    leaf,
                    events.put,
                    asked,
                )
            else:
                run = _send(services, conversation_id, text, events.put, asked)
        except SnugError as error:
            say(error.message)
            continue
        _follow(run, events, answer, quiet=False)
        if answer.failed is not None:
            say(answer.failed.message)
            if not interactive:
                return 1
    if services.conversations.conversation(conversation_id).leaf_id is None:
        services.conversations.delete(conversation_id)
    return 0


def _lines(interactive: bool) -> Iterator[str]:
    """What the person types, blank lines left out, until the end of input."""
    if interactive:
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401 - line editing and history for input()
    while True:
        try:
            text = input("\n> " if interactive else "")
        except EOFError:
            return
        if text.strip():
            yield text.strip()
